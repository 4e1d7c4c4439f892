"""The command ``bench``, from tasks and samples to grades and explanations."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import Any

from synthetic.parallelbench.ceiling_command import OfTokenizer, add_ceilings, ceilings, table
from synthetic.parallelbench.command_parts import counted, matching, percent, sizes_of
from synthetic.parallelbench.explanations import explain
from synthetic.parallelbench.make import PAPER_SIZES, make_samples
from synthetic.parallelbench.optimum_command import add_bounds, bounds
from synthetic.parallelbench.outputs import read_outputs
from synthetic.parallelbench.protocol import PROTOCOLS, protocol
from synthetic.parallelbench.samples import read_samples, write_samples
from synthetic.parallelbench.tasks import TASKS, bench_task
from synthetic.parallelbench.text_metrics import grammar_checker
from synthetic.parallelbench.texts import texts_as_samples
from synthetic.parallelbench.verdicts import Verdict, grade
from theory.commands.command_line import whole
from theory.commands.listing import Listing, add_listing, show_listing
from theory.commands.progress import working
from theory.commands.terminal import terminal
from theory.validation import InputError

__all__ = ["add", "run"]

LEVEL = 0.95


def add(parser: argparse.ArgumentParser) -> Any:
    """Add the commands and their arguments, and return the commands, to which others are added."""
    commands: Any = parser.add_subparsers(
        dest="bench", required=True, metavar="COMMAND", parser_class=type(parser)
    )
    tasks = commands.add_parser("tasks", help="the 17 tasks, their graders and released names")
    add_listing(tasks)
    make = commands.add_parser("make", help="write samples as JSON Lines in the released schema")
    make.add_argument("tasks", nargs="+", metavar="TASK", help="names or patterns such as 'waiting_line/*'")
    make.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="one file per task, DIR/GROUP/TASK.jsonl"
    )
    make.add_argument("--count", type=whole, default=100, help="samples per task (default 100)")
    make.add_argument(
        "--sizes", default=",".join(map(str, PAPER_SIZES)), help="people in a line (default 3,4,5,6)"
    )
    make.add_argument("--seed", type=whole, default=0, help="of all randomness (default 0)")
    make.add_argument("--sharing", action="store_true", help="people may share a first or a last name")
    make.add_argument(
        "--sort-by", choices=("whole", "last"), default="whole", help="what sort compares (as released)"
    )
    make.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="texts for paraphrase or summary, JSONL"
    )
    _add_protocol(make)
    graded = commands.add_parser("grade", help="grade a file of outputs: released, strict and sound scores")
    _add_task(graded)
    graded.add_argument(
        "--outputs", type=Path, required=True, metavar="FILE", help="JSONL with output, or an lm-eval log"
    )
    add_listing(graded)
    why = commands.add_parser("explain", help="how one output is read, and why it passes or fails")
    _add_task(why)
    why.add_argument("--index", type=whole, default=0, help="which sample, from 0 (default 0)")
    why.add_argument(
        "--output", required=True, metavar="TEXT", help="the output; - reads it from the standard input"
    )
    add_ceilings(commands)
    add_bounds(commands)
    return commands


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protocol", choices=tuple(PROTOCOLS), default="v1", help="v1 is the paper's (default)"
    )


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", required=True, help="its name, such as waiting_line/shuffle")
    parser.add_argument("--samples", type=Path, required=True, metavar="FILE", help="the samples, JSONL")
    parser.add_argument(
        "--grammar", default="languagetool", metavar="NAME", help="or module:function of your own"
    )
    _add_protocol(parser)


def run(arguments: argparse.Namespace, of_tokenizer: OfTokenizer | None = None) -> int:
    """Run a command and return its exit status; ``of_tokenizer`` reads layouts from a tokenizer's folder."""
    if arguments.bench in ("ceiling", "bounds"):
        return (ceilings if arguments.bench == "ceiling" else bounds)(arguments, of_tokenizer)
    return _COMMANDS[arguments.bench](arguments)


def _tasks(arguments: argparse.Namespace) -> int:
    rows = [
        {"task": task.name, "grader": task.grader, "other names": ", ".join(task.released)}
        for task in TASKS.values()
    ]
    listing = Listing(
        title="tasks of ParallelBench", rows=rows, answer={"tasks": rows}, wrapped=("other names",)
    )
    show_listing(listing, arguments)
    return 0


def _make(arguments: argparse.Namespace) -> int:
    chosen, rules = matching(arguments.tasks), protocol(arguments.protocol)
    sizes = sizes_of(arguments.sizes)
    made = {
        task: texts_as_samples(arguments.source, task)
        if arguments.source is not None
        else make_samples(
            *(task, rules),
            count=arguments.count,
            sizes=sizes,
            seed=arguments.seed,
            sharing=arguments.sharing,
            by=arguments.sort_by,
        )
        for task in counted(chosen, "make")
    }
    for task, samples in made.items():  # all are made before any is written
        path = arguments.out / f"{task.name}.jsonl"
        write_samples(path, samples)
        sys.stdout.write(f"{path}: {len(samples)} samples\n")
    return 0


def _grade(arguments: argparse.Namespace) -> int:
    task, rules = bench_task(arguments.task), protocol(arguments.protocol)
    grammar = grammar_checker(arguments.grammar) if task.kind == "text" else None
    verdicts: list[Verdict] = []
    gc.disable()  # nothing here has cycles, and the collector would walk all samples again and again
    try:
        with working("parabounds bench grade") as work:
            samples = read_samples(arguments.samples, task)
            outputs = sorted(read_outputs(arguments.outputs, len(samples)).items())
            for done, (i, text) in enumerate(outputs):
                work.parts(done, len(outputs))
                verdicts.append(grade(task, samples[i], text, rules, grammar=grammar))
    finally:
        gc.enable()
    answer: dict[str, Any] = {
        "task": task.name,
        "protocol": rules.name,
        "samples": len(samples),
        "graded": len(verdicts),
    }
    answer |= _means(verdicts)
    rows = [
        {"score": name, "percent": f"{100 * value['mean']:.2f}", "95 %": percent(value["interval"])}
        for name, value in answer["scores"].items()
    ]
    title = f"{task.name}, protocol {rules.name}: {len(verdicts)} of {len(samples)} samples graded"
    show_listing(Listing(title=title, rows=rows, answer=answer), arguments)
    return 0


def _means(verdicts: list[Verdict]) -> dict[str, Any]:
    columns: dict[str, list[float]] = {"score": [verdict.score for verdict in verdicts]}
    for name in ("strict", "sound"):
        values = [getattr(verdict, name) for verdict in verdicts]
        if None not in values:
            columns[name] = [float(value) for value in values]
    columns |= {name: [verdict.metrics[name] for verdict in verdicts] for name in verdicts[0].metrics}
    means = {name: {"mean": sum(c) / len(c), "interval": _interval(c)} for name, c in columns.items()}
    return {"scores": means}


def _interval(values: list[float]) -> list[float] | None:
    """Return the exact binomial interval of right and wrong answers; none for metrics between."""
    if not set(values) <= {0.0, 1.0}:
        return None
    from scipy.stats import binomtest

    ends = binomtest(int(sum(values)), len(values)).proportion_ci(LEVEL, method="exact")
    return [float(ends.low), float(ends.high)]


def _explain(arguments: argparse.Namespace) -> int:
    task, rules = bench_task(arguments.task), protocol(arguments.protocol)
    samples = read_samples(arguments.samples, task)
    if not 0 <= arguments.index < len(samples):
        raise InputError(f"--index must lie in 0..{len(samples) - 1}, got {arguments.index}.")
    output = sys.stdin.read() if arguments.output == "-" else arguments.output
    grammar = grammar_checker(arguments.grammar) if task.kind == "text" else None
    text = explain(task, samples[arguments.index], output, rules, grammar=grammar)
    terminal().print(text, soft_wrap=True)
    return 0


_COMMANDS = {
    "tasks": _tasks,
    "make": _make,
    "grade": _grade,
    "explain": _explain,
    "table": table,
}

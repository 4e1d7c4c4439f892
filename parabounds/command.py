"""The command ``parabounds``.

Exit status: 0 if done, 1 if a check or a comparison fails, 2 for wrong input, 130 if interrupted, 141 if the reader of
the output has gone.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figures
import models
import synthetic
import theory
from parabounds.arguments import BENCH, MODELS, build_parser
from parabounds.compare import comparison
from parabounds.explorer import command as explorer
from parabounds.results import (
    Result,
    ask_audit,
    ask_bounds,
    ask_decode,
    ask_frontier,
    ask_policy,
    ask_schedule,
)
from parabounds.terminal import check_out, print_result, write_result
from synthetic.parallelbench import command as bench
from synthetic.parallelbench.tasks import BenchTask
from theory.commands.arguments import switches
from theory.commands.command_line import as_json, guarded, within_limits
from theory.commands.progress import Work, working
from theory.decoding.structured.layout import Layout
from theory.distributions.tempering import check_temperature
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["main"]

OURS = (
    figures,
    models,
    synthetic,
    theory,
)  # imported before the working folder may offer modules of these names
PROGRAM = "parabounds"


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends other processes too
    for folder in (Path(theory.__file__).parents[1], Path.cwd()):  # workers look for ours first, too
        if str(folder) not in sys.path:
            sys.path.append(str(folder))  # the last is for tasks and policies as module:attribute
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.print_completion:
        import shtab

        print(shtab.complete(parser, args.print_completion))
        return 0
    if args.command is None:
        parser.print_help()
        return 0
    if args.command == "figures":
        from figures.command import run

        return run(args, f"{PROGRAM} figures")
    return guarded(lambda: within_limits(args, _run), f"{PROGRAM} {args.command}")


def _run(args: argparse.Namespace) -> int:
    if args.command == "model":
        return MODELS[args.model_command][0].run(args)
    if args.command == "bench":
        return _bench(args) if args.bench in BENCH else bench.run(args, _of_tokenizer)
    if args.command == "explorer":
        return explorer.run(args)
    if getattr(args, "markdown", False):
        from theory.commands.rules import rules_table

        print(rules_table(), end="")
        return 0
    if getattr(args, "seed", 0) < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {args.seed}.")
    check_out(args.out)
    path = _plot_path(args)
    about = getattr(args, "task", None) or getattr(args, "file", None) or ""
    with working(f"{PROGRAM} {args.command} {about}".rstrip()) as work:
        result = _ask(args, work)
    if args.json:
        print(as_json({**result.answer, **({} if path is None else {"plot": args.plot})}))
    elif "-" not in (args.csv, args.latex):
        print_result(result, forms=args.forms, whole=args.all)
    write_result(result, out=args.out, table=args.csv, tex=args.latex)
    if path is not None:
        _draw(result, path)
    return 0


def _of_tokenizer(folder: Path, task: BenchTask, people: int, names: Path | None) -> Layout:
    from models.benchmark.tokenizer_layout import tokenizer_layout  # which loads torch

    return tokenizer_layout(folder, task, people, names)


def _bench(args: argparse.Namespace) -> int:
    check_out(args.out)
    answer = BENCH[args.bench][0].answer(args)
    if not answer:  # another worker of torchrun reports
        return 0
    result = Result("bench", answer)
    if args.json:
        print(as_json(answer))
    elif "-" not in (args.csv, args.latex):
        print_result(result, forms=args.forms, whole=True)
    write_result(result, out=args.out, table=args.csv, tex=args.latex)
    return 0


def _ask(args: argparse.Namespace, work: Work) -> Result:
    if args.command in _OTHERS:
        return Result(args.command, _OTHERS[args.command](args, work))
    if getattr(args, "samples", None) is not None:
        positive_int(args.samples, "samples")
    if getattr(args, "float", False) and args.exact:
        raise InputError("--float asks for rounded numbers, --exact for those as written; give one of them.")
    own = {key: getattr(args, key) for key in ("samples", "seed") if hasattr(args, key)}
    task = synthetic.find_task(args.task, args.n, normalise=args.normalise, exact=args.exact)
    if args.command == "bounds":
        wanted = {"adaptive": args.adaptive, "randomized": args.randomized, "count": args.count}
        wanted |= {"seconds": float(exact_fraction(args.seconds, "--seconds")), "say": work.say}
        return ask_bounds(task, args.partition, float=args.float, **wanted, **own)
    if args.command == "schedule":
        return ask_schedule(task, float=args.float, **own)
    if args.command == "frontier":
        wanted = {key: getattr(args, key) for key in ("within", "entropy", "rules")}
        wanted |= {"seconds": float(exact_fraction(args.seconds, "--seconds")), "say": work.say}
        return ask_frontier(task, **wanted, report=work.parts, **own)
    if args.command == "policy":
        return ask_policy(task, args.steps)
    if args.command == "compare":
        taus = [check_temperature(part) for part in args.temperature.split(",")]
        own |= {"seconds": float(exact_fraction(args.seconds, "--seconds")), "say": work.say}
        return comparison(task, args.policy or args.usual, temperature=taus, report=work.parts, **own)
    return ask_decode(task, args.policy, **own, **switches(args))


def _plot_path(args: argparse.Namespace) -> Path | None:
    if getattr(args, "plot", None) is None:
        return None
    from figures.drawing.save_picture import check_plot_file

    return check_plot_file(args.plot)


def _draw(result: Result, path: Path) -> None:
    from figures.drawing.policy_tree import draw_policy
    from figures.drawing.save_picture import save_picture

    if result.kind == "policy":  # with the bars of each step
        save_picture(lambda: draw_policy(dict(result.answer)), path)
        return
    save_picture(lambda: result.plot().get_figure(), path)  # type: ignore[arg-type, return-value]


def _tasks(_: argparse.Namespace, _work: Work) -> dict[str, Any]:
    rows = []
    for name, cls in synthetic.known_tasks().items():
        about = " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
        rows.append({"task": name, "size": "-n" if cls.sizes else "fixed", "about": about})
    return {"tasks": rows}


def _rules(_: argparse.Namespace, _work: Work) -> dict[str, Any]:
    from theory.commands.rules import rules_answer

    return {"rules": rules_answer()}


def _audit(args: argparse.Namespace, _work: Work) -> dict[str, Any]:
    made = None if args.task is None else lambda n: synthetic.find_task(args.task, n)
    rules = [args.rule, *args.beside]
    return dict(ask_audit(rules, args.masked, args.steps, made, **switches(args)).answer)


def _estimate(args: argparse.Namespace, work: Work) -> dict[str, Any]:
    from theory.bounds.partitions.partition import check_partition
    from theory.commands.bounds import parse_partition
    from theory.commands.estimate import estimate_answer
    from theory.sampling.observed import read_samples

    tokenize = None
    if args.tokenizer is not None:
        from models.predictors.huggingface_tokenizer import read_tokenizer

        tokenize = read_tokenizer(args.tokenizer)
    seen = read_samples(args.file, tokenize)
    partition = None if args.partition is None else check_partition(parse_partition(args.partition), seen.n)
    return estimate_answer(seen, partition, policies=args.policy, seed=args.seed, say=work.say)


_OTHERS: dict[str, Callable[[argparse.Namespace, Work], dict[str, Any]]] = {
    "audit": _audit,
    "estimate": _estimate,
    "rules": _rules,
    "tasks": _tasks,
}

"""The commands ``bench ceiling`` and ``bench table``, what a perfect model would score."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from synthetic.parallelbench.ceiling_table import build_table
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.command_parts import counted, matching, percent, sizes_of
from synthetic.parallelbench.list_ceilings import LAYOUTS, tie_ends
from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.puzzle_ceilings import PUZZLE_LAYOUTS
from synthetic.parallelbench.sampled_ceilings import sampled_ceiling
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.written_layouts import read_layout
from theory.commands.command_line import whole
from theory.commands.listing import Listing, add_listing, show_listing
from theory.decoding.structured.layout import Layout
from theory.policies import parse_policy
from theory.policies.policy import Policy
from theory.validation import InputError

__all__ = ["OfTokenizer", "add_ceilings", "add_layout", "ceilings", "layout_of", "table"]

OfTokenizer = Callable[
    [Path, BenchTask, int, Path | None], Layout
]  # folder, task, most people, file of names


def add_ceilings(commands: Any) -> None:
    """Add the two commands and their arguments."""
    top = commands.add_parser(
        "ceiling", help="what a perfect model would score on lists and puzzles, exactly"
    )
    top.add_argument("tasks", nargs="+", metavar="TASK", help="names or patterns such as 'waiting_line/*'")
    top.add_argument(
        "--policy", action="append", required=True, metavar="SPEC", help="a ranked rule; may be repeated"
    )
    add_layout(top)
    top.add_argument(
        "--temperature", choices=("0", "1"), default="0", help="0 as in the paper (default), or 1"
    )
    top.add_argument(
        "--sizes", default=",".join(map(str, PAPER_SIZES)), help="people in a line (default 3,4,5,6)"
    )
    top.add_argument("--samples", type=whole, help="sample that many answers instead, for any size and rule")
    top.add_argument("--seed", type=whole, default=0, help="of the samples (default 0)")
    top.add_argument(
        "--ties",
        action="store_true",
        help="also the least and greatest accuracy of lists over all choices among tied tokens, at temperature 0",
    )
    top.add_argument(
        "--holes",
        type=whole,
        help="random empty cells of a Sudoku, as in v2 (default: one solution, as in v1)",
    )
    add_listing(top)
    again = commands.add_parser("table", help="compute the table of ceilings that `ceiling` reads (minutes)")
    again.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file, such as ceilings.csv.gz"
    )
    again.add_argument("--jobs", type=whole, default=2, help="processes (default 2)")


def add_layout(top: Any) -> None:
    """Add the arguments that name a token layout."""
    top.add_argument(
        "--layout",
        default="released",
        metavar="NAME|PATH",
        help="how people are written: items, names, released; a directory with a tokenizer, or a JSON file with "
        "length and places (default released)",
    )
    top.add_argument(
        "--names",
        type=Path,
        metavar="FILE",
        help="names that the tokenizer writes, one 'First Last' a line (our own)",
    )


def ceilings(arguments: argparse.Namespace, of_tokenizer: OfTokenizer | None) -> int:
    """Print ceilings, exact or in samples; ``of_tokenizer`` reads the layout that a tokenizer has for a task."""
    sizes, tasks = sizes_of(arguments.sizes), matching(arguments.tasks)
    if arguments.ties and (arguments.temperature != "0" or any(task.operation is None for task in tasks)):
        raise InputError("--ties is for lists at temperature 0.")
    layouts = {task: layout_of(arguments, task, max(sizes), of_tokenizer) for task in tasks}
    if arguments.samples is not None:
        return _sampled(arguments, sizes, layouts)
    rows: list[dict[str, Any]] = []
    layout, temperature = str(arguments.layout), int(arguments.temperature)
    policies = [parse_policy(spec) for spec in arguments.policy]
    for task, policy in counted([*product(tasks, policies)], "ceiling"):
        found = ceiling(
            *(task, policy),
            sizes=sizes,
            layout=layouts[task],
            temperature=temperature,
            holes=arguments.holes if task.name.endswith("sudoku") else None,
        )
        rows.append(
            {"task": task.name, "policy": str(policy), "layout": layout, "temperature": temperature}
            | {"accuracy": found.accuracy}
            | {"steps": found.steps, "tokens_per_step": found.tokens_per_step}
            | {"by_size": [[n, value] for n, value in found.by_size.items()]}
            | _written(layouts[task])
            | _ties(arguments, task, policy, sizes, layouts[task])
        )
    exact = [
        {key: str(row[key]) for key in ("accuracy", "steps", "tokens_per_step")}
        | ({"ties": [str(end) for end in row["ties"]]} if arguments.ties else {})
        for row in rows
    ]
    shown = [
        {"task": row["task"], "policy": row["policy"], "accuracy %": f"{100 * float(row['accuracy']):.2f}"}
        | ({"over ties": percent([float(end) for end in row["ties"]])} if arguments.ties else {})
        | {"steps": f"{float(row['steps']):.2f}"}
        | ({} if arguments.ties else {"tokens/step": f"{float(row['tokens_per_step']):.2f}"})
        for row in rows
    ]
    title = f"a perfect model, layout {arguments.layout}, temperature {arguments.temperature}"
    answer = {"ceilings": rows, "exact": exact}
    show_listing(Listing(title=title, rows=shown, answer=answer, wrapped=("policy",)), arguments)
    return 0


def layout_of(
    arguments: argparse.Namespace, task: BenchTask, people: int, of_tokenizer: OfTokenizer | None
) -> str | Layout:
    """Return the layout that the arguments name, for answers of up to one more person than in the line."""
    given, path = str(arguments.layout), Path(arguments.layout)
    if given in (*LAYOUTS, *PUZZLE_LAYOUTS):
        return given
    if path.is_dir() and of_tokenizer is not None:
        return of_tokenizer(path, task, people + 1, arguments.names)
    if path.is_file():
        return read_layout(path)
    raise InputError(
        f"--layout must be {', '.join(LAYOUTS)}, or a file or folder that exists; got {given!r}."
    )


def _ties(
    arguments: argparse.Namespace, task: BenchTask, policy: Policy, sizes: list[int], layout: str | Layout
) -> dict[str, Any]:
    if not arguments.ties or task.operation is None:
        return {}
    return {"ties": list(tie_ends(task.operation, sizes, policy, layout=layout))}


def _written(layout: str | Layout) -> dict[str, Any]:
    if isinstance(layout, str):
        return {}
    return {"places": [list(item) for item in layout.places], "length": layout.length}


def _sampled(arguments: argparse.Namespace, sizes: list[int], layouts: dict[BenchTask, str | Layout]) -> int:
    rows: list[dict[str, Any]] = []
    policies = [parse_policy(spec) for spec in arguments.policy]
    asked = [
        one
        for one in product(matching(arguments.tasks), policies, sizes)
        if one[0].kind == "list" or one[2] == sizes[0]
    ]
    for task, policy, n in counted(asked, "ceiling"):
        found = sampled_ceiling(
            task,
            policy,
            people=n,
            layout=layouts[task],
            temperature=int(arguments.temperature),
            samples=arguments.samples,
            seed=arguments.seed,
            holes=arguments.holes if task.name.endswith("sudoku") else None,
        )
        people = n if task.kind == "list" else None
        rows.append(
            {"task": task.name, "policy": str(policy), "people": people, "samples": found.samples}
            | {"accuracy": found.accuracy, "interval": [found.low, found.high], "steps": found.steps}
        )
    shown = [
        {"task": row["task"], "policy": row["policy"], "people": str(row["people"] or "")}
        | {"accuracy %": f"{100 * row['accuracy']:.2f}", "95 %": percent(row["interval"])}
        | {"steps": f"{row['steps']:.2f}"}
        for row in rows
    ]
    title = f"a perfect model in {arguments.samples} samples, layout {arguments.layout}"
    answer = {"ceilings": rows, "layout": arguments.layout}
    show_listing(Listing(title=title, rows=shown, answer=answer, wrapped=("policy",)), arguments)
    return 0


def table(arguments: argparse.Namespace) -> int:
    """Compute the table of ceilings and write it."""

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    count = build_table(arguments.out, jobs=arguments.jobs, say=say)
    sys.stdout.write(f"{arguments.out}: {count} ceilings, {arguments.out.stat().st_size} bytes\n")
    return 0

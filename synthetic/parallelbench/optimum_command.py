"""The command ``bench bounds``, what any decoder loses in a token layout."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product
from typing import Any, cast

from synthetic.parallelbench.ceiling_command import OfTokenizer, add_layout, layout_of
from synthetic.parallelbench.command_parts import counted, matching, sizes_of
from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.optimum import optimum
from theory.commands.listing import Listing, add_listing, show_listing

__all__ = ["add_bounds", "bounds"]


def add_bounds(commands: Any) -> None:
    """Add the command and its arguments."""
    top = commands.add_parser(
        "bounds", help="what any decoder loses on lists and puzzles: C, L*_T and the frontier"
    )
    top.add_argument("tasks", nargs="+", metavar="TASK", help="names or patterns such as 'waiting_line/*'")
    add_layout(top)
    top.add_argument(
        "--sizes", default=",".join(map(str, PAPER_SIZES)), help="people in a line (default 3,4,5,6)"
    )
    add_listing(top)


def bounds(arguments: argparse.Namespace, of_tokenizer: OfTokenizer | None) -> int:
    """Print the least losses of tasks; ``of_tokenizer`` reads the layout that a tokenizer has for a task."""
    sizes, tasks = sizes_of(arguments.sizes), matching(arguments.tasks)
    layouts = {task: layout_of(arguments, task, max(sizes), of_tokenizer) for task in tasks}
    asked = [pair for pair in product(tasks, sizes) if pair[0].kind == "list" or pair[1] == sizes[0]]
    rows: list[dict[str, Any]] = [
        {"task": task.name, "people": n if task.kind == "list" else None, "layout": str(arguments.layout)}
        | optimum(task, n, layouts[task])
        for task, n in counted(asked, "bounds")
    ]
    shown: list[dict[str, str]] = [
        {"task": row["task"], "people": "" if row["people"] is None else str(row["people"])}
        | {"L*_1, L*_2, ..": " ".join(map(_bits, row["losses"]))}
        | {"frontier": " ".join(_corners(row["frontier"]))}
        for row in rows
    ]
    bits = "bits, or certified brackets low..high" if any(map(_bracketed, shown)) else "bits"
    title = f"least loss in bits (frontier: steps:{bits}), layout {arguments.layout}"
    wrapped = ("L*_1, L*_2, ..", "frontier")
    show_listing(Listing(title=title, rows=shown, answer={"bounds": rows}, wrapped=wrapped), arguments)
    return 0


def _bracketed(row: dict[str, str]) -> bool:
    return ".." in row["L*_1, L*_2, .."] + row["frontier"]


def _corners(frontier: list[Any]) -> Iterator[str]:
    for steps, bits in frontier:
        if isinstance(bits, list) and bits[0] == 0:
            yield "then 0..L*_T"
            return
        yield f"{float(steps):.3g}:{_bits(bits)}"


def _bits(value: Any) -> str:
    if isinstance(value, list):
        low, high = map(_bits, cast("list[Any]", value))
        return low if low == high else f"{low}..{high}"
    return f"{float(value):.3g}"

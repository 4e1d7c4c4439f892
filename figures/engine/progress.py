"""Progress of a run on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from theory.commands.progress import working

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Advance", "progress"]

Advance = Callable[[str], None]  # called for each finished cell with the name of its figure


@contextmanager
def progress(totals: Mapping[str, int], done: Mapping[str, int]) -> Generator[Advance]:
    """Show progress inside the ``with`` block; yield the function to call for each finished cell.

    Args:
        totals: Number of cells, by figure.
        done: How many of them are finished from the start.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with _bars(console, totals, done) if console.is_terminal else _lines(totals, done) as advance:
        yield advance


@contextmanager
def _bars(console: Console, totals: Mapping[str, int], done: Mapping[str, int]) -> Generator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    name, left = TextColumn("{task.description}"), TextColumn("left")
    parts = (name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), left)
    with Progress(*parts, console=console) as bars:
        tasks = {name: bars.add_task(name, total=totals[name], completed=done[name]) for name in totals}
        yield lambda name: bars.advance(tasks[name])


@contextmanager
def _lines(totals: Mapping[str, int], done: Mapping[str, int]) -> Generator[Advance]:
    left = {name: totals[name] - done[name] for name in totals}
    start, here = monotonic(), sum(left.values())

    def report(name: str) -> None:
        kept = f", {done[name]} of them kept from before" if done[name] else ""
        print(f"{name}: {totals[name]} cells{kept}, {monotonic() - start:.0f} s", file=sys.stderr)  # noqa: T201

    def advance(name: str) -> None:
        left[name] -= 1
        work.parts(here - sum(left.values()), here)
        if not left[name]:
            report(name)

    for name in totals:
        if not left[name]:
            report(name)
    with working("cells") as work:
        yield advance

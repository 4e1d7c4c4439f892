"""Parts that the commands of the benchmark share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from typing import TypeVar

from synthetic.parallelbench.tasks import TASKS, BenchTask, bench_task
from theory.commands.progress import working
from theory.commands.terminal import terminal
from theory.validation import InputError, positive_int

__all__ = ["counted", "matching", "percent", "print_rows", "sizes_of"]

Item = TypeVar("Item")
_FOLDED = ("other names", "policy", "L*_1, L*_2, ..", "frontier")  # columns that may take several lines


def matching(patterns: list[str]) -> list[BenchTask]:
    """Return the tasks of names and patterns, each once."""
    found: dict[str, BenchTask] = {}
    for pattern in patterns:
        if any(mark in pattern for mark in "*?["):
            matched = [task for name, task in TASKS.items() if fnmatch(name, pattern)]
            if not matched:
                raise InputError(f"no task matches {pattern!r}; known: {', '.join(TASKS)}.")
        else:
            matched = [bench_task(pattern)]
        found |= {task.name: task for task in matched}
    return list(found.values())


def sizes_of(text: str) -> list[int]:
    """Return the sizes of a text such as ``3,4,5``."""
    return [positive_int(part, "--sizes") for part in text.split(",")]


def percent(ends: list[float] | None) -> str:
    """Return an interval in percent; empty for none."""
    return "" if ends is None else f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f}"


def print_rows(rows: list[dict[str, str]], title: str) -> None:
    """Print rows as a table on the terminal."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold", no_wrap=column not in _FOLDED)
    for row in rows:
        table.add_row(*row.values())
    terminal().print(table)


def counted(items: Sequence[Item], command: str) -> Iterator[Item]:
    """Yield items, and say how many are done where they take more than two seconds.

    Example:
        >>> list(counted("ab", "make"))
        ['a', 'b']
    """
    with working(f"parabounds bench {command}") as work:
        for done, item in enumerate(items):
            work.parts(done, len(items))
            yield item

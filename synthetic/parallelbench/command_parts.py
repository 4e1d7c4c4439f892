"""Parts that the commands of the benchmark share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from typing import TypeVar

from synthetic.parallelbench.tasks import TASKS, BenchTask, bench_task
from theory.commands.progress import working
from theory.validation import InputError, positive_int

__all__ = ["counted", "matching", "percent", "sizes_of"]

Item = TypeVar("Item")


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

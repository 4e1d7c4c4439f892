"""Progress lines on stderr."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Report", "say", "training_progress", "work_progress"]

Report = Callable[[int, float, float], None]  # (steps done, loss, floor of the loss), nats

WINDOW = 100  # steps averaged


@contextmanager
def training_progress(name: str, steps: int, *, visible: bool = True) -> Generator[Report]:
    """Show progress on stderr; yield the function that each step reports to.

    Loss and floor are means over the last steps; both vary from step to step with the drawn n and tasks.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    recent: deque[tuple[float, float]] = deque(maxlen=WINDOW)
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, refresh_per_second=2, disable=not visible)
    line = bar.add_task(f"train {name}", total=steps, loss="")

    def report(step: int, loss: float, floor: float) -> None:
        if not recent:  # nothing is shown before the first step
            bar.start()
        recent.append((loss, floor))
        loss, floor = (sum(column) / len(recent) for column in zip(*recent, strict=True))
        bar.update(line, completed=step, loss=f"loss {loss:.4f}, floor {floor:.4f} nats")

    try:
        yield report
    finally:
        if recent:
            bar.stop()


@contextmanager
def work_progress(name: str) -> Generator[Callable[[int, int], None]]:
    """Show progress if stderr is a terminal; yield the function to report (done, all) to."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    visible = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=2, disable=not visible) as bar:
        line = bar.add_task(name, total=None)
        yield lambda done, whole: bar.update(line, completed=done, total=whole)


def say(sentences: Iterable[str]) -> None:
    """Write sentences on stderr, one a line."""
    for sentence in sentences:
        sys.stderr.write(f"{sentence}\n")

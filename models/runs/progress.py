"""Progress lines on stderr."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from theory.commands.progress import working

__all__ = ["Report", "say", "training_progress", "work_progress"]

Report = Callable[[int, float, float], None]  # (steps done, loss, floor of the loss), nats

WINDOW = 100  # steps averaged


@contextmanager
def training_progress(name: str, steps: int, *, visible: bool = True) -> Generator[Report]:
    """Show progress on stderr, a bar or a line every ten seconds; yield the function that each step reports to.

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
    lines = ExitStack()
    work = lines.enter_context(working(f"train {name}")) if visible and not console.is_terminal else None

    def report(step: int, loss: float, floor: float) -> None:
        if not recent:  # nothing is shown before the first step
            bar.start()
        recent.append((loss, floor))
        loss, floor = (sum(column) / len(recent) for column in zip(*recent, strict=True))
        text = f"loss {loss:.4f}, floor {floor:.4f} nats"
        bar.update(line, completed=step, loss=text)
        if work is not None:
            work.say(text)
            work.parts(step, steps)

    with lines:
        try:
            yield report
        finally:
            if recent:
                bar.stop()


@contextmanager
def work_progress(name: str) -> Generator[Callable[[int, int], None]]:
    """Show progress on stderr, a bar or a line every ten seconds; yield the function to report (done, all) to."""
    if not sys.stderr.isatty():
        with working(name) as work:
            yield work.parts
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=2) as bar:
        line = bar.add_task(name, total=None)
        yield lambda done, whole: bar.update(line, completed=done, total=whole)


def say(sentences: Iterable[str]) -> None:
    """Write sentences on stderr, one a line."""
    for sentence in sentences:
        sys.stderr.write(f"{sentence}\n")

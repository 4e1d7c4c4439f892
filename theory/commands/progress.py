"""Progress of commands, with the time so far and an estimate of all."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

from theory.announcements import announced_to

__all__ = ["EVERY", "Work", "working"]

EVERY = 10.0  # seconds between two lines where stderr is no terminal
_AFTER = 2.0  # seconds before a terminal shows anything
_SHORT = 1.0  # seconds; what is estimated to take less is not named


class Work:
    """What is being done: what was said, and parts where they can be counted, else what a budget has estimated.

    Args:
        text: What it is as a whole.
        clock: Returns seconds.

    Example:
        >>> now = iter([0, 1, 4, 9, 14])
        >>> work = Work("compare", lambda: next(now))
        >>> work.estimated("adding numbers", 30.0)
        >>> work.line()
        'compare: 4 s, adding numbers: 3 of about 30 s (Ctrl-C stops)'
        >>> work.parts(2, 6)
        >>> work.line()
        'compare: 9 s, 2 of 6 done, about 18 s left (Ctrl-C stops)'
    """

    def __init__(self, text: str, clock: Callable[[], float] = monotonic) -> None:
        self._text, self._clock, self._begin = text, clock, clock()
        self._counted = (0, 0)
        self._estimate: tuple[str, float, float] | None = None  # what, seconds, its beginning
        self._said = ""

    def parts(self, done: int, total: int) -> None:
        """Say how many of how many parts are done."""
        self._counted = done, total

    def say(self, more: str) -> None:
        """Say how far it is; what was estimated before is over."""
        self._said, self._estimate = more, None

    def estimated(self, what: str, seconds: float) -> None:
        """Say what begins now and how long it is expected to take."""
        now = self._clock()
        known = self._estimate
        if known is not None and known[0] == what:
            self._estimate = what, seconds, known[2]
        elif seconds >= _SHORT:
            self._estimate = what, seconds, now
        elif known is not None and now > known[1] + known[2]:  # that is over
            self._estimate = None

    def line(self) -> str:
        """Return one line: what, the seconds so far, and an estimate where there is one."""
        now = self._clock()
        parts = [f"{self._text}: {now - self._begin:.0f} s"]
        done, total = self._counted
        parts += [self._said] if self._said else []
        if done:
            left = (now - self._begin) * (total - done) / done
            parts.append(f"{done} of {total} done, about {left:.0f} s left")
        elif self._estimate is not None:
            what, seconds, begin = self._estimate
            spent = now - begin
            of = f"of about {seconds:.0f} s" if spent <= seconds else f"s where {seconds:.0f} s were expected"
            parts.append(f"{what.rstrip(',')}: {spent:.0f} {of}")
        return f"{', '.join(parts)} (Ctrl-C stops)"


@contextmanager
def working(text: str, *, after: float = _AFTER, every: float | None = None) -> Generator[Work]:
    """Say what is done inside the ``with`` block: a line that changes on a terminal, else a line every ten seconds.

    Args:
        text: What it is.
        after: Seconds before a terminal shows anything.
        every: Seconds between two lines where stderr is no terminal, in place of ``EVERY``.

    Yields:
        The work, to say how far it is.
    """
    stop, work, pause = threading.Event(), Work(text), EVERY if every is None else every

    def on_terminal() -> None:
        from rich.console import Console

        if stop.wait(after):
            return
        with Console(stderr=True).status(work.line()) as status:
            while not stop.wait(1.0):
                status.update(work.line())

    def piped() -> None:
        while not stop.wait(pause):
            sys.stderr.write(f"{work.line()}\n")
            sys.stderr.flush()

    thread = threading.Thread(target=on_terminal if sys.stderr.isatty() else piped, daemon=True)
    thread.start()
    try:
        with announced_to(work.estimated):
            yield work
    finally:
        stop.set()
        thread.join()

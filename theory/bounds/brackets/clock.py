"""Seconds, or an amount of work that is the same on every machine."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

__all__ = ["Clock"]


class Clock:
    """How much may still be done: seconds, or a number of tokens looked at, which is the same on every machine.

    Args:
        seconds: Of time.
        work: Tokens; then time does not count.
        say: Called with a line now and then, once two seconds have passed.
        now: Gives the time.
    """

    def __init__(
        self,
        seconds: float,
        work: float | None = None,
        say: Callable[[str], None] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.begin, self.seconds, self.work, self.used = now(), seconds, work, 0.0
        self.say, self.now = say, now

    def part(self) -> float:
        """Return the part of the whole that is spent, at least 0; above 1 it is over."""
        spent = self.used / self.work if self.work is not None else (self.now() - self.begin) / self.seconds
        return max(spent, 0.0)

    def tell(self, text: str) -> None:
        """Say what is done, for how long, and how long it may still take."""
        elapsed, spent = self.now() - self.begin, self.part()
        if self.say is not None and elapsed > 2:
            left = elapsed * (1 - spent) / spent if 0 < spent < 1 else 0.0
            self.say(f"{text}, {elapsed:.0f} s, at most about {left:.0f} s left")

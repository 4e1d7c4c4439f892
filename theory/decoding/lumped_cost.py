"""Estimated time of an exact decode by a lumped chain.

The states are met by falling number of masked positions, and both their number and the work at each fall about in
proportion to it: of n positions, what is left with m masked is the share ``(m / n)^2`` of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.limits import require_operations

__all__ = ["StateWork"]

_QUESTION = 300  # microseconds of a question to the rule: how many it takes
_POSITIONS = 12  # of the question, take one microsecond more
_LIMIT = 6 * 10**8  # microseconds: about ten minutes
_FIRST = 20  # the states of the first n / 20 positions represent the others


@dataclass(kw_only=True)
class StateWork:
    """Microseconds of one core, of what is done and of what is to come.

    Attributes:
        n: Number of positions.
        rule: The rule, for the message.
        once: Microseconds so far of what is asked once for all states, early on.
        spent: Microseconds so far of the states themselves.

    Example:
        >>> work = StateWork(n=1000, rule="topk:k=2")
        >>> work.add(10**9 // 10)
        >>> work.require(950)
        Traceback (most recent call last):
        ...
        theory.limits.CostError: decoding 1000 positions exactly by topk:k=2 would take about 1.0e+09 steps, the \
limit is 6.0e+08 steps; use a smaller n.
    """

    n: int
    rule: str
    once: int = 0
    spent: int = 0

    def ask(self, *, once: bool = False) -> None:
        """Count a question to the rule."""
        if once:
            self.once += self._question
        else:
            self.spent += self._question

    def add(self, microseconds: int) -> None:
        """Count other work of a state."""
        self.spent += microseconds

    def require_questions(self, count: int) -> None:
        """Raise unless so many questions are affordable."""
        self._require(count * self._question)

    def require(self, left: int) -> None:
        """Raise as soon as the work so far, with the states of at most ``left`` positions to come, is too much."""
        known = (self.n - left) * _FIRST >= self.n
        states = self.spent * self.n**2 // (self.n**2 - left**2) if known else self.spent
        self._require(self.once + states)

    @property
    def _question(self) -> int:
        return _QUESTION + self.n // _POSITIONS

    def _require(self, steps: int) -> None:
        require_operations(
            steps,
            f"decoding {self.n} positions exactly by {self.rule}",
            limit=_LIMIT,
            remedy="use a smaller n",
        )

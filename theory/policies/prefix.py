"""Rules that take positions in ranked order while an entropy budget lasts.

Positions of equal score are ordered by entropy, the smaller first. If that is equal too they are interchangeable, and
the tie rule decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from theory.numbers.arithmetic import Array, negated
from theory.numbers.distinct import distinct_rows
from theory.numbers.lognumber import LogNumber
from theory.policies.policy import RankedPolicy
from theory.policies.ranked import Ranked
from theory.policies.view import LOWEST, View
from theory.validation import InputError

__all__ = ["EntropyPrefix", "longest_within", "ranks", "total"]

_Exact = Sequence[LogNumber]


@dataclass(frozen=True, kw_only=True)
class EntropyPrefix(RankedPolicy):
    """A ranked policy that takes a number of positions given by their entropies in ranked order."""

    scores_alone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by == "random":
            raise InputError(
                f"{self.name} needs a ranking, which by=random does not give; use another score."
            )

    @property
    def budget(self) -> Fraction:
        """The most bits of a prefix."""
        raise TypeError(f"{type(self).__name__} does not say how many bits a step may take.")

    def number(self, view: View, entropies: Array) -> Array:  # noqa: ARG002
        """Return how many positions to take, given their entropies in the order of the ranking, shape (B, n).

        Positions that do not compete come last, with a value below every entropy.
        """
        raise TypeError(f"{type(self).__name__} does not say how many positions to take.")

    def rank(self, view: View, scores: Array) -> Ranked:
        """Return the ranking by score, then entropy, and the number to take."""
        xp, numbers = view.numbers.xp, view.numbers
        entropies = xp.broadcast_to(numbers.entropy(view.probs), view.masked.shape)
        first = Ranked(view, scores, view.left, self.ties).levels()
        second = Ranked(view, negated(entropies), view.left, self.ties).levels()
        refined = Ranked(view, -(first * (view.masked.shape[1] + 1) + second), view.left, self.ties)
        order = xp.argsort(refined.levels(), axis=1, stable=True)
        ordered = xp.take_along_axis(view.fill(entropies, LOWEST), order, axis=1)
        return replace(refined, take=self._numbers(view, ordered))

    def _numbers(self, view: View, ordered: Array) -> Array:
        """Return :meth:`number` of every row; exact arithmetic is done once for each distinct row."""
        if ordered.dtype != np.dtype(object):
            return self.number(view, ordered)
        rows, index = distinct_rows(ordered)
        # the row shows how many compete: the others hold a filler
        fewer = replace(view, probs=view.probs[rows], masked=view.masked[rows], fillable=None)
        return self.number(fewer, ordered[rows])[index]


def ranks(view: View) -> Array:
    """Return 1 .. n in every row, integers, shape (B, n)."""
    xp = view.numbers.xp
    return xp.cumulative_sum(xp.ones_like(xp.astype(view.masked, xp.int64)), axis=1)


def longest_within(
    view: View, entropies: Array, spent: Callable[[_Exact], LogNumber], budget: Fraction
) -> Array:
    """Return the length of the longest prefix of every row within the budget; 0 if none.

    Exact numbers only. ``spent`` must not decrease with the prefix, so that doubling and bisection find it.

    Args:
        view: The batch.
        entropies: In the order of the ranking, shape (B, n); positions that do not compete come last.
        spent: The cost of a prefix.
        budget: The largest cost allowed.
    """
    found: list[int] = []
    for row, left in zip(entropies, view.left.tolist(), strict=True):
        values: _Exact = row[:left].tolist()
        good, step = 0, 1
        while good < left and spent(values[: min(good + step, left)]) <= budget:
            good, step = min(good + step, left), 2 * step
        bad = min(good + step, left + 1)
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if spent(values[:middle]) <= budget else (good, middle)
        found.append(good)
    return np.array(found, dtype=np.int64)


def total(entropies: _Exact) -> LogNumber:
    """Return the sum, counting equal entropies first.

    Example:
        >>> one = LogNumber.log2(2)
        >>> total([one, one, LogNumber.log2(3)])
        LogNumber('2 log2(2) + log2(3)')
    """
    known = {id(value): value for value in entropies}
    copies = Counter(map(id, entropies))
    return LogNumber.combination((copies[key], value) for key, value in known.items())

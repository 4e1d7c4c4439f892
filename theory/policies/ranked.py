"""Selection of the best-ranked positions.

:meth:`Ranked.distribution` gives the exact distribution of the chosen set, for the exact decoder; :meth:`Ranked.sample`
draws one set per row of a batch, for samplers on any array library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.limits import Budget
from theory.numbers.arithmetic import TIE_TOLERANCE, Array, order_codes
from theory.numbers.distinct import distinct_rows
from theory.policies.view import LOWEST, View
from theory.validation import InputError

__all__ = ["Ranked", "SetDistribution", "require_sets"]

TIES = ("random", "lowest", "all")
_SET = 2.4e-4  # seconds of a set of one state, listed and followed
_FEW = 100  # scores: below this Python's dicts are faster than numpy
SetDistribution = tuple[
    tuple[int, Any], ...
]  # (set as bit mask, probability: fmpq, or arb of irrational rules)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Take the ``take`` best-scored competing positions.

    Attributes:
        view: The batch.
        scores: Shape (B, n), higher is better.
        take: Number of positions to take, integers, shape (B,).
        ties: Equal scores: ``random`` (uniform), ``lowest`` index first, or ``all`` that equal the last one taken.
        least: The smallest number allowed, 0 for scheduled rules.
    """

    view: View
    scores: Array
    take: Array
    ties: str
    least: int = 1

    def expanded(self, index: Array) -> Ranked:
        """Return the step of a larger batch whose row b is row ``index[b]`` of this one."""
        view = self.view
        fillable = None if view.fillable is None else view.fillable[index]
        wide = replace(view, probs=view.probs[index], masked=view.masked[index], fillable=fillable)
        wide = replace(wide, tokens=None, revealed=None, model=None)
        return replace(self, view=wide, scores=self.scores[index], take=self.take[index])

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the exact distribution of the set as an index per row into a list of distinct distributions.

        Only for numpy batches. Rows with the same ranking and number share one distribution.
        """
        levels = self.levels()
        take = np.asarray(self.take, dtype=np.int64)
        self._check(take)
        keys = np.concatenate([levels, take[:, None]], axis=1)
        first, index = distinct_rows(keys)
        return index, [_distribution(row[:-1], row[-1], self.ties) for row in keys[first].tolist()]

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row, bool, shape (B, n).

        Args:
            uniforms: Independent uniform numbers in [0, 1), shape (B, n), which break the ties.
        """
        xp = self.view.numbers.xp
        levels = xp.astype(self.levels(), uniforms.dtype)
        if self.ties == "lowest":
            n = self.scores.shape[1]
            uniforms = (xp.cumulative_sum(xp.ones_like(uniforms), axis=1) - 1) / n
        rank = _inverse_order(xp, xp.argsort(levels + uniforms, axis=1))
        chosen = rank < self.take[:, None]
        if self.ties == "all":
            last = xp.max(xp.where(chosen, levels, xp.zeros_like(levels) - 1), axis=1)
            chosen = levels <= last[:, None]
        return chosen & self.view.candidates

    def sizes(self) -> NDArray[np.int64]:
        """Return how many positions each row takes, shape (B,); only for numpy batches."""
        take = np.asarray(self.take, dtype=np.int64)
        self._check(take)
        if self.ties != "all":
            return take
        levels = self.levels()
        last = np.take_along_axis(np.sort(levels, axis=1), np.maximum(take, 1)[:, None] - 1, axis=1)
        return np.where(take == 0, 0, np.sum(levels <= last, axis=1))

    def levels(self) -> Array:
        """Return tie classes: 0 for the best score, 1 for the next, ...; n for positions that do not compete."""
        xp, n = self.view.numbers.xp, self.scores.shape[1]
        filled = self.view.fill(self.scores, LOWEST)
        if filled.dtype == np.dtype(object):  # exact scores: compared once for each distinct one
            filled = order_codes(filled)[0]
            if filled.size <= _FEW:
                return np.where(self.view.candidates, np.array([*map(_falling, filled.tolist())]), n)
        order = xp.argsort(-filled, axis=1)
        ordered = xp.take_along_axis(filled, order, axis=1)
        # float scores of exact numbers tie within the tolerance of floats
        tolerance = max(self.view.numbers.tolerance, TIE_TOLERANCE)
        drop = xp.astype(ordered[:, :-1] - ordered[:, 1:] > tolerance, xp.int64)
        steps = xp.concat([xp.zeros_like(order[:, :1]), xp.cumulative_sum(drop, axis=1)], axis=1)
        levels = xp.take_along_axis(steps, _inverse_order(xp, order), axis=1)
        return xp.where(self.view.candidates, levels, xp.zeros_like(levels) + n)

    def _check(self, take: NDArray[np.int64]) -> None:
        left = np.asarray(self.view.left)
        wrong = np.flatnonzero((take < self.least) | (take > left))
        if len(wrong):
            most, got = left[wrong[0]], take[wrong[0]]
            raise InputError(f"a policy must take between {self.least} and {most} positions here, got {got}.")


def _inverse_order(xp: Any, order: Array) -> Array:
    # ten times faster than a second sort
    if hasattr(order, "scatter"):  # a tensor of torch
        places = xp.cumulative_sum(xp.ones_like(order), axis=1) - 1
        return order.scatter(1, order, places)
    if not isinstance(order, np.ndarray):
        return xp.argsort(order, axis=1)
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None, :], axis=1)
    return place


def _falling(codes: list[int]) -> list[int]:
    """Return 0 for the largest of some numbers, 1 for the next, ..."""
    level = {code: j for j, code in enumerate(sorted(set(codes), reverse=True))}
    return [level[code] for code in codes]


def _distribution(levels: Sequence[int], take: int, ties: str) -> SetDistribution:
    """Return the sets with all levels above the boundary and a part of the boundary level, by the tie rule."""
    if take == 0:
        return ((0, fmpq(1)),)
    order = sorted((level, i) for i, level in enumerate(levels))
    boundary = order[take - 1][0]
    above = [i for level, i in order if level < boundary]
    tied = [i for level, i in order if level == boundary]
    need = take - len(above)
    base = sum(1 << i for i in above)
    if ties == "all":
        return ((base + sum(1 << i for i in tied), fmpq(1)),)
    if ties == "lowest":
        return ((base + sum(1 << i for i in tied[:need]), fmpq(1)),)
    count = comb(len(tied), need)
    require_sets(count, f"choosing {need} of {len(tied)} equal positions")
    share = fmpq(1, count)
    return tuple((base + sum(1 << i for i in part), share) for part in combinations(tied, need))


def require_sets(count: int, what: str) -> None:
    """Raise unless an exact decode can list so many sets of one state."""
    Budget(what, "use fewer positions").require(count, _SET)

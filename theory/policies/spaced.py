"""Spaced sets, in which no two positions of a step are close.

Go through the chosen positions, best first, and keep one if it is at least ``gap`` from every one kept before; the
others stay masked for a later step. With M positions of the block of length B masked, ``gap = max(2, M stride // B)``:
wide in the beginning, and 2 in the end, so that neighbours never go together.

Source: DUS, arXiv 2506.19037, Section 4.4; ``apply_spacing_filter`` in ``generate.py`` of omerlux/DUS (abd7723f).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.limits import Budget
from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy
from theory.policies.ranked import Ranked, SetDistribution
from theory.validation import InputError, positive_int

__all__ = ["SpacedPlan", "check_spaced", "spaced"]

_PAIR, _LIMIT = 5e-6, 5  # seconds of a pair (considered set, kept set) of one state; at most


@dataclass(frozen=True, eq=False)
class SpacedPlan(Ranked):
    """The step of a spaced rule: of the ``take`` best positions, those that keep their distance.

    Attributes:
        gap: The least distance, integers, shape (B,).
    """

    gap: Any = None

    def expanded(self, index: Array) -> SpacedPlan:
        """Return the step of a larger batch whose row b is row ``index[b]`` of this one."""
        return replace(self, **vars(super().expanded(index)) | {"gap": self.gap[index]})

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the exact distribution of the set: an index per row, and the distinct distributions it points to."""
        parts = [self.levels(), np.asarray(self.take)[:, None], np.asarray(self.gap)[:, None]]
        keys, index = np.unique(np.concatenate(parts, axis=1), axis=0, return_inverse=True)
        return index.reshape(-1), [_kept(row[:-2], row[-2], row[-1], self.ties) for row in keys.tolist()]

    def sizes(self) -> NDArray[np.int64]:
        """Return how many positions each row takes.

        Raises:
            InputError: If the number depends on how ties fall.
        """
        index, distributions = self.distribution()
        if any(len({chosen.bit_count() for chosen, _ in distribution}) > 1 for distribution in distributions):
            raise InputError(
                "the number of positions that a spaced rule takes depends on its random ties here."
            )
        sizes = [distribution[0][0].bit_count() for distribution in distributions]
        return np.array(sizes, dtype=np.int64)[index]

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row; the uniform numbers, shape (B, n), break the ties."""
        xp, n = self.view.numbers.xp, self.scores.shape[1]
        if self.ties == "lowest":
            uniforms = (xp.cumulative_sum(xp.ones_like(uniforms), axis=1) - 1) / n
        order = xp.argsort(xp.astype(self.levels(), uniforms.dtype) + uniforms, axis=1)
        index = xp.cumulative_sum(xp.ones_like(order), axis=1) - 1
        kept = xp.zeros_like(self.view.candidates)
        for place in range(n):
            here = index == order[:, place : place + 1]
            close = xp.abs(index - order[:, place : place + 1]) < self.gap[:, None]
            fits = ~xp.any(kept & close, axis=1) & (self.take > place)
            kept = kept | (here & self.view.candidates & fits[:, None])
        return kept


def spaced(plan: Ranked, stride: int, block: int | None) -> SpacedPlan:
    """Return a ranked step thinned out.

    Args:
        plan: The step; its view has the masked positions of the block.
        stride: The distance while everything is masked.
        block: Length of the block; ``None`` for all positions.

    Example:
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> from theory.policies.view import View
        >>> view = View(np.full((1, 5, 2), 0.5), np.ones((1, 5), dtype=bool), FLOAT64)
        >>> plan = Ranked(view, np.array([[0.5, 0.9, 0.6, 0.8, 0.7]]), np.array([5]), "lowest")
        >>> spaced(plan, 3, None).sample(np.zeros((1, 5))).tolist()  # 1, then neither 3 nor 2, but 4
        [[False, True, False, False, True]]
    """
    xp, view = plan.view.numbers.xp, plan.view
    n = view.masked.shape[1]
    gap = view.left * min(stride, 1 << 31) // min(block or n, n)
    gap = xp.where(gap < 2, xp.zeros_like(gap) + 2, gap)
    return SpacedPlan(view, plan.scores, plan.take, plan.ties, least=plan.least, gap=gap)


def check_spaced(policy: RankedPolicy, stride: object) -> int:
    """Return the stride of a rule, 0 for none; a spaced rule goes by place, so that it is no number of positions.

    Raises:
        InputError: For a stride that is no whole number, or ties that go together.
    """
    if stride == 0:
        return 0
    if policy.ties == "all":
        raise InputError("a spaced rule takes one position after the other; ties must be random or lowest.")
    object.__setattr__(policy, "lumps", False)
    return positive_int(stride, "spaced")


def _kept(levels: Sequence[int], take: int, gap: int, ties: str) -> SetDistribution:
    """Follow every order of the ranking: the next one is any of the best not yet considered."""
    n = len(levels)
    tied = sum(levels.count(level) > 1 for level in levels if level < n) if ties == "random" else 0
    budget = Budget("the orders of equal positions", "use fewer positions", limit=_LIMIT)
    budget.require(3**tied, _PAIR)
    paths: dict[tuple[int, int], fmpq] = {(0, 0): fmpq(1)}  # (considered, kept)
    for _ in range(take):
        after: dict[tuple[int, int], fmpq] = {}
        for (seen, kept), p in paths.items():
            left = [i for i in range(n) if levels[i] < n and not seen >> i & 1]
            best = min(levels[i] for i in left)
            nexts = [i for i in left if levels[i] == best]
            nexts = nexts[:1] if ties == "lowest" else nexts
            for i in nexts:
                fits = not any(kept >> j & 1 for j in range(max(0, i - gap + 1), min(n, i + gap)))
                key = (seen | 1 << i, kept | 1 << i if fits else kept)
                after[key] = after.get(key, fmpq(0)) + p / len(nexts)
        paths = after
    distribution: dict[int, fmpq] = {}
    for (_, kept), p in paths.items():
        distribution[kept] = distribution.get(kept, fmpq(0)) + p
    return tuple(distribution.items())

"""Hierarchy rule, the best position of every run of masked positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.numbers.arithmetic import Array
from theory.policies.plan import SetDistribution
from theory.policies.policy import RankedPolicy, register
from theory.policies.ranked import Ranked, require_sets
from theory.policies.view import View
from theory.validation import choice

__all__ = ["Hierarchy", "RunWinners"]


@register("hierarchy")
@dataclass(frozen=True, kw_only=True)
class Hierarchy(RankedPolicy):
    """Take the best position of every maximal run of masked ones if its score exceeds ``low``.

    Every position with score above gamma and the overall best one are taken too. Runs end at revealed positions and at
    the borders of a block, so that neighbours are not decoded together.

    Source: dInfer, arXiv 2510.08666; ``HierarchyDecoder.get_transfer_index`` in
    ``python/dinfer/decoding/parallel_strategy.py`` of inclusionAI/dInfer. Usual values: low = 0.4, gamma = 0.9. The
    released code takes *every* position that equals the best of its run, and the first of those that equal the
    best of all: ``ties=all``. An older function of that file, ``get_transfer_index_hierarchy_fast_v2``, takes the
    first of each run: ``ties=lowest``, for gamma of at least ``low`` and up to a best score of exactly ``low``.

    Attributes:
        gamma: Scores above it are always taken; at 1 there are none.
        low: The best of a run is taken only above it.
        ties: Equal scores in a run: ``random``, ``lowest`` index, or ``all`` of them (the released code). With
            ``random`` each position draws one uniform number; the same numbers decide within the runs and overall.

    Example:
        >>> str(Hierarchy(gamma=0.9))
        'hierarchy:gamma=9/10'
    """

    example: ClassVar[str] = "hierarchy:gamma=0.9"
    source: ClassVar[str] = "dInfer, arXiv 2510.08666"
    release: ClassVar[str] = (
        "`ties=all`: inclusionAI/dInfer fce4e32, HierarchyDecoder; `ties=lowest`: its "
        "hierarchy_fast_v2 with gamma >= low, unless the best score is low; default: random ties"
    )
    formula: ClassVar[str] = "argmax of each masked run if c > low, all c > gamma, the argmax of all"
    gamma: Fraction
    low: Fraction = Fraction(2, 5)

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.ties, "ties", ("random", "lowest", "all"))
        self.score_limit("gamma")
        self.score_limit("low")

    @property
    def reads_places(self) -> bool:
        """True, the runs of masked positions."""
        return True

    def rank(self, view: View, scores: Array) -> Ranked:
        """Return the ranking, read run by run."""
        xp, numbers = view.numbers.xp, view.numbers

        def above(bar: Fraction) -> Array:
            return xp.astype(scores > numbers.const(bar) + numbers.tolerance, xp.bool) & view.candidates

        high, fair = above(self.gamma), above(self.low)
        return RunWinners(view, scores, view.left, self.ties, always=high, fair=fair)


@dataclass(frozen=True, eq=False)
class RunWinners(Ranked):
    """The step of the hierarchy rule: a ranking inside each run.

    Attributes:
        always: Positions taken in any case, bool, shape (B, n).
        fair: Positions that may be taken as the best of their run, bool, shape (B, n).
    """

    always: Array | None = None
    fair: Array | None = None

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the exact distribution of the set: an index per row, and the distinct distributions it points to."""
        rows = np.concatenate([self.levels(), *map(np.asarray, self._sets())], axis=1).astype(np.int64)
        keys, index = np.unique(rows, axis=0, return_inverse=True)
        n = self.scores.shape[1]
        distributions = [
            _distribution(row[:n], row[n : 2 * n], row[2 * n :], self.ties) for row in keys.tolist()
        ]
        return index.reshape(-1), distributions

    def sizes(self) -> NDArray[np.int64]:
        """Return how many positions each row takes, which does not depend on ties."""
        index, distributions = self.distribution()
        return np.array([distribution[0][0].bit_count() for distribution in distributions], dtype=np.int64)[
            index
        ]

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row; the uniform numbers, shape (B, n), break the ties."""
        xp, candidates = self.view.numbers.xp, self.view.candidates
        always, fair = self._sets()
        n = self.scores.shape[1]
        if self.ties != "random":
            uniforms = (xp.cumulative_sum(xp.ones_like(uniforms), axis=1) - 1) / n  # the first wins
        levels = self.levels()
        keys = xp.astype(levels, uniforms.dtype) + uniforms  # the smallest is best
        first = keys == xp.min(keys, axis=1, keepdims=True)
        if self.ties == "all":
            keys = xp.astype(levels, uniforms.dtype)
        none = xp.zeros_like(keys) + 2 * n
        best = xp.where(candidates, keys, none)
        # the least key of each run, spread forwards, then backwards
        for shift in (1, -1):
            for i in range(1, n) if shift == 1 else range(n - 2, -1, -1):
                before, here = best[:, i - shift], best[:, i]
                best[:, i] = xp.where(candidates[:, i] & (before < here), before, here)
        return (always | (candidates & fair & (keys == best)) | first) & candidates

    def _sets(self) -> tuple[Array, Array]:
        assert self.always is not None
        assert self.fair is not None
        return self.always, self.fair


def _distribution(
    levels: Sequence[int], always: Sequence[int], fair: Sequence[int], ties: str
) -> SetDistribution:
    """Return the distribution of the independent winners of the runs, with the overall best if it is fair."""
    base = sum(1 << i for i, sure in enumerate(always) if sure)
    options: list[list[int]] = []
    for run in _runs([level < len(levels) for level in levels]):
        best = [i for i in run if levels[i] == min(levels[j] for j in run) and fair[i]]
        options.append(best)
    tops = [i for i, level in enumerate(levels) if level == min(levels)]
    if not any(fair[i] for i in tops):
        options.append(tops if ties == "random" else tops[:1])
    if ties == "all":
        return ((base | sum(1 << i for i in {i for best in options for i in best}), fmpq(1)),)
    options = [best if ties == "random" else best[:1] for best in options if best]
    count = prod(map(len, options))
    require_sets(count, "the winners of the runs")
    distribution: dict[int, fmpq] = {}
    for winners in product(*options):
        chosen = base | sum(1 << i for i in winners)
        distribution[chosen] = distribution.get(chosen, fmpq(0)) + fmpq(1, count)
    return tuple(distribution.items())


def _runs(member: Sequence[bool]) -> list[list[int]]:
    """Return the maximal runs of consecutive members."""
    runs: list[list[int]] = []
    for i, inside in enumerate(member):
        if inside:
            if i == 0 or not member[i - 1]:
                runs.append([])
            runs[-1].append(i)
    return runs

"""Sampled runs on one-hot blocks of rules that take fixed numbers of positions by score: counts, not positions.

With m positions of a block masked and its one not revealed each is the one with probability 1/m. Confidence, margin and
entropy rank alike: sure positions first (the rest of a block whose one is known; the last of another), then blocks by
falling m. Equal positions are chosen at random, so that a state is one number m for each block and the number of sure
positions; a class of equal positions is split over its blocks by hypergeometric draws. A run costs the number of blocks
a step where the general one costs the number of positions.

Runs are lost by a second one in a block, or none; along the data no run is lost, and j positions of a block hold its
one with probability j/m.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from theory.distributions.closed.one_hot_blocks import BlocksLaw
from theory.distributions.tempering import Transform, check_underflow
from theory.limits import require_operations
from theory.numbers.arithmetic import FLOAT64
from theory.sampling.runs import Followed

__all__ = ["follow_blocks", "successes_by_score"]

Ints = NDArray[np.int64]
_CELLS = 10**10  # draws: about ten minutes


def successes_by_score(
    law: BlocksLaw, sizes: Sequence[int], transform: Transform, *, samples: int, rng: np.random.Generator
) -> int:
    """Return how many runs with these numbers of positions a step end inside the support.

    Args:
        law: The blocks.
        sizes: Positions of each step; their sum is n.
        transform: How marginals become what is drawn from.
        samples: How many runs.
        rng: Source of all randomness.

    Raises:
        CostError: If the runs would take too long.

    Example:
        >>> law = BlocksLaw(block=3, copies=2)
        >>> successes_by_score(law, [1] * 6, Transform(), samples=20, rng=np.random.default_rng(0))
        20
    """
    _check_cost(law, sizes, samples)
    state = _State.start(law, samples)
    q, alive = _drawn_from(law, transform), np.ones(samples, dtype=bool)
    for size in sizes:
        chosen = state.choose(size, rng)
        ones = rng.binomial(chosen, q[state.masked, 1])
        alive &= ~((ones > 1) | ((ones == 0) & (chosen > 0) & (chosen == state.masked))).any(axis=1)
        state.reveal(chosen, ones > 0)
    return int(alive.sum())


def follow_blocks(
    law: BlocksLaw, sizes: Sequence[int], transform: Transform, *, samples: int, rng: np.random.Generator
) -> Followed:
    """Return runs along ``y ~ P``; see :func:`theory.sampling.runs.follow_data`.

    Example:
        >>> law = BlocksLaw(block=2, copies=1)
        >>> follow_blocks(law, [2], Transform(), samples=2, rng=np.random.default_rng(0)).log_q.tolist()
        [-2.0, -2.0]
    """
    _check_cost(law, sizes, samples)
    state, q = _State.start(law, samples), _drawn_from(law, transform)
    p = _shares(law)
    if not transform.truncates:
        check_underflow(p[2:], q[2:], transform.temperature)
    with np.errstate(divide="ignore"):  # never drawn: -inf is the answer
        bits = np.log2(q)
    cross = -np.where(p > 0, p * np.where(p > 0, bits, 0.0), 0.0).sum(axis=1)
    own, expected = np.zeros(samples), np.zeros(samples)
    for size in sizes:
        chosen = state.choose(size, rng)
        m = state.masked
        hit = rng.random(m.shape) * m < chosen
        zeros = chosen - hit
        own += np.where(zeros > 0, zeros * np.where(zeros > 0, bits[m, 0], 0.0), 0.0).sum(axis=1)
        own += np.where(hit, bits[m, 1], 0.0).sum(axis=1)
        expected += np.where(chosen > 0, chosen * np.where(chosen > 0, cross[m], 0.0), 0.0).sum(axis=1)
        state.reveal(chosen, hit)
    return Followed(
        log_p=np.full(samples, -law.largest_surprise()),
        log_q=own,
        expected=expected,
        steps=np.full(samples, len(sizes)),
        tilted=False,
        certain=False,
    )


@dataclass(eq=False)
class _State:
    """Runs in the middle, as counts.

    Attributes:
        masked: m of each block without its one, 0 for the others, shape (B, copies).
        sure: The number of sure positions that are masked, shape (B,).
    """

    masked: Ints
    sure: Ints

    @classmethod
    def start(cls, law: BlocksLaw, samples: int) -> _State:
        state = cls(np.full((samples, law.copies), law.block), np.zeros(samples, dtype=np.int64))
        state._settle()
        return state

    def choose(self, size: int, rng: np.random.Generator) -> Ints:
        """Return how many positions of each block without its one go in a step of ``size``; sure ones go first."""
        at_once = np.minimum(size, self.sure)
        self.sure = self.sure - at_once
        need, rest, chosen = size - at_once, self.masked.copy(), np.zeros_like(self.masked)
        while need.any():
            level = rest.max(axis=1, keepdims=True)
            equal = (rest == level) & (need > 0)[:, None]
            assert (level[need > 0] > 0).all()  # sizes sum to n
            take = np.minimum(need, equal.sum(axis=1) * level[:, 0])
            chosen += _split(equal, level[:, 0], take, rng)
            need = need - take
            rest = np.where(equal, 0, rest)
        return chosen

    def reveal(self, chosen: Ints, hit: NDArray[np.bool_]) -> None:
        """Take the chosen positions away; blocks with a hit have their one, and the rest of them is sure."""
        left = self.masked - chosen
        self.sure = self.sure + np.where(hit, left, 0).sum(axis=1)
        self.masked = np.where(hit, 0, left)
        self._settle()

    def _settle(self) -> None:
        """Count the last position of a block without its one among the sure ones."""
        last = self.masked == 1
        self.sure = self.sure + last.sum(axis=1)
        self.masked = np.where(last, 0, self.masked)


def _split(equal: NDArray[np.bool_], level: Ints, take: Ints, rng: np.random.Generator) -> Ints:
    """Return how ``take`` random positions fall on the blocks ``equal`` of ``level`` positions each."""
    out = np.zeros(equal.shape, dtype=np.int64)
    behind, need = equal.sum(axis=1) * level, take
    for j in range(equal.shape[1]):
        rows = np.flatnonzero(equal[:, j] & (need > 0))
        if len(rows):
            here = level[rows]
            drawn = rng.hypergeometric(here, behind[rows] - here, need[rows])
            out[rows, j] = drawn
            need = need.copy()
            need[rows] -= drawn
        behind = behind - np.where(equal[:, j], level, 0)
    return out


def _shares(law: BlocksLaw) -> NDArray[np.float64]:
    """Return the probabilities of (0, 1) by m, at [m]; those of 0 and 1 are never read."""
    m = np.maximum(np.arange(law.block + 1), 1)
    return np.stack([(m - 1) / m, 1 / m], axis=1)


def _drawn_from(law: BlocksLaw, transform: Transform) -> NDArray[np.float64]:
    return np.asarray(transform.draw(_shares(law), FLOAT64))


def _check_cost(law: BlocksLaw, sizes: Sequence[int], samples: int) -> None:
    sample = len(sizes) * law.copies * 4
    require_operations(
        sample * samples,
        f"decoding {samples} samples of {law.n} positions",
        limit=_CELLS,
        remedy=f"use fewer --samples, at most {_CELLS // sample}, or a smaller n",
    )

r"""Sampled runs of random top-k on Bernoulli walks and one-hot blocks, where no polynomial form is known.

The decoder needs the marginals of the positions that it draws only, and those are known in closed form:

- **Walk**: between revealed neighbours g places and d steps apart, the value r places on has grown by a
  hypergeometric number (r of g, d of them ones); behind the last one by a binomial of r fair bits.
- **One-hot blocks**: with r positions of a block hidden and no one yet, each is the one with probability 1/r.

A run that has left the support stays outside, so its further draws do not matter. The neighbours of every position at
the step that draws it come from running the steps backwards over a linked list; all runs go at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies
from theory.limits import require_operations

__all__ = ["successes_of_random_order"]

_CELLS = 5 * 10**9  # draws: some minutes
_BATCH = 1 << 22  # positions of the runs that go at once: 32 MB an array

Ints = NDArray[np.int64]


def successes_of_random_order(
    law: Gaps | Copies, sizes: Sequence[int], *, samples: int, rng: np.random.Generator
) -> int:
    """Return how many of ``samples`` runs in random order with these block sizes end inside the support.

    Args:
        law: A walk, or one-hot blocks.
        sizes: Positions of each step; their sum is n.
        samples: How many runs.
        rng: Source of all randomness.

    Raises:
        CostError: If the runs would take too long.

    Example:
        >>> successes_of_random_order(Gaps(6, "walk"), [1] * 6, samples=20, rng=np.random.default_rng(0))
        20
    """
    require_operations(samples * law.n, "the runs", limit=_CELLS, remedy="use fewer samples")
    most, done = max(1, _BATCH // law.n), 0
    for begin in range(0, samples, most):
        size = min(most, samples - begin)
        order = rng.permuted(np.tile(np.arange(law.n), (size, 1)), axis=1)
        done += _one_hot(law, order, sizes, rng) if isinstance(law, Copies) else _walk(order, sizes, rng)
    return done


def _walk(order: Ints, sizes: Sequence[int], rng: np.random.Generator) -> int:
    count, n = order.shape
    rows, places = np.arange(count), order + 1
    before, after = _neighbours(places, sizes)
    value = np.zeros((count, n + 2), dtype=np.int64)  # place 0 is the start; the end n + 1 has no value
    alive = np.ones(count, dtype=bool)
    begin = 0
    for size in sizes:
        drawn: list[Ints] = []
        for j in range(begin, begin + size):
            left, right = before[:, j], after[:, j]
            step, gap = places[:, j] - left, right - left
            ones = value[rows, right] - value[rows, left]
            free = right == n + 1
            alive &= free | ((ones >= 0) & (ones <= gap))
            inside = alive & ~free
            # outside the support any draw serves
            some = np.where(inside, ones, 0)
            between = rng.hypergeometric(some, np.where(inside, gap - ones, gap), step)
            drawn.append(value[rows, left] + np.where(free, rng.binomial(step, 0.5), between))
        for j, values in zip(range(begin, begin + size), drawn, strict=True):
            value[rows, places[:, j]] = values
        begin += size
    steps = np.diff(value[:, : n + 1], axis=1)
    return int((alive & ((steps == 0) | (steps == 1)).all(axis=1)).sum())


def _neighbours(places: Ints, sizes: Sequence[int]) -> tuple[Ints, Ints]:
    """Return for each place of the order the nearest revealed ones before its step, shapes of ``places``."""
    count, n = places.shape
    rows, every = np.arange(count), np.arange(n + 2)
    left, right = np.tile(every - 1, (count, 1)), np.tile(every + 1, (count, 1))
    # of a place that has left the list: its neighbours after its step; of another: itself
    lower, upper = np.tile(every, (count, 1)), np.tile(every, (count, 1))
    before, after = np.empty_like(places), np.empty_like(places)
    end = n
    for size in reversed(sizes):
        taken = range(end - size, end)
        for j in taken:
            here = places[:, j]
            a, b = left[rows, here], right[rows, here]
            right[rows, a], left[rows, b] = b, a
        for j in reversed(taken):  # neighbours at the time it left may have left later, in the same step
            here = places[:, j]
            before[:, j] = lower[rows, here] = lower[rows, left[rows, here]]
            after[:, j] = upper[rows, here] = upper[rows, right[rows, here]]
        end -= size
    return before, after


def _one_hot(law: Copies, order: Ints, sizes: Sequence[int], rng: np.random.Generator) -> int:
    count, b = len(order), law.block.n
    rows, blocks = np.arange(count), order // b
    hidden = np.full((count, law.copies), b)
    found = np.zeros_like(hidden)
    begin = 0
    for size in sizes:
        taken = range(begin, begin + size)
        drawn: list[NDArray[np.bool_]] = []
        for j in taken:
            at = blocks[:, j]
            free = found[rows, at] == 0
            drawn.append(free & (rng.random(count) * hidden[rows, at] < 1))
        for j, one in zip(taken, drawn, strict=True):
            found[rows, blocks[:, j]] += one
            hidden[rows, blocks[:, j]] -= 1
        begin += size
    return int((found == 1).all(axis=1).sum())

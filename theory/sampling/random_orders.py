"""Sampled random orders of a listed distribution of many positions.

One random order gives the entropy of each of its prefixes, and ``L_T`` of its cut into blocks of any sizes, each an
unbiased value: ``h_j`` is the mean of the former over orders, the expected divergence of sizes that of the latter. No
table of 2^n sets. ``L_T`` lies between 0 and the total correlation, so its mean has an interval that is guaranteed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.columns import reduced
from theory.bounds.brackets.descent import order_gains
from theory.bounds.brackets.kernels import make_listed, make_room, start
from theory.bounds.brackets.open_entropies import gains
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.sampling.intervals import Estimate, check_samples, estimate_mean

__all__ = ["RandomOrders"]

_LOOK = 1e-8  # seconds of each token, in one pass over all columns


@dataclass(eq=False)
class RandomOrders:
    """Random orders of the positions of one distribution, or of contexts that are averaged over.

    Args:
        parts: (weight, pmf) pairs of one length.

    Example:
        >>> orders = RandomOrders([(Fraction(1), JointPMF.uniform([(0,) * 40, (1,) * 40]))])
        >>> means, errors = orders.mean_entropies(10, np.random.default_rng(0))
        >>> means[:3], orders.losses([[40], [20, 20]], 10, np.random.default_rng(1))[0].estimate
        ([0.0, 1.0, 1.0], 39.0)
    """

    parts: Sequence[tuple[Fraction, JointPMF]]

    def __post_init__(self) -> None:
        self.n = self.parts[0][1].n
        columns = reduced(self.parts, merge=False)
        self.listed = make_listed(columns)
        self.room = make_room(self.listed)
        singles = np.zeros(self.n)
        self.joint = gains(self.listed, self.room, 0, start(self.listed, self.room), singles)
        self.first = float(singles.mean())
        self.total_correlation = float(singles.sum()) - self.joint

    def affordable(self, most: int, few: int = 100) -> int:
        """Return how many orders fit the limit of time: ``most`` or fewer, and no fewer than ``few``."""
        return max(few, min(most, int(Budget("random orders", "").allowed / self._each)))

    def mean_entropies(self, samples: int, rng: np.random.Generator) -> tuple[list[float], list[float]]:
        """Return estimates of ``h_0, ..., h_n`` and their standard errors; the first two and the last are known."""
        sums, squares = np.zeros(self.n + 1), np.zeros(self.n + 1)
        for order, table in self._orders(samples, rng):
            size = len(table) - 1
            along = np.full(self.n + 1, self.joint)
            along[: size + 1] = np.append(0, np.cumsum(table[np.arange(size), order[:size]]))
            sums += along
            squares += along**2
        means = sums / samples
        spread = np.maximum(squares / samples - means**2, 0) * samples / (samples - 1)
        errors = np.sqrt(spread / samples)
        for j, value in ((0, 0.0), (1, self.first), (self.n, self.joint)):
            means[j], errors[j] = value, 0.0
        return means.tolist(), errors.tolist()

    def losses(
        self, sizes: Sequence[Sequence[int]], samples: int, rng: np.random.Generator
    ) -> list[Estimate]:
        """Return estimates of the expected divergence of block sizes in random order, one for each sequence."""
        starts = [np.cumsum([0, *blocks[:-1]]) for blocks in sizes]
        begins, ends = np.concatenate(starts), np.concatenate([np.cumsum(blocks) for blocks in sizes])
        first = np.cumsum([0, *(len(blocks) for blocks in sizes[:-1])])
        values = np.empty((samples, len(sizes)))
        for row, (order, table) in enumerate(self._orders(samples, rng)):
            sums = np.concatenate([np.zeros((len(table), 1)), np.cumsum(table[:, order], axis=1)], axis=1)
            at = np.minimum(begins, len(table) - 1)  # the last row is zero
            values[row] = np.add.reduceat(sums[at, ends] - sums[at, begins], first) - self.joint
        high = max(self.total_correlation, 0.0)
        return [estimate_mean(np.clip(column, 0.0, high), 0.0, high) for column in values.T]

    def _orders(
        self, samples: int, rng: np.random.Generator
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        check_samples(samples)
        what = f"{samples} random orders of {self.n} positions and {len(self.listed.weights)} outcomes"
        Budget(what, "use fewer --samples").require(samples, self._each)
        table = np.zeros((self.n + 1, self.n))
        for _ in range(samples):
            order = rng.permutation(self.n)
            size = order_gains(self.listed, self.room, order, table)
            yield order, table[: size + 1]

    @cached_property
    def _each(self) -> float:
        """Seconds of one order, by the number of positions that one of them needs."""
        order = np.random.default_rng(0).permutation(self.n)
        size = order_gains(self.listed, self.room, order, np.zeros((self.n + 1, self.n)))
        return _LOOK * (size + 1) * self.listed.rows.size

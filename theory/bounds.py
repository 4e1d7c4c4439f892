"""Lower bounds on the KL divergence of any T-step factorised decoder (arXiv 2510.04767, Section 4).

Theorem 1: an ordered partition ``S_1, ..., S_T`` costs ``L_T = sum_t C(S_t | S_<t)``, with equality for the ideal
model. Theorem 2: ``L*_T`` is the minimum over ordered partitions into T non-empty blocks, non-increasing in T.

With ``w_B(i) = H(y_i | y_B)`` the cost is additive inside a block, ``L = sum_t sum_{i in S_t} w_{S_<t}(i) - H(Y)``,
so ``L*_T`` is a shortest chain from the empty to the full set: for each B all next blocks are priced by
doubling, 3^n steps in all. On an exact table ties between partitions are decided exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from theory._checks import InputError
from theory.chains import block_prices, chain_costs, has_compiler, subset_sums
from theory.correlation import Bits
from theory.limits import require_operations
from theory.lognumber import LogNumber
from theory.subsets import EntropyTable

__all__ = [
    "OptimalBounds",
    "Partition",
    "check_partition",
    "optimal_bounds",
    "optimal_partition_counts",
    "step_bound",
]

Partition = tuple[tuple[int, ...], ...]

_COMPILED_STEPS = 4 * 10**9  # pairs (B, block): about a minute compiled, n = 20
_NUMPY_STEPS = 10**8  # the same in numpy, n = 16
_CLOSE = 1e-9  # bits; float sums of at most 2 * 20 entropies differ from the truth by less than 1e-12


@dataclass(frozen=True, kw_only=True)
class OptimalBounds:
    """``L*_T`` for T = 1..n.

    Attributes:
        values: Bits; exact numbers for an exact table.
        partitions: One optimal ordered partition for each T.
    """

    values: tuple[Bits, ...]
    partitions: tuple[Partition, ...]


def check_partition(partition: Sequence[Sequence[int]], n: int) -> Partition:
    """Return the ordered partition as tuples; raise unless it splits ``0..n-1`` into non-empty blocks."""
    blocks = tuple(tuple(sorted(block)) for block in partition)
    flat = sorted(i for block in blocks for i in block)
    if any(not block for block in blocks):
        raise InputError("a partition must not contain an empty block.")
    if flat != list(range(n)):
        raise InputError(f"a partition must contain every position 0..{n - 1} once, got {blocks}.")
    return blocks


def step_bound(table: EntropyTable, partition: Sequence[Sequence[int]]) -> Bits:
    """Return ``L_T`` of an ordered partition (Theorem 1).

    Example:
        >>> from theory.pmf import JointPMF
        >>> from theory.subsets import subset_entropies
        >>> from itertools import permutations
        >>> table = subset_entropies(JointPMF.uniform(permutations(range(3))))
        >>> step_bound(table, [[0], [1, 2]])
        LogNumber('log2(2)')
    """
    blocks = check_partition(partition, table.n)
    pairs = list(_block_pairs(blocks))
    if table.vectors is not None:
        vector = -table.vectors[-1]
        for revealed, i in pairs:
            vector = vector + table.vectors[revealed | 1 << i] - table.vectors[revealed]
        return table.lognumber(vector)
    return float(sum(table.h[revealed | 1 << i] - table.h[revealed] for revealed, i in pairs) - table.h[-1])


def _block_pairs(blocks: Partition) -> Iterator[tuple[int, int]]:
    revealed = 0
    for block in blocks:
        for i in block:
            yield revealed, i
        revealed |= sum(1 << i for i in block)


def optimal_bounds(table: EntropyTable) -> OptimalBounds:
    """Return ``L*_T`` and an optimal ordered partition for every T (Theorem 2).

    Raises:
        CostError: If 3^n steps exceed the limit.

    Example:
        >>> from theory.pmf import JointPMF
        >>> from theory.subsets import subset_entropies
        >>> bounds = optimal_bounds(subset_entropies(JointPMF.uniform([(0, 0), (1, 1)])))
        >>> [str(v) for v in bounds.values], bounds.partitions[1]
        (['log2(2)', '0'], ((0,), (1,)))
    """
    n = table.n
    _require_chains(n)
    costs = chain_costs(table.gains())
    search = _Backtrack(table, costs)
    values: list[Bits] = []
    partitions: list[Partition] = []
    for steps in range(1, n + 1):
        partitions.append(search.partition(steps))
        values.append(search.value(steps) if table.is_exact else float(costs[steps, -1] - table.h[-1]))
    return OptimalBounds(values=tuple(values), partitions=tuple(partitions))


def optimal_partition_counts(table: EntropyTable) -> tuple[int, ...]:
    """Return the number of optimal ordered partitions for T = 1..n, ties decided exactly.

    Args:
        table: An exact table.

    Raises:
        InputError: For a float table, whose ties cannot be decided.
        CostError: If 3^n steps exceed the limit.

    Example:
        >>> from theory.pmf import JointPMF
        >>> from theory.subsets import subset_entropies
        >>> optimal_partition_counts(subset_entropies(JointPMF.uniform([(0, 0, 0), (1, 1, 1)])))
        (1, 3, 6)
    """
    if not table.is_exact:
        raise InputError("optimal partitions are counted on exact tables only: ties of floats are undecided.")
    _require_chains(table.n)
    search = _Backtrack(table, chain_costs(table.gains()))
    return tuple(search.count(steps, (1 << table.n) - 1) for steps in range(1, table.n + 1))


def _require_chains(n: int) -> None:
    require_operations(
        3**n,
        f"the optimal partition of {n} positions (3^n steps)",
        limit=_COMPILED_STEPS if has_compiler() else _NUMPY_STEPS,
        remedy="use fewer positions" if has_compiler() else "install numba, or use fewer positions",
    )


class _Backtrack:
    """Optimal chains read backwards; among float ties the exact vectors decide."""

    def __init__(self, table: EntropyTable, costs: NDArray[np.float64]) -> None:
        self.table, self.costs = table, costs
        self.gains = table.gains()
        self.best = cache(self._best)
        self.count = cache(self._count)

    def partition(self, steps: int) -> Partition:
        blocks: list[tuple[int, ...]] = []
        target = (1 << self.table.n) - 1
        for t in range(steps, 0, -1):
            source = self.best(t, target)[0]
            blocks.append(tuple(i for i in range(self.table.n) if (target ^ source) >> i & 1))
            target = source
        return tuple(reversed(blocks))

    def value(self, steps: int) -> LogNumber:
        assert self.table.vectors is not None
        vector = np.array(self.best(steps, len(self.table.h) - 1)[1], dtype=object) - self.table.vectors[-1]
        return self.table.lognumber(vector)

    def _best(self, t: int, target: int) -> tuple[int, tuple[int, ...]]:
        """Return the best predecessor of ``target`` in t blocks and the exact cost vector of the chain."""
        if t == 0:
            return 0, (0,) * len(self.table.primes)
        near = self._near(t, target)
        if self.table.vectors is None:
            return int(near[0]), ()
        floor = tuple(self.table.vectors[target].tolist())  # no chain costs less than H(target)
        best: tuple[int, tuple[int, ...]] | None = None
        for source in near.tolist():
            chain = self._chain(t, source, target)
            if best is None or (chain != best[1] and self._less(chain, best[1])):
                best = source, chain
            if best[1] == floor:
                break
        assert best is not None
        return best

    def _near(self, t: int, target: int) -> NDArray[np.int64]:
        """Return the sets from which ``target`` is reached in t blocks at the least cost, up to rounding."""
        sources = subset_sums(np.array([1 << i for i in range(self.table.n) if target >> i & 1]))[:-1]
        reach = self.costs[t - 1, sources] + block_prices(self.gains, sources, target)
        return sources[reach <= self.costs[t, target] + _CLOSE]

    def _count(self, t: int, target: int) -> int:
        """Return the number of exactly optimal chains of t blocks that end in ``target``."""
        if t == 0:
            return int(target == 0)
        least = self.best(t, target)[1]
        return sum(
            self.count(t - 1, source)
            for source in self._near(t, target).tolist()
            if self._chain(t, source, target) == least
        )

    def _chain(self, t: int, source: int, target: int) -> tuple[int, ...]:
        vectors = self.table.vectors
        assert vectors is not None
        block = [1 << i for i in range(self.table.n) if (target ^ source) >> i & 1]
        step = vectors[[source | bit for bit in block]].sum(axis=0) - len(block) * vectors[source]
        return tuple(a + b for a, b in zip(self.best(t - 1, source)[1], step.tolist(), strict=True))

    def _less(self, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
        difference = np.array([a - b for a, b in zip(left, right, strict=True)], dtype=object)
        return self.table.lognumber(difference).sign() < 0

"""Lower bounds on the KL of any T-step factorised decoder (arXiv 2510.04767, Section 4).

Theorem 1: an ordered partition ``S_1, ..., S_T`` costs ``L_T = sum_t C(S_t | S_<t)``, with equality for the ideal
model. Theorem 2: ``L*_T`` is the minimum over ordered partitions into T non-empty blocks, non-increasing in T.

With ``w_B(i) = H(y_i | y_B)`` the cost is additive inside a block, ``L = sum_t sum_{i in S_t} w_{S_<t}(i) - H(Y)``, so
``L*_T`` is a shortest path from the empty to the full set: for each B all next blocks are priced by doubling, 3^n
operations in all. On an exact table ties between partitions are decided exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.exact_ties import Key, PartitionCosts, partition_costs
from theory.bounds.partitions.partition import Partition, check_partition
from theory.bounds.partitions.subset_program import block_prices, subset_costs, subset_sums
from theory.information.curves.curve import InformationCurve
from theory.information.subsets.builder import TableLike, table_of
from theory.information.subsets.table import EntropyTable, entropies_by_size
from theory.limits import Budget, require_all, require_memory
from theory.numbers.compiled import has_compiler
from theory.numbers.lognumber import Bits, LogNumber
from theory.validation import InputError

__all__ = [
    "OptimalBounds",
    "optimal_bounds",
    "optimal_partition_counts",
    "require_partitions",
    "step_bound",
]

_PAIR, _PAIR_IN_NUMPY = 7e-9, 5e-7  # seconds of a pair (B, block): n = 20 compiled, n = 16 in numpy
_COMPARISON = 3e-5  # seconds of an exact comparison of two partitions
_TIES = 120  # seconds at most


@dataclass(frozen=True, kw_only=True)
class OptimalBounds:
    """``L*_T`` for T = 1..n.

    Attributes:
        values: Bits; exact numbers for an exact table.
        partitions: One optimal ordered partition for each T; for a float table its cost is within
            ``2 (T + 1) error`` of the least.
        error: A proven bound on the error of every value, bits; zero for an exact table.
    """

    values: tuple[Bits, ...]
    partitions: tuple[Partition, ...]
    error: float = 0.0


def step_bound(source: TableLike, partition: Sequence[Sequence[int]]) -> Bits:
    """Return ``L_T`` of an ordered partition (Theorem 1); the error of a float is at most ``table.bound_error``.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.information.subsets.builder import subset_entropies
        >>> from itertools import permutations
        >>> table = subset_entropies(JointPMF.uniform(permutations(range(3))))
        >>> step_bound(table, [[0], [1, 2]])
        LogNumber('log2(2)')
    """
    table = table_of(source)
    blocks = check_partition(partition, table.n)
    counts: Counter[int] = Counter({(1 << table.n) - 1: -1})
    for revealed, i in _block_pairs(blocks):
        counts[revealed | 1 << i] += 1
        counts[revealed] -= 1
    if table.is_exact:
        table.require_exact(mask for mask, c in counts.items() if c)
        return table.combination(counts)
    pairs = _block_pairs(blocks)
    return float(sum(table.h[revealed | 1 << i] - table.h[revealed] for revealed, i in pairs) - table.h[-1])


def _block_pairs(blocks: Partition) -> Iterator[tuple[int, int]]:
    revealed = 0
    for block in blocks:
        for i in block:
            yield revealed, i
        revealed |= sum(1 << i for i in block)


def optimal_bounds(source: TableLike) -> OptimalBounds:
    """Return ``L*_T`` and an optimal ordered partition for every T (Theorem 2).

    Args:
        source: A table of subset entropies, or what :func:`subset_entropies` makes one of.

    Raises:
        CostError: If 3^n steps exceed the limit.

    Example:
        >>> bounds = optimal_bounds([(0, 0), (1, 1)])
        >>> [str(v) for v in bounds.values], bounds.partitions[1]
        (['log2(2)', '0'], ((0,), (1,)))
    """
    table = table_of(source)
    n = table.n
    by_size = entropies_by_size(table) if table.is_exact else None
    if by_size is not None:
        return _bounds_by_size(by_size)
    require_partitions(n)
    gains = table.gains()
    costs = subset_costs(gains)
    search = _Backtrack(table, gains, costs)
    partitions = tuple(search.partition(steps) for steps in range(1, n + 1))
    if search.numbers is None:
        values = tuple(float(cost - table.h[-1]) for cost in costs[1:, -1])
        return OptimalBounds(values=values, partitions=partitions, error=table.bound_error)
    chains = [search.best(steps, (1 << n) - 1)[1] for steps in range(1, n + 1)]
    search.numbers.require(chains)
    return OptimalBounds(values=tuple(map(search.numbers.excess, chains)), partitions=partitions)


def _bounds_by_size(entropies: tuple[LogNumber, ...]) -> OptimalBounds:
    """Return the optima if entropies depend on the size of the set alone; positions are taken from the left."""
    best = optimal_sizes(InformationCurve(entropies))
    ends = [list(accumulate(sizes, initial=0)) for sizes in best.sizes]
    partitions = tuple(tuple(tuple(range(*pair)) for pair in pairwise(stops)) for stops in ends)
    return OptimalBounds(values=best.values, partitions=partitions)


def optimal_partition_counts(source: TableLike) -> tuple[int, ...]:
    """Return the number of optimal ordered partitions for T = 1..n, ties decided exactly.

    If entropies depend on the size of the set alone, block sizes are counted (:mod:`theory.bounds.block_sizes`).

    Args:
        source: An exact table, or an exact distribution.

    Raises:
        InputError: For a float table, whose ties cannot be decided.
        CostError: If 3^n operations, or the partitions that floats cannot tell apart, exceed the limit.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.information.subsets.builder import subset_entropies
        >>> optimal_partition_counts(subset_entropies(JointPMF.uniform([(0, 0, 0), (1, 1, 1)])))
        (1, 3, 6)
    """
    table = table_of(source)
    if not table.is_exact:
        raise InputError("optimal partitions are counted on exact tables only: ties of floats are undecided.")
    by_size = entropies_by_size(table)
    if by_size is not None:
        arrangements = optimal_sizes(InformationCurve(by_size)).arrangements
        assert arrangements is not None
        return arrangements
    require_partitions(table.n)
    gains = table.gains()
    search = _Backtrack(table, gains, subset_costs(gains))
    search.require_counting()
    return tuple(search.count(steps, (1 << table.n) - 1) for steps in range(1, table.n + 1))


def require_partitions(n: int) -> None:
    """Raise before the best partitions of n positions if they would take too long or too much memory."""
    remedy = "use fewer positions"
    what, compiled = f"the optimal partition of {n} positions", has_compiler()
    budget = Budget(what, remedy if compiled else f"install numba, or {remedy}")
    require_all(
        lambda: budget.require(3**n, _PAIR if compiled else _PAIR_IN_NUMPY),
        # gains, costs for each number of blocks, and sets with prices of one source
        lambda: require_memory((1 << n) * (2 * n + 8) * 8, what, remedy=remedy),
    )


class _Backtrack:
    """Optimal partitions read backwards; exact numbers decide where floats are too close."""

    def __init__(self, table: EntropyTable, gains: NDArray[np.float64], costs: NDArray[np.float64]) -> None:
        self.table, self.gains, self.costs = table, gains, costs
        self.numbers: PartitionCosts | None = partition_costs(table) if table.is_exact else None
        self.slack = 2 * table.bound_error  # both costs have errors, each of fewer terms than a bound
        self.compared = 0
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

    def _best(self, t: int, target: int) -> tuple[int, Key]:
        """Return the best predecessor of ``target`` in t blocks and the exact cost."""
        if t == 0:
            return 0, self.numbers.nothing() if self.numbers else ()
        near = self._near(t, target)
        if self.numbers is None:
            return int(near[0]), ()
        floor = self.numbers.joint(target) if len(near) > 1 else None
        best: tuple[int, Key] | None = None
        for source in near.tolist():
            self._require_comparison()
            chain = self.numbers.extend(self.best(t - 1, source)[1], source, target)
            if best is None or self.numbers.compare(chain, best[1]) < 0:
                best = source, chain
            if floor is not None and self.numbers.equal(best[1], floor):
                break
        assert best is not None
        return best

    def _near(self, t: int, target: int) -> NDArray[np.int64]:
        """Return the predecessors of ``target`` in t blocks of least cost, up to rounding."""
        sources = subset_sums(np.array([1 << i for i in range(self.table.n) if target >> i & 1]))[:-1]
        reach = self.costs[t - 1, sources] + block_prices(self.gains, sources, target)
        return sources[reach <= self.costs[t, target] + self.slack]

    def _count(self, t: int, target: int) -> int:
        """Return the number of exactly optimal ways to reveal ``target`` in t blocks."""
        assert self.numbers is not None
        if t == 0:
            return int(target == 0)
        least, total = self.best(t, target)[1], 0
        for source in self._near(t, target).tolist():
            chain = self.numbers.extend(self.best(t - 1, source)[1], source, target)
            if self.numbers.equal(chain, least):
                total += self.count(t - 1, source)
        return total

    def require_counting(self) -> None:
        """Raise if counting needs too many comparisons, two for each block of a nearly optimal partition."""
        n, steps = self.table.n, 0
        levels: list[set[int]] = [set() for _ in range(n + 1)]
        for t in range(n, 0, -1):
            levels[t].add((1 << n) - 1)
            for target in levels[t]:
                near = self._near(t, target)
                levels[t - 1].update(near.tolist())
                steps += len(near)
                self._require(2 * steps)

    def _require_comparison(self) -> None:
        self.compared += 1
        self._require(self.compared)

    def _require(self, comparisons: int) -> None:
        remedy = "build the table with exact=False for floats with a proven error"
        Budget("deciding ties between partitions exactly", remedy, limit=_TIES).require(
            comparisons, _COMPARISON
        )

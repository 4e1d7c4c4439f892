r"""Bounds of Markov chains from gap entropies, in float64 with proven errors.

With ``g(a, b) = H(y_b | y_a)`` (see :mod:`theory.distributions.parametric.markov`):

- ``H(y_S)`` is the sum of g over neighbours in S, the first paired with -1.
- ``L_T = sum_t sum_{i in S_t} [g(a, i) + g(i, b) - g(a, b)] - H(Y)``, a and b the nearest positions of ``S_<t``.
- ``L*_T``: once the first block is revealed, its gaps are independent problems with one step fewer, so the least cost
of a gap in at most t steps is a shortest path over the positions of the block, ``F_t(a, b) = min over S of sum_{i in S}
H(y_i | a, b) + sum over gaps of S of F_{t-1}``. Using fewer blocks than T is allowed, since splitting a block never
raises L (Theorem 2 of arXiv 2510.04767). Bisection has ``L = 0`` from ``T = floor(log2 n) + 1`` on, so few rounds are
needed.

Random order is in :mod:`theory.bounds.schedules.markov`; the errors are proved in
:mod:`theory.distributions.parametric.markov_errors`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.markov_program import next_round
from theory.bounds.partitions.partition import Partition, check_partition
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.parametric.markov_errors import exact_sum, optimum_error
from theory.limits import Budget
from theory.numbers.rounding import Approximate

__all__ = [
    "GapBounds",
    "approximate_dual",
    "approximate_entropy",
    "approximate_step_bound",
    "bisection",
    "markov_optimal_bounds",
    "nearest_revealed",
]

Gaps = NDArray[np.float64]

_ADDITION = 1e-9  # seconds of one of n^4 T / 24, compiled: a minute at n = 600


def approximate_entropy(distribution: MarkovDistribution) -> Approximate:
    """Return ``H(Y)`` in bits with a proven bound on its error.

    Example:
        >>> fair = [["1/2", "1/2"], ["1/2", "1/2"]]
        >>> approximate_entropy(MarkovDistribution(n=500, initial=["1/2", "1/2"], transition=fair)).value
        500.0
    """
    return _signed(distribution, [(1, i, i) for i in range(distribution.n)])


def approximate_dual(distribution: MarkovDistribution) -> Approximate:
    """Return the dual total correlation ``H(Y) - sum_i H(y_i | the others)`` in bits with a bound on its error.

    Example:
        >>> distribution = MarkovDistribution(n=300, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> approximate_dual(distribution).value, approximate_dual(distribution).error < 1e-9
        (1.0, True)
    """
    pairs = [(1, i, i) for i in range(distribution.n)]
    return _signed(
        distribution, [*pairs, *(term for i in range(distribution.n) for term in _given(i - 1, i, i + 1, -1))]
    )


def nearest_revealed(revealed: Sequence[int], i: int, n: int) -> tuple[int, int]:
    """Return the nearest of the sorted ``revealed`` positions on each side of i, -1 or n if there is none."""
    place = bisect_left(revealed, i)
    left = revealed[place - 1] if place else -1
    return left, revealed[place] if place < len(revealed) else n


def approximate_step_bound(
    distribution: MarkovDistribution, partition: Sequence[Sequence[int]]
) -> Approximate:
    """Return ``L_T`` of an ordered partition in bits with a proven bound on its error.

    It is the exact divergence of the ideal model decoded in these blocks.

    Example:
        >>> sticky = [["3/4", "1/4"], ["1/4", "3/4"]]
        >>> distribution = MarkovDistribution(n=300, initial=["1/2", "1/2"], transition=sticky)
        >>> none = approximate_step_bound(distribution, bisection(300))
        >>> abs(none.value) <= none.error < 1e-9
        True
    """
    terms = [(-1, i, i) for i in range(distribution.n)]
    revealed: list[int] = []
    for block in check_partition(partition, distribution.n):
        for i in block:
            a, b = nearest_revealed(revealed, i, distribution.n)
            terms += _given(a, i, b, 1)
        for i in block:
            insort(revealed, i)
    return _signed(distribution, terms)


def _given(a: int, i: int, b: int, sign: int) -> list[tuple[int, int, int]]:
    """Return ``sign H(y_i | y_a, y_b)`` as signed places [a + 1, b] of the table of gap entropies."""
    return [(sign, a + 1, i), (sign, i + 1, b), (-sign, a + 1, b)]


def _signed(distribution: MarkovDistribution, terms: Sequence[tuple[int, int, int]]) -> Approximate:
    sign, row, column = np.array(terms).T
    return exact_sum(
        (sign * distribution.gap_entropies[row, column]).tolist(),
        distribution.gap_errors[row, column].tolist(),
    )


def bisection(n: int) -> Partition:
    """Return the ordered partition that always reveals the middle of every gap: ``L = 0`` for any Markov chain.

    It has ``floor(log2 n) + 1`` blocks (arXiv 2608.25505, Theorem 2).

    Example:
        >>> bisection(6)
        ((3,), (1, 5), (0, 2, 4))
    """
    blocks: list[tuple[int, ...]] = []
    gaps = [(-1, n)]
    while gaps:
        blocks.append(tuple((a + b) // 2 + (a + b) % 2 for a, b in gaps))
        middles = [(a, (a + b) // 2 + (a + b) % 2, b) for a, b in gaps]
        gaps = [(x, y) for a, m, b in middles for x, y in ((a, m), (m, b)) if y - x > 1]
    return tuple(blocks)


@dataclass(frozen=True, kw_only=True)
class GapBounds:
    """``L*_T`` of a Markov chain for T = 1..rounds; it is zero from ``rounds`` on.

    Attributes:
        values: Bits, float64.
        partitions: One ordered partition for each T (of at most T blocks), optimal up to twice the error.
        error: A proven bound on the error of every value, bits.
    """

    values: tuple[float, ...]
    partitions: tuple[Partition, ...]
    error: float


def markov_optimal_bounds(distribution: MarkovDistribution) -> GapBounds:
    """Return ``L*_T`` over all ordered partitions of a Markov chain, for T up to ``floor(log2 n) + 1``.

    Raises:
        CostError: If about ``n^4 T / 24`` additions are too many (n = 400 takes ten seconds).

    Example:
        >>> distribution = MarkovDistribution(n=4, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> best = markov_optimal_bounds(distribution)
        >>> best.values, best.partitions[1]
        ((3.0, 0.0, 0.0), ((0,), (1, 2, 3)))
    """
    n = distribution.n
    rounds = n.bit_length()
    remedy = "use a shorter chain, or price your own partitions with --partition"
    budget = Budget(f"the best partitions of {n} positions", remedy)
    budget.require(n**4 * max(rounds - 1, 1) // 24, _ADDITION)
    g = distribution.gap_entropies
    costs = [_one_round(g)]
    while len(costs) < rounds - 2:
        costs.append(next_round(costs[-1], g))
    values = [float(costs[0][0, n])]
    partitions: list[Partition] = [(tuple(range(n)),)]
    for t in range(2, rounds):
        values.append(_first_block(costs[t - 2], g, 0, n)[0])
        partitions.append(_partition(costs[: t - 1], g))
    entropy = approximate_entropy(distribution)
    bits = [value - entropy.value for value in values]
    error = optimum_error(g, distribution.gap_errors, entropy, max(map(abs, bits)))
    if rounds > 1:
        bits, partitions = [*bits, 0.0], [*partitions, bisection(n)]
    return GapBounds(values=tuple(bits), partitions=tuple(partitions), error=error)


def _one_round(g: Gaps) -> Gaps:
    """Return ``F_1(p, b)`` at [p, b], the cost of the gap p..b-1 in one step."""
    n = len(g) - 1
    cost = np.full((n + 1, n + 1), np.inf)
    for p in range(n + 1):
        for b in range(p, n + 1):
            cost[p, b] = float(_alone(g, p, b).sum())
    return cost


def _alone(g: Gaps, p: int, b: int) -> NDArray[np.float64]:
    """Return ``H(y_i | y_{p-1}, y_b)`` for i = p..b-1."""
    return g[p, p:b] + g[p + 1 : b + 1, b] - g[p, b]


def _first_block(before: Gaps, g: Gaps, p: int, b: int) -> tuple[float, tuple[int, ...]]:
    """Return the cost of one gap and its positions that are revealed first."""
    alone = _alone(g, p, b)
    length = b - p
    reach, last = np.zeros(length + 1), np.zeros(length + 1, dtype=np.int64)
    for k in range(1, length + 1):
        steps = reach[:k] + before[p : p + k, p + k - 1]
        last[k] = int(np.argmin(steps))
        reach[k] = steps[last[k]] + alone[k - 1]
    ends = reach + before[p : b + 1, b]
    k = int(np.argmin(ends))
    value = float(ends[k])
    chosen: list[int] = []
    while k:
        chosen.append(p + k - 1)
        k = int(last[k])
    return value, tuple(reversed(chosen))


def _partition(costs: Sequence[Gaps], g: Gaps) -> Partition:
    """Return the best ordered partition of at most ``len(costs) + 1`` blocks."""
    n = len(g) - 1
    blocks: list[tuple[int, ...]] = []
    gaps = [(0, n)]
    for before in reversed(costs):
        found = [(p, b, _first_block(before, g, p, b)[1]) for p, b in gaps]
        blocks.append(tuple(i for _, _, block in found for i in block))
        cuts = [(p - 1, *block, b) for p, b, block in found]
        gaps = [(x + 1, y) for cut in cuts for x, y in pairwise(cut) if y - x > 1]
    blocks.append(tuple(i for p, b in gaps for i in range(p, b)))
    return tuple(block for block in blocks if block)

r"""Accuracy of a fixed schedule on a Markov chain by transfer matrices.

In a gap between revealed positions a < b with tokens u, v every member i of the next block is drawn from
``p_i(y | u, v) = P(y_i = y | y_a = u) P(y_b = v | y_i = y) / P(y_b = v | y_a = u)``, and then the smaller gaps are
on their own. So the probability A(a, b)[u, v] that the gap is filled without an impossible pair of neighbours is a
product of matrices: ``A(a, b)[u, v] = sum over y of the block of prod A(i, j)[y_i, y_j] p_j(y_j | u, v)``; for
neighbours it is 1 where ``P(v | u) > 0``. The answer A(-1, n) is the accuracy Q(V), V the support. It costs ``n V^4``.

Error. Everything is a sum of products and quotients of positive numbers, so roundings are counted as in
:mod:`theory.distributions.parametric.markov_errors`: p_j has those of its three powers and two more, a member adds V
+ 1 and those of the gap before it, the end V: together K, and the result is within K roundings.

Underflow matters in a quotient: ``P(v | u)`` may be below the smallest float while the decoder, which draws u and v
independently in one step, meets the pair often. Where it is positive but below 2^-800, A(a, b)[u, v] is taken as
unknown, once as 0 and once as 1; the truth is between the two results. Elsewhere numerators are off by at most 2^-998
from underflow, and p by 2^-198, so that A is off by at most n V 2^-197 more, below 2^-150.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.partition import Partition, check_partition
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.parametric.markov_errors import power_roundings
from theory.limits import Budget
from theory.numbers.rounding import Approximate, gamma

__all__ = ["approximate_accuracy"]

Table = NDArray[np.float64]
Tables = dict[tuple[int, int], Table]

_TINY = 2.0**-800  # no division by smaller probabilities
_PRODUCT = 6e-10  # seconds of a multiplication


def approximate_accuracy(distribution: MarkovDistribution, partition: Sequence[Sequence[int]]) -> Approximate:
    """Return ``Q(V)`` of the ideal model decoded along an ordered partition, with a bound on its error.

    At temperature 1.

    Raises:
        CostError: If ``n V^4`` multiplications are too many.

    Example:
        >>> copies = MarkovDistribution(n=4, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> approximate_accuracy(copies, [[0, 3], [1, 2]]).value
        0.5
        >>> distribution = MarkovDistribution(n=300, initial=["1/2", "1/2"], transition=[["9/10", "1/10"], [0, 1]])
        >>> approximate_accuracy(distribution, [range(i, i + 3) for i in range(0, 300, 3)]).error < 1e-10
        True
    """
    blocks = check_partition(partition, distribution.n)
    what = f"the accuracy on {distribution.n} positions with {len(distribution.tokens)} tokens"
    Budget(what, "use fewer tokens").require(distribution.n * len(distribution.tokens) ** 4, _PRODUCT)
    gaps = list(_gaps(blocks, distribution.n))[::-1]
    tiny: set[tuple[int, int]] = set()
    low = high = _valid(distribution, gaps, 0.0, tiny)
    if tiny:
        high = _valid(distribution, gaps, 1.0, tiny)
    error = (
        1.02 * gamma(_roundings(gaps, distribution.n, len(distribution.tokens))) * high
        + (high - low) / 2
        + 2.0**-150
    )
    return Approximate(value=(low + high) / 2, error=error)


def _valid(
    distribution: MarkovDistribution,
    gaps: Sequence[tuple[int, int, list[int]]],
    unknown: float,
    tiny: set[tuple[int, int]],
) -> float:
    """Return A(-1, n) with a value for the entries that are unknown; add their gaps to ``tiny``."""
    tables: Tables = {}
    for a, b, members in gaps:
        table = _filled(distribution, a, b, members, tables)
        doubtful = _doubtful(distribution, a, b)
        if doubtful.any():
            tiny.add((a, b))
            table = np.where(doubtful, unknown, table)
        tables[a, b] = table
    return float(tables[-1, distribution.n][0, 0])


def _doubtful(distribution: MarkovDistribution, a: int, b: int) -> NDArray[np.bool_]:
    """Return where ``P(y_b | y_a)`` is positive but too small to divide by."""
    small = _pair(distribution, a, b) < _TINY
    if not small.any():
        return small
    reach = distribution.possible(max(a, 0), b)
    return small & ((distribution.marginals[0][None, :] > 0) @ reach if a < 0 else reach)


def _roundings(gaps: Sequence[tuple[int, int, list[int]]], n: int, width: int) -> int:
    """Return K, the roundings of A(-1, n)."""
    of: dict[tuple[int, int], int] = {}

    def pair(a: int, b: int) -> int:
        return 0 if b == n else power_roundings(b - a, width)  # P(y_b) is a row times b matrices

    for a, b, members in gaps:
        total = 0
        for before, i in pairwise([a, *members]):
            drawn = pair(a, i) + pair(i, b) + pair(a, b) + 2
            total += drawn + of.get((before, i), 0) + width + 1
        of[a, b] = total + of.get((members[-1], b), 0) + width
    return of[-1, n]


def _gaps(blocks: Partition, n: int) -> Iterator[tuple[int, int, list[int]]]:
    """Yield (a, b, members of the next block in between) for every gap that a block meets, in order."""
    inside = {(-1, n): list(range(n))}
    for block in blocks:
        chosen = set(block)
        after: dict[tuple[int, int], list[int]] = {}
        for (a, b), left in inside.items():
            members = [i for i in left if i in chosen]
            if not members:
                after[a, b] = left
                continue
            yield a, b, members
            ends = [a, *members, b]
            for x, y in pairwise(ends):
                if y - x > 1:
                    after[x, y] = list(range(x + 1, y))
        inside = after


def _filled(
    distribution: MarkovDistribution, a: int, b: int, members: Sequence[int], tables: Tables
) -> Table:
    total = _pair(distribution, a, b)
    usable = total >= _TINY
    safe = np.where(usable, total, 1.0)
    mass: Table | None = (
        None  # [u, v, y]: probability of a valid start of the gap with y at the last member so far
    )
    before = a
    for i in members:
        left, right = _pair(distribution, a, i), _pair(distribution, i, b)
        drawn = left[:, None, :] * right.T[None, :, :] / safe[:, :, None]
        valid = tables[before, i] if i - before > 1 else _neighbours(distribution, before, i)
        mass = valid[:, None, :] * drawn if mass is None else (mass @ valid) * drawn
        before = i
    assert mass is not None
    valid = tables[before, b] if b - before > 1 else _neighbours(distribution, before, b)
    return np.where(usable, (mass * valid.T[None, :, :]).sum(axis=2), 0.0)


def _pair(distribution: MarkovDistribution, a: int, b: int) -> Table:
    """Return ``P(y_b | y_a)`` with one row for a = -1 and one column for b = n."""
    if b == distribution.n:
        return np.ones((1 if a < 0 else len(distribution.tokens), 1))
    return distribution.marginals[b][None, :] if a < 0 else distribution.between(a, b)


def _neighbours(distribution: MarkovDistribution, a: int, b: int) -> Table:
    return (_pair(distribution, a, b) > 0).astype(np.float64)

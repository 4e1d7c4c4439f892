r"""Best block sizes for every number of steps, for every kind of number.

Blocks of sizes ``s_1, ..., s_T`` in random order cost ``sum_t s_t f(N_{t-1} + 1) - h_n`` with ``N_t = s_1 + ... + s_t``
and the profile ``f(j) = h_j - h_{j-1}`` (:mod:`theory.bounds.schedules.random_order`). So the best sizes are least-cost
paths ``0 = N_0 < ... < N_T = n`` whose edge M -> N costs ``(N - M) f(M + 1)``. All T are found at once. If entropies
depend on the size of a set alone, the order of positions does not matter, and these sizes are also those of the best
fixed partitions.

Errors. A path cost in float64 is a sum of at most n products of numbers of at least 0, each factor rounded once, so it
is off by less than ``(n + 3) 2^-53`` of itself; a path that looks best costs at most ``(n + 3) 2^-51`` of itself more
than the best one. The consequence depends on the numbers of the curve:

- *exact*: all last stops within that error of the best are compared exactly, and ties are counted;
- *intervals* (:class:`~theory.information.curves.structures.IntervalCurve`): the sizes found are priced in intervals,
  so that only the choice is uncertain, and half of the bound covers the rounding of a value;
- *floats*: the price is uncertain too, by the error of the curve.

The programme also runs on 64-bit integers, whose sums are exact (:mod:`theory.bounds.schedules.shuffle`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.information.curves.curve import CurveLike, InformationCurve, information_curve
from theory.information.curves.structures import IntervalCurve
from theory.limits import Budget
from theory.numbers.lognumber import Bits

__all__ = ["NEVER", "OptimalSizes", "cheapest_paths", "optimal_sizes", "path_sizes", "require_sizes"]

NEVER = 1 << 62  # above every path cost in integers
_CELL, _LIMIT = 3e-10, 30  # seconds of one of n^3 cells of the programme; at most, n = 4,641
_CURVE_CELL, _CURVE_LIMIT = 2e-8, 10  # with a curve that is not of intervals; at most, n = 793
_ROWS = 128  # ends priced at a time, to fit the cache
_HALF_UNIT = 2.0**-53  # the relative error of one float operation


@dataclass(frozen=True, kw_only=True)
class OptimalSizes:
    """The best block sizes for T = 1..n.

    Attributes:
        values: The least expected divergence, bits; exact numbers for an exact curve.
        sizes: One best sequence of block sizes for each T.
        counts: The number of best sequences for each T, ties decided exactly; ``None`` without an exact curve.
        arrangements: The number of ordered partitions into blocks of best sizes for each T, ``n! / (s_1! ... s_T!)``
            for each best sequence; ``None`` with ``counts``.
        error: A proven bound on the error of every value, bits; zero for an exact curve.
    """

    values: tuple[Bits, ...]
    sizes: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...] | None = None
    arrangements: tuple[int, ...] | None = None
    error: float = 0.0


def optimal_sizes(source: CurveLike | IntervalCurve) -> OptimalSizes:
    """Return the block sizes of least expected divergence for every number of steps.

    Args:
        source: A curve in intervals, or see :func:`~theory.information.curves.curve.information_curve`.

    Raises:
        CostError: If n^3 exceeds the limit.

    Example:
        >>> from theory.information.closed_forms import mean_subset_entropies
        >>> best = optimal_sizes(mean_subset_entropies("shuffle", 4))
        >>> best.sizes, best.counts
        (((4,), (2, 2), (2, 1, 1), (1, 1, 1, 1)), (1, 2, 1, 1))
        >>> [str(value) for value in best.values]
        ['5 log2(2) - log2(3)', '3 log2(2) - log2(3)', '2 log2(2) - log2(3)', '0']
    """
    curve = source if isinstance(source, IntervalCurve) else information_curve(source)
    require_sizes(curve.n, intervals=isinstance(curve, IntervalCurve))
    profile = np.array([float(f) for f in curve.profile])
    costs, before = cheapest_paths(profile)
    counts = arrangements = None
    if isinstance(curve, InformationCurve) and curve.is_exact:
        counts, arrangements = _decide_ties(curve, profile, costs, before)
    sizes = path_sizes(before)
    return OptimalSizes(
        values=tuple(map(curve.price, sizes)),
        sizes=sizes,
        counts=counts,
        arrangements=arrangements,
        error=_error(curve, costs),
    )


def require_sizes(n: int, *, intervals: bool = False) -> None:
    """Raise if :func:`optimal_sizes` of n positions would take too long, before their curve is computed.

    Example:
        >>> require_sizes(790)  # about the limit; 4,641 in intervals
    """
    price, limit = (_CELL, _LIMIT) if intervals else (_CURVE_CELL, _CURVE_LIMIT)
    Budget(f"the best block sizes of {n} positions", "use fewer positions", limit=limit).require(n**3, price)


def cheapest_paths(profile: NDArray[Any], *, rows: int = _ROWS) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the least cost of 0 -> N in t edges at [t, N], and the last stop of a path of this cost.

    Args:
        profile: ``f(1), ..., f(n)``, float64, or int64 such that no path costs :data:`NEVER`. Impossible paths cost
            infinity, or :data:`NEVER`.
        rows: How many ends are priced at a time; the result is the same.

    Example:
        >>> costs, before = cheapest_paths(np.array([3, 2, 0]))
        >>> costs[1:, 3].tolist(), before[1:, 3].tolist()
        ([9, 6, 5], [0, 2, 2])
    """
    n = len(profile)
    never = NEVER if profile.dtype == np.int64 else inf
    length = np.arange(n + 1)[:, None] - np.arange(n)
    edges = np.where(length > 0, length * profile, never)  # [N, M]
    costs = np.full((n + 1, n + 1), never)
    before = np.zeros((n + 1, n + 1), dtype=np.int32)
    costs[0, 0], costs[1, 1:] = 0, edges[1:, 0]
    for t in range(2, n + 1):
        for low in range(t, n + 1, rows):  # t edges end at N >= t, the stop before is M with t - 1 <= M < N
            high = min(low + rows, n + 1)
            reach = edges[low:high, t - 1 : high - 1] + costs[t - 1, t - 1 : high - 1]
            stop = reach.argmin(axis=1)
            before[t, low:high] = stop + t - 1
            costs[t, low:high] = reach[np.arange(high - low), stop]
    return costs, before


def _decide_ties(
    curve: InformationCurve,
    profile: NDArray[np.float64],
    costs: NDArray[np.float64],
    before: NDArray[np.int32],
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Write the first exactly best stops into ``before``; return the numbers of best sequences and of arrangements."""
    n = curve.n
    spare = 1 + 4 * (n + 3) * _HALF_UNIT  # both sides of the comparison have errors
    near: dict[tuple[int, int], list[int]] = {}
    wanted = {n}
    for t in range(n, 0, -1):
        for end in wanted:
            reach = costs[t - 1, :end] + np.arange(end, 0, -1) * profile[:end]
            near[t, end] = np.flatnonzero(reach <= costs[t, end] * spare).tolist()
        wanted = {n} | {stop for end in wanted for stop in near[t, end]} - {0}
    least: dict[tuple[int, int], Bits] = {(0, 0): curve.means[0]}
    ways = {(0, 0): (1, 1)}
    for t, end in sorted(near):
        prices = {stop: least[t - 1, stop] + (end - stop) * curve.profile[stop] for stop in near[t, end]}
        least[t, end] = min(prices.values())
        ties = [stop for stop, price in prices.items() if price == least[t, end]]
        before[t, end] = ties[0]
        counts, arrangements = zip(*(ways[t - 1, stop] for stop in ties), strict=True)
        ways[t, end] = (
            sum(counts),
            sum(a * comb(end, stop) for a, stop in zip(arrangements, ties, strict=True)),
        )
    found = [ways[steps, n] for steps in range(1, n + 1)]
    return tuple(count for count, _ in found), tuple(arrangements for _, arrangements in found)


def path_sizes(before: NDArray[np.int32]) -> tuple[tuple[int, ...], ...]:
    """Return the sizes of the best paths 0 -> n in t = 1..n edges, all read backwards at once."""
    n = len(before) - 1
    stops = np.full((n + 1, n + 1), n, dtype=np.int32)  # [T, t]: the end of the first t edges of a path of T
    for t in range(n, 0, -1):
        stops[t:, t - 1] = before[t, stops[t:, t]]
    return tuple(tuple(np.diff(stops[steps, : steps + 1]).tolist()) for steps in range(1, n + 1))


def _error(curve: InformationCurve | IntervalCurve, costs: NDArray[np.float64]) -> float:
    """Return a bound on the error of the values for the sizes chosen by floats; no path costs above ``n h_1``."""
    n = curve.n
    if isinstance(curve, IntervalCurve):
        return float(costs[1:, n].max()) * (n + 3) * 4 * _HALF_UNIT
    if curve.is_exact:
        return 0.0
    return 3 * curve.error_of(2 * n + 1) + 4 * (n + 3) * _HALF_UNIT * n * float(curve.means[1])

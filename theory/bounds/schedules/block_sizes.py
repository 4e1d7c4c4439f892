r"""The best block sizes in random order from intervals around the mean entropies, for a thousand positions.

Least-cost paths ``0 = N_0 < ... < N_T = n`` with edges ``(N - M) f(M + 1)``, ``f(j) = h_j - h_{j-1}``, as in
:mod:`theory.bounds.schedules.random_order`, in float64 for all T at once; the cost of the sizes found is then
evaluated from the intervals. Every path cost is a sum of at most n products of numbers of at least 0, each factor
rounded once, so it is off by less than ``(n + 3) 2^-53`` of itself; a path that looks best costs at most ``(n + 3)
2^-51`` of itself more than the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from theory.information.curves.curve import check_sizes
from theory.information.curves.structures import Structure
from theory.limits import require_operations

__all__ = ["Curve", "Sizes", "best_sizes", "curve_of"]

_T = TypeVar("_T")
_PRECISION = 160  # bits; of which a combination of n means loses about 2 log2(n)
_CELLS = 10**11  # n = 4,641: half a minute
_ROWS = 128  # ends priced at a time: they fit the cache, and stops beyond them are left out
_POINTS = 2 * 10**8  # terms of a curve, n = 14,000: some seconds


@dataclass(frozen=True, eq=False)
class Curve:
    """Intervals around the mean entropies ``h_0, ..., h_n``, far narrower than a float."""

    means: tuple[arb, ...]

    @property
    def n(self) -> int:
        """Number of positions."""
        return len(self.means) - 1

    @property
    def profile(self) -> list[arb]:
        """``f(1), ..., f(n)``."""
        return _at(lambda: [after - before for before, after in pairwise(self.means)])

    @property
    def z(self) -> list[float]:
        """The information curve ``Z_1, ..., Z_n`` in float64, each within half a unit of its last place or 1e-30."""
        profile = self.profile
        return [_float(z) for z in _at(lambda: [profile[0] - f for f in profile])]

    def expected_kl(self, sizes: Sequence[int]) -> arb:
        """Return an interval around the expected divergence of blocks of these sizes in random order."""
        return _at(lambda: self._expected_kl(check_sizes(sizes, self.n), self.profile))

    def values(self, schedules: Sequence[Sequence[int]]) -> list[arb]:
        """Return the same for several sequences of positive sizes with sum n, unchecked."""
        profile = self.profile
        return _at(lambda: [self._expected_kl(sizes, profile) for sizes in schedules])

    def _expected_kl(self, sizes: Sequence[int], profile: list[arb]) -> arb:
        starts = accumulate(sizes, initial=0)
        return sum(
            (size * profile[start] for size, start in zip(sizes, starts, strict=False)), -self.means[-1]
        )


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Best sizes for T = 1..n.

    Attributes:
        values: Expected divergence of each, bits, floats that are right to the last place or 1e-30.
        sizes: Block sizes.
        slack: The optimum is at most this many bits below ``values``.
    """

    values: tuple[float, ...]
    sizes: tuple[tuple[int, ...], ...]
    slack: float


def curve_of(structure: Structure) -> Curve:
    """Return the curve of a structure.

    Example:
        >>> from synthetic import make_task
        >>> curve = curve_of(make_task("insert_random", 999).structure())
        >>> round(float(curve.expected_kl([2] * 500).mid()), 10)
        0.4479817851
    """
    size = structure.n
    require_operations(
        size**2, f"the information curve of {size} positions", limit=_POINTS, remedy="use a smaller n"
    )
    return Curve(tuple(_at(structure.balls)))


def check_size(n: int) -> None:
    """Raise if the best sizes of n positions take too long."""
    require_operations(
        n**3, f"the best block sizes of {n} positions", limit=_CELLS, remedy="use fewer positions"
    )


def best_sizes(curve: Curve) -> Sizes:
    """Return the best block sizes for every number of steps.

    Raises:
        CostError: If n^3 exceeds the limit.
    """
    n = curve.n
    check_size(n)
    profile = np.array([float(f.mid()) for f in curve.profile])
    before, costs = _paths(profile)
    sizes = _traced(before)
    values = tuple(_float(value) for value in curve.values(sizes))
    return Sizes(values=values, sizes=tuple(sizes), slack=float(costs.max()) * (n + 3) * 2.0**-51)


def _paths(profile: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the last stop of a best path 0 -> N in t edges at [t, N], and the cost of 0 -> n in t = 1..n edges."""
    n = len(profile)
    length = np.arange(n + 1) - np.arange(n)[:, None]
    edges = np.where(length > 0, length * profile[:, None], np.inf).T.copy()  # [N, M]
    before = np.zeros((n + 1, n + 1), dtype=np.int32)
    costs = np.full(n + 1, np.inf)
    costs[0] = 0.0
    ends = np.empty(n)
    for t in range(1, n + 1):
        # t edges end at N >= t, their last stop is M with t - 1 <= M < N; from above, so that costs[M] are of t - 1
        for low in range(t + (n - t) // _ROWS * _ROWS, t - 1, -_ROWS):
            high = min(low + _ROWS, n + 1)
            reach = edges[low:high, t - 1 : high - 1] + costs[t - 1 : high - 1]
            stop = reach.argmin(axis=1)
            before[t, low:high] = stop + t - 1
            costs[low:high] = reach[np.arange(high - low), stop]
        costs[:t] = np.inf
        ends[t - 1] = costs[n]
    return before, ends


def _traced(before: NDArray[np.int32]) -> list[tuple[int, ...]]:
    """Return the sizes of the best paths 0 -> n in t = 1..n edges, read backwards for all of them at once."""
    n = len(before) - 1
    stops = np.full((n + 1, n + 1), n, dtype=np.int32)  # [T, t]: where t edges of a path of T end
    for t in range(n, 0, -1):
        stops[t:, t - 1] = before[t, stops[t:, t]]
    return [tuple(np.diff(stops[steps, : steps + 1]).tolist()) for steps in range(1, n + 1)]


def _at(compute: Callable[[], _T]) -> _T:
    """Compute at the working precision of the curve."""
    before = ctx.prec
    ctx.prec = _PRECISION
    try:
        return compute()
    finally:
        ctx.prec = before


def _float(value: arb) -> float:
    """Return the float nearest to a narrow interval; 0 where it contains 0 and is narrower than 1e-30."""
    return 0.0 if value.contains(0) else float(value.mid())

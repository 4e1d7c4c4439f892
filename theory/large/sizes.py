r"""The best block sizes in random order from intervals around the mean entropies, for a thousand positions.

Least-cost paths ``0 = N_0 < ... < N_T = n`` with edges ``(N - M) f(M + 1)``, ``f(j) = h_j - h_{j-1}``, as in
:mod:`theory.random_order`, in float64 for all T at once; the cost of the sizes found is then evaluated from the
intervals. Every path cost is a sum of at most n products of numbers of at least 0, each factor rounded once, so it is
off by less than ``(n + 3) 2^-53`` of itself; a path that looks best costs at most ``(n + 3) 2^-51`` of itself more than
the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from theory.large.entropies import Structure
from theory.limits import require_operations
from theory.random_order import check_sizes

__all__ = ["Curve", "Sizes", "best_sizes", "curve_of"]

_T = TypeVar("_T")
_PRECISION = 160  # bits; of which a combination of n means loses about 2 log2(n)
_CELLS = 2 * 10**9  # n = 1,259: half a minute
_POINTS = 10**7  # interval operations for a curve, n = 3,000: some seconds


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
        return _at(lambda: self._expected_kl(check_sizes(sizes, self.n)))

    def values(self, schedules: Sequence[Sequence[int]]) -> list[arb]:
        """Return the same for several sequences of positive sizes with sum n, unchecked."""
        return _at(lambda: [self._expected_kl(sizes) for sizes in schedules])

    def _expected_kl(self, sizes: Sequence[int]) -> arb:
        total, start = -self.means[-1], 0
        for size in sizes:
            total += size * (self.means[start + 1] - self.means[start])
            start += size
        return total


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
    sizes: list[tuple[int, ...]] = []
    for steps in range(1, n + 1):
        stops, end = [n], n
        for t in range(steps, 0, -1):
            end = int(before[t, end])
            stops.append(end)
        sizes.append(tuple(np.diff(stops[::-1]).tolist()))
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
        # t edges end at N >= t, their last stop is M >= t - 1
        reach = edges[t:, t - 1 :] + costs[t - 1 : n]
        stop = reach.argmin(axis=1)
        before[t, t:] = stop + t - 1
        costs[t:] = reach[np.arange(n + 1 - t), stop]
        costs[:t] = np.inf
        ends[t - 1] = costs[n]
    return before, ends


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

r"""The ideal model decoded in a uniformly random order, from mean subset entropies alone.

With ``h_j`` the mean entropy of j positions, the *information curve* ``Z_j = h_1 + h_{j-1} - h_j`` is the mean
mutual information between a position and j - 1 others; ``0 = Z_1 <= ... <= Z_n`` (Han 1978). It fixes everything
below (Chen, Cong, Li, arXiv 2511.04647):

- ``TC = sum_j Z_j`` and ``DTC = n Z_n - sum_j Z_j`` (Lemma 8);
- the expected divergence of blocks of sizes ``s_1, ..., s_T`` in a uniformly random ordered partition is
  ``sum_t sum_{j=1..s_t} (Z_{N_{t-1}+j} - Z_{N_{t-1}+1})`` with ``N_t = s_1 + ... + s_t`` (Theorems 4 and 16). The law
  of the mixture over partitions is at most as far from P, and in general strictly nearer;
- hence the best sizes, by dynamic programming.

Proof of the second point. ``L = sum_t sum_{i in S_t} H(y_i | S_<t) - H(Y)`` (Theorem 1 of arXiv 2510.04767). In a
uniformly random partition ``(S_<t, i)`` is a uniform pair of ``N_{t-1}`` positions and another one, so
``E L = sum_t s_t (h_{N_{t-1}+1} - h_{N_{t-1}}) - h_n``; write ``h_{j+1} - h_j = h_1 - Z_{j+1}`` and
``h_n = n h_1 - sum_j Z_j``. The differences ``f(j) = h_j - h_{j-1}`` are the information profile of Lavenant and
Zanella (arXiv 2510.25544), whose form of the cost is ``sum_t sum_{j=1..s_t} (f(N_{t-1}+1) - f(N_{t-1}+j))``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.information.curves.curve import InformationCurve, check_sizes, information_curve
from theory.information.measures import Bits
from theory.information.subsets.table import EntropyTable
from theory.limits import require_operations
from theory.validation import InputError, exact_fraction, shown

__all__ = [
    "OptimalSizes",
    "expected_kl",
    "expected_kl_of_law",
    "lavenant_zanella_kl",
    "optimal_sizes",
    "require_sizes",
]

_STEPS = 5 * 10**8  # cells of all layers of the dynamic programme, n = 800: seconds in numpy
_HALF_UNIT = 2.0**-53  # the relative error of one float operation


def expected_kl(source: EntropyTable | Sequence[Any] | InformationCurve, sizes: Sequence[int]) -> Bits:
    """Return ``E L`` over uniformly random ordered partitions with the given block sizes.

    Args:
        source: See :func:`information_curve`.
        sizes: ``s_1, ..., s_T``, positive, with sum n.

    Returns:
        Bits; exact for an exact source. At least the divergence of the mixture over the partitions.

    Example:
        >>> from theory.information.closed_forms import mean_subset_entropies
        >>> expected_kl(mean_subset_entropies("shuffle", 4), [2, 2])
        LogNumber('3 log2(2) - log2(3)')
    """
    curve = information_curve(source)
    checked = check_sizes(sizes, curve.n)
    starts = list(accumulate(checked, initial=0))[:-1]
    terms = [size * curve.profile[start] for size, start in zip(checked, starts, strict=True)]
    return sum(terms[1:], terms[0]) - curve.means[-1]


def expected_kl_of_law(
    source: EntropyTable | Sequence[Any] | InformationCurve, law: Mapping[tuple[int, ...], Any]
) -> Bits:
    """Return the mean of :func:`expected_kl` over a law on sequences of block sizes.

    Schedules that draw their sizes (Zhao, Cai, arXiv 2602.20126; times that are random,
    :mod:`theory.bounds.schedules.random_times`). By convexity the divergence of the mixed output law is at most this.

    Args:
        source: See :func:`information_curve`.
        law: Block sizes to probability, exact; the probabilities sum to 1.

    Example:
        >>> from theory.information.closed_forms import mean_subset_entropies
        >>> shuffle = mean_subset_entropies("shuffle", 3)
        >>> expected_kl_of_law(shuffle, {(3,): "1/4", (2, 1): "3/4"})
        LogNumber('-log2(2) + 5/4 log2(3)')
    """
    curve = information_curve(source)
    shares = {sizes: exact_fraction(share, "a probability") for sizes, share in law.items()}
    if any(share < 0 for share in shares.values()) or sum(shares.values()) != 1:
        raise InputError(f"the law of the sizes must be probabilities that sum to 1, got {shown(dict(law))}.")
    costs = [share * expected_kl(curve, sizes) for sizes, share in shares.items()]
    return sum(costs[1:], costs[0])


def lavenant_zanella_kl(
    source: EntropyTable | Sequence[Any] | InformationCurve, sizes: Sequence[int]
) -> Bits:
    """Return the same cost as a sum over the information profile (arXiv 2510.25544).

    ``sum_t sum_{j=1..s_t} (f(N_{t-1} + 1) - f(N_{t-1} + j))``: what each position loses because it is drawn with the
    context of the first of its block. Equal to :func:`expected_kl`, as an exact number for an exact source.
    """
    curve = information_curve(source)
    checked = check_sizes(sizes, curve.n)
    starts = list(accumulate(checked, initial=0))[:-1]
    zero = curve.profile[0] - curve.profile[0]
    lost = [
        curve.profile[start] - curve.profile[start + j]
        for size, start in zip(checked, starts, strict=True)
        for j in range(1, size)
    ]
    return sum(lost, zero)


@dataclass(frozen=True, kw_only=True)
class OptimalSizes:
    """The best block sizes in random order for T = 1..n.

    Attributes:
        values: The least expected divergence, bits; exact numbers for an exact curve.
        sizes: One best sequence of block sizes for each T.
        counts: The number of best sequences for each T, ties decided exactly; ``None`` for a float curve.
        error: A proven bound on the error of every value, bits; zero for an exact curve.
    """

    values: tuple[Bits, ...]
    sizes: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...] | None
    error: float = 0.0


def optimal_sizes(source: EntropyTable | Sequence[Any] | InformationCurve) -> OptimalSizes:
    """Return the block sizes of least expected divergence for every number of steps.

    Least cost paths ``0 = N_0 < ... < N_T = n`` where the edge M -> N costs ``(N - M) f(M + 1)``: n^3 cells in
    float64. Each is a sum of at most n products of numbers of at least 0, so its relative error is below
    ``(n + 3) 2^-52``; for an exact curve all last stops within that error of the best are compared exactly.

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
    curve = information_curve(source)
    n = curve.n
    require_sizes(n)
    profile = np.array([float(f) for f in curve.profile])
    costs = _path_costs(profile)
    if curve.is_exact:
        before, ways = _exact_choices(curve, profile, costs)
        counts = tuple(ways[steps, n] for steps in range(1, n + 1))
    else:
        before, counts = _float_choices(profile, costs), None
    sizes = tuple(_trace(before, steps, n) for steps in range(1, n + 1))
    values = tuple(expected_kl(curve, s) for s in sizes)
    return OptimalSizes(values=values, sizes=sizes, counts=counts, error=_sizes_error(curve))


def require_sizes(n: int) -> None:
    """Raise if :func:`optimal_sizes` of n positions would take too long: before their curve is worked out.

    Example:
        >>> require_sizes(790)  # about the most
    """
    what, remedy = f"the best block sizes of {n} positions", "use fewer positions"
    require_operations(n**3, what, limit=_STEPS, remedy=remedy)


def _sizes_error(curve: InformationCurve) -> float:
    """Return a bound on the error of ``expected_kl`` at the best sizes of a float curve.

    The value is computed for sizes that the float programme prefers; their float price and that of the best ones are
    off by ``(n + 3) 2^-52`` relative each, and prices are at most ``n h_1``.
    """
    if curve.is_exact:
        return 0.0
    chosen = 4 * (curve.n + 3) * _HALF_UNIT * curve.n * float(curve.means[1])
    return 3 * curve.error_of(2 * curve.n + 1) + chosen


def _path_costs(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least cost of 0 -> N in t edges at [t, N], infinite where impossible; shape (n + 1, n + 1)."""
    n = len(profile)
    length = np.arange(n + 1) - np.arange(n)[:, None]
    edges = np.where(length > 0, length * profile[:, None], np.inf)
    costs = np.full((n + 1, n + 1), np.inf)
    costs[0, 0] = 0.0
    for t in range(1, n + 1):
        costs[t] = (costs[t - 1, :-1, None] + edges).min(axis=0)
    return costs


def _into(profile: NDArray[np.float64], costs: NDArray[np.float64], t: int, end: int) -> NDArray[np.float64]:
    """Return the cost of 0 -> end in t edges for each last stop 0..end-1."""
    return costs[t - 1, :end] + np.arange(end, 0, -1) * profile[:end]


def _float_choices(profile: NDArray[np.float64], costs: NDArray[np.float64]) -> dict[tuple[int, int], int]:
    before: dict[tuple[int, int], int] = {}
    wanted = {len(profile)}
    for t in range(len(profile), 0, -1):
        for end in wanted:
            before[t, end] = int(np.argmin(_into(profile, costs, t, end)))
        wanted = {len(profile)} | {before[t, end] for end in wanted} - {0}
    return before


def _exact_choices(
    curve: InformationCurve, profile: NDArray[np.float64], costs: NDArray[np.float64]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Return the best last stop and the number of best paths of every state on a nearly best path."""
    n = curve.n
    slack = 1 + 4 * (n + 3) * _HALF_UNIT  # both sides of the comparison may be off
    near: dict[tuple[int, int], list[int]] = {}
    wanted = {n}
    for t in range(n, 0, -1):
        for end in wanted:
            reach = _into(profile, costs, t, end)
            near[t, end] = np.flatnonzero(reach <= costs[t, end] * slack).tolist()
        wanted = {n} | {stop for end in wanted for stop in near[t, end]} - {0}
    before: dict[tuple[int, int], int] = {}
    ways: dict[tuple[int, int], int] = {(0, 0): 1}
    cost: dict[tuple[int, int], Bits] = {(0, 0): curve.means[0]}
    for t, end in sorted(near):
        for stop in near[t, end]:
            price = cost[t - 1, stop] + (end - stop) * curve.profile[stop]
            if (t, end) in cost and price == cost[t, end]:
                ways[t, end] += ways[t - 1, stop]
            elif (t, end) not in cost or price < cost[t, end]:
                cost[t, end], before[t, end], ways[t, end] = price, stop, ways[t - 1, stop]
    return before, ways


def _trace(before: dict[tuple[int, int], int], steps: int, end: int) -> tuple[int, ...]:
    sizes: list[int] = []
    for t in range(steps, 0, -1):
        sizes.append(end - before[t, end])
        end = before[t, end]
    return tuple(reversed(sizes))

r"""A uniformly random order of n items (Shuffle): the best batch sizes for every number of rounds.

Wen, Liang, Lu (arXiv 2608.25505). Drawing B of the M items left at once costs ``g(M, B) = log2(M^B / (M)_B)``
whatever is already placed, so batches ``B_1, ..., B_R`` cost ``sum_t B_t log2 M_t - log2 n!`` with M_t left before
batch t. ``E_{n,R}``, the least over R batches, is also the least over all value-dependent rules with at most R rounds
(Theorem 7 there), and best batches do not grow (Proposition 1).

Algorithms. Going from m to m' < m left costs ``w(m', m) = (m - m') l(m)``, ``l = log2``. As l does not decrease, for
``a <= b <= c <= d``: ``w(a, c) + w(b, d) - w(a, d) - w(b, c) = (b - a)(l(c) - l(d)) <= 0`` (Monge). Let ``F_R(m)`` be
the least cost from m to 0 in R batches. By exchanging tails, (i) ``F_{R-1} + F_{R+1} >= 2 F_R`` at every m, and (ii)
the first of R best batches does not grow with R.

Proof. Take stops ``0 = p_0 < ... < p_a`` and ``0 = q_0 < ... < q_b`` and a shift d >= 0 with ``p_{b+d} <= q_b``. For
the largest i < b with ``q_i <= p_{i+d}`` also ``p_{i+d+1} <= q_{i+1}``: one batch contains the other. By Monge
``p_0 .. p_{i+d} q_{i+1} .. q_b`` and ``q_0 .. q_i p_{i+d+1} .. p_a`` cost no more together; they are b + d and a - d
batches. With ``p_a = q_b``, d = 1, a = R + 1, b = R - 1 this is (i). With ``p_a < q_b``, d = 1, a = R, b = R - 1 it
says ``F_{R-1}(p_a) + F_R(q_b) <= F_R(p_a) + F_{R-1}(q_b)``: one more batch helps more where more is left, so the best
next stop moves up with R, which is (ii).

By (i) the points ``(R, F_R)`` lie on a convex chain. A price for each batch selects a vertex, found in O(n) with the
lower envelope of lines; chords between known vertices supply the prices, and the exchange of tails gives any R between
two vertices on one chord. All in integers ``floor(2^bits l(m))``: the result is exactly optimal for these, hence within
``n 2^-bits`` bits of ``E_{n,R}``. Exact optima with all ties:
:func:`theory.bounds.schedules.random_order.optimal_sizes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from theory.information.curves.curve import check_sizes
from theory.limits import require_operations
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, positive_int

__all__ = [
    "AllRounds",
    "BatchPlan",
    "all_rounds",
    "batch_kl",
    "best_batches",
    "pairs_first",
]

_LEVELS = 10**7  # logarithms for one number of rounds: a minute
_CELLS = 10**10  # additions for all numbers of rounds in numpy, n = 20,000: half a minute


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """The best batches for one number of rounds.

    Attributes:
        sizes: Batch sizes.
        slack: ``E_{n,R}`` is at most ``batch_kl(sizes)`` and at least that minus this number of bits.
    """

    sizes: tuple[int, ...]
    slack: float


@dataclass(frozen=True, kw_only=True, eq=False)
class AllRounds:
    """``E_{n,R}`` for R = 1..n.

    Attributes:
        values: Bits, floats, shape (n,).
        error: A proven bound on the error of each, bits.
    """

    values: NDArray[np.float64]
    error: float


def batch_kl(sizes: Sequence[int]) -> LogNumber:
    """Return the exact divergence ``sum_t B_t log2 M_t - log2 n!`` of drawing batches of the given sizes.

    Example:
        >>> batch_kl([2, 2]), batch_kl([3, 1]), batch_kl([1, 1, 1])
        (LogNumber('3 log2(2) - log2(3)'), LogNumber('3 log2(2) - log2(3)'), LogNumber('0'))
    """
    left = sum(sizes)
    check_sizes(sizes, left)
    powers = dict.fromkeys(range(2, left + 1), -1)
    for size in sizes:
        if left > 1:
            powers[left] += size
        left -= size
    return LogNumber(powers)


def best_batches(n: int, rounds: int, *, bits: int = 80) -> BatchPlan:
    """Return batch sizes that attain ``E_{n,R}`` up to ``n 2^-bits`` bits.

    Args:
        n: Number of items.
        rounds: R, from 1 to n.
        bits: Binary digits of the integer logarithms.

    Example:
        >>> best_batches(12, 6).sizes, best_batches(10_000, 2).sizes
        ((3, 3, 2, 2, 1, 1), (6321, 3679))
    """
    size, wanted = positive_int(n, "n"), positive_int(rounds, "rounds")
    if wanted > size:
        raise InputError(f"rounds must be at most n = {size}, got {wanted}.")
    require_operations(size, "the best batches", limit=_LEVELS, remedy="use a smaller n")
    levels = _levels(size, bits)
    few, many = [0, size], list(range(size + 1))  # stops, counted from the end
    while True:
        if wanted in (len(few) - 1, len(many) - 1):
            stops = few if wanted == len(few) - 1 else many
            sizes = tuple(b - a for a, b in pairwise(stops))[::-1]
            return BatchPlan(sizes=sizes, slack=size / 2.0**bits)
        rise, run = _cost(levels, few) - _cost(levels, many), len(many) - len(few)
        middle = _cheapest(levels, rise, run)
        on_chord = _cost(levels, middle) * run + rise * len(middle)
        if on_chord == _cost(levels, few) * run + rise * len(few):
            few = _exchanged(many, few, wanted - len(few) + 1)
        elif len(middle) - 1 <= wanted:
            few = middle
        else:
            many = middle


def _levels(n: int, bits: int) -> list[int]:
    """Return ``floor(2^bits log2 m)`` for m = 0..n, with 0 at 0."""
    before = ctx.prec
    ctx.prec = bits + 64
    try:
        scale = arb(2) ** bits / arb(2).log()
        return [0] + [_floor_log2(m, bits, scale) for m in range(1, n + 1)]
    finally:
        ctx.prec = before


def _floor_log2(m: int, bits: int, scale: arb) -> int:
    if m & (m - 1) == 0:
        return (m.bit_length() - 1) << bits
    whole = (
        (arb(m).log() * scale).floor().unique_fmpz()
    )  # irrational: 64 guard bits leave no doubt in practice
    assert whole is not None
    return int(whole)


def _cost(levels: Sequence[int], stops: Sequence[int]) -> int:
    return sum((b - a) * levels[b] for a, b in pairwise(stops))


def _cheapest(levels: Sequence[int], rise: int, run: int) -> list[int]:
    """Return the stops of least cost with the price ``rise / run`` for each batch; the fewest batches among equals.

    ``G(m) = price + m l(m) + min_{m' < m} (G(m') - m' l(m))``: lines of falling slope -m', asked at rising l(m), so the
    envelope is a queue. Costs are scaled so that one batch more breaks ties and nothing else.
    """
    n = len(levels) - 1
    scale = run * (n + 1)
    price = rise * (n + 1) + 1
    best, before = [0] * (n + 1), [0] * (n + 1)
    queue, head = [0], 0
    for m in range(1, n + 1):
        level = levels[m] * scale
        while head + 1 < len(queue):
            a, b = queue[head], queue[head + 1]
            if best[b] - best[a] > (b - a) * level:
                break
            head += 1
        stop = before[m] = queue[head]
        value = best[m] = best[stop] + (m - stop) * level + price
        while len(queue) - head >= 2:
            a, b = queue[-2], queue[-1]
            if (value - best[b]) * (b - a) > (best[b] - best[a]) * (m - b):
                break
            queue.pop()
        queue.append(m)
    stops = [n]
    while stops[-1]:
        stops.append(before[stops[-1]])
    return stops[::-1]


def _exchanged(many: Sequence[int], few: Sequence[int], shift: int) -> list[int]:
    """Return the head of ``many`` joined to the tail of ``few``, ``shift`` batches more than ``few``."""
    i = max(i for i in range(len(few) - 1) if few[i] <= many[i + shift])
    return [*many[: i + shift + 1], *few[i + 1 :]]


def all_rounds(n: int) -> AllRounds:
    """Return ``E_{n,R}`` for all R by the recursion over the first batch, in 64-bit integers.

    By (ii) the largest first batch over all m bounds those of the next round: about ``2 n^2 ln n`` additions in all.

    Example:
        >>> all_rounds(4).values.round(5).tolist()
        [3.41504, 1.41504, 0.41504, 0.0]
    """
    size = positive_int(n, "n")
    work = 2 * size * size * size.bit_length()
    require_operations(work, f"E for all rounds of {size} items", limit=_CELLS, remedy="use best_batches")
    bits = 62 - (size * size.bit_length()).bit_length()
    levels = np.array(_levels(size, bits), dtype=np.int64)
    costs = levels * np.arange(size + 1)  # of m = r-1..n left, here r = 2
    found, costs, largest = [int(costs[-1])], costs[1:], size
    for r in range(2, size + 1):
        costs, largest = _one_more_round(costs, levels[r:], largest)
        found.append(int(costs[-1]))
    singles = found[-1]
    values = np.array([(cost - singles) / 2.0**bits for cost in found])
    return AllRounds(values=values, error=size / 2.0**bits + values[0] * 2.0**-52)


def _one_more_round(
    costs: NDArray[np.int64], levels: NDArray[np.int64], largest: int
) -> tuple[NDArray[np.int64], int]:
    """Return the costs for one item and one round more, and the largest first batch that any of them uses."""
    best, used = costs[:-1] + levels, 1
    batch = levels.copy()
    for b in range(2, min(largest, len(best)) + 1):
        batch += levels
        reach = costs[:-b] + batch[b - 1 :]
        target = best[b - 1 :]
        if (reach < target).any():
            used = b
            np.minimum(reach, target, out=target)
    return best, used


def pairs_first(n: int, s: int) -> LogNumber:
    """Return ``E_{n,n-s} = sum_{j<s} log2 ((n - 2j) / (n - 2j - 1))``: s pairs, then singles (Theorem 9, 3s <= n).

    Example:
        >>> pairs_first(6, 2) == batch_kl([2, 2, 1, 1])
        True
    """
    if not 0 <= 3 * s <= positive_int(n, "n"):
        raise InputError(f"s must satisfy 0 <= 3 s <= n, got s = {s}, n = {n}.")
    return batch_kl([2] * s + [1] * (n - 2 * s))

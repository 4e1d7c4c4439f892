r"""Best block sizes for a uniformly random order of n items (Shuffle).

Wen, Liang, Lu (arXiv 2608.25505). Drawing B of the M items left at once costs ``g(M, B) = log2(M^B / (M)_B)`` in every
state, so batches ``B_1, ..., B_R`` cost ``sum_t B_t log2 M_t - log2 n!`` with M_t left before batch t. ``E_{n,R}``, the
least over R batches, is also the least over all value-dependent rules with at most R rounds (Theorem 7 there), and best
batches do not grow (Proposition 1).

Algorithms. Going from m to m' < m left costs ``w(m', m) = (m - m') l(m)``, ``l = log2``. As l does not decrease, for
``a <= b <= c <= d``: ``w(a, c) + w(b, d) - w(a, d) - w(b, c) = (b - a)(l(c) - l(d)) <= 0`` (Monge). Let ``F_R`` be
the least cost from n to 0 in R batches. By exchanging tails, ``F_{R-1} + F_{R+1} >= 2 F_R``.

Proof. Take stops ``0 = p_0 < ... < p_a = n`` and ``0 = q_0 < ... < q_b = n`` and a shift ``0 <= d <= a - b``. For the
largest i < b with ``q_i <= p_{i+d}`` also ``p_{i+d+1} <= q_{i+1}``: one batch contains the other. By Monge
``p_0 .. p_{i+d} q_{i+1} .. q_b`` and ``q_0 .. q_i p_{i+d+1} .. p_a`` cost no more together; they are b + d and a - d
batches. Here d = 1, a = R + 1, b = R - 1.

So the points ``(R, F_R)`` are convex. A price for each batch selects a vertex, found in O(n) with the lower envelope of
lines; chords between known vertices supply the prices, and the exchange of tails gives any R between two vertices on
one chord. All in integers ``floor(2^bits l(m))``: the result is exactly optimal for these, hence within ``n 2^-bits``
bits of ``E_{n,R}``. One R is found in this way for millions of items; all R at once, and exact optima with all ties,
are a case of :mod:`theory.bounds.block_sizes` with the profile ``f(M + 1) = l(n - M)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from flint import arb, ctx

from theory.bounds.block_sizes import OptimalSizes, cheapest_paths, path_sizes, require_sizes
from theory.limits import Budget
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, check_sizes, positive_int

__all__ = [
    "BatchPlan",
    "all_rounds",
    "batch_kl",
    "best_batches",
    "pairs_first",
]

_LOGARITHM = 6e-6  # seconds: a minute for one number of rounds of 10^7


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """The best block sizes for one number of rounds.

    Attributes:
        sizes: Batch sizes.
        error: Bits by which ``batch_kl(sizes)`` exceeds ``E_{n,R}`` at most.
    """

    sizes: tuple[int, ...]
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
    Budget("the best batches", "use a smaller n").require(size, _LOGARITHM)
    levels = _levels(size, bits)
    few, many = [0, size], list(range(size + 1))  # stops, from the end
    while True:
        if wanted in (len(few) - 1, len(many) - 1):
            stops = few if wanted == len(few) - 1 else many
            sizes = tuple(b - a for a, b in pairwise(stops))[::-1]
            return BatchPlan(sizes=sizes, error=size / 2.0**bits)
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
    with ctx.workprec(bits + 64):
        scale = arb(2) ** bits / arb(2).log()
        return [0] + [_floor_log2(m, bits, scale) for m in range(1, n + 1)]


def _floor_log2(m: int, bits: int, scale: arb) -> int:
    if m & (m - 1) == 0:
        return (m.bit_length() - 1) << bits
    whole = (arb(m).log() * scale).floor().unique_fmpz()
    assert whole is not None  # an irrational number, and 64 guard bits
    return int(whole)


def _cost(levels: Sequence[int], stops: Sequence[int]) -> int:
    return sum((b - a) * levels[b] for a, b in pairwise(stops))


def _cheapest(levels: Sequence[int], rise: int, run: int) -> list[int]:
    """Return the stops of least cost with the price ``rise / run`` for each batch; the fewest batches among equals.

    ``G(m) = price + m l(m) + min_{m' < m} (G(m') - m' l(m))``: lines of falling slope -m', asked at rising l(m), so the
    envelope is a queue. Costs are scaled so that one more batch only breaks ties.
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


def all_rounds(n: int) -> OptimalSizes:
    """Return ``E_{n,R}`` and best batches for all R, from sums of 64-bit integers.

    Example:
        >>> [round(value, 5) for value in all_rounds(4).values]
        [3.41504, 1.41504, 0.41504, 0.0]
    """
    size = positive_int(n, "n")
    require_sizes(size, intervals=True)
    bits = 62 - (size * size.bit_length()).bit_length()
    levels = np.array(_levels(size, bits), dtype=np.int64)
    costs, before = cheapest_paths(levels[:0:-1])
    values = (costs[1:, size] - costs[size, size]) / 2.0**bits
    error = size / 2.0**bits + float(values[0]) * 2.0**-52
    return OptimalSizes(values=tuple(values.tolist()), sizes=path_sizes(before), error=error)


def pairs_first(n: int, s: int) -> LogNumber:
    """Return ``E_{n,n-s} = sum_{j<s} log2 ((n - 2j) / (n - 2j - 1))``: s pairs, then singles (Theorem 9, 3s <= n).

    Example:
        >>> pairs_first(6, 2) == batch_kl([2, 2, 1, 1])
        True
    """
    if not 0 <= 3 * s <= positive_int(n, "n"):
        raise InputError(f"s must satisfy 0 <= 3 s <= n, got s = {s}, n = {n}.")
    return batch_kl([2] * s + [1] * (n - 2 * s))

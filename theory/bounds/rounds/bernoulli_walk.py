r"""Rounds that a Bernoulli walk needs without loss.

The walk ``y_j = b_1 + ... + b_j`` of n fair bits. A *run* is a stretch of equal bits; M is the length of the longest.

**Distribution of M.** A string of n bits is its first bit and the lengths of its runs, a composition of n. With
``c_m(n)`` the compositions into parts of at most m, ``P(M <= m) = 2 c_m(n) / 2^n``, and taking off the last part
``c_m(n) = c_m(n-1) + ... + c_m(n-m)``, so ``c_m(n) = 2 c_m(n-1) - c_m(n-m-1)`` for n >= 2 (c of a negative number:
0).

**Rounds.** Along every trajectory of every policy without loss (every block independent at the realised context),
``R >= log2(1 + n / M)``; so for all of them

    E R >= E log2(1 + n / M)  >=  log2 n - E log2 M  >=  log2 n - E log2(1 + M) - 1,

the last being Theorem 4 of Wen, Liang, Lu (arXiv 2608.25505). Proof of the first, derived here: revealed positions
(and 0) cut 1..n into *cells*: the gaps between neighbours, and the tail after the last. Two positions of the tail are
dependent, and so are two positions of a gap a < b unless ``y_b - y_a`` is 0 or b - a; then the gap is *sure*. So a
block without loss takes at most one position of the tail and of every gap that is not sure, and each such cell becomes
two. Not counting what happens inside sure gaps there are at most 2^t cells after t rounds. After R rounds the tail is
empty, and each other cell is sure or has length 1: its bits are equal, its length is at most M. Hence
``n <= (2^R - 1) M``. Bisection needs at most ``ceil(log2(n + 1))`` rounds (Theorem 3 there). Unit: rounds.

**From the left.** Batches ``B_1, ..., B_R`` from the left cost ``sum_t sum_{j <= B_t} H(Bin(j, 1/2)) - n`` bits (exact
values: :class:`theory.information.curves.gap_structures.Gaps`), at least ``(n / 2) log2(n / R) - (1 + log2(e / pi) /
2) n`` (Theorem 3). Proof: ``H(Bin(j, 1/2)) >= -log2 sum_k p_k^2 = -log2(C(2j, j) / 4^j) >= log2(pi j) / 2``, ``log2
B! >= B log2(B / e)``, and ``sum B_t log2 B_t >= n log2(n / R)`` by convexity.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import nextafter

from flint import arb

from theory.limits import Budget
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, positive_int

__all__ = ["left_to_right_floor", "longest_run_distribution", "walk_rounds", "walk_rounds_of_theorem_4"]

_BIT, _LIMIT = 1e-10, 5  # seconds of a bit of n additions for each of n lengths; at most, n = 3,500


def longest_run_distribution(n: int) -> tuple[Fraction, ...]:
    """Return ``P(M = m)`` for m = 1..n, M the longest run of equal bits among n fair ones.

    Raises:
        CostError: If n is too large.

    Example:
        >>> longest_run_distribution(3)  # 010, 101; four strings with a pair; 000, 111
        (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))
    """
    size = positive_int(n, "n")
    Budget(f"the longest run of {size} bits", "use a smaller n", limit=_LIMIT).require(size**3, _BIT)
    below = [0, *(_compositions(size, m) for m in range(1, size + 1))]
    return tuple(Fraction(2 * (after - before), 1 << size) for before, after in pairwise(below))


def _compositions(n: int, m: int) -> int:
    """Return the number of compositions of n into parts of at most m."""
    if m == n:
        return 1 << (n - 1)
    counts = [1, 1]
    for k in range(2, n + 1):
        counts.append(2 * counts[-1] - (counts[k - m - 1] if k > m else 0))
    return counts[n]


def walk_rounds(n: int) -> LogNumber:
    """Return ``E log2(1 + n / M)``, a lower bound on the expected rounds of any policy without loss.

    Example:
        >>> walk_rounds(3)
        LogNumber('1/4 log2(2) + 1/2 log2(5)')
    """
    distribution = longest_run_distribution(n)
    return LogNumber.weighted_sum((p, Fraction(n + m, m)) for m, p in enumerate(distribution, start=1) if p)


def walk_rounds_of_theorem_4(n: int) -> LogNumber:
    """Return ``log2 n - E log2(1 + M) - 1``, the bound as published; below :func:`walk_rounds`.

    Example:
        >>> walk_rounds_of_theorem_4(3)
        LogNumber('-7/4 log2(2) + 1/2 log2(3)')
    """
    distribution = longest_run_distribution(n)
    mean = LogNumber.weighted_sum((p, m + 1) for m, p in enumerate(distribution, start=1) if p)
    return LogNumber.log2(n) - mean - 1


def left_to_right_floor(n: int, rounds: int) -> float:
    """Return ``(n / 2) log2(n / R) - n - (n / 2) log2(e / pi)`` bits, rounded downwards; it may be negative.

    A lower bound on the cost of R batches from the left of a walk of n bits: a small cost needs R of the order of n.

    Example:
        >>> round(left_to_right_floor(64, 2), 6)
        102.681635
    """
    size, count = positive_int(n, "n"), positive_int(rounds, "rounds")
    if count > size:
        raise InputError(f"rounds must be at most n = {size}, got {count}.")
    nats = (arb(size) / count).log() - 1 + arb.pi().log()
    floor = nats * size / 2 / arb(2).log() - size
    return nextafter(float(floor.lower()), float("-inf"))

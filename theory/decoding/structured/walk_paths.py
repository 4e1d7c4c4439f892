r"""Draws of a Bernoulli walk beyond its last revealed value: which are walks, and what they lose.

Places r_1 < r_2 < ... beyond the last revealed value are drawn as binomials of r_i fair bits. The draws are part of a
walk if each value exceeds the one before by 0..(r_i - r_{i-1}). The loss of the draw is ``sum_i eta(r_i)`` less the
entropy of the increments, with ``eta(r) = r - 2^-r sum_k C(r, k) log2 C(r, k)`` bits for a binomial of r fair bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

from flint import fmpq

from theory.numbers.lognumber import LogNumber

__all__ = ["Group", "loss", "next_ends"]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The decode of positions that start from a revealed value.

    Attributes:
        accuracy: The probability that all draws are a walk.
        path_kl: The divergence along the path, in bits.
        mixed: Whether the law depends on how ties fall.
    """

    accuracy: fmpq
    path_kl: LogNumber
    mixed: bool


def next_ends(ends: Sequence[int], r: int, jumps: Iterable[int]) -> list[int]:
    """Return the weights by value, over ``2^(sum of all places)``, after one more place.

    Args:
        ends: Weights by value at the place before.
        r: The new place: r fair bits.
        jumps: By how much it may exceed the place before.

    Example:
        >>> pairs = next_ends(next_ends([1], 1, (0, 1)), 2, (0, 1))
        >>> sum(pairs), "of", 2 ** (1 + 2)
        (6, 'of', 8)
    """
    sums = [0] * (r + 1)
    for jump in jumps:
        for value, weight in enumerate(ends):
            sums[value + jump] += weight
    return [comb(r, value) * weight for value, weight in enumerate(sums)]


def loss(places: Mapping[int, fmpq], joint: fmpq) -> LogNumber:
    """Return ``sum_r places[r] eta(r) - joint``.

    Example:
        >>> loss({1: fmpq(1), 2: fmpq(1)}, fmpq(2))  # the first two places hold two bits
        LogNumber('1/2 log2(2)')
    """
    terms: list[tuple[fmpq, int]] = [(-joint, 2)]
    for r, count in places.items():
        terms.append((count * r, 2))
        terms += [(-count * fmpq(comb(r, k), 2**r), comb(r, k)) for k in range(1, r)]
    return LogNumber.weighted_sum(terms)

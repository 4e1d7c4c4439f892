"""Subset entropies, task by task, of the tasks known at any length.

- Shuffle: position j of any order is uniform over the n - j + 1 unused items, ``h_j - h_{j-1} = log2(n - j + 1)``.
- Shuffle without the input order: of ``M = n! - 1`` orders, ``m_j = (n - j)!`` show the same items at j positions, and
  one less if these are those of the input. With ``N_j = n! / m_j``,
  ``h_j = log2 M - ((N_j - 1) m_j log2 m_j + (m_j - 1) log2(m_j - 1)) / M``.
- Replace Random: the new item is at each of j positions with probability 1/n, else at none of them,
  ``h_j = (j/n) log2 n - (1 - j/n) log2(1 - j/n)``. A one-hot block has the same entropies.
- MDS code of dimension k over F_q: any k symbols are free and determine the rest, ``h_j = min(j, k) log2 q``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import factorial

from theory.information.curves.structures import Copies, Exchangeable

__all__ = ["code", "one_hot", "replace_random", "shuffle", "strict_shuffle", "sure"]

_Terms = Sequence[tuple[Fraction, Fraction]]


def shuffle(n: int) -> Exchangeable:
    """Return the entropies of a random order of n items."""
    return Exchangeable(n, lambda j: ((Fraction(1), Fraction(n - j + 1)),))


def strict_shuffle(n: int) -> Exchangeable:
    """Return the entropies of a random order of n items that is not the order of the input.

    Example:
        >>> strict_shuffle(3).mean({3: Fraction(1)})
        LogNumber('log2(5)')
    """
    orders = factorial(n) - 1

    def lost(j: int) -> list[tuple[Fraction, Fraction]]:
        same = factorial(n - j)
        terms = [(factorial(n) // same - 1) * same, same - 1]
        pairs = zip(terms, (same, same - 1), strict=True)
        return [(Fraction(c, orders), Fraction(a)) for c, a in pairs if c and a > 1]

    return Exchangeable(n, lambda j: [*lost(j - 1), *((-c, a) for c, a in lost(j))])


def replace_random(n: int) -> Exchangeable:
    """Return the entropies of a list with one random position replaced."""

    def gain(j: int) -> _Terms:
        before, after = Fraction(n - j + 1, n), Fraction(n - j, n)
        terms = [(Fraction(1, n), Fraction(n)), (before, before)]
        return terms if after == 0 else [*terms, (-after, after)]

    return Exchangeable(n, gain)


def code(n: int, dimension: int, order: int) -> Exchangeable:
    """Return the entropies of a maximum-distance-separable code."""
    return Exchangeable(n, lambda j: ((Fraction(1), Fraction(order)),) if j <= dimension else ())


def sure(n: int) -> Exchangeable:
    """Return the entropies of a distribution with a single outcome."""
    return Exchangeable(n, lambda j: ())  # noqa: ARG005


def one_hot(block: int, copies: int) -> Copies:
    """Return the entropies of independent one-hot blocks of length ``block``."""
    return Copies(replace_random(block), copies)

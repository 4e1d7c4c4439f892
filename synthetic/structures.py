"""Subset entropies, task by task, of the tasks known at any length.

- Shuffle: position j of any order is uniform over the n - j + 1 unused items, ``h_j - h_{j-1} = log2(n - j + 1)``.
- Replace Random: the new item is at each of j positions with probability 1/n, else at none of them,
  ``h_j = (j/n) log2 n - (1 - j/n) log2(1 - j/n)``. A one-hot block has the same entropies.
- MDS code of dimension k over F_q: any k symbols are free and determine the rest, ``h_j = min(j, k) log2 q``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from theory.information.curves.structures import Copies, Exchangeable

__all__ = ["code", "one_hot", "replace_random", "shuffle", "sure"]

_Terms = Sequence[tuple[Fraction, Fraction]]


def shuffle(n: int) -> Exchangeable:
    """Return the entropies of a random order of n items."""
    return Exchangeable(n, lambda j: ((Fraction(1), Fraction(n - j + 1)),))


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

"""Proven bounds on the rounding error of float entropies.

Let u = 2^-53 and ``gamma_k = k u / (1 - k u)``: a float result of k relative roundings is off by a factor of at most
``1 + gamma_k``, and ``gamma_a + gamma_b <= gamma_{a+b}`` (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
Lemmas 3.1 and 3.3). Let ``f(x) = -x log2 x`` and let a pmf have N outcomes of true probabilities p, each given as a
float within a factor ``1 + u``, that sum to 1 within 1e-9.

*Proof.* **Marginal cells.** A cell is a sum of probabilities. No term passes through more than a inexact additions
(the *depth* a; adding zero is exact), so the float cell is ``m (1 + t)`` with ``|t| <= gamma_{a+1} =: g``. From ``f(m
(1 + t)) - f(m) = t f(m) - m (1 + t) log2(1 + t)`` and ``|(1 + t) ln(1 + t)| <= |t| (1 + |t|)``, summed over cells,
the entropy of the float cells is off by at most ``g (H + (1 + g)(1 + 1e-9) log2 e) <= g (log2 N + 1.45)``.

**Terms.** A logarithm is within 8 u relative (4 units in the last place, the worst of any vector library in use; ours
and numpy's are below 1), a multiplicity and two products add a rounding each, and no term passes through more than b
additions. The terms have one sign, but for a sum of p above 1 by at most 1e-9, so the sum is off by at most
``gamma_{b+11} (log2 N + 0.1)``.

Together at most ``gamma_{a+b+12} (log2 N + 2)``; what is left of the 2 covers underflow, N terms below 1e-300.
The bound holds for the given floats read as exact numbers, and for every pmf that rounds to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from math import ceil, log2, prod

__all__ = [
    "Approximate",
    "axis_depth",
    "entropy_error",
    "gamma",
    "group_depth",
    "pairwise_depth",
    "sum_error",
    "two_digits",
]

_HALF_UNIT = 2.0**-53
_UPWARDS = Context(prec=2, rounding=ROUND_CEILING)
_FIXED = 12  # roundings of a term: its probability, a logarithm (8), a multiplicity, two products
_PAIRWISE_BLOCK = 128  # numpy sums blocks of this size in eight runs, and larger arrays by halves


@dataclass(frozen=True, kw_only=True)
class Approximate:
    """A float and a bound on its absolute error."""

    value: float
    error: float


def two_digits(error: float) -> float:
    """Return an error in two digits, rounded upwards, so that the printed number is still a bound.

    Example:
        >>> two_digits(1.44e-9), two_digits(1.4e-9), two_digits(0.0)
        (1.5e-09, 1.4e-09, 0.0)
    """
    return float(_UPWARDS.create_decimal(error))  # rounding to float is monotone, so not below the error


def gamma(roundings: int) -> float:
    """Return ``k u / (1 - k u)``, rounded upwards: the relative error of k roundings.

    Example:
        >>> gamma(1) > 2.0**-53
        True
    """
    part = roundings * _HALF_UNIT
    assert part < 0.01, "too many roundings for a bound"
    return part / (1 - part) * (1 + 4 * _HALF_UNIT)


def entropy_error(outcomes: int, *, cell_depth: int, sum_depth: int) -> float:
    """Return a bound on the error of a float entropy, in bits: ``gamma_{a+b+12} (log2 N + 2)``.

    Args:
        outcomes: N, at least the number of outcomes of positive probability.
        cell_depth: a, the additions that a probability passes on its way into a marginal cell.
        sum_depth: b, the additions that a term passes on its way into the entropy.

    Example:
        >>> entropy_error(65536, cell_depth=16, sum_depth=200) < 1e-12
        True
    """
    return gamma(cell_depth + sum_depth + _FIXED) * (log2(outcomes) + 2)


def pairwise_depth(terms: int) -> int:
    """Return a bound on the depth of ``numpy.sum`` over contiguous float64: blocks in any order, then halves."""
    return max(0, min(terms - 1, _PAIRWISE_BLOCK + ceil(log2(max(terms, 2)))))


def axis_depth(sizes: Iterable[int]) -> int:
    """Return the depth of summing out axes one after another: ``sum_i (A_i - 1)``."""
    return sum(size - 1 for size in sizes)


def sum_error(terms: int, each: float, size: float) -> float:
    """Return a bound on the error of a float sum of inexact numbers.

    Args:
        terms: How many numbers are added or subtracted.
        each: A bound on the error of each.
        size: A bound on the sum of their absolute float values.
    """
    return (terms * each + gamma(terms) * size) * (1 + 8 * _HALF_UNIT)


def group_depth(groups: Iterable[Iterable[int]]) -> int:
    """Return the depth of summing out axes in groups, all cells of a group in any order."""
    return sum(prod(group) - 1 for group in groups)

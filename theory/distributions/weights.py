"""Probabilities of outcomes, as integer weights over a total or as float64.

Every sum of integer weights is exact. They form an int64 array while the total is below ``2^62``, an object
array of Python integers above.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, isfinite, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.validation import InputError, exact_fraction, shown

__all__ = [
    "SUM_TOLERANCE",
    "check_signs",
    "check_sum",
    "float_weights",
    "integer_weights",
    "proportions",
    "support_of_table",
    "total_text",
]

SUM_TOLERANCE = 1e-9  # a float pmf may miss one by this much: rounding of a million terms stays below 1e-10
_INT64_SAFE = 2**62  # integer sums below this stay exact in int64


def integer_weights(rows: Sequence[object], probabilities: Sequence[Any]) -> tuple[NDArray[Any], int]:
    """Return exact probabilities as integers and their total, the least common denominator.

    Raises:
        InputError: If one is no exact number or negative, or they do not sum to one.

    Example:
        >>> integer_weights([("a",), ("b",)], ["1/3", "2/3"])
        (array([1, 2]), 3)
    """
    values = [
        p if type(p) is Fraction else exact_fraction(p, f"probability of {shown(row, 400)}")
        for row, p in zip(rows, probabilities, strict=True)
    ]
    check_signs(rows, values)
    denominator = lcm(*{p.denominator for p in values})
    weights = [p.numerator * (denominator // p.denominator) for p in values]
    if sum(weights) != denominator and rows:
        total = Fraction(sum(weights), denominator)
        raise InputError(f"probabilities must sum to 1, got {total_text(total)}; divide by the sum first.")
    dtype = np.int64 if denominator < _INT64_SAFE else object
    return np.array(weights, dtype=dtype), denominator


def proportions(rows: Sequence[object], weights: Sequence[Any]) -> tuple[NDArray[Any], int]:
    """Return integers proportional to non-negative exact weights, in lowest terms, and their sum.

    Raises:
        InputError: If one is no exact number or negative, or all are zero.

    Example:
        >>> proportions([("a",), ("b",)], [1, "1/2"])
        (array([2, 1]), 3)
    """
    if set(map(type, weights)) == {int} and min(weights) >= 0:
        whole = list(weights)
    else:
        values = [exact_fraction(w, "weight") for w in weights]
        check_signs(rows, values)
        common = lcm(*{w.denominator for w in values})
        whole = [w.numerator * (common // w.denominator) for w in values]
    shared = gcd(*whole)
    if shared == 0:
        raise InputError("weights must not all be zero.")
    total = sum(whole) // shared
    return np.array([w // shared for w in whole], dtype=np.int64 if total < _INT64_SAFE else object), total


def float_weights(rows: Sequence[object], probabilities: Sequence[Any]) -> NDArray[np.float64]:
    """Return float probabilities as an array; the integers 0 and 1 are allowed.

    Raises:
        InputError: If another exact number is among them, one is negative, NaN or infinite, or the sum is not one.
    """
    for row, p in zip(rows, probabilities, strict=True):
        if not isinstance(p, (float, np.floating)) and p not in (0, 1):
            message = (
                f"probability of {shown(row, 400)} is exact ({p}) among floats; give all exact or all floats."
            )
            raise InputError(message)
    values = [float(p) for p in probabilities]
    check_signs(rows, values)
    array = np.array(values, dtype=np.float64)
    if rows:
        check_sum(float(array.sum()))
    return array


def check_signs(rows: Sequence[object], values: Sequence[Any]) -> None:
    """Raise ``InputError``, naming the outcome, if a probability is negative, NaN or infinite."""
    if all(type(p) is Fraction for p in values) and all(p.numerator >= 0 for p in values):
        return
    for row, p in zip(rows, values, strict=True):
        if p != p or (isinstance(p, float) and not isfinite(p)):
            raise InputError(
                f"probability of {shown(row, 400)} is {p}; it must be a finite number of at least 0."
            )
        if p < 0:
            raise InputError(f"probability of {shown(row, 400)} is negative: {p}.")


def check_sum(total: float) -> None:
    """Raise ``InputError`` if float probabilities miss one by more than rounding."""
    if abs(total - 1) > SUM_TOLERANCE:
        raise InputError(f"probabilities must sum to 1, got {total:.12g}; divide by the sum first.")


def total_text(total: Fraction) -> str:
    """Return a Fraction with its decimal value, on one short line."""
    try:
        if len(str(total)) >= 80:
            return f"{float(total):.12g}"
        return str(total) if total.denominator == 1 else f"{total} (= {float(total):.12g})"
    except (OverflowError, ValueError):
        return "a number above 1e308"


def support_of_table(
    table: NDArray[np.float64], axes: Sequence[Sequence[object]]
) -> tuple[NDArray[Any], ...]:
    """Return the indices of the positive cells of a float table with tokens along its axes; raise unless a pmf."""
    bad = np.argwhere(~(table >= 0) | ~np.isfinite(table))
    if bad.size:
        cell = tuple(bad[0].tolist())
        check_signs([tuple(axes[i][j] for i, j in enumerate(cell))], [float(table[cell])])
    check_sum(float(table.sum()))
    keep = np.nonzero(table)
    if not keep[0].size:
        raise InputError("a pmf needs at least one outcome, got an empty support.")
    return keep

"""Checked parameters, rows of probabilities as exact Fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from sys import float_info
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.weights import total_text
from theory.distributions.written_numbers import is_float, is_rounding
from theory.validation import InputError, exact_fraction, shown

__all__ = ["Matrix", "Row", "matrix", "rounded", "row", "row_floats", "shares"]

Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]


def shares(values: Sequence[Fraction], name: str, normalise: bool) -> list[Fraction]:
    """Return numbers that sum to one: as given, or divided by their sum if ``normalise``.

    Raises:
        InputError: If they do not sum to one and ``normalise`` is false.

    Example:
        >>> shares([Fraction(1, 4), Fraction(1, 2)], "probabilities", normalise=True)
        [Fraction(1, 3), Fraction(2, 3)]
    """
    total = sum(values, Fraction(0))
    if total == 1 or not values:
        return list(values)
    if not normalise:
        miss = f"{total_text(abs(1 - total))} too {'little' if total < 1 else 'much'}"
        raise InputError(
            f"{name} must sum to 1, got {total_text(total)}, {miss}; correct them, or use --normalise to "
            "divide by the sum."
        )
    if total <= 0:
        raise InputError(f"{name} sum to {total_text(total)}; they cannot be normalised.")
    return [value / total for value in values]


def rounded(values: Sequence[Any]) -> bool:
    """Return whether numbers are floats, by their digits, whose sum misses one by rounding only.

    Example:
        >>> rounded([1 / 3, 1 / 3, 1 / 3]), rounded(["0.3", "0.3", "0.3"]), rounded([0.3, 1 / 3])
        (True, False, False)
    """
    return any(map(is_float, values)) and is_rounding(sum(exact_fraction(v, "a number") for v in values))


def row(values: Any, name: str, size: int | None = None, *, normalise: bool = False) -> Row:
    """Return a row of probabilities.

    Args:
        values: Numbers of at least 0: ints, Fractions, floats (read as the decimals they print), or texts. With one of
            over 12 digits among them, a sum within 1e-9 of one is rounding and is divided out.
        name: What the row is, for the error.
        size: How many there must be.
        normalise: Divide by the sum.
    """
    if isinstance(values, (str, dict)) or not hasattr(values, "__iter__"):
        raise InputError(f"{name} must be a list of probabilities, got {shown(values)}.")
    given = list(values)
    numbers = [exact_fraction(value, name) for value in given]
    if not numbers or (size is not None and len(numbers) != size):
        raise InputError(f"{name} must hold {size or 'some'} probabilities, got {len(numbers)}.")
    if (least := min(numbers)) < 0:
        raise InputError(f"{name} holds a negative probability: {total_text(least)}.")
    checked = tuple(shares(numbers, name, normalise or rounded(given)))
    if any(p and float(p) < float_info.min for p in checked):  # smaller floats have fewer than 53 bits
        raise InputError(
            f"{name} holds a positive probability below 1e-308, the smallest float of full precision."
        )
    return checked


def matrix(
    values: Any, name: str, rows: int, columns: int | None = None, *, normalise: bool = False
) -> Matrix:
    """Return a matrix whose rows are probabilities; see :func:`row`."""
    if isinstance(values, (str, dict)) or not hasattr(values, "__iter__"):
        raise InputError(f"{name} must be a list of rows of probabilities, got {shown(values)}.")
    listed = list(values)
    if len(listed) != rows:
        raise InputError(f"{name} must have {rows} rows, got {len(listed)}.")
    first = row(listed[0], f"{name}[0]", columns, normalise=normalise)
    rest = [
        row(line, f"{name}[{i}]", len(first), normalise=normalise)
        for i, line in enumerate(listed[1:], start=1)
    ]
    return (first, *rest)


def row_floats(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return a row or a matrix as float64."""
    return np.array([[float(p) for p in line] if isinstance(line, tuple) else float(line) for line in values])

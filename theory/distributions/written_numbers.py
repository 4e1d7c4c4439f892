"""Numbers as a file writes them, exact ratios and short decimals or floats.

``1/3``, ``0.25`` and ``1e-5`` are exact. ``0.3333333333333333`` is what a program prints of a float64: more
than 12 significant digits, with sums that miss one by rounding.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from fractions import Fraction
from math import fsum, isfinite
from typing import Any

from theory.distributions.weights import SUM_TOLERANCE
from theory.validation import InputError, exact_fraction

__all__ = [
    "Digits",
    "as_float",
    "as_written",
    "checked_token",
    "float_shares",
    "is_float",
    "is_rounding",
    "misses",
]

_SHORT = 12  # significant digits of a decimal written by hand
_DECIMAL = re.compile(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE][+-]?\d+)?", re.ASCII)


class Digits:
    """A decimal number of a JSON file, kept as its digits.

    Example:
        >>> exact_fraction(Digits("0.10"), "p")
        Fraction(1, 10)
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        """Return the digits."""
        return self._text

    __repr__ = __str__


def checked_token(value: Any, where: str) -> str | int | Fraction:
    """Return a token of a JSON file, a text or a number, unchanged.

    Raises:
        InputError: For anything else, NaN and infinity among it.

    Example:
        >>> checked_token(" New", "line 1"), checked_token(Digits("0.50"), "line 1")
        (' New', Fraction(1, 2))
    """
    if isinstance(value, Digits):
        return exact_fraction(value, f"{where}: a token")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InputError(f"{where}: tokens must be texts or numbers, got {value!r}.")
    return value


def is_float(value: object) -> bool:
    """Return whether a number is a float64 by its digits: a decimal with more than 12 significant digits.

    Example:
        >>> [is_float(value) for value in ("0.3333333333333333", 1 / 3, "1/3", "0.5000000000000000", 10**20)]
        [True, True, False, False, False]
    """
    if not isinstance(value, (str, float, Digits)):
        return False
    match = _DECIMAL.fullmatch(str(value).strip())
    if match is None or match[2] is None:  # no decimal point: a whole number
        return False
    return len((match[1] + match[2]).strip("0")) > _SHORT


def as_float(value: Any, name: str) -> float:
    """Return a number as the nearest float64.

    Raises:
        InputError: If it is no finite number, or a positive one below the range of floats.
    """
    try:
        number = float(str(value)) if is_float(value) else float(exact_fraction(value, name))
    except OverflowError:
        number = float("inf")
    if not isfinite(number):
        raise InputError(f"{name} must be a finite number, got {str(value)[:60]}, above the range of floats.")
    if number == 0 and re.search("[1-9]", re.split("[eE]", str(value))[0]):
        raise InputError(
            f"{name} holds {str(value)[:60]}, below the range of floats; take it exactly (--exact)."
        )
    return number


def is_rounding(total: Any) -> bool:
    """Return whether a sum of floats misses one by no more than their rounding."""
    return abs(total - 1) <= SUM_TOLERANCE


def float_shares(values: Sequence[Any], name: str, *, normalise: bool) -> tuple[list[float], float]:
    """Return numbers as float64, divided by their sum, and by how much the sum missed one.

    Args:
        values: The numbers.
        name: What they are, for the error.
        normalise: Whether any sum will do; otherwise it must be one, but for rounding.

    Raises:
        InputError: If the sum is not one, or a positive number is lost to the range of floats.

    Example:
        >>> shares, off = float_shares(["0.3333333333333"] * 3, "probabilities", normalise=False)
        >>> shares[0], f"{off:.1e}"
        (0.3333333333333333, '1.0e-13')
    """
    numbers = [as_float(value, name) for value in values]
    try:
        total = fsum(numbers)
    except OverflowError:
        raise InputError(f"{name} sum to a number above the range of floats.") from None
    if not (normalise or is_rounding(total)):
        miss = f"{abs(total - 1):.12g} too {'little' if total < 1 else 'much'}"
        raise InputError(
            f"{name} must sum to 1, got {total:.12g}, {miss}; correct them, or use --normalise to divide by the sum."
        )
    if total <= 0:
        raise InputError(f"{name} sum to {total:.12g}; they cannot be normalised.")
    shares = [number / total for number in numbers]
    if any(number and not share for number, share in zip(numbers, shares, strict=True)):
        raise InputError(f"{name} hold a share below the range of floats; take them exactly (--exact).")
    return shares, abs(total - 1)


def as_written(values: Any) -> Any:
    """Return numbers, nested in lists or objects, with every float replaced by the decimal that is written.

    Example:
        >>> as_written([["0.1234567890123", "1/2"]])
        [[Fraction(1234567890123, 10000000000000), '1/2']]
    """
    if isinstance(values, list):
        return [as_written(value) for value in values]
    if isinstance(values, dict):
        return {key: as_written(value) for key, value in values.items()}
    return exact_fraction(values, "a number") if is_float(values) else values


def misses(values: Any) -> Generator[Fraction]:
    """Yield by how much each list of numbers with a float in it misses one, through nested lists and objects."""
    inner = list(values.values()) if isinstance(values, dict) else values
    if not isinstance(inner, list):
        return
    if any(is_float(value) for value in inner):
        yield abs(1 - sum((exact_fraction(value, "a number") for value in inner), Fraction(0)))
        return
    for value in inner:
        yield from misses(value)

"""Rational numbers of flint and of Python."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import fmpq, fmpz

__all__ = ["ratio_text", "to_fmpq", "to_fraction"]


def to_fmpq(value: Any) -> fmpq:
    """Return an exact rational of any kind as ``fmpq``."""
    if isinstance(value, fmpq):
        return value
    if isinstance(value, (int, fmpz)):
        return fmpq(value)
    fraction = Fraction(value)
    return fmpq(fraction.numerator, fraction.denominator)


def to_fraction(value: Any) -> Fraction:
    """Return an ``fmpq`` (or int) as a ``Fraction``."""
    number = to_fmpq(value)
    return Fraction(int(number.p), int(number.q))


def ratio_text(value: Fraction) -> str:
    """Return a rational in full; Python itself refuses more than 4,300 digits.

    Example:
        >>> ratio_text(Fraction(-2, 3)), len(ratio_text(Fraction(10**5000)))
        ('-2/3', 5001)
    """
    return str(fmpq(value.numerator, value.denominator))

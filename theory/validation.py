"""Checks at the public edge: an error says what is wrong, where, which value, and what to do."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeVar

__all__ = ["InputError", "choice", "exact_fraction", "positive_int", "shortened"]


class InputError(ValueError):
    """Wrong input from the outside: its message is one line that a user can act on."""


def exact_fraction(value: object, name: str) -> Fraction:
    """Return ``value`` as the decimal or ratio that was written: ``0.9`` is 9/10, not its binary neighbour.

    Args:
        value: An int, Fraction, float, or text such as ``"1/3"`` or ``"0.9"``; no truth value.
        name: What the value is, for the error.

    Raises:
        InputError: If it is not a finite number.

    Example:
        >>> exact_fraction(0.9, "gamma"), exact_fraction("1/3", "p")
        (Fraction(9, 10), Fraction(1, 3))
    """
    if not isinstance(value, bool) and isinstance(value, Rational):
        return Fraction(int(value.numerator), int(value.denominator))  # plain ints: numpy's overflow
    text = _short_enough(value, name)
    try:
        return Fraction(text if text.isascii() else "")  # other digits look like letters to most readers
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f'{name} must be a finite number or a ratio such as "1/3", got {_quoted(value)}.'
        ) from None


def _short_enough(value: object, name: str) -> str:
    text = str(value).strip()
    exponent = text.lower().rpartition("e")[2]
    if exponent.lstrip("+-").isdigit() and "e" in text.lower() and len(exponent.lstrip("+-0")) > 3:
        # a million digits would never end, and Python prints no number of more than 4,300
        raise InputError(f"{name} must have an exponent of at most three digits, got {text[:40]!r}.")
    return text


def _quoted(value: object) -> str:
    """Return a value as it was written: text in quotes, ``7/2`` for a Fraction."""
    shown = str(value) if isinstance(value, Rational) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def positive_int(value: object, name: str, *, at_most: int | None = None) -> int:
    """Return ``value`` as an int of at least 1, from an int or its decimal text."""
    _short_enough(value, name)
    try:
        number = exact_fraction(value, name)
    except InputError:  # not a number at all: a ratio would not help
        number = Fraction(0)
    if number.denominator != 1 or number < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {_quoted(value)}.")
    if at_most is not None and number > at_most:
        raise InputError(f"{name} must be at most {at_most}, got {str(value)[:40]}.")
    return int(number)


_Choice = TypeVar("_Choice")


def choice(value: Any, name: str, known: Collection[_Choice]) -> _Choice:
    """Return ``value`` if it is one of ``known``."""
    for item in known:
        if type(item) is type(value) and item == value:
            return item
    raise InputError(f"unknown {name} {value!r}; known: {', '.join(sorted(map(str, known)))}.")


def shortened(text: str, width: int) -> str:
    """Return a list joined by commas or plus signs, cut after an entry if it is longer than ``width``.

    Example:
        >>> shortened("10,20,30", 7), shortened("10,20,30", 8)
        ('10,20,...', '10,20,30')
    """
    if len(text) <= width:
        return text
    end = max(text.rfind(mark, 0, width) for mark in ",+")
    return f"{text[: end + 1] if end > 0 else text[:width]}..."

"""Checks of user input with one-line errors."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from fractions import Fraction
from numbers import Number, Rational
from typing import Any, TypeVar

__all__ = [
    "InputError",
    "bounded",
    "check_sizes",
    "choice",
    "exact_fraction",
    "positive_int",
    "shortened",
    "shown",
]


# numbers in the text of another object, such as Context(weight=Fraction(1, 2), ...)
_OUR_NUMBERS = re.compile(
    r"\bFraction\((-?\d+), (?:1|(\d+))\)|\bLogNumber\('([^']*)'\)|\bnp\.\w+\(([^()]*)\)"
)


class InputError(ValueError):
    """Wrong input from the user; its message is one line that says what to do."""


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
        return Fraction(text if text.isascii() else "")  # digits of other scripts are refused
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f'{name} must be a finite number or a ratio such as "1/3", got {shown(value)}.'
        ) from None


def _short_enough(value: object, name: str) -> str:
    text = str(value).strip()
    exponent = text.lower().rpartition("e")[2]
    if exponent.lstrip("+-").isdigit() and "e" in text.lower() and len(exponent.lstrip("+-0")) > 3:
        # a million digits would take for ever, and Python prints at most 4,300
        raise InputError(f"{name} must have an exponent of at most three digits, got {text[:40]!r}.")
    return text


def shown(value: object, most: int = 60) -> str:
    """Return a value for a message: text in quotes, numbers of any kind as they were written, also within lists.

    Args:
        value: Anything.
        most: Longer texts are cut.

    Example:
        >>> shown((Fraction(3, 2), "a", 0.5)), shown({Fraction(1): [Fraction(1, 3)]}), shown({Fraction(1)})
        ("(3/2, 'a', 0.5)", '{1: [1/3]}', '{1}')
    """
    text = _written(value)
    return text if len(text) <= most else f"{text[:most]}..."


def _written(value: Any) -> str:
    if type(value) is tuple:
        return f"({', '.join(map(_written, value))}{',' if len(value) == 1 else ''})"
    if type(value) is list:
        return f"[{', '.join(map(_written, value))}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{_written(key)}: {_written(item)}' for key, item in value.items())}}}"
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, Number):
        return str(value)
    return _OUR_NUMBERS.sub(
        lambda found: "/".join(filter(None, found.groups())), " ".join(repr(value).split())
    )


def bounded(value: object, name: str, least: int | None, most: int | None = None) -> Fraction:
    """Return :func:`exact_fraction` of ``value`` if it lies between two limits, both included.

    Example:
        >>> bounded("0.9", "gamma", 0, 1)
        Fraction(9, 10)
        >>> bounded(2, "gamma", 0, 1)
        Traceback (most recent call last):
        ...
        theory.validation.InputError: gamma must be between 0 and 1, got 2.
    """
    number = exact_fraction(value, name)
    if (least is None or number >= least) and (most is None or number <= most):
        return number
    if least is None:
        wanted = f"at most {most}"
    else:
        wanted = f"at least {least}" if most is None else f"between {least} and {most}"
    raise InputError(f"{name} must be {wanted}, got {str(value).strip()[:40]}.")


def positive_int(value: object, name: str, *, at_most: int | None = None) -> int:
    """Return ``value`` as an int of at least 1, from an int or its decimal text."""
    _short_enough(value, name)
    try:
        number = exact_fraction(value, name)
    except InputError:  # not a number: the message asks for a whole number, not a ratio
        number = Fraction(0)
    if number.denominator != 1 or number < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {shown(value)}.")
    if at_most is not None and number > at_most:
        raise InputError(f"{name} must be at most {at_most}, got {str(value)[:40]}.")
    return int(number)


_Choice = TypeVar("_Choice")


def choice(value: Any, name: str, known: Collection[_Choice]) -> _Choice:
    """Return ``value`` if it is one of ``known``.

    Example:
        >>> choice("topkk", "policy", ["topk", "wino"])
        Traceback (most recent call last):
        ...
        theory.validation.InputError: unknown policy 'topkk'; known: topk, wino; did you mean topk?
    """
    for item in known:
        if type(item) is type(value) and item == value:
            return item
    names = sorted(map(str, known))
    near = get_close_matches(str(value), names, 1) if isinstance(value, str) else []
    guess = f"; did you mean {near[0]}?" if near else "."
    raise InputError(f"unknown {name} {shown(value)}; known: {', '.join(names)}{guess}")


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


def check_sizes(sizes: Sequence[int], n: int) -> tuple[int, ...]:
    """Return block sizes as ints; raise unless they are positive and sum to n."""
    checked = tuple(positive_int(size, "a block size") for size in sizes)
    if sum(checked) != n:
        raise InputError(f"block sizes must sum to n = {n}, got {list(checked)}.")
    return checked

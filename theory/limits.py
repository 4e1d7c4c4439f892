"""Limits of time and memory, with an estimate before expensive work starts.

The limits suit a small machine. Within ``allowing(8)`` all of them are eight times as large; the commands have
``--limit 8`` for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from math import inf

from theory.validation import InputError

__all__ = [
    "MEMORY_LIMIT",
    "OPERATION_LIMIT",
    "CostError",
    "affordable",
    "allowing",
    "require_memory",
    "require_operations",
    "scientific",
    "sharing",
]

MEMORY_LIMIT = 2 * 1024**3  # bytes: half of a 4 GB machine, so that two jobs still fit side by side
OPERATION_LIMIT = 2 * 10**10  # elementary steps: about a minute in compiled code, far longer in pure Python


_LARGEST_ADVICE = 1000  # larger factors are not suggested

_ALLOWANCE: ContextVar[Fraction] = ContextVar("allowance", default=Fraction(1))
_SHARE: ContextVar[Fraction] = ContextVar("share", default=Fraction(1))


class CostError(InputError):
    """The estimated work exceeds the limit; nothing was allocated.

    Attributes:
        factor: The factor of the limit that would allow the work, if it was estimated.
    """

    factor: int | None = None

    @property
    def advice(self) -> str:
        """The message, with the option ``--limit`` that would allow the work, if its factor is moderate."""
        if self.factor is None or self.factor > _LARGEST_ADVICE:
            return str(self)
        return f"{str(self).rstrip('.')}, or allow it with --limit {self.factor}."


@contextmanager
def allowing(factor: float | Fraction) -> Generator[None]:
    """Multiply every limit by ``factor`` inside the ``with`` block.

    Raises:
        InputError: Unless the factor is a positive number.

    Example:
        >>> with allowing(1000):
        ...     require_memory(10**12, "13! outcomes", remedy="use a smaller n")
    """
    if not factor > 0 or factor == inf:  # a ratio may be beyond the range of floats
        raise InputError(f"a limit must be multiplied by a positive number, got {factor}.")
    token = _ALLOWANCE.set(_ALLOWANCE.get() * Fraction(factor))
    try:
        yield
    finally:
        _ALLOWANCE.reset(token)


@contextmanager
def sharing(part: Fraction) -> Generator[None]:
    """Multiply the limits of work, not of memory, by ``part`` inside the ``with`` block.

    Example:
        >>> with sharing(Fraction(1, 4)):
        ...     require_operations(10**10, "a quarter", remedy="use a smaller n")
        Traceback (most recent call last):
        ...
        theory.limits.CostError: a quarter would take about 1.0e+10 steps, the limit is 5.0e+09 steps; use a smaller n.
    """
    token = _SHARE.set(_SHARE.get() * part)
    try:
        yield
    finally:
        _SHARE.reset(token)


def require_memory(needed: int, what: str, *, limit: int = MEMORY_LIMIT, remedy: str) -> None:
    """Raise before an allocation of ``needed`` bytes if it exceeds ``limit``.

    Example:
        >>> require_memory(10**12, "13! outcomes", remedy="use a smaller n")
        Traceback (most recent call last):
        ...
        theory.limits.CostError: 13! outcomes would need about 931 GiB, the limit is 2 GiB; use a smaller n.
    """
    _require(needed, limit, f"{what} would need", _binary, remedy)


def affordable(limit: int = OPERATION_LIMIT) -> int:
    """Return the number of elementary steps that :func:`require_operations` currently allows.

    Example:
        >>> with allowing(3):
        ...     affordable(10)
        30
    """
    return int(_own_share(limit) * _ALLOWANCE.get())


def require_operations(needed: int, what: str, *, limit: int = OPERATION_LIMIT, remedy: str) -> None:
    """Raise before a computation of ``needed`` elementary steps if it exceeds ``limit``."""
    _require(needed, _own_share(limit), f"{what} would take", _steps, remedy)


def _own_share(limit: int) -> int:
    return max(int(limit * _SHARE.get()), 1)


def _require(needed: int, limit: int, what: str, write: Callable[[int, int], str], remedy: str) -> None:
    allowed = int(limit * _ALLOWANCE.get())
    if needed > allowed:
        error = CostError(f"{what} {_about(needed, allowed, write)}; {remedy}.")
        error.factor = -(-needed // limit)
        raise error


def scientific(count: int) -> str:
    """Return a count of any size in two digits.

    Example:
        >>> scientific(12345), scientific(2**5000)
        ('1.2e+04', 'over 1e+300')
    """
    return f"{count:.1e}" if count < 10**300 else "over 1e+300"


def _about(needed: int, limit: int, write: Callable[[int, int], str]) -> str:
    """Return an estimate and its limit, with enough digits to distinguish them.

    Example:
        >>> _about(2**31 + 2**20, 2**31, _binary)
        'about 2.001 GiB, the limit is 2 GiB'
        >>> _about(2**5000, 2**31, _binary)
        'over 1024 PiB, the limit is 2 GiB'
    """
    digits = next((d for d in (3, 4, 6, 9) if write(needed, d) != write(limit, d)), 17)
    text = write(needed, digits)
    return f"{text if text.startswith('over') else f'about {text}'}, the limit is {write(limit, 3)}"


def _steps(count: int, digits: int) -> str:
    return f"{count:.{digits - 2}e} steps" if count < 10**300 else "over 1e+300 steps"


def _binary(size: int, digits: int) -> str:
    unit = min(max(int(size).bit_length() - 1, 0) // 10, 5)
    if int(size) >> 60:
        return "over 1024 PiB"
    value = size / (1 << 10 * unit)
    digits = max(digits, 4) if value >= 999.5 else digits  # 1023 in full
    return f"{value:.{digits}g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"

"""Limits of time and memory, with an estimate before expensive work starts.

Time is in seconds of one core of the machine that all prices were measured on, once: refusals depend on no clock. Each
price is a constant beside the loop that it prices. The limits suit a small machine. Within ``allowing(8)`` all of them
are eight times as large; the commands have ``--limit 8`` for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from math import ceil, inf

from theory.announcements import announce
from theory.validation import InputError

__all__ = [
    "MEMORY_LIMIT",
    "TIME_LIMIT",
    "Budget",
    "CostError",
    "allowing",
    "as_usual",
    "require_all",
    "require_memory",
    "scientific",
    "sharing",
]

MEMORY_LIMIT = 2 * 1024**3  # bytes: half of a 4 GB machine, so that two jobs still fit side by side
TIME_LIMIT = 60  # seconds

_OVERRUN = 3  # times the limit that work may take once it has started: estimates are within a factor of three
_LOOK = 20  # the limit over what a look ahead may take
_LARGEST_ADVICE = 1000  # larger factors are not suggested

_ALLOWANCE: ContextVar[Fraction] = ContextVar("allowance", default=Fraction(1))
_PARTS: ContextVar[int] = ContextVar("parts", default=1)


class CostError(InputError):
    """The work exceeds the limit.

    Attributes:
        factor: The factor of the limit that would allow the work, if it was estimated.
    """

    factor: Fraction | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether what is allowed by now lets it pass."""
        return self.factor is not None and self.factor <= _ALLOWANCE.get()

    @property
    def advice(self) -> str:
        """The message, with the option ``--limit`` that would allow the work, if its factor is moderate."""
        if self.factor is None or self.factor > _LARGEST_ADVICE:
            return str(self)
        return f"{str(self).rstrip('.')}, or allow it with --limit {ceil(self.factor)}."


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
def sharing(parts: int) -> Generator[None]:
    """Inside the ``with`` block, let every limit of time be one of so many parts; those of memory stay.

    Example:
        >>> with sharing(3):
        ...     Budget("adding 10^11 numbers", "use fewer").allowed
        20.0
    """
    token = _PARTS.set(_PARTS.get() * parts)
    try:
        yield
    finally:
        _PARTS.reset(token)


@contextmanager
def as_usual() -> Generator[None]:
    """Let the limits be the usual ones inside the ``with`` block: looks ahead do not depend on the allowance."""
    token = _ALLOWANCE.set(Fraction(1))
    try:
        yield
    finally:
        _ALLOWANCE.reset(token)


class Budget:
    """The time that one computation may take.

    What is foreseen must keep to the limit. What has started on an estimate may take three times as long, so that the
    factor that a refusal suggests is enough although estimates are rough.

    Args:
        what: What is computed, for messages.
        remedy: What to do where it is too much.
        limit: Seconds.

    Attributes:
        spent: Seconds so far.

    Example:
        >>> budget = Budget("adding 10^12 numbers", "use fewer")
        >>> budget.require(10**12, 1e-10)
        Traceback (most recent call last):
        ...
        theory.limits.CostError: adding 10^12 numbers would take about 100 seconds, the limit is 60 seconds; use fewer.
    """

    def __init__(self, what: str, remedy: str, *, limit: float = TIME_LIMIT) -> None:
        self.what, self.remedy, self.limit, self.spent = what, remedy, limit / _PARTS.get(), 0.0
        self._allowed = Fraction(limit) * _ALLOWANCE.get() / _PARTS.get()
        self._most = Fraction(0)  # the largest estimate so far: what a refusal suggests covers it, too
        self._estimated = False

    @property
    def allowed(self) -> float:
        """The seconds that are allowed now."""
        return float(self._allowed)

    def require(self, count: float, price: float = 1) -> None:
        """Raise unless ``count`` steps of ``price`` seconds each are affordable after what was spent."""
        needed, self._estimated = Fraction(self.spent) + Fraction(count) * Fraction(price), True
        self._most = max(self._most, needed)
        if needed > self._allowed:
            raise self._refusal(needed)
        announce(self.what, float(needed))

    def spend(self, seconds: float, left: float = 0.0) -> None:
        """Count work that is done; raise if it is too much by now, with ``left`` seconds that are known to follow."""
        self.spent += seconds
        if left and not self._estimated:
            self.require(left)
        if (needed := self.spent + left) > self._allowed * (_OVERRUN if self._estimated else 1):
            raise self._refusal(Fraction(needed))

    def note(self, count: float, price: float = 1) -> None:
        """Let what a refusal suggests cover so much."""
        self._most = max(self._most, Fraction(count) * Fraction(price))

    def affords(self, seconds: float, share: float = 1) -> bool:
        """Return whether something takes no more than one part in ``share`` of the limit."""
        return seconds * share <= self._allowed

    def affords_a_look(self, seconds: float) -> bool:
        """Return whether a look ahead may take so long, whatever is allowed."""
        return seconds * _LOOK <= self.limit

    def _refusal(self, needed: Fraction) -> CostError:
        factor = max(self._most, needed) / Fraction(self.limit)
        return _refusal(f"{self.what} would take", needed, self._allowed, factor, _duration, self.remedy)


def require_memory(
    needed: int, what: str, *, limit: int = MEMORY_LIMIT, remedy: str, advice: int = 1
) -> None:
    """Raise before an allocation of ``needed`` bytes if it exceeds ``limit``.

    A refusal suggests room for ``advice`` times as much: more for a rough estimate, nothing (0) where it is not known
    what else would follow.

    Example:
        >>> require_memory(10**12, "13! outcomes", remedy="use a smaller n")
        Traceback (most recent call last):
        ...
        theory.limits.CostError: 13! outcomes would need about 931 GiB, the limit is 2 GiB; use a smaller n.
    """
    if needed > (allowed := Fraction(limit) * _ALLOWANCE.get()):
        factor = Fraction(needed * advice) / limit if advice else None
        raise _refusal(f"{what} would need", Fraction(needed), allowed, factor, _binary, remedy)


def require_all(*checks: Callable[[], object], later: Sequence[Callable[[], object]] = ()) -> None:
    """Make several checks; the first refusal is raised, with the factor that lets all of them pass.

    What is to be checked ``later``, if it comes to it, counts for that factor only.

    Example:
        >>> budgets = [Budget("one", "use less"), Budget("the other", "use less")]
        >>> try:
        ...     require_all(lambda: budgets[0].require(100), lambda: budgets[1].require(400))
        ... except CostError as error:
        ...     print(error.advice)
        one would take about 100 seconds, the limit is 60 seconds; use less, or allow it with --limit 7.
    """
    if refused := _refusals(checks):
        every = [error.factor for error in refused + _refusals(later)]
        known = [factor for factor in every if factor is not None]
        refused[0].factor = max(known) if len(known) == len(every) else None
        raise refused[0]


def _refusals(checks: Sequence[Callable[[], object]]) -> list[CostError]:
    found: list[CostError] = []
    for check in checks:
        try:
            check()
        except CostError as error:
            found.append(error)
    return found


def scientific(count: int) -> str:
    """Return a count of any size in two digits.

    Example:
        >>> scientific(12345), scientific(2**5000)
        ('1.2e+04', 'over 1e+300')
    """
    return f"{count:.1e}" if count < 10**300 else "over 1e+300"


def _refusal(
    what: str,
    needed: Fraction,
    allowed: Fraction,
    factor: Fraction | None,
    write: Callable[[Fraction, int], str],
    remedy: str,
) -> CostError:
    error = CostError(f"{what} {_about(needed, allowed, write)}; {remedy}.")
    error.factor = factor
    return error


def _about(needed: Fraction, limit: Fraction, write: Callable[[Fraction, int], str]) -> str:
    """Return an estimate and its limit, with enough digits to distinguish them.

    Example:
        >>> _about(Fraction(2**31 + 2**20), Fraction(2**31), _binary)
        'about 2.001 GiB, the limit is 2 GiB'
        >>> _about(Fraction(2**5000), Fraction(60), _duration)
        'over a billion years, the limit is 60 seconds'
    """
    digits = next((d for d in (3, 4, 6, 9) if write(needed, d) != write(limit, d)), 17)
    text = write(needed, digits)
    return f"{text if text.startswith('over') else f'about {text}'}, the limit is {write(limit, 3)}"


def _duration(seconds: Fraction, digits: int) -> str:
    for unit, size, most in (
        ("seconds", 1, 120),
        ("minutes", 60, 120),
        ("hours", 3600, 48),
        ("days", 86400, 730),
    ):
        if seconds < size * most:
            return f"{float(seconds / size):.{digits}g} {unit}"
    years = seconds / (365 * 86400)
    return f"{float(years):.{digits}g} years" if years < 10**9 else "over a billion years"


def _binary(size: Fraction, digits: int) -> str:
    unit = min(max(int(size).bit_length() - 1, 0) // 10, 5)
    if int(size) >> 60:
        return "over 1024 PiB"
    value = float(size / (1 << 10 * unit))
    digits = max(digits, 4) if value >= 999.5 else digits  # 1023 in full
    return f"{value:.{digits}g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"

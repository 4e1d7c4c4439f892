"""Exact entropies of the form ``sum_b r_b log2(b)`` with rational ``r_b``.

An entropy of a pmf with rational probabilities is such a number with prime ``b``. Logarithms of pairwise
coprime integers are linearly independent over the rationals (unique factorisation), so the number is zero
iff every ``r_b`` is: equality is *decided*, never compared with a tolerance. The sign of a non-zero number
comes from interval arithmetic of growing precision, which must end. Rationals are included: ``r = r log2(2)``.

Integers too large to factor stay as composite bases; they are refined by gcds until all bases are pairwise
coprime, which is all that the argument above needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import total_ordering
from math import inf, isfinite, lcm
from typing import Any

from flint import arb, ctx, fmpq, fmpz

from theory.numbers.coprime import add_scaled, coprime, factored
from theory.numbers.rationals import ratio_text, to_fmpq

__all__ = ["Bits", "LogNumber", "Row"]

_HASH_PRIME = 2**61 - 1

Row = Callable[[int], tuple[Sequence[int], Sequence[int], int]]


@total_ordering
class LogNumber:
    """An immutable exact number ``sum_b r_b log2(b)``; the unit of an entropy is bits.

    Args:
        terms: Base (an integer of at least 2) to rational coefficient; bases need not be prime.

    Example:
        >>> from fractions import Fraction
        >>> h = LogNumber.log2(Fraction(9, 8))
        >>> h, h > 0, float(h) == 0.16992500144231237
        (LogNumber('-3 log2(2) + 2 log2(3)'), True, True)
        >>> LogNumber.log2(6) - LogNumber.log2(2) - LogNumber.log2(3) == 0
        True
    """

    __slots__ = ("_key", "_known", "_row")
    _known: dict[int, fmpq] | None
    _row: Row | None  # builds the terms when they are first used
    _key: int

    def __init__(self, terms: Mapping[int, Any] | None = None) -> None:
        primes: dict[int, fmpq] = {}
        for base, coefficient in (terms or {}).items():
            if int(base) != base or base < 2:
                raise ValueError(f"a base must be an integer of at least 2, got {base}.")
            add_scaled(primes, factored(int(base)), to_fmpq(coefficient))
        self._known, self._row = coprime(primes), None

    @classmethod
    def _make(cls, terms: dict[int, fmpq]) -> LogNumber:
        return cls._of_coprime(coprime(terms))

    @classmethod
    def _of_coprime(cls, terms: dict[int, fmpq]) -> LogNumber:
        """Return the number of non-zero terms whose bases are known to be coprime."""
        number = cls.__new__(cls)
        number._known, number._row = terms, None
        return number

    @classmethod
    def over_primes(cls, primes: Sequence[int], values: Sequence[int], denominator: int) -> LogNumber:
        """Return ``sum_j values_j log2(primes_j) / denominator``: distinct primes, integers, none zero, unchecked.

        Example:
            >>> LogNumber.over_primes([2, 3], [2, -1], 4)
            LogNumber('1/2 log2(2) - 1/4 log2(3)')
        """
        return cls._of_coprime({p: fmpq(v, denominator) for p, v in zip(primes, values, strict=True)})

    @classmethod
    def deferred(cls, row: Row, key: int) -> LogNumber:
        """Return the number given by ``row(key)`` (primes, values, denominator), called on first use."""
        number = cls.__new__(cls)
        number._known, number._row, number._key = None, row, key
        return number

    @property
    def _terms(self) -> dict[int, fmpq]:
        if self._known is None:
            assert self._row is not None
            self._known, self._row = LogNumber.over_primes(*self._row(self._key))._known, None
        assert self._known is not None
        return self._known

    def __getstate__(self) -> dict[int, fmpq]:
        return self._terms

    def __setstate__(self, terms: dict[int, fmpq]) -> None:
        self._known, self._row = terms, None

    @classmethod
    def rational(cls, value: Any) -> LogNumber:
        """Return the rational number ``value`` as ``value * log2(2)``."""
        return cls._make({2: to_fmpq(value)})

    @classmethod
    def log2(cls, value: Any) -> LogNumber:
        """Return ``log2(value)`` of a positive rational."""
        return cls.weighted_sum([(1, value)])

    @classmethod
    def weighted_sum(cls, pairs: Iterable[tuple[Any, Any]]) -> LogNumber:
        """Return ``sum_j c_j log2(a_j)`` for pairs ``(c_j, a_j)`` with rational ``c_j`` and positive ``a_j``."""
        terms: dict[int, fmpq] = {}
        for coefficient, value in pairs:
            scale, ratio = to_fmpq(coefficient), to_fmpq(value)
            if ratio <= 0:
                raise ValueError(f"log2 needs a positive number, got {value}.")
            add_scaled(terms, factored(int(ratio.p)), scale)
            add_scaled(terms, factored(int(ratio.q)), -scale)
        return cls._make(terms)

    @classmethod
    def combination(cls, pairs: Iterable[tuple[Any, LogNumber]]) -> LogNumber:
        """Return ``sum_j c_j x_j`` for pairs ``(c_j, x_j)`` with rational ``c_j``: bases are refined once.

        Example:
            >>> LogNumber.combination([(2, LogNumber.log2(6)), (-1, LogNumber.log2(9))])
            LogNumber('2 log2(2)')
        """
        terms: dict[int, fmpq] = {}
        for coefficient, number in pairs:
            add_scaled(terms, number._terms, to_fmpq(coefficient))
        return cls._make(terms)

    @property
    def terms(self) -> dict[int, Fraction]:
        """Base to coefficient, bases ascending, zero coefficients absent."""
        return {b: Fraction(int(r.p), int(r.q)) for b, r in sorted(self._terms.items())}

    def sign(self) -> int:
        """Return -1, 0 or 1; exact."""
        if not self._terms:
            return 0
        precision = 64
        while True:
            ball = self.interval(precision)
            if ball > 0:
                return 1
            if ball < 0:
                return -1
            precision *= 2

    def interval(self, precision: int = 64) -> arb:
        """Return an interval (python-flint ``arb``) that contains the number, computed with ``precision`` bits."""
        with ctx.workprec(precision):
            total = sum((arb(r) * arb(b).log() for b, r in self._terms.items()), arb(0))
            return total / arb(2).log()

    def __float__(self) -> float:
        if not self._terms:
            return 0.0
        precision = 106
        while True:  # until the interval is narrower than half a unit in the last place
            ball = self.interval(precision)
            if ball.rel_accuracy_bits() >= 60:
                value = float(ball.mid())
                if not isfinite(value):  # as int does
                    raise OverflowError("the number is too large to convert to float; its terms are exact.")
                return value
            precision *= 2

    def __add__(self, other: object) -> LogNumber:
        right = _coerce(other)
        if right is None:
            return NotImplemented
        terms = dict(self._terms)
        add_scaled(terms, right._terms, fmpq(1))
        return LogNumber._make(terms)

    __radd__ = __add__

    def __neg__(self) -> LogNumber:
        return LogNumber._of_coprime({b: -r for b, r in self._terms.items()})

    def __sub__(self, other: object) -> LogNumber:
        right = _coerce(other)
        return NotImplemented if right is None else self + (-right)

    def __rsub__(self, other: object) -> LogNumber:
        return (-self) + other

    def __mul__(self, scale: Any) -> LogNumber:
        factor = to_fmpq(scale)
        return LogNumber._of_coprime({b: r * factor for b, r in self._terms.items()} if factor else {})

    __rmul__ = __mul__

    def __truediv__(self, scale: Any) -> LogNumber:
        return self * (1 / to_fmpq(scale))

    def __eq__(self, other: object) -> bool:
        right = _compared(other)
        return NotImplemented if right is None else not (self - right)._terms

    def __lt__(self, other: object) -> bool:
        if isinstance(other, float) and other in (inf, -inf):
            return other > 0
        right = _compared(other)
        return NotImplemented if right is None else (self - right).sign() < 0

    def __hash__(self) -> int:
        # Equal numbers may hold different composite bases. Bases that are no perfect powers give the same lcm of
        # denominators D, and the product of b^(r D) modulo a prime does not depend on how it is split.
        if not self._terms.keys() - {2}:
            return hash(self.terms.get(2, Fraction(0)))
        scale = lcm(*(int(r.q) for r in self._terms.values()))
        product = 1
        for base, r in self._terms.items():
            while (
                base % _HASH_PRIME == 0
            ):  # a multiple of the modulus is not in the group, however the bases are split
                base //= _HASH_PRIME
            product = product * pow(base, int(r * scale), _HASH_PRIME) % _HASH_PRIME
        return hash((scale, product))

    def __abs__(self) -> LogNumber:
        return -self if self.sign() < 0 else self

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __bool__(self) -> bool:
        return bool(self._terms)

    def __str__(self) -> str:
        return self._written(lambda a: f"{ratio_text(a)} ", "log2({})".format)

    def __repr__(self) -> str:
        return f"LogNumber({str(self)!r})"

    def latex(self) -> str:
        r"""Return the number as LaTeX, for example ``8\log_2 2 - 3\log_2 3``."""

        def size(a: Fraction) -> str:
            whole = a.denominator == 1
            return ratio_text(a) if whole else rf"\tfrac{{{fmpz(a.numerator)}}}{{{fmpz(a.denominator)}}}"

        return self._written(size, r"\log_2 {}".format)

    def _written(self, size: Callable[[Fraction], str], log: Callable[[fmpz], str]) -> str:
        parts: list[str] = []
        for base, r in self.terms.items():
            sign = ("-" if r < 0 else "") if not parts else (" - " if r < 0 else " + ")
            parts.append(sign + ("" if abs(r) == 1 else size(abs(r))) + log(fmpz(base)))
        return "".join(parts) or "0"

    def sympy(self) -> Any:
        """Return the number as a sympy expression in natural logarithms (sympy is imported here)."""
        import sympy

        total = sum(
            (sympy.Rational(r.numerator, r.denominator) * sympy.log(b) for b, r in self.terms.items())
        )
        return total / sympy.log(2)


def _compared(value: object) -> LogNumber | None:
    """Return a number to compare with; a finite float is the rational that it holds."""
    return _coerce(Fraction(value) if isinstance(value, float) and isfinite(value) else value)


def _coerce(value: object) -> LogNumber | None:
    if isinstance(value, LogNumber):
        return value
    if value in (inf, -inf):
        return None
    return LogNumber.rational(value) if isinstance(value, (int, Fraction, fmpq, fmpz)) else None


Bits = LogNumber | float  # exact, or float64

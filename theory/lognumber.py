"""Exact entropies: numbers of the form ``sum_b r_b log2(b)`` with rational ``r_b``.

An entropy of a pmf with rational probabilities is such a number with prime ``b``. Logarithms of pairwise
coprime integers are linearly independent over the rationals (unique factorisation), so the number is zero
iff every ``r_b`` is: equality is *decided*, never compared with a tolerance. The sign of a non-zero number
comes from interval arithmetic of growing precision, which must end. Rationals are included: ``r = r log2(2)``.

Integers too large to factor stay as composite bases; they are refined by gcds until all bases are pairwise
coprime, which is all that the argument above needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache, total_ordering
from math import gcd, inf, lcm
from typing import Any

from flint import arb, ctx, fmpq, fmpz

__all__ = ["LogNumber", "prime_factors"]

_FACTOR_BITS = 96  # up to this, full factorisation takes microseconds to milliseconds: such bases are prime
_TRIAL_PRIMES = 2000  # larger numbers lose their factors up to the 2000th prime, 17389
_HASH_PRIME = 2**61 - 1


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

    __slots__ = ("_terms",)
    _terms: dict[int, fmpq]

    def __init__(self, terms: Mapping[int, Any] | None = None) -> None:
        primes: dict[int, fmpq] = {}
        for base, coefficient in (terms or {}).items():
            if int(base) != base or base < 2:
                raise ValueError(f"a base must be an integer of at least 2, got {base}.")
            _add_scaled(primes, _factored(int(base)), _rational(coefficient))
        self._terms = _coprime(primes)

    @classmethod
    def _make(cls, terms: dict[int, fmpq]) -> LogNumber:
        number = cls.__new__(cls)
        number._terms = _coprime(terms)
        return number

    @classmethod
    def _of_coprime(cls, terms: dict[int, fmpq]) -> LogNumber:
        """Return the number of non-zero terms whose bases are known to be coprime."""
        number = cls.__new__(cls)
        number._terms = terms
        return number

    @classmethod
    def rational(cls, value: Any) -> LogNumber:
        """Return the rational number ``value`` as ``value * log2(2)``."""
        return cls._make({2: _rational(value)})

    @classmethod
    def log2(cls, value: Any) -> LogNumber:
        """Return ``log2(value)`` of a positive rational."""
        return cls.weighted_sum([(1, value)])

    @classmethod
    def weighted_sum(cls, pairs: Iterable[tuple[Any, Any]]) -> LogNumber:
        """Return ``sum_j c_j log2(a_j)`` for pairs ``(c_j, a_j)`` with rational ``c_j`` and positive ``a_j``."""
        terms: dict[int, fmpq] = {}
        for coefficient, value in pairs:
            scale, ratio = _rational(coefficient), _rational(value)
            if ratio <= 0:
                raise ValueError(f"log2 needs a positive number, got {value}.")
            _add_scaled(terms, _factored(int(ratio.p)), scale)
            _add_scaled(terms, _factored(int(ratio.q)), -scale)
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
        before = ctx.prec
        ctx.prec = precision
        try:
            total = sum((arb(r) * arb(b).log() for b, r in self._terms.items()), arb(0))
            return total / arb(2).log()
        finally:
            ctx.prec = before

    def __float__(self) -> float:
        if not self._terms:
            return 0.0
        precision = 106
        while True:  # until the interval is narrower than half a unit in the last place
            ball = self.interval(precision)
            if ball.rel_accuracy_bits() >= 60:
                return float(ball.mid())
            precision *= 2

    def __add__(self, other: object) -> LogNumber:
        right = _coerce(other)
        if right is None:
            return NotImplemented
        terms = dict(self._terms)
        _add_scaled(terms, right._terms, fmpq(1))
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
        factor = _rational(scale)
        return LogNumber._of_coprime({b: r * factor for b, r in self._terms.items()} if factor else {})

    __rmul__ = __mul__

    def __truediv__(self, scale: Any) -> LogNumber:
        return self * (1 / _rational(scale))

    def __eq__(self, other: object) -> bool:
        right = _coerce(other)
        return NotImplemented if right is None else not (self - right)._terms

    def __lt__(self, other: object) -> bool:
        if isinstance(other, float) and other in (inf, -inf):
            return other > 0
        right = _coerce(other)
        return NotImplemented if right is None else (self - right).sign() < 0

    def __hash__(self) -> int:
        # Equal numbers may hold different composite bases. Bases that are no perfect powers give the same lcm of
        # denominators D, and the product of b^(r D) modulo a prime does not depend on how it is split.
        if not self._terms.keys() - {2}:
            return hash(self.terms.get(2, Fraction(0)))
        scale = lcm(*(int(r.q) for r in self._terms.values()))
        product = 1
        for base, r in self._terms.items():
            while base % _HASH_PRIME == 0:  # it has no place in the group, in any splitting
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
        parts: list[str] = []
        for base, r in self.terms.items():
            size = "" if abs(r) == 1 else f"{abs(r)} "
            sign = ("-" if r < 0 else "") if not parts else (" - " if r < 0 else " + ")
            parts.append(f"{sign}{size}log2({base})")
        return "".join(parts) or "0"

    def __repr__(self) -> str:
        return f"LogNumber({str(self)!r})"

    def latex(self) -> str:
        r"""Return the number as LaTeX, for example ``8\log_2 2 - 3\log_2 3``."""
        parts: list[str] = []
        for base, r in self.terms.items():
            a = abs(r)
            size = (
                ""
                if a == 1
                else (str(a) if a.denominator == 1 else rf"\tfrac{{{a.numerator}}}{{{a.denominator}}}")
            )
            sign = ("-" if r < 0 else "") if not parts else (" - " if r < 0 else " + ")
            parts.append(rf"{sign}{size}\log_2 {base}")
        return "".join(parts) or "0"

    def sympy(self) -> Any:
        """Return the number as a sympy expression in natural logarithms (sympy is imported here)."""
        import sympy

        total = sum(
            (sympy.Rational(r.numerator, r.denominator) * sympy.log(b) for b, r in self.terms.items())
        )
        return total / sympy.log(2)


def _rational(value: Any) -> fmpq:
    if isinstance(value, fmpq):
        return value
    if isinstance(value, (int, fmpz)):
        return fmpq(value)
    fraction = Fraction(value)
    return fmpq(fraction.numerator, fraction.denominator)


def _coerce(value: object) -> LogNumber | None:
    if isinstance(value, LogNumber):
        return value
    if value in (inf, -inf):
        return None
    return LogNumber.rational(value) if isinstance(value, (int, Fraction, fmpq, fmpz)) else None


def prime_factors(n: int) -> dict[int, int]:
    """Return the primes of ``n`` with their multiplicities.

    Example:
        >>> prime_factors(17393**4 * 163517)
        {17393: 4, 163517: 1}
    """
    out: dict[int, int] = {}
    for p, e in fmpz(n).factor():  # flint may list a prime twice
        out[int(p)] = out.get(int(p), 0) + int(e)
    return out


@lru_cache(maxsize=1 << 16)
def _factored(n: int) -> Mapping[int, fmpq]:
    """Return base to multiplicity; full when n is small enough, else the cofactor stays one base."""
    if n.bit_length() <= _FACTOR_BITS:
        return {p: fmpq(e) for p, e in prime_factors(n).items()}
    out: dict[int, fmpq] = {}
    for base, multiplicity in fmpz(n).factor(trial_limit=_TRIAL_PRIMES):
        root, power = _root(int(base))
        if root.bit_length() <= _FACTOR_BITS:  # small enough after all
            _add_scaled(out, _factored(root), fmpq(multiplicity * power))
        else:
            out[root] = out.get(root, fmpq(0)) + multiplicity * power
    return out


def _root(n: int) -> tuple[int, int]:
    """Return the smallest r and its k with ``r^k = n``."""
    for k in range(n.bit_length() // 10, 1, -1):  # trial division leaves no factor below 2^10
        root = int(fmpz(n).root(k))
        if root**k == n:
            return root, k
    return n, 1


def _add_scaled(into: dict[int, fmpq], terms: Mapping[int, fmpq], scale: fmpq) -> None:
    for base, r in terms.items():
        into[base] = into.get(base, fmpq(0)) + r * scale


def _coprime(terms: dict[int, fmpq]) -> dict[int, fmpq]:
    """Drop zero terms and refine the bases until they are pairwise coprime.

    Bases of at most ``_FACTOR_BITS`` bits are distinct primes, so only pairs with a larger base can share a factor.
    """
    live = {b: r for b, r in terms.items() if r != 0}
    waiting = [(b, r) for b, r in live.items() if b.bit_length() > _FACTOR_BITS]
    if not waiting:
        return live
    done = {b: r for b, r in live.items() if b.bit_length() <= _FACTOR_BITS}
    while waiting:
        base, r = waiting.pop()
        is_large = base.bit_length() > _FACTOR_BITS
        others = done if is_large else [b for b in done if b.bit_length() > _FACTOR_BITS]
        shared = next((b for b in others if b != base and gcd(base, b) > 1), None)
        if shared is None:
            done[base] = done.get(base, fmpq(0)) + r
            continue
        common, other = gcd(base, shared), done.pop(shared)
        for whole, scale in ((base, r), (shared, other)):  # log(w) = log(w / g) + log(g)
            for part in (common, whole // common):
                if part > 1:
                    waiting += [(b, e * scale) for b, e in _factored(part).items()]
    return {b: r for b, r in done.items() if r != 0}

"""Factors of integers, primes or pairwise coprime bases.

Logarithms of pairwise coprime integers above 1 are linearly independent over the rationals (unique factorisation), so
coprime bases serve :class:`~theory.numbers.lognumber.LogNumber` as well as primes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import gcd, prod

from flint import fmpq, fmpz

__all__ = ["add_scaled", "coprime", "factor_cost", "factored", "is_prime_sized", "prime_factors"]

_FACTOR_BITS = (
    96  # up to this size numbers are factored in full, in at most milliseconds: such bases are prime
)
_TRIAL_PRIMES = 2000  # larger numbers are divided by the first 2000 primes, up to 17389


def factor_cost(bits: int) -> int:
    """Return the microseconds to factor one integer of ``bits`` bits and make it coprime to thousands more.

    Measured on random integers; hard 96-bit ones take milliseconds, larger ones are not factored in full.
    """
    return 50 if bits <= 64 else 2500 if bits <= _FACTOR_BITS else 1000


def is_prime_sized(bits: int) -> bool:
    """Return whether integers of ``bits`` bits are factored in full."""
    return bits <= _FACTOR_BITS


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
def factored(n: int) -> Mapping[int, fmpq]:
    """Return base to multiplicity; for large n the cofactor of the small primes stays one base."""
    if n.bit_length() <= _FACTOR_BITS:
        return {p: fmpq(e) for p, e in prime_factors(n).items()}
    out: dict[int, fmpq] = {}
    for base, multiplicity in fmpz(n).factor(trial_limit=_TRIAL_PRIMES):
        root, power = _root(int(base))
        if root.bit_length() <= _FACTOR_BITS:  # small enough after all
            add_scaled(out, factored(root), fmpq(multiplicity * power))
        else:
            out[root] = out.get(root, fmpq(0)) + multiplicity * power
    return out


def _root(n: int) -> tuple[int, int]:
    """Return the smallest r and its k with ``r^k = n``; n has no factor up to the 2000th prime, above 2^14."""
    whole, power = fmpz(n), 1
    if not whole.is_perfect_power():
        return n, 1
    for k in _primes_below(n.bit_length() // 14 + 1):
        while k * 14 <= int(whole).bit_length() and (root := whole.root(k)) ** k == whole:
            whole, power = root, power * k
    return int(whole), power


@lru_cache(maxsize=64)
def _primes_below(limit: int) -> tuple[int, ...]:
    return tuple(k for k in range(2, limit) if fmpz(k).is_prime())


def add_scaled(into: dict[int, fmpq], terms: Mapping[int, fmpq], scale: fmpq) -> None:
    """Add ``scale`` times ``terms``, base by base."""
    for base, r in terms.items():
        into[base] = into.get(base, fmpq(0)) + r * scale


def coprime(terms: dict[int, fmpq]) -> dict[int, fmpq]:
    """Drop zero terms and refine the bases until they are pairwise coprime.

    Bases of at most ``_FACTOR_BITS`` bits are distinct primes, so only pairs with a larger base can share a factor.
    """
    live = {b: r for b, r in terms.items() if r != 0}
    waiting = [(b, r) for b, r in live.items() if b.bit_length() > _FACTOR_BITS]
    if not waiting:
        return live
    done = {b: r for b, r in live.items() if b.bit_length() <= _FACTOR_BITS}
    small, large = (
        _product(done),
        1,
    )  # products of the finished bases: one gcd tests a base against all of them
    while waiting:
        base, r = waiting.pop()
        is_large = base.bit_length() > _FACTOR_BITS
        if base in done:
            done[base] += r
            continue
        if gcd(base, large) == 1 and not (is_large and gcd(base, small) > 1):
            done[base] = r
            small, large = (small, large * base) if is_large else (small * base, large)
            continue
        others = done if is_large else [b for b in done if b.bit_length() > _FACTOR_BITS]
        shared = next(b for b in others if gcd(base, b) > 1)
        common, other = gcd(base, shared), done.pop(shared)
        if shared.bit_length() > _FACTOR_BITS:
            large //= shared
        else:
            small //= shared
        for whole, scale in ((base, r), (shared, other)):  # log(w) = log(w / g) + log(g)
            for part in (common, whole // common):
                if part > 1:
                    waiting += [(b, e * scale) for b, e in factored(part).items()]
    return {b: r for b, r in done.items() if r != 0}


def _product(bases: Iterable[int]) -> int:
    """Return the product by halves, so that both factors of each multiplication are of similar size."""
    rest = list(bases)
    while len(rest) > 1:
        rest = [prod(rest[i : i + 2]) for i in range(0, len(rest), 2)]
    return rest[0] if rest else 1

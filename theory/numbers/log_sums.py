"""Sums of logarithms of many rationals, exact or as balls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import arb, fmpq

from theory.numbers.balls import ball_precision
from theory.numbers.coprime import factor_cost, is_prime_sized
from theory.numbers.lognumber import LogNumber

__all__ = ["log_sum"]

LIMIT = 3 * 10**10  # nanoseconds: half a minute
_WORD = 64  # bits
_STEP = 2  # nanoseconds of a product of two words


def log_sum(pairs: Iterable[tuple[fmpq, fmpq]]) -> Any:
    """Return ``sum_j c_j log2(a_j)`` of rationals ``a_j > 0``: a LogNumber, or a ball if that would take too long.

    Too long means tens of thousands of different numerators and denominators beyond 96 bits: each is divided
    by a few thousand primes and compared with the product of all others.

    Example:
        >>> log_sum([(fmpq(1), fmpq(1, 6)), (fmpq(1), fmpq(3))])
        LogNumber('-log2(2)')
    """
    amounts: dict[fmpq, fmpq] = {}
    for amount, value in pairs:
        amounts[value] = amounts.get(value, fmpq(0)) + amount
    if _cost(amounts) <= LIMIT:
        return LogNumber.weighted_sum((amount, value) for value, amount in amounts.items())
    with ball_precision():
        return (
            sum((arb(amount) * arb(value).log() for value, amount in amounts.items()), arb(0)) / arb(2).log()
        )


def _cost(values: Iterable[fmpq]) -> int:
    """Return the estimated nanoseconds to make the numerators and denominators coprime."""
    bases = {int(part) for value in values for part in (value.p, value.q)}
    large = [bits for base in bases if not is_prime_sized(bits := base.bit_length())]
    words = sum(large) // _WORD
    mean = words // max(len(large), 1) + 1
    return sum(map(factor_cost, large)) * 1000 + len(large) * words * mean * _STEP

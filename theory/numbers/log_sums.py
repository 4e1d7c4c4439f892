"""Sums of logarithms of many numbers, exact or as balls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import arb, fmpq

from theory.numbers.arithmetic import EXACT, ProvenNumbers
from theory.numbers.balls import ball_precision, to_ball
from theory.numbers.coprime import factor_cost, is_prime_sized
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq

__all__ = ["log_sum"]

LIMIT = 3 * 10**10  # nanoseconds: half a minute
_WORD = 64  # bits
_STEP = 2  # nanoseconds of a product of two words


def log_sum(pairs: Iterable[tuple[Any, Any]], numbers: ProvenNumbers = EXACT, *, total: Any = None) -> Any:
    """Return ``sum_j c_j log2(a_j)``, divided by ``total`` if given, with all ``a_j > 0``.

    A LogNumber of rationals; a ball of balls, or if the LogNumber would take too long: tens of thousands of different
    numerators and denominators beyond 96 bits, each divided by a few thousand primes and compared with the product
    of all others.

    Example:
        >>> log_sum([(fmpq(1), fmpq(1, 6)), (fmpq(1), fmpq(3))])
        LogNumber('-log2(2)')
    """
    if numbers is EXACT:
        amounts: dict[fmpq, fmpq] = {}
        for amount, value in pairs:
            base = to_fmpq(value)
            amounts[base] = amounts.get(base, fmpq(0)) + to_fmpq(amount)
        pairs = [(amount, value) for value, amount in amounts.items()]
        if _cost(amounts) <= LIMIT:
            bits = LogNumber.weighted_sum(pairs)
            return bits if total is None else bits / total
    with ball_precision():
        nats = sum((to_ball(amount) * to_ball(value).log() for amount, value in pairs), arb(0))
        return (nats if total is None else nats / to_ball(total)) / arb(2).log()


def _cost(values: Iterable[fmpq]) -> int:
    """Return the estimated nanoseconds to make the numerators and denominators coprime."""
    bases = {int(part) for value in values for part in (value.p, value.q)}
    large = [bits for base in bases if not is_prime_sized(bits := base.bit_length())]
    words = sum(large) // _WORD
    mean = words // max(len(large), 1) + 1
    return sum(map(factor_cost, large)) * 1000 + len(large) * words * mean * _STEP

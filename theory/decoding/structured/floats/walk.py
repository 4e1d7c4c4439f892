r"""Bernoulli walks in float64 at a million positions: blocks from the left.

A block of s places costs ``C(s) = sum_{r<=s} H(Bin(r, 1/2)) - s`` bits and stays a walk with probability a(s)
(:mod:`theory.decoding.structured.left_to_right`); the next starts afresh. Both are exact numbers for s up to some
hundreds, so that n / s blocks cost one rounding of each and of the product. By confidence an even k takes the next k
places (:mod:`theory.decoding.structured.walk_topk`), a threshold that the first R places pass the next R
(:mod:`theory.decoding.structured.dispatch`): lost in block j, the rest goes one at a time, ``steps = sum_{j<T}
a^{j-1} (1 + (1 - a)(n - j R)) + a^{T-1}``, T blocks. All terms are positive; a power is off by at most 2 T u of
itself, u = 2^-53.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
from flint import arb

from theory.decoding.structured.approximate import UNIT, LargeDecode, fixed, whole
from theory.decoding.structured.left_to_right import decode_serial
from theory.information.curves.gap_structures import Gaps
from theory.numbers.lognumber import extra_precision
from theory.numbers.rounding import Approximate, two_digits
from theory.validation import InputError

__all__ = ["walk_threshold", "walk_topk"]

_LONGEST = 400  # places of a block: its accuracy is a sum of integers of some 80,000 bits


def walk_topk(n: int, k: int, by: str) -> LargeDecode:
    """Return the decode of top-k.

    Raises:
        InputError: For random order, odd k by confidence with k > 1, and long blocks.

    Example:
        >>> walk_topk(10**6, 2, "confidence").kl.value, walk_topk(10**6, 1, "random").log2_accuracy.value
        (250000.0, 0.0)
    """
    if k == 1 or n == 1:
        return fixed(whole(0), whole(0), n)
    if k < n and (by == "random" or (by == "confidence" and k % 2)):
        raise InputError(
            "bernoulli_walk has a float form from the left, by confidence for even k, and for k = 1."
        )
    return _blocks(n, min(k, n))[0]


def walk_threshold(n: int, passes: Callable[[Fraction], bool]) -> LargeDecode:
    """Return the decode of a confidence threshold.

    Example:
        >>> found = walk_threshold(10**6, lambda confidence: confidence > Fraction(2, 5))  # 1/2, 1/2, then 3/8
        >>> found.kl.value, round(found.steps.value, 3)
        (250000.0, 999996.0)
    """
    size = 0
    while size < n and passes(Fraction(comb(size + 1, (size + 1) // 2), 2 ** (size + 1))):
        size += 1
        _require_short(size)
    if size <= 1:
        return fixed(whole(0), whole(0), n)
    found, block = _blocks(n, size)
    times = -(-n // size)
    done = size * np.arange(1, times, dtype=np.float64)
    reach = float(block) ** np.arange(times, dtype=np.float64)
    lost = float(1 - block)
    value = float(np.sum(reach[:-1] * (1 + lost * (n - done)))) + float(reach[-1])
    error = value * (2 * times + 60) * UNIT
    return LargeDecode(
        kl=found.kl,
        log2_accuracy=found.log2_accuracy,
        steps=Approximate(value=value, error=two_digits(error)),
    )


def _blocks(n: int, size: int) -> tuple[LargeDecode, Fraction]:
    """Return the decode in blocks of one size and a rest, and the accuracy of a block."""
    _require_short(size)
    times, rest = divmod(n, size)
    with extra_precision(160):
        kl = log = arb(0)
        block = Fraction(1)
        for length, count in ((size, times), (rest, 1)):
            if length:
                one = decode_serial(Gaps(length, "walk"), [length], Fraction(1), "random")
                accuracy = Fraction(one.accuracy)
                kl += count * _bits(one.path_kl)
                log += count * (arb(accuracy.numerator).log() - arb(accuracy.denominator).log())
                block = accuracy if length == size else block
        return fixed(_rounded(kl), _rounded(log / arb(2).log()), -(-n // size)), block


def _require_short(size: int) -> None:
    if size > _LONGEST:
        raise InputError(
            f"bernoulli_walk has a float form for blocks of up to {_LONGEST} places; use a smaller k."
        )


def _bits(value: Any) -> arb:
    return value.interval(160)


def _rounded(ball: arb) -> Approximate:
    value = float(ball.mid())
    return Approximate(value=value, error=two_digits(2 * abs(value) * UNIT))

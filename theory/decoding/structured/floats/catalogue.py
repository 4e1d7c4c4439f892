r"""Bounds and decodes in float64 at a million positions, each with a bound on its error.

Rounding is kept small by adding terms of one sign that are themselves accurate, instead of subtracting large numbers
(all logarithms natural, results in bits; u = 2^-53; steps t take s of m masked positions; temperature 1):

- **Shuffle**: ``L = sum_t sum_{j<s} -log1p(-j/m)``; the accuracy of any rule that takes these sizes is ``2^-L``.
- **Replace Random**: with ``phi(m) = m ln m - (m-1) ln(m-1)``, ``n L = sum_t sum_{j<s} (phi(m) - phi(m-j))`` because
  ``sum_{m<=n} phi(m) = n ln n``. Here ``phi(m) - phi(m-j) = -log1p(-j/m) + w(m-j) - w(m)`` with
  ``w(m) = 1 + (m-1) log1p(-1/m) = sum_{i>=1} m^-i / (i (i+1))``, by the series from m = 32 on. Accuracy:
  ``sum_t P(no new item before t) (s/m) (1-1/m)^(s-1)``.
- **Insert, Remove Random**: :mod:`theory.decoding.structured.floats.hidden_place`; in random order
  :mod:`theory.decoding.structured.hidden_place_floats` (a recursion over the steps); thresholds
  :mod:`theory.decoding.structured.floats.hidden_place_threshold`.
- The chance to have lost nothing before step t is ``(m_t / n) exp(sum_u (ln stay_u - log1p(-s_u/m_u)))``: the bracket
  is of order ``s^2 / m^2``, so the sum over u stays accurate.
- **MDS codes, one-hot blocks**: closed forms in whole numbers, rounded once or twice.
- **Walks**: :mod:`theory.decoding.structured.floats.walk`; the whole at once
  :mod:`theory.decoding.structured.floats.walk_correlation`.

Error of a value x that is a sum of N terms: each term is off by at most c u of itself (c = 40 covers the series and
the logarithms) and pairwise summation by another ``(log2 N + 10) u`` of the sum: at most ``(50 + log2 N) u`` times the
sum of the magnitudes added, which is what ``error`` says. A running sum (the brackets) adds ``N u`` times the sum of
its terms, a product of s factors ``4 s u``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, exp, floor, isqrt, log, log1p, log2, pi
from typing import Any

import numpy as np
from flint import fmpz

from theory.decoding.structured.approximate import (
    UNIT,
    Floats,
    LargeDecode,
    bounded,
    fixed,
    from_stay,
    rounded,
    schedule,
    whole,
)
from theory.decoding.structured.floats.hidden_place import interval_decode
from theory.decoding.structured.floats.hidden_place_kl import random_decode
from theory.decoding.structured.floats.hidden_place_threshold import interval_threshold
from theory.decoding.structured.floats.walk import walk_threshold, walk_topk
from theory.decoding.structured.floats.walk_correlation import walk_total_correlation
from theory.numbers.rounding import Approximate, two_digits
from theory.validation import InputError, choice, exact_fraction, positive_int

__all__ = ["large_threshold", "large_topk", "large_total_correlation"]

_LN2 = log(2)
_SERIES = 32  # w(m) by its series from here on: 12 terms leave 32^-12 / 156 of w, below u
_CODES = ("parity", "reed_solomon", "repeated_bit")
_TASKS = (
    *_CODES,
    "bernoulli_walk",
    "insert_random",
    "one_hot_blocks",
    "remove_random",
    "replace_random",
    "shuffle",
)


def large_total_correlation(task: str, n: int) -> Approximate:
    """Return C(Y) in bits.

    Example:
        >>> large_total_correlation("shuffle", 10**6)
        Approximate(value=1442683.7493564938, error=8.5e-09)
    """
    size = positive_int(n, "n", at_most=10**8)
    if task == "bernoulli_walk":
        return walk_total_correlation(size)
    return large_topk(task, size, 2 * size + 2, by="left_to_right").kl


def large_topk(task: str, n: int, k: int, *, by: str = "confidence") -> LargeDecode:
    """Return the decode of top-k, the last step taking the rest.

    Args:
        task: ``shuffle``, ``replace_random``, ``parity``, ``repeated_bit``, ``reed_solomon``: all scores give the
            same; ``insert_random``, ``remove_random``: the order matters; ``bernoulli_walk``: from the left, and even k
            by confidence; ``one_hot_blocks``: from the left, k dividing the block length or all at once.
        n: Size of the task, at most 10^8.
        k: Positions a step.
        by: ``confidence``, ``left_to_right`` or ``random``.

    Raises:
        InputError: Where no closed form is known.

    Example:
        >>> large_topk("replace_random", 10**6, 2).kl.value < 1.2e-5
        True
    """
    choice(task, "task with float forms", _TASKS)
    choice(by, "score", ("confidence", "left_to_right", "random"))
    size, width = positive_int(n, "n"), positive_int(k, "k")
    if size > 10**8:
        raise InputError(f"n must be at most 10^8, got {n}.")
    if task == "shuffle":
        kl = _shuffle_cost(*schedule(size, width))
        return fixed(kl, Approximate(value=-kl.value, error=kl.error), -(-size // width))
    if task in _CODES:
        dimension, order = _code(task, size)
        spare = min(size, width * -(-dimension // width)) - dimension
        return fixed(_symbols(spare, order), _symbols(-spare, order), -(-size // width))
    if task == "bernoulli_walk":
        return walk_topk(size, width, by)
    if task == "replace_random":
        return _replace_random(size, width)
    if task == "one_hot_blocks":
        return _one_hot(size, width, by)
    if by == "random" and width < (size + 1 if task == "insert_random" else size - 1):
        return random_decode(task == "insert_random", size, width)
    return interval_decode(task == "insert_random", size, width, by)


def large_threshold(task: str, n: int, gamma: object, *, strict: bool = True) -> LargeDecode:
    """Return the decode of a confidence threshold.

    Example:
        >>> large_threshold("shuffle", 10**6, "0.001").steps.value
        999002.0
        >>> large_threshold("replace_random", 10**6, 0.9).steps.value
        1.0
        >>> round(large_threshold("insert_random", 10**6 - 1, 0.99).log2_accuracy.value, 6)
        -163.640749
    """
    choice(task, "task with float forms", _TASKS)
    size, bar = positive_int(n, "n"), exact_fraction(gamma, "gamma")
    if task in ("insert_random", "remove_random"):
        return interval_threshold(task == "insert_random", size, bar, strict)

    def passes(confidence: Fraction) -> bool:
        return confidence > bar if strict else confidence >= bar

    if task == "shuffle":  # one at a time until 1/m passes
        last = size if bar <= 0 else min(size, (ceil(1 / bar) - 1) if strict else floor(1 / bar))
        cost = _shuffle_cost(*schedule(max(last, 1), max(last, 1)))
        return fixed(cost, Approximate(value=-cost.value, error=cost.error), size - max(last, 1) + 1)
    if task == "bernoulli_walk":
        return walk_threshold(size, passes)
    if task in _CODES:
        dimension, order = _code(task, size)
        if passes(Fraction(1, order)):
            return large_topk(task, size, size)
        steps = dimension + (size > dimension) if passes(Fraction(1)) else size
        return fixed(whole(0), whole(0), steps)
    length = _length(size) if task == "one_hot_blocks" else size
    if passes(max(Fraction(length - 1, length), Fraction(1, length))):
        return large_topk(task, size, size)
    waiting = (Fraction(length + 3, 2) - Fraction(1, length)) * (size // length)
    none = whole(0)
    return LargeDecode(
        kl=none, log2_accuracy=none, steps=rounded(float(waiting if passes(Fraction(1)) else size))
    )


def _code(task: str, n: int) -> tuple[int, int]:
    """Return dimension and order of the codes in ``synthetic``."""
    if task != "reed_solomon":
        return (max(n - 1, 1) if task == "parity" else 1), 2
    order = max(n, 2)
    while not fmpz(order).is_prime():
        order += 1
    return max(1, n // 2), order


def _symbols(count: int, order: int) -> Approximate:
    """Return ``count log2 order``: two roundings, one of them a logarithm."""
    if order == 2 or count == 0:
        return whole(count)
    value = count * log2(order)
    return Approximate(value=value, error=two_digits(4 * abs(value) * UNIT))


def _sum_over_block(left: Floats, sizes: Floats, term: Callable[[Floats, Any], Floats]) -> tuple[float, int]:
    """Return ``sum_t sum_{j=1..s_t-1} term(m_t, j)`` and the number of terms; all steps at once, or all j at once."""
    if len(left) == 1:
        j = np.arange(1, int(sizes[0]))
        return float(np.sum(term(np.full(len(j), left[0]), j))), len(j)
    total, count = 0.0, 0
    for j in range(1, int(sizes.max())):
        live = left[sizes > j]
        total += float(np.sum(term(live, j)))
        count += len(live) + 1
    return total, count


def _shuffle_cost(left: Floats, sizes: Floats) -> Approximate:
    n = int(left[0])
    if len(left) == 1 and n > 10**4:  # Stirling; the next term is below 1 / (360 n^3)
        value = (n - 0.5 * log(2 * pi * n) - 1 / (12 * n)) / _LN2
        return bounded(value, 4)
    total, terms = _sum_over_block(left, sizes, lambda m, j: -np.log1p(-j / m))
    return bounded(total, terms, 1 / _LN2)


def _w(m: Floats) -> Floats:
    """Return ``1 + (m - 1) log1p(-1/m)``, for m of at least 1."""
    x = 1 / m
    series = np.zeros_like(x)
    for i in range(14, 0, -1):
        series = x * (series + 1 / (i * (i + 1)))
    small = np.where(m < 2, 0.5, x)
    direct = np.where(m < 2, 1.0, 1 + (m - 1) * np.log1p(-small))
    return np.where(m < _SERIES, direct, series)


def _replace_cost(n: int, k: int) -> Approximate:
    left, sizes = schedule(n, k)
    if len(left) == 1:  # (n - 1) (ln n - ln (n - 1))
        return bounded(-(n - 1) * log1p(-1 / n) / _LN2 if n > 1 else 0.0, 2)
    total, terms = _sum_over_block(left, sizes, lambda m, j: -np.log1p(-j / m) + _w(m - j) - _w(m))
    return bounded(total, terms, 1 / (n * _LN2))


def _replace_random(n: int, k: int) -> LargeDecode:
    left, sizes = schedule(n, k)
    none = sizes * np.log1p(-1 / np.maximum(left, 2))  # of the last step not read: without it all is lost
    once = sizes / left * np.exp((sizes - 1) * np.log1p(-1 / np.maximum(left, 2)))
    once[-1] = _last_once(int(sizes[-1]))
    return from_stay(_replace_cost(n, k), left, sizes, none, once, float(n))


def _last_once(size: int) -> float:
    return exp((size - 1) * log1p(-1 / size)) if size > 1 else 1.0


def _length(n: int) -> int:
    b = isqrt(n)
    if b * b != n:
        raise InputError(f"one_hot_blocks needs a square n such as 4, 9 or 16, got {n}.")
    return b


def _one_hot(n: int, k: int, by: str) -> LargeDecode:
    b = _length(n)
    if k < n and (by != "left_to_right" or b % k):
        raise InputError(
            "one_hot_blocks has a float form from the left for k that divides the block, and for k = n."
        )
    block = _replace_random(b, min(k, b))
    kl, accuracy = block.kl, block.log2_accuracy
    return LargeDecode(
        kl=Approximate(value=b * kl.value, error=b * kl.error + abs(b * kl.value) * UNIT),
        log2_accuracy=Approximate(
            value=b * accuracy.value, error=b * accuracy.error + abs(b * accuracy.value) * UNIT
        ),
        steps=whole(-(-n // k)),
    )

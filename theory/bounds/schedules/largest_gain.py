"""Mean of the largest conditional entropy in a random block.

With the m gains ``H(y_i|C)`` of a set C in descending order, the r-th is the largest of a random S of size s with
probability ``binom(m - r, s - 1) / binom(m, s)``. The gains of every C are therefore sorted once, and no S is listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from functools import cmp_to_key
from math import comb
from typing import Any

import numpy as np

from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import Bits
from theory.numbers.rounding import gamma

__all__ = ["mean_gain_error", "mean_largest_gain"]


def mean_largest_gain(table: EntropyTable, revealed: int, size: int) -> Bits:
    """Return the mean of ``max_{i in S} H(y_i|C)`` over disjoint random C of ``revealed`` and S of ``size`` positions.

    Exact for an exact table.
    """
    masked = table.n - revealed
    sets = [c for c in range(1 << table.n) if c.bit_count() == revealed]
    weights = [comb(masked - r, size - 1) for r in range(1, masked + 1)]
    scale = Fraction(1, comb(masked, size) * len(sets))
    if not table.is_exact:
        gains = [
            sorted((table.h[c | 1 << i] - table.h[c] for i in _rest(table.n, c)), reverse=True) for c in sets
        ]
        return float(np.sum(np.array(gains) @ np.array(weights, dtype=float)) * float(scale))
    counts: Counter[int] = Counter()
    for c in sets:
        for weight, i in zip(weights, sorted(_rest(table.n, c), key=_by_gain(table, c)), strict=True):
            counts[c | 1 << i] += weight
            counts[c] -= weight
    return table.combination(counts) * scale


def mean_gain_error(table: EntropyTable, revealed: int) -> float:
    """Return a bound on the error of a float :func:`mean_largest_gain`; zero for an exact table.

    Weights sum to one, and the largest gain is off by at most as much as each gain: two entries and a rounding. No gain
    passes through more than m products, the additions over m gains and over sets, and the scaling; none exceeds H(Y).
    """
    if table.is_exact:
        return 0.0
    depth = table.n - revealed + comb(table.n, revealed) + 8
    return 2 * table.error * (1 + 1e-9) + gamma(depth) * float(table.h.max())


def _rest(n: int, revealed: int) -> list[int]:
    return [i for i in range(n) if not revealed >> i & 1]


def _by_gain(table: EntropyTable, revealed: int) -> Callable[[int], Any]:
    """Return a sort key: descending ``H(y_i | revealed)``, decided exactly where the floats are close."""
    # two differences of two entries; the rest of the bound covers their rounding
    close = 4 * table.error

    def compare(i: int, j: int) -> int:
        gap = table.h[revealed | 1 << j] - table.h[revealed | 1 << i]
        if abs(gap) > close:
            return 1 if gap > 0 else -1
        return table.combination({revealed | 1 << j: 1, revealed | 1 << i: -1}).sign()

    return cmp_to_key(compare)

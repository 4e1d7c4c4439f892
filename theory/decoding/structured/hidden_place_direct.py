r"""Accuracy of random blocks on Insert and Remove Random in float64, by direct sums.

The recursion of :mod:`theory.decoding.structured.hidden_place_random` with its sums over ``a + b = g - l`` as
convolutions of floats, of the order of ``k^2 n^3 / 6`` operations. The polynomials of
:mod:`theory.decoding.structured.hidden_place_kernel` are of degree 2k and take more when k is not small. All terms
are positive, so at most ``T (2 n + 8 k + 20) 2^-53`` of the result is lost over T steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from theory.limits import Budget
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["UNIT", "Floats", "direct_accuracy", "require_direct"]

UNIT = 2.0**-53  # the relative error of one float operation
Floats = NDArray[np.float64]
_PRODUCT, _LIMIT = 5e-10, 10  # seconds of a product of floats; at most


def require_direct(sizes: Sequence[int]) -> None:
    """Raise before :func:`direct_accuracy` if it would take too long."""
    n, k = sum(sizes), max(sizes)
    work = (k + 1) * (k + 2) // 2 * (n + 1) ** 3 // 3 + len(sizes) * n * n * (k + 1) // 2
    remedy = "use a smaller k, or schedule for the expected KL"
    Budget(f"random blocks of {k} among {n} positions", remedy, limit=_LIMIT).require(work, _PRODUCT)


def direct_accuracy(insert: bool, sizes: Sequence[int]) -> Approximate:
    """Return the accuracy of blocks of these sizes in random order.

    Example:
        >>> direct_accuracy(True, [2, 1]).value  # 2/3
        0.6666666666666665
    """
    n, k = sum(sizes), max(sizes)
    total = n if insert else n + 1
    moves = [_moves(insert, g, k) for g in range(2, total + 1)]
    after = np.ones(total + 1)  # A(M, g) by g; known for g = 1
    masked = 0
    for size in reversed(sizes):
        left, now = masked, after.copy()
        masked += size
        for g in range(2, total + 1):
            inside = g if insert else g - 1
            if inside > masked:
                break
            gaps, hits = moves[g - 2]
            # a gap with more masked positions than are left cannot come out of this step
            last = min(g, left if insert else left + 1)
            few, most = max(0, size - (masked - inside)), min(size, inside)
            ways = [comb(masked - inside, size - j) / comb(masked, size) for j in range(few, most + 1)]
            reach = gaps[few : most + 1, 1 : last + 1] @ after[1 : last + 1]
            now[g] = np.array(ways) @ (hits[few : most + 1] + reach)
        after = now
    value = float(after[total])
    error = 1.001 * len(sizes) * (2 * n + 8 * k + 20) * UNIT * value
    return Approximate(value=value, error=two_digits(error))


def _moves(insert: bool, g: int, k: int) -> tuple[Floats, Floats]:
    """Return the sums over sets of j positions: to a gap of l at [j, l], and to the new item at [j]."""
    inside = g if insert else g - 1
    products, ends = np.zeros((inside + 1, k + 1)), np.zeros((inside + 1, k + 1))
    products[0, 0] = ends[0, 0] = 1
    for a in range(1, inside + 1):
        products[a] = products[a - 1]
        ends[a, 1:] = (g - a) / g * products[a - 1, :-1]
        products[a] += ends[a]
    gaps, hits = np.zeros((k + 1, g + 1)), np.zeros(k + 1)
    for j in range(min(k, inside) + 1):
        for first in range(j + 1):
            gaps[j, 1:] += np.convolve(ends[:, first], ends[:, j - first])[:g][::-1]
            if insert and first < j:
                hits[j] += products[:g, j - 1 - first] @ products[:g, first][::-1] / g
    return gaps, hits

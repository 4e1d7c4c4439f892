"""Compiled computation of all subset entropies of a dense joint pmf.

One loop goes over the 2^n sets, keeping or dropping one axis at a time. A state is a table of shape (axes still to
decide, cells of the axes kept). Keeping the last undecided axis costs nothing, since the same memory is read with one
more kept axis; dropping it sums neighbouring runs of memory. The sets follow a binary counter, so only the axes below
the highest changed bit are decided again. Memory beside the table: one table for every axis with that axis dropped.
Time: ``prod_i (A_i + 1)`` cells, a sum and a logarithm for each.

**Logarithm.** ``x = 2^k m`` with ``sqrt(1/2) <= m < sqrt 2``, and ``log m`` by the odd series in ``s = f / (2 + f)``,
``f = m - 1``, with the minimax coefficients of fdlibm (e_log.c, Sun Microsystems, 1993; error below 2^-58.45): no
branch, so that compilers use vector instructions. Its error is below one unit in the last place for k = 0; the factor
1/ln 2 and the sum ``k + log2 m`` (at least 1/2 in size if k is not 0) add half a unit each and at most double the
error of the series: relative error below ``8 * 2^-53``, which a test measures. Zero gives zero; subnormal numbers give
less than 1e-304.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import compile_kernel

__all__ = ["BLOCK", "compiled_kernels", "compiled_subset_entropies"]

BLOCK = 1024  # cells summed at a time
_SERIES = (  # coefficients of s^2, s^4, ..., s^14
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_ONE_OVER_LN_2 = 1.4426950408889634
_SQRT_HALF = 0x3FE6A09E << 32  # bits of sqrt(1/2), rounded down
_ONE_LESS_SQRT_HALF = (0x3FF00000 - 0x3FE6A09E) << 32
_FRACTION = (1 << 52) - 1


def compiled_subset_entropies(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``H(y_B)`` for every set B of axes, bit i of the index meaning axis i; shape (2^n,).

    Args:
        table: Probabilities, shape (A_0, ..., A_{n-1}).
    """
    sizes = np.array(table.shape, dtype=np.int64)
    dropped = table.size // sizes
    offsets = table.size + np.concatenate([[0], np.cumsum(dropped)])
    pool = np.empty(int(offsets[-1]))
    pool[: table.size] = table.ravel()
    loop, _ = compiled_kernels()
    return loop(pool, pool.view(np.int64), sizes, offsets[:-1])


@cache
def compiled_kernels() -> tuple[Any, Any]:
    """Compile the loop over sets and the sum of a block, once; numba caches functions that call only global ones."""
    names = globals()
    names["_phi"] = compile_kernel(_phi, error_model="numpy")
    # the order of the sum is free: every order of at most BLOCK terms obeys the same error bound
    names["_total"] = compile_kernel(_total, fastmath={"reassoc", "nsz"})
    names["_drop"] = compile_kernel(_drop)
    return compile_kernel(_loop_over_sets), _phi


def _phi(x: Any, bits: Any, start: int, count: int, mantissa: Any, power: Any, out: Any) -> None:
    c0, c1, c2, c3, c4, c5, c6 = _SERIES
    for j in range(count):
        shifted = bits[start + j] + _ONE_LESS_SQRT_HALF
        mantissa[j] = (shifted & _FRACTION) + _SQRT_HALF
        power[j] = float((shifted >> 52) - 1023)
    m = mantissa.view(np.float64)
    for j in range(count):
        f = m[j] - 1.0
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        r = z * (c0 + w * (c2 + w * (c4 + w * c6))) + w * (c1 + w * (c3 + w * c5))
        half = 0.5 * f * f
        log = f - (half - s * (half + r))
        out[j] = -x[start + j] * (power[j] + log * _ONE_OVER_LN_2)


def _total(values: Any, count: int) -> float:
    out = 0.0
    for j in range(count):
        out += values[j]
    return out


def _drop(pool: Any, source: int, target: int, rest: int, size: int, kept: int) -> None:
    for r in range(rest):
        run, into = source + r * size * kept, target + r * kept
        if size == 1:
            for j in range(kept):  # no slice: numba compiles the errors of one for two seconds
                pool[into + j] = pool[run + j]
            continue
        for j in range(kept):
            pool[into + j] = pool[run + j] + pool[run + kept + j]
        for v in range(2, size):
            for j in range(kept):
                pool[into + j] += pool[run + v * kept + j]


def _loop_over_sets(pool: Any, bits: Any, sizes: Any, offsets: Any) -> Any:
    n = sizes.shape[0]
    h = np.zeros(1 << n)
    start, kept = np.zeros(n + 1, np.int64), np.ones(n + 1, np.int64)
    before = np.ones(n + 1, np.int64)  # cells of the axes below each
    for i in range(n):
        before[i + 1] = before[i] * sizes[i]
    mantissa, power, terms = np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK)
    for mask in range(1 << n):
        changed = n - 1
        if mask:
            changed = 0
            while not mask >> changed & 1:
                changed += 1
        for i in range(changed, -1, -1):
            if mask >> i & 1:
                start[i], kept[i] = start[i + 1], kept[i + 1] * sizes[i]
            else:
                _drop(pool, start[i + 1], offsets[i], before[i], sizes[i], kept[i + 1])
                start[i], kept[i] = offsets[i], kept[i + 1]
        for first in range(0, kept[0], BLOCK):
            count = min(BLOCK, kept[0] - first)
            _phi(pool, bits, start[0] + first, count, mantissa, power, terms)
            h[mask] += _total(terms, count)
    return h

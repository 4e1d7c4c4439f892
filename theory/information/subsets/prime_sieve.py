"""A compiled linear sieve for the least prime factor of every integer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import compile_kernel

__all__ = ["SHIFT", "sieve"]

SHIFT = 20  # the number of a prime below 2^22 has fewer bits


@cache
def sieve(limit: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return the primes below ``limit`` and pairs, shape (limit, 2); cached.

    The pair of m holds the number of its least prime p plus ``2^SHIFT`` times the exponent of p, and ``m / p^e``.

    Args:
        limit: At most ``2^22``.

    Example:
        >>> primes, pairs = sieve(16)
        >>> primes.tolist(), (pairs[12, 0] >> SHIFT, pairs[12, 1])  # 12 = 2^2 3
        ([2, 3, 5, 7, 11, 13], (np.uint32(2), np.uint32(3)))
    """
    return _kernel()(limit)


@cache
def _kernel() -> Any:
    """Compile the sieve (cached on disk by numba)."""
    number, power = np.uint32((1 << SHIFT) - 1), np.uint32(1 << SHIFT)

    def sift(limit: int) -> Any:
        primes = np.empty(limit // 2 + 2, np.int32)
        least = np.zeros((limit, 2), np.uint32)
        least[:2, 1] = 1
        count = 0
        for m in range(2, limit):
            if least[m, 1] == 0:
                primes[count], least[m, 0], least[m, 1] = m, np.uint32(count) + power, 1
                count += 1
            own = np.int64(least[m, 0] & number)
            for j in range(own + 1):
                multiple = primes[j] * m
                if multiple >= limit:
                    break
                if j == own:
                    least[multiple, 0], least[multiple, 1] = least[m, 0] + power, least[m, 1]
                else:
                    least[multiple, 0], least[multiple, 1] = np.uint32(j) + power, m
        return primes[:count].copy(), least

    return compile_kernel(sift)

"""Compiled computation of the integer rows over primes.

For each set the masses m of its marginal are counted if many are equal; each then adds ``-count m e`` to every prime of
m, with exponent e. A sieve gives the least prime of m, its exponent and the cofactor. One pass without branches divides
all masses of a set by their least prime; those that are not 1 stay for the next pass. Masses beyond the sieve are
returned. Sets come from a loop over a dense table of integers (one axis kept or dropped at a time, as in
``theory/information/subsets/dense_kernel.py``) or as a list.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.information.subsets.dense import dense_cells
from theory.information.subsets.prime_rows import Folded
from theory.information.subsets.prime_sieve import SHIFT, sieve
from theory.numbers.compiled import compile_kernel

__all__ = ["dense_fold", "listed_fold"]

_ROOM = 1 << 22  # initial number of entries
_SHIFT, _NUMBER = np.uint32(SHIFT), np.uint32((1 << SHIFT) - 1)


def dense_fold(table: NDArray[np.int64], total: dict[int, int], limit: int, most: tuple[int, int]) -> Folded:
    """Return the rows of ``D log2 D - sum m log2 m`` for every set of axes.

    Args:
        table: Integer masses, shape (A_0, ..., A_{n-1}).
        total: Number of a prime below ``limit`` to its coefficient in ``D log2 D``.
        limit: The limit of the sieve.
        most: The limits of E and L.
    """
    sizes = np.array(table.shape, dtype=np.int64)
    offsets = table.size + np.concatenate([[0], np.cumsum(table.size // sizes)])
    pool = np.empty(int(offsets[-1]), dtype=np.int64)
    pool[: table.size] = table.ravel()
    columns, values = _pairs(total)
    primes, least = sieve(limit)
    # zeros from numpy, so that unused memory is never allocated
    count, share = np.zeros(limit, dtype=np.int32), np.zeros(max(1, len(primes)), dtype=np.int64)
    room = min(dense_cells(table.shape), _ROOM) + 1
    return _folded(
        _kernels()[0](pool, sizes, offsets[:-1], columns, values, least, count, share, room, *most)
    )


def listed_fold(
    masses: NDArray[np.int64],
    times: NDArray[np.int64],
    ends: NDArray[np.int64],
    total: dict[int, int],
    limit: int,
    most: tuple[int, int],
) -> Folded:
    """Return the rows of listed sets: set s has the masses ``masses[ends[s]:ends[s + 1]]``, with counts ``times``."""
    columns, values = _pairs(total)
    primes, least = sieve(limit)
    share = np.zeros(
        max(1, len(primes)), dtype=np.int64
    )  # without primes the kernel looks at the first place
    return _folded(_kernels()[1](masses, times, ends, columns, values, least, share, *most))


def _folded(found: Any) -> Folded:
    ends, columns, values, large, fits = found
    return Folded(ends, columns, values, large.reshape(-1, 3), fits)


def _pairs(total: dict[int, int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    return np.array(list(total), dtype=np.int32), np.array(list(total.values()), dtype=np.int64)


@cache
def _kernels() -> tuple[Any, Any]:
    """Compile both loops; numba caches functions on disk only if those that they call are global."""
    from numba import njit

    names = globals()
    for helper in (_grown, _peel, _fold, _drop, _write, _begin, _keep_large):
        names[helper.__name__] = njit(helper)  # compiled into both and cached with them
    return compile_kernel(_dense), compile_kernel(_listed)


def _grown(array: Any) -> Any:
    longer = np.empty(2 * array.shape[0], array.dtype)
    for i in range(array.shape[0]):  # numba compiles the errors of a slice for two seconds
        longer[i] = array[i]
    return longer


# a coefficient starts at 0 or above and only falls, so a prime has coefficient zero at most twice
def _peel(rest: Any, weight: Any, size: int, least: Any, share: Any, met: Any, k: int) -> int:
    while size:
        left = np.uint64(0)
        at = np.uint64(k)
        for j in range(size):
            m, w = rest[j], weight[j]
            pair, r = least[m, 0], least[m, 1]
            p, d = pair & _NUMBER, w * np.int64(pair >> _SHIFT)
            met[at] = p
            before = share[p]
            at += np.uint64((before == 0) & (d != 0))
            share[p] = before - d
            rest[left], weight[left] = r, w
            left += np.uint64(r > 1)
        k, size = int(at), int(left)
    return k


def _fold(
    masses: Any,
    start: int,
    size: int,
    least: Any,
    count: Any,
    rest: Any,
    weight: Any,
    share: Any,
    met: Any,
    k: int,
) -> Any:
    limit, different, large = least.shape[0], 0, 0
    if size * size < limit:  # masses of about limit / size are mostly different and are not counted
        left, at, first = np.uint64(0), np.uint64(k), np.uint64(start)
        for j in range(size):
            w = masses[first + np.uint64(j)]
            if w >= limit:
                large += 1
                continue
            m = np.uint64(w)
            pair, r = least[m, 0], least[m, 1]
            p, d = pair & _NUMBER, w * np.int64(pair >> _SHIFT)
            met[at] = p
            before = share[p]
            at += np.uint64((before == 0) & (d != 0))
            share[p] = before - d
            rest[left], weight[left] = r, w
            left += np.uint64(r > 1)
        return _peel(rest, weight, int(left), least, share, met, int(at)), large
    for j in range(start, start + size):
        m = masses[j]
        if m < limit:
            place = np.uint64(m)
            rest[different], times = place, count[place]
            different += times == 0
            count[place] = times + 1
    for j in range(different):
        m = rest[j]
        weight[j] = m * np.int64(count[m])
        large -= count[m]
        count[m] = 0
    large += size
    return _peel(rest, weight, different, least, share, met, k), large


def _drop(pool: Any, source: int, target: int, rest: int, size: int, kept: int) -> None:
    run, into, width = np.uint64(source), np.uint64(target), np.uint64(kept)
    for _ in range(rest):
        for j in range(width):
            total = pool[run + j]
            at = run + j
            for _ in range(1, size):
                at += width
                total += pool[at]
            pool[into + j] = total
        run += width * np.uint64(size)
        into += width


def _write(at: int, met: Any, k: int, share: Any, columns: Any, values: Any) -> int:
    end = np.uint64(at)
    for j in range(k):
        p = met[j]
        value = share[p]
        columns[end], values[end], share[p] = p, value, 0
        end += np.uint64(value != 0)
    return int(end)


def _begin(share: Any, met: Any, first: Any, first_values: Any) -> int:
    for j in range(first.shape[0]):
        met[j], share[first[j]] = first[j], first_values[j]
    return first.shape[0]


def _keep_large(
    large: Any, at: int, s: int, masses: Any, times: Any, start: int, end: int, limit: int
) -> Any:
    for j in range(start, end):
        if masses[j] >= limit:
            if 3 * at + 3 > large.shape[0]:
                large = _grown(large)
            large[3 * at], large[3 * at + 1] = s, masses[j]
            large[3 * at + 2] = times[j] if times.shape[0] else 1
            at += 1
    return large, at


def _dense(
    pool: Any,
    sizes: Any,
    offsets: Any,
    first: Any,
    first_values: Any,
    least: Any,
    count: Any,
    share: Any,
    room: int,
    most: int,
    most_large: int,
) -> Any:
    n, limit = sizes.shape[0], least.shape[0]
    start, kept = np.zeros(n + 1, np.int64), np.ones(n + 1, np.int64)
    before = np.ones(n + 1, np.int64)  # cells of the axes below each
    for i in range(n):
        before[i + 1] = before[i] * sizes[i]
    met = np.empty(2 * share.shape[0] + 3, np.uint32)
    rest, weight = np.empty(before[n] + 1, np.uint32), np.empty(before[n] + 1, np.int64)
    ends = np.zeros((1 << n) + 1, np.int64)
    columns, values = np.empty(room, np.int32), np.empty(room, np.int64)
    large, at_large, once = np.empty(96, np.int64), 0, np.empty(0, np.int64)
    fits = True
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
        k = _begin(share, met, first, first_values)
        k, beyond = _fold(pool, start[0], kept[0], least, count, rest, weight, share, met, k)
        at = ends[mask]
        while at + k >= columns.shape[0]:
            columns, values = _grown(columns), _grown(values)
        ends[mask + 1] = _write(at, met, k, share, columns, values)
        if beyond:
            large, at_large = _keep_large(
                large, at_large, mask, pool, once, start[0], start[0] + kept[0], limit
            )
        if ends[mask + 1] > most or at_large > most_large:
            fits = False
            break
    at = ends[1 << n]
    return ends, columns[:at], values[:at], large[: 3 * at_large], fits


def _listed(
    masses: Any,
    times: Any,
    starts: Any,
    first: Any,
    first_values: Any,
    least: Any,
    share: Any,
    most: int,
    most_large: int,
) -> Any:
    sets, limit, longest = starts.shape[0] - 1, least.shape[0], 1
    for s in range(sets):
        longest = max(longest, starts[s + 1] - starts[s])
    rest, weight = np.empty(longest + 1, np.uint32), np.empty(longest + 1, np.int64)
    met = np.empty(2 * share.shape[0] + 3, np.uint32)
    ends = np.zeros(sets + 1, np.int64)
    columns, values = np.empty(1 << 10, np.int32), np.empty(1 << 10, np.int64)
    large, at_large = np.empty(96, np.int64), 0
    fits = True
    for s in range(sets):
        k = _begin(share, met, first, first_values)
        size, beyond = 0, 0
        for j in range(starts[s], starts[s + 1]):
            if masses[j] < limit:
                rest[size], weight[size] = masses[j], masses[j] * times[j]
                size += 1
            else:
                beyond += 1
        k = _peel(rest, weight, size, least, share, met, k)
        while ends[s] + k >= columns.shape[0]:
            columns, values = _grown(columns), _grown(values)
        ends[s + 1] = _write(ends[s], met, k, share, columns, values)
        if beyond:
            large, at_large = _keep_large(large, at_large, s, masses, times, starts[s], starts[s + 1], limit)
        if ends[s + 1] > most or at_large > most_large:
            fits = False
            break
    return ends, columns[: ends[sets]], values[: ends[sets]], large[: 3 * at_large], fits

"""The dynamic programme over subsets behind every optimal fixed partition.

``D[t, B]`` is the least cost of revealing the set B in t non-empty blocks, where the block A after B costs
``sum_{i in A} w_B(i)``. For each B all blocks are priced by doubling (with and without each position), so the work is
one addition and one comparison for each of the 3^n pairs (B, A) and each t. Compiled by numba where it is installed,
plain numpy otherwise; both give the same table.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import compile_kernel, has_compiler

__all__ = ["block_prices", "subset_costs", "subset_sums"]

_COMPILE_FROM = 11  # below this numpy takes less time than loading numba


def subset_costs(gains: NDArray[np.float64], *, compiled: bool | None = None) -> NDArray[np.float64]:
    """Return ``D[t, B]`` for t = 0..n and every set B, infinite where impossible; shape (n + 1, 2^n).

    Args:
        gains: ``w_B(i) = H(y_i | y_B)``, shape (2^n, n).
        compiled: Use numba; by default when it is installed and n is not small.
    """
    n = gains.shape[1]
    if compiled is None:
        compiled = n >= _COMPILE_FROM and has_compiler()
    if not compiled:
        return _by_numpy(gains, n).T
    costs = np.full((n + 1, 1 << n), np.inf)
    costs[0, 0] = 0.0
    for t in range(n):  # one t at a time stays in the cache
        _step_kernel()(np.ascontiguousarray(gains), n, costs[t], costs[t + 1])
    return costs


def block_prices(gains: NDArray[np.float64], sources: NDArray[np.int64], target: int) -> NDArray[np.float64]:
    """Return the cost of going from each of ``sources`` to ``target`` in one block; shape of ``sources``.

    Args:
        gains: ``w_B(i)``, shape (2^n, n).
        sources: Subsets of ``target``.
        target: The set after the block.
    """
    n = gains.shape[1]
    if n >= _COMPILE_FROM and has_compiler():
        return _price_kernel()(np.ascontiguousarray(gains), sources, target, n)
    block = ((target ^ sources)[:, None] >> np.arange(n)) & 1
    return (gains[sources] * block).sum(axis=1)


def _by_numpy(gains: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    size = 1 << n
    costs = np.full((size, n + 1), np.inf)
    costs[0, 0] = 0.0
    for revealed in range(size - 1):
        free = [i for i in range(n) if not revealed >> i & 1]
        blocks = subset_sums(np.array([1 << i for i in free]))
        prices = subset_sums(gains[revealed, free])
        targets = blocks[1:] | revealed
        reach = costs[revealed, :-1] + prices[1:, None]
        costs[targets, 1:] = np.minimum(costs[targets, 1:], reach)
    return costs


def subset_sums(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sum over every subset of ``values``; bit j of the index means value j.

    Example:
        >>> subset_sums(np.array([1, 10])).tolist()
        [0, 1, 10, 11]
    """
    sums = np.zeros(1, dtype=values.dtype)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


@cache
def _step_kernel() -> Any:
    """Compile one step t of the dynamic programme, for all sets (cached on disk by numba).

    Four sets that differ in positions 0 and 1 alone are handled together: with a block of other positions they lead to
    the same four targets, which are then read and written once for nine prices.
    """

    def run(gains: Any, n: int, before: Any, after: Any) -> None:
        quarter = 1 << (n - 2)
        target = np.zeros(quarter, dtype=np.uint64)
        with_0, with_1 = (
            np.zeros(quarter),
            np.zeros(quarter),
        )  # costs so far from the set with neither, 0, 1, both
        with_none, with_both = np.zeros(quarter), np.zeros(quarter)
        one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
        for b in range(0, 4 * quarter, 4):
            none, only_0, only_1, both = before[b], before[b + 1], before[b + 2], before[b + 3]
            if min(min(none, only_0), min(only_1, both)) == np.inf:  # fewer than t positions
                continue
            add_0, add_1 = gains[b, 0], gains[b, 1]
            add_both, then_1, then_0 = add_0 + add_1, gains[b + 1, 1], gains[b + 2, 0]
            # blocks of positions 0 and 1 alone
            after[b + 1] = min(after[b + 1], none + add_0)
            after[b + 2] = min(after[b + 2], none + add_1)
            last = min(none + add_both, min(only_0 + then_1, only_1 + then_0))
            after[b + 3] = min(after[b + 3], last)
            count = 1
            target[0] = np.uint64(b)
            with_none[0], with_0[0], with_1[0], with_both[0] = none, only_0, only_1, both
            for i in range(2, n):
                if b >> i & 1:
                    continue
                bit = np.uint64(1 << i)
                for j in range(count):
                    target[count + j] = target[j] | bit
                for costs, k in ((with_none, 0), (with_0, 1), (with_1, 2), (with_both, 3)):
                    gain = gains[b + k, i]
                    for j in range(count):
                        costs[count + j] = costs[j] + gain
                count *= 2
            for j in range(1, count):
                c, x, y, z = target[j], with_none[j], with_0[j], with_1[j]
                after[c] = min(after[c], x)
                after[c + one] = min(after[c + one], min(x + add_0, y))
                after[c + two] = min(after[c + two], min(x + add_1, z))
                most = min(min(y + then_1, z + then_0), with_both[j])
                after[c + three] = min(min(after[c + three], x + add_both), most)

    return compile_kernel(run)


@cache
def _price_kernel() -> Any:
    """Compile the pricing of single blocks (cached on disk by numba)."""

    def run(gains: Any, sources: Any, target: int, n: int) -> Any:
        prices = np.zeros(sources.shape[0])
        for j in range(sources.shape[0]):
            block = target ^ sources[j]
            for i in range(n):
                if block >> i & 1:
                    prices[j] += gains[sources[j], i]
        return prices

    return compile_kernel(run)

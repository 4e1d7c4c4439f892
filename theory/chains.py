"""Shortest chains of revealed sets: the dynamic programme behind every fixed-partition optimum.

``D[t, B]`` is the least cost of revealing the set B in t non-empty blocks, where the block A after B costs
``sum_{i in A} w_B(i)``. For each B all blocks are priced by doubling (with and without each position), so the work is
one addition and one comparison for each of the 3^n pairs (B, A) and each t. Compiled by numba where it is installed,
plain numpy otherwise; both give the same table.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_prices", "chain_costs", "has_compiler", "subset_sums"]

_COMPILE_FROM = 11  # below this numpy is done before numba is loaded


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def chain_costs(gains: NDArray[np.float64], *, compiled: bool | None = None) -> NDArray[np.float64]:
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
    """Return the sum over every subset of ``values``; bit j of the index stands for value j.

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
    """Compile one step t of the dynamic programme, for all sets (cached on disk by numba)."""
    from numba import njit

    @njit(cache=True)  # pyright: ignore[reportUntypedFunctionDecorator]
    def run(gains: Any, n: int, before: Any, after: Any) -> None:
        size = 1 << n
        blocks = np.zeros(size, dtype=np.uint32)
        prices = np.zeros(size)
        for revealed in range(size - 1):
            start = before[revealed]
            if start == np.inf:  # fewer than t positions
                continue
            count = 1
            blocks[0], prices[0] = revealed, start
            for i in range(n):
                if revealed >> i & 1:
                    continue
                bit, gain = np.uint32(1 << i), gains[revealed, i]
                for j in range(count):
                    blocks[count + j] = blocks[j] | bit
                    prices[count + j] = prices[j] + gain
                count *= 2
            for j in range(1, count):
                target = blocks[j]
                after[target] = min(after[target], prices[j])

    return run


@cache
def _price_kernel() -> Any:
    """Compile the pricing of single blocks (cached on disk by numba)."""
    from numba import njit

    @njit(cache=True)  # pyright: ignore[reportUntypedFunctionDecorator]
    def run(gains: Any, sources: Any, target: int, n: int) -> Any:
        prices = np.zeros(sources.shape[0])
        for j in range(sources.shape[0]):
            block = target ^ sources[j]
            for i in range(n):
                if block >> i & 1:
                    prices[j] += gains[sources[j], i]
        return prices

    return run

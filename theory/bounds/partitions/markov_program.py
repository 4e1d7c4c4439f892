"""One step of the dynamic programme over the gaps of a Markov chain.

``F_t(p, b) = min over S of sum_{i in S} H(y_i | y_{p-1}, y_b) + sum over gaps of S of F_{t-1}``: for each of the
n^2/2 gaps a shortest path over its positions, n^4/24 additions in all. Compiled by numba where it is installed, plain
numpy otherwise; both give the same table.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import compile_kernel, has_compiler

__all__ = ["next_round"]

Gaps = NDArray[np.float64]

_COMPILE_FROM = 60  # below this numpy takes less time than loading numba


def next_round(before: Gaps, g: Gaps, *, compiled: bool | None = None) -> Gaps:
    """Return the least cost of every gap in at most one more step.

    Args:
        before: ``F_{t-1}(p, b)`` of the gap p..b-1 at [p, b], infinite for b < p; shape (n + 1, n + 1).
        g: The gap entropies.
        compiled: Use numba; by default when it is installed and n is not small.
    """
    if compiled is None:
        compiled = len(g) > _COMPILE_FROM and has_compiler()
    if compiled:
        return _kernel()(np.ascontiguousarray(before.T), np.ascontiguousarray(g))
    n = len(g) - 1
    cost = before.copy()
    for length in range(2, n + 1):
        p = np.arange(n + 1 - length)  # all gaps p..p+length-1
        b = p + length
        reach = np.zeros(
            (len(p), length + 1)
        )  # [., k]: the least cost with the k-th position of the gap as the last of the block
        for k in range(1, length + 1):
            i = p + k - 1
            steps = reach[:, :k] + before[p[:, None] + np.arange(k), i[:, None]]
            reach[:, k] = steps.min(axis=1) + g[p, i] + g[i + 1, b] - g[p, b]
        ends = reach + before[p[:, None] + np.arange(length + 1), b[:, None]]
        cost[p, b] = ends.min(axis=1)
    return cost


@cache
def _kernel() -> Any:
    """Compile one step (cached on disk by numba)."""

    def run(before_t: Any, g: Any) -> Any:
        n = g.shape[0] - 1
        cost = before_t.T.copy()
        reach = np.zeros(n + 1)
        for p in range(n - 1):
            for b in range(p + 2, n + 1):
                length = b - p
                for k in range(1, length + 1):
                    i = p + k - 1
                    best = np.inf
                    for j in range(k):
                        best = min(best, reach[j] + before_t[i, p + j])
                    reach[k] = best + g[p, i] + g[i + 1, b] - g[p, b]
                best = np.inf
                for k in range(length + 1):
                    best = min(best, reach[k] + before_t[b, p + k])
                cost[p, b] = best
        return cost

    return compile_kernel(run)

"""Compiled recursion of random top-k on Insert and Remove Random.

The same sums as :mod:`theory.decoding.structured.hidden_place_floats` takes with numpy, with at most as many
roundings between two values: ``V_v(g) = V_v(g-1) + V_{v-1}(g-1)`` is one addition for each g, whatever the level.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import comb
from typing import Any

import numpy as np

from theory.decoding.structured.hidden_place_direct import Floats
from theory.decoding.structured.hidden_place_kernel import PositiveKernel
from theory.numbers.compiled import compile_kernel

__all__ = ["compiled_rows"]


def compiled_rows(
    insert: bool, sizes: Sequence[int], longest: Sequence[int], kernel: PositiveKernel, hits: Sequence[Floats]
) -> Floats:
    """Return A and B by g before the first step.

    Args:
        insert: Insert Random, else Remove Random.
        sizes: Positions of each step.
        longest: The largest g that is kept before each step.
        kernel: The polynomials up to the largest size.
        hits: For j = 1.. the values of ``R_j`` by g.
    """
    k = max(sizes)
    places = [(j, u, v) for j, row in enumerate(kernel.gaps, start=1) for u, v, _ in row]
    tops = np.full((k + 1, k + 1), -1)
    for j, u, v in places:
        tops[j:, u] = np.maximum(tops[j:, u], v)
    left = np.cumsum(sizes[::-1])
    return _compiled()(
        int(not insert),
        np.array(sizes[::-1]),
        np.array(longest[::-1]),
        np.array([float(comb(m, s)) for m, s in zip(left.tolist(), reversed(sizes), strict=True)]),
        np.array(places),
        np.array([float(q) for row in kernel.gaps for _, _, q in row]),
        tops,
        np.array(hits),
    )


@cache
def _compiled() -> Any:
    """Compile the recursion (cached on disk by numba)."""

    def recursion(
        less: int, sizes: Any, longest: Any, ways: Any, places: Any, weights: Any, tops: Any, hits: Any
    ) -> Any:
        rows = np.zeros((2, longest[-1] + 1))
        rows[0, 1] = 1.0
        k = len(tops) - 1
        sums, shares = np.empty((k + 1, 2 * k, 2)), np.empty(k + 1)
        masked = 0
        for t in range(len(sizes)):
            size, reach = sizes[t], longest[t]
            masked += size
            sums[:] = 0.0
            # from the last step to the first the rows only grow longer: all beyond is 0
            last, last_units = rows[0, 1], rows[1, 1]
            roundings = 2.0 * size * reach + 6.0 * size * size + 12.0 * size + 30.0
            for g in range(2, reach + 1):
                binomial = 1.0  # C(l, u), l = g - 1
                for u in range(size + 1):
                    for v in range(tops[size, u], 0, -1):
                        sums[u, v, 0] += sums[u, v - 1, 0]
                        sums[u, v, 1] += sums[u, v - 1, 1]
                    sums[u, 0, 0] += binomial * last
                    sums[u, 0, 1] += binomial * last_units
                    binomial *= (g - 1.0 - u) / (u + 1.0)
                outside, share, power = masked - g + less, 1.0 / ways[t], 1.0
                for i in range(size + 1):  # C(M - mm, i) / C(M, s)
                    shares[size - i] = share
                    share *= (outside - i) / (i + 1.0)
                move, units = 0.0, 0.0
                for j in range(1, size + 1):
                    power *= g
                    shares[j] /= power
                    move += shares[j] * hits[j - 1, g]
                for p in range(len(places)):
                    j = places[p, 0]
                    if j > size:
                        break
                    weight = shares[j] * weights[p]
                    move += weight * sums[places[p, 1], places[p, 2], 0]
                    units += weight * sums[places[p, 1], places[p, 2], 1]
                last, last_units = rows[0, g], rows[1, g]
                stays = shares[0] * last
                rows[0, g] = stays + move
                rows[1, g] = shares[0] * last_units + units + (4.0 * size + 10.0) * stays + roundings * move
        return rows

    return compile_kernel(recursion)

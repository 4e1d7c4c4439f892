"""Disjoint groups of positions, and how far outcomes are apart.

Packing (bound B2): disjoint groups G of positions leave ``sum_i H(y_i | y_S) >= sum_G (H(G) - H(S))^+``. A group that
*almost* distinguishes all outcomes counts with its own entropy, no more (``docs/brackets.md``, Packing).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.kernels import Listed, Room, compiled, refine, start
from theory.bounds.brackets.open_entropies import gains

__all__ = ["nearest_outcomes", "packing_table"]

_GRID = 1 << 13
_SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 0)  # of groups; 0 for as many as distinguish the outcomes
_OUTCOMES = 6000  # for whom all pairs are compared
_TOO_LARGE = 1e18


def packing_table(
    listed: Listed, room: Room, joint: float, late: Callable[[], bool]
) -> tuple[NDArray[np.float64], float]:
    """Return the best packing bound at multiples of a step of ``H(S)``, and the step.

    Args:
        listed: The distribution.
        room: Working memory.
        joint: ``H(Y)``.
        late: Whether to stop; what was found so far is valid.
    """
    step = joint / (_GRID - 1)
    at = np.arange(_GRID) * step
    best = np.zeros(_GRID)
    for size in _SIZES:
        value, left = np.zeros(_GRID), listed.copies.copy()
        while left.any() and not late():
            value += np.maximum(joint - _next_group(listed, room, left, size or len(left)) - at, 0)
        best = np.maximum(best, value)
        if late():
            break
    return best, step


@compiled
def _next_group(listed: Any, room: Any, left: Any, size: int) -> float:
    """Take greedily the most informative positions that are left; return what is open after them."""
    r = left.shape[0]
    found, taken = np.zeros(r), np.zeros(r, dtype=np.bool_)
    here, cells = np.int64(0), start(listed, room)
    for _ in range(size):
        rest = gains(listed, room, here, cells, found)
        best, top = np.int64(-1), 0.0
        for i in range(r):
            if left[i] > 0 and not taken[i] and (best < 0 or found[i] > top):
                best, top = i, found[i]
        if best < 0 or rest == 0.0:
            return rest
        taken[best] = True
        left[best] -= 1
        cells = refine(listed, room, here, cells, best)
        here = 1 - here
    return gains(listed, room, here, cells, found)


def nearest_outcomes(listed: Listed, contexts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return in how many positions each outcome differs from the nearest one of its context, at least; shape (m,)."""
    m = len(listed.weights)
    if m > _OUTCOMES:
        return np.ones(m)  # outcomes are different
    return _distances(listed.rows, listed.copies, contexts)


@compiled
def _distances(rows: Any, copies: Any, contexts: Any) -> Any:
    m, r = rows.shape
    nearest = np.full(m, _TOO_LARGE)
    for a in range(m):
        for b in range(a + 1, m):
            if contexts[a] != contexts[b]:
                continue
            apart, cap = 0.0, max(nearest[a], nearest[b])
            for i in range(r):
                if rows[a, i] != rows[b, i]:
                    apart += copies[i]
                    if apart >= cap:
                        break
            nearest[a] = min(nearest[a], apart)
            nearest[b] = min(nearest[b], apart)
    return nearest

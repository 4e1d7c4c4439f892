"""Marginals of each position given all other revealed ones, in one pass.

Rules that re-examine revealed tokens (WINO, Saber) read ``P(y_i = v | revealed without i)`` at every
position. A chain of hidden states has a message from the left into i and one from the right, neither of which
contains the evidence at i; in a grammar that is the outside probability of the word. One pass therefore gives
all n positions.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import Array

__all__ = ["LeavesOut", "others_only", "shares"]


@runtime_checkable
class LeavesOut(Protocol):
    """A distribution that computes all left-out positions in one pass."""

    def left_out(self, revealed: Array) -> Array:
        """Return ``P(y_i = v | all revealed positions but i)``.

        Args:
            revealed: Token ids with :data:`~theory.distributions.outcomes.MASK` at masked positions, integers,
            shape (B, n).

        Returns:
            Shape (B, n, V); zeros where the other revealed tokens are impossible.
        """
        ...


def shares(sums: Array) -> Array:
    """Return ``sums / total`` along the last axis, zeros where the total is zero.

    Example:
        >>> shares(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 0.75], [0.0, 0.0]]
    """
    from array_api_compat import array_namespace

    xp = array_namespace(sums)
    total = xp.sum(sums, axis=-1, keepdims=True)
    return sums / xp.where(total > 0, total, xp.ones_like(total))


def others_only(tokens: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the states without one revealed position each, and the row and the position of each.

    Example:
        >>> states, rows, places = others_only(np.array([[5, MASK, 7]]))
        >>> states.tolist(), rows.tolist(), places.tolist()
        ([[-1, -1, 7], [5, -1, -1]], [0, 0], [0, 2])
    """
    rows, places = np.nonzero(tokens != MASK)
    states = tokens[rows]
    states[np.arange(len(rows)), places] = MASK
    return states, rows, places

"""Drawing one index from each row of probabilities, with arrays of any library."""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.numbers.arithmetic import Array

__all__ = ["draw"]


def draw(probs: Array, uniforms: Array, xp: Any = np) -> Array:
    """Return one index for each row, never one of probability zero; shape (K,).

    Args:
        probs: Probabilities up to a factor, shape (K, V).
        uniforms: Independent uniform numbers in [0, 1), shape (K,).
        xp: The array namespace.

    Example:
        >>> draw(np.array([[0.0, 1.0, 0.0]]), np.array([0.0])).tolist()
        [1]
    """
    # a parallel sum may round differently after a token of probability zero, so such tokens are left out
    edges = xp.cumulative_sum(probs, axis=1) * (probs > 0)
    reached = edges > uniforms[:, None] * xp.max(edges, axis=1, keepdims=True)
    return xp.argmax(xp.astype(reached, xp.uint8), axis=1)

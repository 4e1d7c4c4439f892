"""Drawing one index from each row of probabilities, with arrays of any library."""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.numbers.arithmetic import Array, Numbers

__all__ = ["draw", "lowest_best"]


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


def lowest_best(probs: Array, numbers: Numbers) -> Array:
    """Return the lowest index of the largest probabilities along the last axis, equal within the tolerance.

    Example:
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> lowest_best(np.array([[0.2, 0.4, 0.4]]), FLOAT64).tolist()
        [1]
    """
    xp = numbers.xp
    best = probs >= xp.max(probs, axis=-1, keepdims=True) - numbers.tolerance
    return xp.argmax(xp.astype(best, xp.uint8), axis=-1)

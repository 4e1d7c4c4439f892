"""The tokens of a top-p truncation at which the sum of the probabilities crosses the limit."""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from theory.numbers.arithmetic import Array, Numbers

__all__ = ["crossing"]


def crossing(q: Array, limit: Any, numbers: Numbers) -> tuple[Array, Array, Array]:
    """Return of the tokens among which the sum crosses a limit: the sum before them, the largest and the smallest.

    They are those of one probability, within the tolerance: the last whose sum before them is at most the limit.

    Args:
        q: Probabilities along the last axis.
        limit: The limit of the sum, of the same kind of number.
        numbers: The kind of number.

    Example:
        >>> import numpy as np
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> [float(part[0]) for part in crossing(np.array([0.125, 0.5, 0.25, 0.125]), 0.625, FLOAT64)]
        [0.5, 0.25, 0.25]
    """
    xp, place = numbers.xp, numbers.xp.arange(q.shape[-1], device=device(q))
    ordered = xp.flip(xp.sort(q, axis=-1), axis=(-1,))
    before = xp.cumulative_sum(ordered, axis=-1) - ordered
    drop = xp.astype(ordered[..., :-1] - ordered[..., 1:] > numbers.tolerance, xp.bool)
    begins = xp.concat([xp.ones_like(drop[..., :1]), drop], axis=-1) if drop.shape[-1] else q == q
    within = xp.astype(before <= limit, xp.bool) & begins
    first = xp.max(xp.where(within, place, 0), axis=-1, keepdims=True)
    last = xp.min(xp.where(begins & (place > first), place, q.shape[-1]), axis=-1, keepdims=True) - 1
    mass, high = (xp.take_along_axis(values, first, axis=-1) for values in (before, ordered))
    return mass, high, xp.take_along_axis(ordered, last, axis=-1)

"""Compiled passes of the forward-backward algorithm."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import compile_kernel

__all__ = ["Messages", "compiled_messages"]

Messages = tuple[NDArray[np.float64], ...]  # forward, reached, backward, and two rows of smallest entries


def compiled_messages(
    initial: NDArray[np.float64], transitions: NDArray[np.float64], evidence: NDArray[np.float64]
) -> Messages:
    """Return the messages of each row, and the smallest positive entries of them.

    Args:
        initial: Shape (K,).
        transitions: Shape (n - 1, K, K) or (1, K, K).
        evidence: Shape (B, n, K).

    Returns:
        Forward messages, what reaches each position before its own evidence, and backward messages, shape (B, n, K);
        then the smallest positive entry of the forward and backward messages, and that of what reaches a position,
        at most 1, shape (B,).
    """
    shape = evidence.shape
    forward, reached, backward = np.empty(shape), np.empty(shape), np.empty(shape)
    least, least_reached = np.ones(shape[0]), np.ones(shape[0])
    out = forward, reached, backward, least, least_reached
    arrays = (np.ascontiguousarray(a, dtype=np.float64) for a in (initial, transitions, evidence))
    _compiled()(*arrays, *out)
    return out


@cache
def _compiled() -> Any:
    """Compile the passes once; numba keeps them on disk."""
    return compile_kernel(_passes, error_model="numpy")


def _passes(
    initial: NDArray[np.float64],
    transitions: NDArray[np.float64],
    evidence: NDArray[np.float64],
    forward: NDArray[np.float64],
    reached: NDArray[np.float64],
    backward: NDArray[np.float64],
    least: NDArray[np.float64],
    least_reached: NDArray[np.float64],
) -> None:
    rows, n, states = evidence.shape
    last = transitions.shape[0] - 1
    moved = np.empty(states)
    for row in range(rows):
        for i in range(n):
            total = 0.0
            for h in range(states):
                value = initial[h] if i == 0 else 0.0
                if i > 0:
                    for g in range(states):
                        value += forward[row, i - 1, g] * transitions[min(i - 1, last), g, h]
                if 0.0 < value < least_reached[row]:
                    least_reached[row] = value
                reached[row, i, h] = value
                forward[row, i, h] = value * evidence[row, i, h]
                total += forward[row, i, h]
            for h in range(states):
                if total > 0.0:
                    forward[row, i, h] /= total
                if 0.0 < forward[row, i, h] < least[row]:
                    least[row] = forward[row, i, h]
        for h in range(states):
            backward[row, n - 1, h] = 1.0
        for i in range(n - 1, 0, -1):
            for h in range(states):
                moved[h] = evidence[row, i, h] * backward[row, i, h]
            total = 0.0
            for g in range(states):
                value = 0.0
                for h in range(states):
                    value += moved[h] * transitions[min(i - 1, last), g, h]
                backward[row, i - 1, g] = value
                total += value
            for g in range(states):
                if total > 0.0:
                    backward[row, i - 1, g] /= total
                if 0.0 < backward[row, i - 1, g] < least[row]:
                    least[row] = backward[row, i - 1, g]

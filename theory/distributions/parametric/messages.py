"""Helpers that the message-passing algorithms share."""

from __future__ import annotations

from array_api_compat import array_namespace

from theory.numbers.arithmetic import Array

__all__ = ["least_positive", "step"]


def step(transitions: Array, i: int) -> Array:
    """Return the transition matrix into position i; ``transitions`` has one matrix, or one for each step."""
    return transitions[0 if transitions.shape[0] == 1 else i - 1]


def least_positive(values: Array) -> float:
    """Return the smallest positive entry, at most one; one if there is none."""
    xp = array_namespace(values)
    return float(xp.min(xp.where(values > 0, values, xp.ones_like(values)))) if values.shape[0] else 1.0

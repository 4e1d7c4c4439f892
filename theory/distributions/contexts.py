"""Lumped chains of tasks, and expectations over contexts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf
from typing import Any

from theory.distributions.lumped_chain import LumpedChain

__all__ = ["chain_of", "expectation"]


def chain_of(task: Any) -> LumpedChain | None:
    """Return the lumped chain of a task, the same in every context, if it offers one."""
    chain = getattr(task, "chain", None)
    return None if chain is None else chain()


def expectation(pairs: Sequence[tuple[Fraction, Any]]) -> Any:
    """Return ``sum w v`` over positive weights; infinite if one value is, ``None`` if one is missing.

    Example:
        >>> expectation([(Fraction(0), inf), (Fraction(1), Fraction(1, 2))])
        Fraction(1, 2)
    """
    pairs = [(weight, value) for weight, value in pairs if weight]
    if any(value is None for _, value in pairs):
        return None
    if any(value == inf for _, value in pairs):
        return inf
    if any(isinstance(value, float) for _, value in pairs):
        return float(sum(float(weight) * float(value) for weight, value in pairs))
    first, *rest = [value * weight for weight, value in pairs]
    return sum(rest, first)

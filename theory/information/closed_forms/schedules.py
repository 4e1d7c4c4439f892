"""Block sizes of a schedule as sympy expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from theory.information.closed_forms.form import symbols

__all__ = ["REMAINDERS", "Schedule", "any_sizes", "topk"]

REMAINDERS = (("last", ""), ("first", " remainder=first"))  # rule, and the suffix of the quantity


@dataclass(frozen=True)
class Schedule:
    """The number of tokens of each step.

    Attributes:
        steps: The number of steps T.
        size: Step t (from 1) to its number of tokens.
        left: Step t to the number still masked before it.
    """

    steps: Any
    size: Callable[[Any], Any]
    left: Callable[[Any], Any]


def any_sizes() -> Schedule:
    """Return the schedule of given sizes: ``s[t]`` and ``m[t]``, with ``m[1] = n`` and ``m[t+1] = m[t] - s[t]``."""
    z = symbols()
    return Schedule(z.T, lambda t: z.s[t], lambda t: z.m[t])


def topk(n: Any, k: Any, remainder: str = "last") -> Schedule:
    """Return the schedule of top-k on n positions, ``T = ceil(n/k)`` steps.

    Args:
        n: Number of positions.
        k: Tokens per step.
        remainder: With ``last`` the last step takes the rest; with ``first`` every step takes ``floor(n/T)`` tokens and
            the first ``n mod T`` steps one more.
    """
    import sympy as sp

    steps = sp.ceiling(n / sp.sympify(k))
    if remainder == "last":
        return Schedule(steps, lambda t: sp.Min(k, n - k * (t - 1)), lambda t: n - k * (t - 1))
    base, more = sp.floor(n / steps), sp.Mod(n, steps)
    return Schedule(
        steps,
        lambda t: base + sp.Min(t, more) - sp.Min(t - 1, more),
        lambda t: n - base * (t - 1) - sp.Min(t - 1, more),
    )

"""Frechet rule, as many positions as the Frechet bounds certify."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.prefix import ranks
from theory.policies.view import View
from theory.validation import InputError, bounded

__all__ = ["Frechet"]


@register("frechet")
@dataclass(frozen=True, kw_only=True)
class Frechet(RankedPolicy):
    """Take the largest m with ``G_m = L_m - U_m > delta`` over confidences in descending order; at least one.

    ``L_m = max(0, sum_{j <= m} c_(j) - (m - 1))`` is a lower bound on the probability of the m top tokens together,
    ``U_m = 1 - c_(m)`` an upper bound on that of any other joint value: if ``G_m > 0`` the top tokens are the joint
    mode.

    Source: Fast-dLLM++, arXiv 2606.02955, Theorem 4.1. Usual value: delta = 1/4. For equal confidences it is the
    factor rule with ``f = 1 - delta``.

    Attributes:
        delta: The margin of the certificate, between 0 and 1.

    Example:
        >>> Frechet().delta
        Fraction(1, 4)
    """

    example: ClassVar[str] = "frechet:delta=1/4"
    source: ClassVar[str] = "Fast-dLLM++, arXiv 2606.02955"
    release: ClassVar[str] = (
        "default: Ringo-Star/FastdLLM_plusplus 29fd034 with the value of its README (0 in the "
        "function, 0.02 in a script)"
    )
    formula: ClassVar[str] = "largest m with max(0, sum c - (m-1)) - (1 - c_(m)) > delta"
    lumps: ClassVar[bool] = True
    delta: Fraction = Fraction(1, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence":
            raise InputError(f"frechet reads confidences, got by={self.by}.")
        object.__setattr__(self, "delta", bounded(self.delta, "delta", 0, 1))

    def count(self, view: View, scores: Array) -> Array:
        """Return the largest number with a certificate."""
        xp, numbers, rank = view.numbers.xp, view.numbers, ranks(view)
        best = view.descending(scores)
        lower = xp.cumulative_sum(best, axis=1) - (rank - 1)
        gap = xp.where(lower > 0, lower, xp.zeros_like(lower)) - (1 - best)
        passes = (gap > numbers.const(self.delta) + numbers.tolerance) & (rank <= view.left[:, None])
        return xp.max(xp.where(passes, rank, xp.ones_like(rank)), axis=1)

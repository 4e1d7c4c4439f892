"""Factor: as many positions as their joint confidence allows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory._checks import InputError, choice, exact_fraction
from theory.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View

__all__ = ["Factor"]


@register("factor")
@dataclass(frozen=True, kw_only=True)
class Factor(RankedPolicy):
    """Take the largest m with ``(m + 1)(1 - c_(m)) < f`` over scores in descending order; at least one.

    Source: Fast-dLLM, arXiv 2505.22618, Section 3.3. Usual value: 1.0.

    Attributes:
        f: The factor, positive.
        strict: ``<`` (the paper) or ``<=`` (the released code).

    Example:
        >>> Factor(f="1.0").f
        Fraction(1, 1)
    """

    example: ClassVar[str] = "factor:f=1.0"
    f: Fraction
    strict: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.strict, "strict", (False, True))
        object.__setattr__(self, "f", exact_fraction(self.f, "f"))
        if self.f <= 0:
            raise InputError(f"f must be positive, got {self.f}.")

    def count(self, view: View, scores: Array) -> Array:
        """Return the largest rank that passes; ranks beyond the competing positions never do."""
        xp, numbers = view.numbers.xp, view.numbers
        best = view.descending(scores)
        rank = xp.cumulative_sum(xp.astype(best == best, xp.int64), axis=1)  # 1 .. n in every row
        cost = (1 - best) * (rank + 1)
        f = numbers.const(self.f)
        passes = cost < f - numbers.tolerance if self.strict else cost <= f + numbers.tolerance
        passes = passes & (rank <= view.left[:, None])
        return xp.max(xp.where(passes, rank, xp.ones_like(rank)), axis=1)

"""Factor rule, as many positions as their joint confidence allows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import InputError, choice, exact_fraction

__all__ = ["Factor"]


@register("factor")
@dataclass(frozen=True, kw_only=True)
class Factor(RankedPolicy):
    """Take the largest m with ``(m + 1)(1 - c_(m)) < f`` over scores in descending order; at least one.

    Source: Fast-dLLM, arXiv 2505.22618, Section 3.3. Usual value: 1.0. The left side rises with the rank, so all ranks
    before one that passes pass too. ``variant=released`` is ``get_transfer_index_dynamic`` of NVlabs/Fast-dLLM
    (f6b35ec3), also in dInfer and ParallelBench: the first rank always passes, the comparison is ``<=``, and if only
    the last rank fails it is taken anyway (``if top_i == 0 or top_i == len - 1: top_i += 1``), so that two masked
    positions are always taken together. ``strict=false`` is the rule of ZHZisZZ/dllm (ca17675).

    Attributes:
        f: The factor, positive.
        strict: ``<`` (the paper) or ``<=``; ``released`` has ``<=`` always.
        variant: ``paper`` or ``released``.

    Example:
        >>> Factor(f="1.0").f
        Fraction(1, 1)
    """

    lumps: ClassVar[bool] = True
    example: ClassVar[str] = "factor:f=1.0"
    source: ClassVar[str] = "Fast-dLLM, arXiv 2505.22618"
    release: ClassVar[str] = (
        "`variant=released`: NVlabs/Fast-dLLM f6b35ec3, inclusionAI/dInfer fce4e32; `strict=false`: "
        "ZHZisZZ/dllm ca17675; default: the paper"
    )
    formula: ClassVar[str] = "largest m with (m+1)(1 - c_(m)) < f"
    f: Fraction
    strict: bool = True
    variant: str = "paper"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.strict, "strict", (False, True))
        if self.variant == "prefix":
            raise InputError("variant=prefix never differed from variant=paper, the default; leave it out.")
        choice(self.variant, "variant", ("paper", "released"))
        object.__setattr__(self, "f", exact_fraction(self.f, "f"))
        if self.f <= 0:
            raise InputError(f"f must be positive, got {self.f}.")

    def count(self, view: View, scores: Array) -> Array:
        """Return the number of ranks that are taken; ranks beyond the competing positions never pass."""
        xp, numbers = view.numbers.xp, view.numbers
        best = view.descending(scores)
        rank = xp.cumulative_sum(xp.astype(best == best, xp.int64), axis=1)  # 1 .. n in every row
        cost = (1 - best) * (rank + 1)
        f = numbers.const(self.f)
        strict = self.strict and self.variant != "released"
        passes = cost < f - numbers.tolerance if strict else cost <= f + numbers.tolerance
        passes = xp.astype(passes, xp.bool) & (rank <= view.left[:, None])
        number = xp.max(xp.where(passes, rank, xp.ones_like(rank)), axis=1)
        if self.variant == "released":
            # if the first rank that fails is the last one, it is taken too
            number = xp.where((number == view.left - 1) & (view.left > 1), view.left, number)
        return number

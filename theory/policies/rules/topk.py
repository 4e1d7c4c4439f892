"""Top-k rule, a fixed number of positions per step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import choice, positive_int

__all__ = ["TopK"]


@register("topk")
@dataclass(frozen=True, kw_only=True)
class TopK(RankedPolicy):
    """Take the k best-scored positions; all, when fewer are left.

    Elsewhere: ``low_confidence``, ``topk_margin``, ``entropy``, ``random`` remasking (LLaDA, Dream, ParallelBench).
    Source: arXiv 2510.04767, Section 4.2.

    Attributes:
        k: Positions per step.
        remainder: A group of b positions takes ``T = ceil(b/k)`` steps. ``last``: k each, the last step takes the
            rest. ``first``: ``b // T`` each, the first ``b mod T`` steps one more (LLaDA).

    Example:
        >>> TopK(k=2, by="random").k
        2
    """

    lumps: ClassVar[bool] = True
    example: ClassVar[str] = "topk:k=2"
    source: ClassVar[str] = "ParallelBench, arXiv 2510.04767"
    release: ClassVar[str] = (
        "`remainder=first`, or default where k divides the positions: ML-GSAI/LLaDA b7e6c35"
    )
    formula: ClassVar[str] = "the k best"
    k: int
    remainder: str = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        choice(self.remainder, "remainder", ("last", "first"))

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return ``min(k, left)``, or the size of the scheduled step for ``remainder=first``."""
        xp, left = view.numbers.xp, view.left
        k = min(self.k, 1 << 31)  # above every length, and still an int64
        usual = xp.where(left < k, left, xp.zeros_like(left) + k)
        if self.remainder == "last":
            return usual
        # T steps of base tokens, one more in the first `extra`. With r left one is at a large step iff
        # r = base (T - extra) + (base + 1) j for some j in 1..extra, at a small one iff r = base j, j <= T - extra.
        steps = -(-view.group_size // k)
        base, extra = view.group_size // steps, view.group_size % steps
        beyond = left - base * (steps - extra)
        large = (beyond > 0) & (beyond % (base + 1) == 0)
        small = (beyond <= 0) & (left % base == 0)
        return xp.where(large, base + 1, xp.where(small, base, usual))

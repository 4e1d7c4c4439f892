"""The threshold rule of dInfer, all positions close to the best one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import bounded

__all__ = ["DInfer"]


@register("dinfer")
@dataclass(frozen=True, kw_only=True)
class DInfer(RankedPolicy):
    """Take every position with ``c_i >= min(gamma, max c - slack)``.

    All exact ties of the best go at once: with ideal marginals Shuffle is decoded in one step for every gamma.

    Source: ``parallel_strategy.py`` of inclusionAI/dInfer, line 283. Usual values: gamma = 0.9, slack = 1e-5.

    Attributes:
        gamma: The threshold.
        slack: The distance below the best score that is still taken.

    Example:
        >>> DInfer(gamma=0.9).slack
        Fraction(1, 100000)
    """

    example: ClassVar[str] = "dinfer:gamma=0.9"
    source: ClassVar[str] = "inclusionAI/dInfer parallel_strategy.py"
    release: ClassVar[str] = "default: inclusionAI/dInfer fce4e32, which calls it threshold"
    formula: ClassVar[str] = "c_i >= min(gamma, max c - slack)"
    lumps: ClassVar[bool] = True
    gamma: Fraction
    slack: Fraction = Fraction(1, 100_000)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.score_limit("gamma")
        most = 1 if self.by in ("confidence", "margin") else None
        object.__setattr__(self, "slack", bounded(self.slack, "slack", 0, most))

    def count(self, view: View, scores: Array) -> Array:
        """Return how many reach the threshold; the best always does."""
        xp, numbers = view.numbers.xp, view.numbers
        gamma = numbers.const(self.gamma)
        best = view.descending(scores)[:, :1] - numbers.const(self.slack)
        least = xp.where(best < gamma, best, xp.zeros_like(best) + gamma)
        reached = (scores >= least - numbers.tolerance) & view.candidates
        return xp.sum(xp.astype(reached, xp.int64), axis=1)

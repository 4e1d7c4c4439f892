"""Threshold rule, every position whose score is high enough."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from theory.numbers.arithmetic import Array
from theory.policies.plan import Plan
from theory.policies.policy import RankedPolicy, register
from theory.policies.ranked import Ranked
from theory.policies.spaced import check_spaced, spaced
from theory.policies.view import View
from theory.validation import InputError, choice, positive_int

__all__ = ["Threshold"]

_NEVER = -(10**5)  # below every score


@register("threshold")
@dataclass(frozen=True, kw_only=True)
class Threshold(RankedPolicy):
    """Take every position with score above gamma; if there are fewer than ``floor``, the ``floor`` best.

    Elsewhere: ``low_confidence`` with ``threshold`` (Fast-dLLM, arXiv 2505.22618, Section 3.3). Usual value: 0.9.
    ``spaced=8,strict=false`` is ``generate_cb_sampler_spaced`` of omerlux/DUS (abd7723f), see
    :mod:`theory.policies.spaced`; usual values there: gamma = 0.3 to 0.9.

    The entropy threshold of SGLang (26eb1bf, ``EntropyThreshold`` in ``dllm/algorithm/entropy_threshold.py``, from
    d3LLM) takes every position with ``H < 0.95`` nats, else the lowest: ``by=entropy,gamma=-1.3706``, since the score
    is minus the entropy in bits and a nat is 1.4427 bits.

    Attributes:
        gamma: The threshold, between 0 and 1 for confidences and margins, at most 0 in bits for ``by=entropy``; a
            decimal is taken as written (0.9 is 9/10). A score is never strictly above 1.
        strict: Above means ``>`` (the papers); ``False`` means ``>=`` (the released Fast-dLLM code).
        floor: The least number taken (SDAR, TraDo and diffusers' BlockRefinementScheduler).
        spaced: The least distance in a step while everything is masked (:mod:`theory.policies.spaced`); 0 for none.
        first: The first call of a block takes its first position alone, whatever the scores (Fast-dLLM for Dream with
            a cache).

    Example:
        >>> Threshold(gamma=0.9).gamma
        Fraction(9, 10)
    """

    lumps: ClassVar[bool] = True
    example: ClassVar[str] = "threshold:gamma=0.9"
    source: ClassVar[str] = "Fast-dLLM, arXiv 2505.22618"
    release: ClassVar[str] = (
        "`strict=false`: NVlabs/Fast-dLLM 24cc59e; default: its v2; `floor`: SDAR, TraDo, diffusers; "
        "`strict=false,spaced=8`: omerlux/DUS abd7723f, cb_sampler_spaced; "
        "`by=entropy,gamma=-1.3706`: sgl-project/sglang 26eb1bf, EntropyThreshold at 0.95 nats; "
        "`strict=false,first=true`: Fast-dLLM 24cc59e for Dream with a cache"
    )
    formula: ClassVar[str] = "every score > gamma, else the best"
    gamma: Fraction
    strict: bool = True
    floor: int = 1
    spaced: int = 0
    first: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.strict, "strict", (False, True))
        self.score_limit("gamma")
        object.__setattr__(self, "floor", positive_int(self.floor, "floor"))
        object.__setattr__(self, "spaced", check_spaced(self, self.spaced))
        if choice(self.first, "first", (False, True)):
            if self.floor > 1 or self.spaced or self.ties == "all":
                raise InputError(
                    "first=true does not go with floor, spaced or ties=all; no release has both."
                )
            object.__setattr__(self, "lumps", False)

    @property
    def reads_places(self) -> bool:
        """Whether positions of a step keep a distance, or the first of a block goes alone."""
        return bool(self.spaced or self.first)

    def rank(self, view: View, scores: Array) -> Plan:
        """Return the ranking, its number and, if it is ``spaced``, the least distance."""
        plan = super().rank(view, self._first_alone(view, scores) if self.first else scores)
        return spaced(plan, self.spaced, self.block) if self.spaced and isinstance(plan, Ranked) else plan

    def _first_alone(self, view: View, scores: Array) -> Array:
        """Return the scores, where nothing of a block is revealed those of its first position alone."""
        xp = view.numbers.xp
        before = xp.cumulative_sum(xp.astype(view.candidates, xp.int64), axis=1)
        kept = (view.left < view.group_size)[:, None] | (view.candidates & (before == 1))
        if scores.dtype == np.dtype(object):
            return np.where(kept, scores, view.numbers.const(_NEVER))
        return xp.where(kept, scores, xp.zeros_like(scores) + _NEVER)

    def count(self, view: View, scores: Array) -> Array:
        """Return the number above the threshold, at least ``floor``."""
        xp, numbers = view.numbers.xp, view.numbers
        gamma = numbers.const(self.gamma)
        # scores within the tolerance count as equal
        above = scores > gamma + numbers.tolerance if self.strict else scores >= gamma - numbers.tolerance
        number = xp.sum(xp.astype(above & view.candidates, xp.int64), axis=1)
        floor = min(self.floor, 1 << 31)
        least = xp.where(view.left < floor, view.left, xp.zeros_like(number) + floor)
        return xp.where(number < least, least, number)

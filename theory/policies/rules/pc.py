"""PC-Sampler rule, early positions first and common tokens last."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import e, log2
from typing import ClassVar

from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["PCSampler"]

_NOTHING = -5e5  # log2 of a zero score: below every other score, above the filler of revealed positions
_STEEPEST = 10  # keeps lam * position * log2 e above _NOTHING up to 30,000 positions


@register("pc")
@dataclass(frozen=True, kw_only=True)
class PCSampler(RankedPolicy):
    """Take the k positions with the best ``exp(-lam i) min(-p log2 f(x), alpha)``.

    x is the most probable token of position i, p its probability, f(x) how often the token occurs in the task: the
    mean probability over the fully masked positions, in place of the released corpus frequencies.

    Source: arXiv 2508.13021; ``pc_sampler_function`` in ``src/generate.py`` of NEUIR/PC-Sampler (later NEUIR/Uncode).
    Usual values: lam = 0.25, alpha = 10 *nats*, those of its scripts (defaults of the function: 1 and 1). alpha is
    in bits here: nats times 1.4427, so that 10 nats are 14.43 bits; a common factor of all scores changes no ranking.
    In blocks the released code counts i from the start of the block, which changes no ranking either. Of equally
    probable tokens the rarest counts; the released code takes the first.

    Scores are floats; those whose logarithms differ by at most 1e-9 are ties.

    Attributes:
        k: Positions per step; all, when fewer are left.
        lam: Decay by position, from 0 to 10.
        alpha: Cap of the second factor in bits, positive.

    Example:
        >>> str(PCSampler(k=2))
        'pc:k=2'
    """

    example: ClassVar[str] = "pc:k=2"
    source: ClassVar[str] = "PC-Sampler, arXiv 2508.13021"
    release: ClassVar[str] = (
        "default: NEUIR/PC-Sampler 8b106b0 (alpha in nats there), where a single token is most probable"
    )
    formula: ClassVar[str] = "k best by exp(-lam i) min(-p log2 f(x), alpha)"
    cost: ClassVar[str] = "n V"
    asks: ClassVar[bool] = True
    k: int
    lam: Fraction = Fraction(1, 4)
    alpha: Fraction = Fraction(1443, 100)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence" or self.confidence == "sampled":
            raise InputError("pc has its own score, of the most probable token; leave by and confidence out.")
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        object.__setattr__(self, "lam", exact_fraction(self.lam, "lam"))
        object.__setattr__(self, "alpha", exact_fraction(self.alpha, "alpha"))
        if not 0 <= self.lam <= _STEEPEST:
            raise InputError(f"lam must lie between 0 and {_STEEPEST}, got {self.lam}.")
        if self.alpha <= 0:
            raise InputError(f"alpha must be positive, got {self.alpha}.")

    def score(self, view: View) -> Array:
        """Return ``log2 min(-p log2 f(x), alpha) - lam i log2 e``, shape (B, n)."""
        xp, numbers = view.numbers.xp, view.numbers
        probs, often = EXACT.floats(view.probs), EXACT.floats(view.asked()[1].background())
        p = xp.max(probs, axis=-1)
        top = probs >= p[..., None] - max(float(numbers.tolerance), TIE_TOLERANCE)
        often = xp.where(often > 0, often, xp.zeros_like(often) + 2.0**-1000)  # capped by alpha below
        rarity = xp.max(xp.where(top, -xp.log2(often), xp.zeros_like(probs)), axis=-1)
        worth = p * rarity
        worth = xp.where(worth > float(self.alpha), xp.zeros_like(worth) + float(self.alpha), worth)
        positive = worth > 0
        index = xp.cumulative_sum(xp.ones_like(xp.astype(view.masked, xp.int64)), axis=1) - 1
        place = index if view.block is None else index - view.group_index[:, None] * view.block
        decay = float(self.lam) * log2(e) * xp.astype(place, worth.dtype)
        value = xp.log2(xp.where(positive, worth, xp.ones_like(worth))) - decay
        return xp.where(positive, value, xp.zeros_like(value) + _NOTHING)

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return ``min(k, left)``."""
        xp, left, k = view.numbers.xp, view.left, min(self.k, 1 << 31)
        return xp.where(left < k, left, xp.zeros_like(left) + k)

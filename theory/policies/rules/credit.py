"""Credit rule, which trusts predictions that recur."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import TIE_TOLERANCE, Array
from theory.policies.as_process import unmasked
from theory.policies.policy import register
from theory.policies.process import Chance
from theory.policies.rules.dinfer import DInfer
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, choice, exact_fraction

__all__ = ["Credit"]


@register("credit")
@dataclass(frozen=True, kw_only=True)
class Credit(DInfer):
    """The threshold rule of dInfer on ``p_i(v) (1 + m_i(v))^alpha``, with a credit m for earlier best tokens.

    In each call the credit fades, ``m <- beta m``, and the most probable token of every competing position earns
    ``c_i^boost``, c its probability. Then logits get ``alpha log(1 + m)``: scores and tokens are those of the
    renormalised ``p (1 + m)^alpha``, and ``c_i >= min(gamma, max c - slack)`` decides. Tokens are therefore *not* drawn
    from the model's marginals, and Theorem 1 of arXiv 2510.04767 does not give the KL divergence even at tau = 1.

    Source: dInfer, arXiv 2510.08666; ``CreditThresholdParallelDecoder`` in
    ``python/dinfer/decoding/parallel_strategy.py`` of inclusionAI/dInfer. Usual values: alpha = 0.7, boost = 0.2
    (``boost_gamma``), beta = 0.8 (``decay_beta``).

    Memory: the credit of each token at the positions still masked. Only positions of the current block earn, so every
    block begins without credit. Probabilities are irrational, so results of the exact decoder are floats with their
    errors; decisions come from floats, equal within 1e-9.

    Attributes:
        alpha: Weight of the credit, at least 0; 0 is the plain threshold decoder.
        boost: Exponent of the confidence that is earned, at least 0.
        beta: The share of the credit that remains after each call, from 0 to 1.
        top: Where several tokens are equally probable, ``all`` of them earn, or the ``lowest`` (argmax, the released
            code).

    Example:
        >>> str(Credit(gamma=0.9))
        'credit:gamma=9/10'
    """

    example: ClassVar[str] = "credit:gamma=0.9"
    source: ClassVar[str] = "dInfer, arXiv 2510.08666"
    release: ClassVar[str] = (
        "`top=lowest`: inclusionAI/dInfer fce4e32; default: all of the most probable tokens"
    )
    formula: ClassVar[str] = "dinfer on p (1 + m)^alpha; m <- beta m + c^boost at the best token"
    cost: ClassVar[str] = "n V"
    rational: ClassVar[bool] = False
    lumps: ClassVar[bool] = False
    alpha: Fraction = Fraction(7, 10)
    boost: Fraction = Fraction(1, 5)
    beta: Fraction = Fraction(4, 5)
    top: str = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.confidence == "sampled":
            raise InputError("credit reads the most probable token; use confidence=max.")
        choice(self.top, "top", ("all", "lowest"))
        for name in ("alpha", "boost", "beta"):
            object.__setattr__(self, name, exact_fraction(getattr(self, name), name))
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be at least 0, got {getattr(self, name)}.")
        if self.beta > 1:
            raise InputError(f"beta must be at most 1, got {self.beta}.")

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch without credit."""
        probs, kind = batch.reals
        return batch.remember(credit=kind.xp.zeros_like(probs))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Fade and earn credit, raise the probabilities, then decide and draw with them."""
        xp, numbers = batch.numbers.xp, batch.numbers
        probs, kind = batch.reals
        group = batch.view().within_blocks(self.block).candidates
        credit = kind.const(self.beta) * batch.memory["credit"] + self._earned(batch, group)
        raised = probs * (1 + credit) ** kind.const(self.alpha)
        raised = raised / xp.sum(raised, axis=-1, keepdims=True)
        fused = batch.remember(credit=credit).with_reals(raised, kind)
        view = fused.view().within_blocks(self.block)
        scores = xp.broadcast_to(self.score(view), view.masked.shape)
        fused, chosen = chance.choose(fused, self.rank(view, scores))
        after = replace(chance.reveal(fused, chosen), numbers=numbers)
        kept = after.memory["credit"]
        return after.remember(credit=xp.where(after.masked[:, :, None], kept, xp.zeros_like(kept)))

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _earned(self, batch: RunBatch, group: Array) -> Array:
        """Return ``c^boost`` at the best tokens of the competing positions, zero elsewhere; shape (B, n, V)."""
        xp = batch.numbers.xp
        probs, (reals, kind) = batch.numbers.floats(batch.probs), batch.reals
        first = xp.argmax(probs, axis=-1, keepdims=True)
        best = xp.take_along_axis(probs, first, axis=-1)
        top = probs >= best - max(float(batch.numbers.tolerance), TIE_TOLERANCE)
        if self.top == "lowest":
            top = top & (xp.cumulative_sum(xp.astype(top, xp.int64), axis=-1) == 1)
        earned = xp.take_along_axis(reals, first, axis=-1) ** kind.const(self.boost)
        return xp.where(top & group[..., None], earned, xp.zeros_like(reals))

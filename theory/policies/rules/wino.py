"""WINO rule, many tokens at once and doubtful ones masked again."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered, unmasked
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, fillable, remask_lowest
from theory.policies.run_batch import RunBatch
from theory.policies.scores import SCORES
from theory.policies.view import View
from theory.validation import bounded, choice, positive_int

__all__ = ["WINO"]

_BEFORE = 30  # the released code's number of accepted tokens before the first step of a block


@register("wino")
@dataclass(frozen=True, kw_only=True)
class WINO(Rule):
    """Accept many tokens, and mask again those that the other tokens do not support.

    Of the m masks of the block, accept those with confidence above ``tau1``: at least the best one, and of
    the best at most ``min(max(int(0.7 m), 5), 20)``. If more than one was accepted, mask again the earlier
    tokens of the block whose confidence given all *other* tokens (leave-one-out, before this step's tokens)
    is below ``tau2``: the lowest ones, at most (number accepted in the previous step) - 1. After t steps at
    least t tokens are kept, so that n steps are enough.

    The released code reads the leave-one-out confidence from a copy of the block that does not see its own
    token, in the same call; here the ideal model is asked about each position with its token masked, and one
    call is counted.

    Source: arXiv 2507.18578; ``LLaDA/decoding.py`` (``decoding_wino``) of Feng-Hong/WINO-DLLM. Usual values:
    tau1 = 0.6, tau2 = 0.9, B = 128. The copy in ParallelBench (``wino_generate.py``) lets the masks of the
    copied block compete for acceptance; that is not modelled.

    Memory: the number accepted in the previous step.

    Attributes:
        tau1: Accept above it.
        tau2: Mask again below it.
        block: Block length; ``None`` for a single block.
        capped: Whether the number of accepted positions is capped (the released code).
        confidence: The probability of the drawn token (``sampled``, the released code) or the ``max``
            probability; the same at temperature 0.
        ties: Equal confidences: ``random`` or ``lowest`` index first.

    Example:
        >>> WINO().tau1, WINO().most(100), WINO().most(10), WINO().most(3)
        (Fraction(3, 5), 20, 7, 5)
    """

    example: ClassVar[str] = "wino"
    source: ClassVar[str] = "arXiv 2507.18578; Feng-Hong/WINO-DLLM LLaDA/decoding.py"
    release: ClassVar[str] = "default: Feng-Hong/WINO-DLLM 9549a1d"
    formula: ClassVar[str] = "accept c > tau1; mask again where the leave-one-out confidence < tau2"
    cost: ClassVar[str] = "n questions to the model"
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    tau1: Fraction = Fraction(3, 5)
    tau2: Fraction = Fraction(9, 10)
    block: int | None = None
    capped: bool = True
    confidence: str = "sampled"
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.capped, "capped", (False, True))
        choice(self.confidence, "confidence", ("sampled", "max"))
        choice(self.ties, "ties", ("random", "lowest"))
        for name in ("tau1", "tau2"):
            object.__setattr__(self, name, bounded(getattr(self, name), name, 0, 1))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def most(self, masked: int) -> int:
        """Return how many of ``masked`` positions may be accepted."""
        return min(max(7 * masked // 10, 5), 20) if self.capped else masked

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the number accepted before."""
        return batch.remember(last=batch.numbers.xp.zeros_like(batch.tokens[:, 0]) + _BEFORE)

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Accept tokens, then mask some again."""
        batch = self._suspected(batch)
        where = batch.view().within_blocks(self.block).candidates
        if self.confidence == "sampled":
            batch, drawn = chance.propose(batch, where)
            batch = batch.remember(drawn=drawn)
        batch, chosen = self._accepted(batch, chance)
        if self.confidence == "max":
            batch, drawn = chance.propose(batch, chosen)
            batch = batch.remember(drawn=drawn)
            chosen = drawn >= 0
        batch = batch.write(chosen, batch.memory["drawn"]).forget("drawn")
        batch, _ = remask_lowest(
            batch, chance, batch.memory["support"], batch.memory["suspect"], self._back(batch), self.ties
        )
        return batch.remember(last=batch.memory["accepted"]).forget("accepted", "support", "suspect")

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _suspected(self, batch: RunBatch) -> RunBatch:
        """Store the leave-one-out confidence of the tokens, and which are too low."""
        view = batch.view().within_blocks(self.block)
        numbers = view.numbers
        support = gathered(batch.transform.scores_read(batch.left_out(), batch.numbers), batch.tokens, batch)
        inside = block_of(batch, self.block)[None, :] == view.group_index[:, None]
        low = support < numbers.const(self.tau2) - numbers.tolerance
        suspect = ~batch.masked & fillable(batch) & inside & numbers.xp.astype(low, numbers.xp.bool)
        return batch.remember(support=support, suspect=suspect)

    def _accepted(self, batch: RunBatch, chance: Chance) -> tuple[RunBatch, Array]:
        """Choose the accepted positions, and store their number."""
        xp, view = batch.numbers.xp, batch.view().within_blocks(self.block)
        score = self._score(batch, view)
        above = score > view.numbers.const(self.tau1) + view.numbers.tolerance
        take = xp.sum(xp.astype(above & view.candidates, xp.int64), axis=1)
        take = xp.where(take < 1, xp.ones_like(take), take)
        if self.capped:
            most = 7 * view.left // 10
            most = xp.where(most < 5, xp.zeros_like(most) + 5, most)
            most = xp.where(most > 20, xp.zeros_like(most) + 20, most)
            take = xp.where(take < most, take, most)
        return chance.choose(batch.remember(accepted=take), Ranked(view, score, take, self.ties))

    def _score(self, batch: RunBatch, view: View) -> Array:
        if self.confidence == "sampled":
            return gathered(view.probs, batch.memory["drawn"], batch)
        return SCORES["confidence"](view)

    def _back(self, batch: RunBatch) -> Array:
        """Return how many tokens are masked again, shape (B,)."""
        xp, last = batch.numbers.xp, batch.memory["last"]
        suspects = xp.sum(xp.astype(batch.memory["suspect"], xp.int64), axis=1)
        number = xp.where(suspects < last, suspects, last - 1)
        return xp.where(batch.memory["accepted"] > 1, number, xp.zeros_like(number))

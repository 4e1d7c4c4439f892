"""RCR rule (MDPO), which fills every mask and masks the least confident again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered, unmasked
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.remasking import block_of, fillable, remask_lowest, zeros
from theory.policies.rules.scheduled import MaskGIT
from theory.policies.run_batch import RunBatch
from theory.validation import choice, positive_int

__all__ = ["RCR"]


@register("rcr")
@dataclass(frozen=True, kw_only=True)
class RCR(Rule):
    """Running confidence remasking with T steps a block.

    Step j fills all masks up to the end of the current block and stores the probability of each drawn token;
    then the ``floor(b (1 - (j+1)/T))`` positions (b: masks of the block at its start) with the lowest stored
    probability, among all filled so far, are masked again. Earlier blocks compete too: the stored values are
    not reset.

    Elsewhere: ``low_confidence_rcr`` in ParallelBench. Source: arXiv 2508.13148; ``diffusion_generate`` in
    ``src/mdlm_generation_utils.py`` of autonomousvision/mdpo, and ``model/remasking/llada/mdpo_rcr.py`` of
    furiosa-ai/ParallelBench, which runs it at temperature 0 only. Usual values: T = b or b/2. Above
    temperature 0 the released code stores the tempered probability: ``scored=after``. Not modelled: positions
    without a stored value count as 1 in the code, so that a token stored with exactly 1 ties with the prompt.
    Calls after the last token are not counted.

    The stored values are not updated: an early token, drawn while little was known, stays low and is masked before
    later ones that contradict each other.

    Memory: the stored probabilities; the schedule depends on the number of the step.

    Attributes:
        steps: T.
        block: Block length; ``None`` for a single block.
        variant: ``code`` stores the probability of the latest drawn token; ``paper`` the largest so far.
        ties: Equal stored values: ``random`` or ``lowest`` index first.

    Example:
        >>> RCR(steps=5).still_masked(10)
        (8, 6, 4, 1, 0)
    """

    example: ClassVar[str] = "rcr:steps=2"
    source: ClassVar[str] = "arXiv 2508.13148; autonomousvision/mdpo mdlm_generation_utils.py"
    release: ClassVar[str] = (
        "default: autonomousvision/mdpo e6ae439, ParallelBench 72de8f7, unless a stored value is exactly 1"
    )
    formula: ClassVar[str] = "fill all masks, mask the floor(b (1 - (j+1)/T)) lowest stored confidences again"
    clocked: ClassVar[bool] = True
    steps: int
    block: int | None = None
    variant: str = "code"
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.variant, "variant", ("code", "paper"))
        choice(self.ties, "ties", ("random", "lowest"))
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=4096))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def still_masked(self, group: int) -> tuple[int, ...]:
        """Return how many of ``group`` positions are masked after each of the T steps."""
        return _still_masked(self.steps, group)

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with nothing stored."""
        return batch.remember(stored=zeros(batch))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Fill, store, mask again."""
        xp = batch.numbers.xp
        current, step = divmod(batch.step, self.steps)
        blocks = block_of(batch, self.block)[None, :]
        batch, drawn = chance.propose(batch, batch.masked & (blocks <= current))
        stored, filled = batch.memory["stored"], drawn >= 0
        score = gathered(batch.view().probs, drawn, batch)
        if self.variant == "paper":
            score = xp.where(score > stored, score, stored)
        batch = batch.write(filled, drawn).remember(stored=xp.where(filled, score, stored))
        reached = fillable(batch) & (blocks <= current)
        group = xp.sum(xp.astype(reached & (blocks == current), xp.int64), axis=1)
        take = xp.zeros_like(group)
        for size in set(group.tolist()):  # few distinct values
            take = xp.where(group == size, self.still_masked(size)[step], take)
        batch, again = remask_lowest(batch, chance, batch.memory["stored"], reached, take, self.ties)
        if self.variant == "code":  # the old value will be overwritten; dropping it merges states
            batch = batch.remember(stored=xp.where(again, zeros(batch), batch.memory["stored"]))
        return batch

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)


@lru_cache(maxsize=64)
def _still_masked(steps: int, group: int) -> tuple[int, ...]:
    """Return :meth:`RCR.still_masked`, cached."""
    return tuple(group - taken for taken in accumulate(MaskGIT(steps=steps).sizes(group)))

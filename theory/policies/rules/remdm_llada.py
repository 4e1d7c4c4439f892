"""ReMDM for LLaDA as released, extra steps for the least confident tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered, unmasked
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, counted, fillable, remask_lowest, start_clock, zeros
from theory.policies.rules.scheduled import LLaDA, known_sizes
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, choice, exact_fraction, positive_int, shown

__all__ = ["ReMDMLLaDA"]


@register("remdm_llada")
@dataclass(frozen=True, kw_only=True)
class ReMDMLLaDA(Rule):
    """Low-confidence decoding in T steps a block, and ``extra`` steps that decode ``number`` tokens again.

    An ordinary step draws a token at every mask up to the end of the block and keeps the most probable ones:
    ``b // T`` of the b masks of the block, one more in the first ``b mod T`` steps. An extra step first masks
    the ``number`` tokens of the block that were least probable when they were drawn, then asks the model and
    keeps the ``number`` best.

    Where: with blocks of length B the extra steps come after the first ``max(1, min(int(7/8 B), B - 1))``
    ordinary steps. The index counts *positions* but is used on a list of T *steps*, so that with T at most
    that number (two tokens per step or more) all extra steps come at the very end. It is not the stochastic
    posterior of ``remdm``.

    Elsewhere: ``low_confidence_remdm`` in ParallelBench. Source: ``llada_remdm_sample`` in ``eval_llada.py``
    of guanghanwang/ReMDM-LLaDA (there T extra steps, one token per step, temperature 1) and
    ``model/remasking/llada/remdm.py`` of furiosa-ai/ParallelBench (``extra`` is ``remdm_steps``). Usual
    values: B = 32, extra = 32, number = 1. Above temperature 0 the released code ranks by the tempered
    probability: ``scored=after``. Where fewer than ``number`` tokens of the block are decoded, these alone
    are masked; the code then masks others too. With T extra steps and T below B the code of ReMDM-LLaDA makes
    idle calls first and another number of extra ones; that is not modelled.

    Memory: the probability of each decoded token of the block when it was drawn; the number of the step.

    Attributes:
        steps: T, ordinary steps a block.
        extra: Extra steps a block; ``None`` for T.
        number: Tokens masked in an extra step.
        block: Block length B; ``None`` for a single block of all positions.
        ties: Equal probabilities: ``random`` or ``lowest`` index first.

    Example:
        >>> ReMDMLLaDA(steps=4, extra=1).order(4), ReMDMLLaDA(steps=2, extra=1).order(4)
        ((False, False, False, True, False), (False, False, True))
    """

    example: ClassVar[str] = "remdm_llada:steps=2,extra=1"
    source: ClassVar[str] = "guanghanwang/ReMDM-LLaDA eval_llada.py; ParallelBench remdm.py"
    release: ClassVar[str] = (
        "`extra=...`, number = 1: ParallelBench 72de8f7; default with T = B, number = 1: "
        "guanghanwang/ReMDM-LLaDA 169c9b9 (fewer steps differ)"
    )
    formula: ClassVar[str] = "LLaDA schedule; extra steps at 7/8 re-decode the least confident tokens"
    clocked: ClassVar[bool] = True
    steps: int
    extra: int | None = None
    number: int = 1
    block: int | None = None
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.ties, "ties", ("random", "lowest"))
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=4096))
        object.__setattr__(self, "number", positive_int(self.number, "number"))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))
        if self.extra is not None:
            extra = exact_fraction(self.extra, "extra")
            if extra.denominator != 1 or extra < 0:
                raise InputError(f"extra must be a whole number of at least 0, got {shown(self.extra)}.")
            object.__setattr__(self, "extra", int(extra))

    def order(self, length: int) -> tuple[bool, ...]:
        """Return which steps of a block of this length are extra ones."""
        extra = self.steps if self.extra is None else self.extra
        first = min(self.steps, max(1, min(7 * length // 8, length - 1)))
        return (False,) * first + (True,) * extra + (False,) * (self.steps - first)

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the clock and nothing drawn."""
        return start_clock(batch).remember(drawn_with=zeros(batch))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Decode; if the next step is an extra one, mask its tokens."""
        xp, order = batch.numbers.xp, self._order(batch)
        current, step = divmod(batch.step, len(order))
        blocks = block_of(batch, self.block)[None, :]
        batch, drawn = chance.propose(batch, batch.masked & (blocks <= current))
        batch = batch.remember(drawn=drawn)
        view = batch.view(drawn >= 0)
        score = gathered(view.probs, drawn, batch)
        size = (
            self.number if order[step] else self._sizes(batch, blocks == current, order[:step].count(False))
        )
        take = xp.where(view.left < size, view.left, size)
        batch, chosen = chance.choose(
            batch.remember(score=score), Ranked(view, score, take, self.ties, least=0)
        )
        memory = batch.memory
        batch = batch.write(chosen, memory["drawn"])
        batch = batch.remember(drawn_with=xp.where(chosen, memory["score"], memory["drawn_with"]))
        batch = batch.forget("drawn", "score")
        if step + 1 < len(order) and order[step + 1]:
            decoded = ~batch.masked & fillable(batch) & (blocks == current)
            found = xp.sum(xp.astype(decoded, xp.int64), axis=1)
            take = xp.where(found < self.number, found, self.number)
            batch, again = remask_lowest(batch, chance, batch.memory["drawn_with"], decoded, take, self.ties)
            batch = batch.remember(drawn_with=xp.where(again, zeros(batch), batch.memory["drawn_with"]))
        return counted(batch)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks and with no extra step left."""
        order, n = self._order(batch), batch.tokens.shape[1]
        earlier = (n - 1) // (self.block or n) * len(order)  # steps of the blocks before the last one
        last = earlier + max((j + 1 for j, extra in enumerate(order) if extra), default=-earlier)
        return unmasked(batch) & (batch.memory["calls"] >= last)

    def _order(self, batch: RunBatch) -> tuple[bool, ...]:
        return self.order(self.block or batch.tokens.shape[1])

    def _sizes(self, batch: RunBatch, inside: Array, step: int) -> Array:
        """Return the size of an ordinary step in the current block, shape (B,)."""
        xp = batch.numbers.xp
        group = xp.sum(xp.astype(fillable(batch) & inside, xp.int64), axis=1)
        out, usual = xp.zeros_like(group), LLaDA(steps=self.steps)
        for size in set(group.tolist()):  # few distinct values
            out = xp.where(group == size, known_sizes(usual, size)[step], out)
        return out

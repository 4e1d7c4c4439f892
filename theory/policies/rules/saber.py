"""Saber rule, an adaptive threshold with remasking of doubtful tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered, unmasked
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, fillable, remask_lowest, zeros
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, choice, positive_int

__all__ = ["Saber"]

_UNSEEN = -2  # last confidence of a position beyond the blocks read so far
_NO_DROP = 10  # above every change of a probability, so that such a position is masked last


@register("saber")
@dataclass(frozen=True, kw_only=True)
class Saber(Rule):
    """Commit tokens above the mean confidence so far, and mask again those that lost confidence.

    Draw a token at every mask up to the end of the block; its confidence c is its probability. Commit those
    with c above the mean of all recorded confidences (1 before any is recorded), at least the ``least`` best.
    Then, unless no mask is left, mask some committed tokens again, those just committed included. With ``new``
    committed in this step,

    - ``llada`` masks ``min(max(least // 2, ceil(new/8)), new - 1)``, those of the smallest change of c since the
      last call;
    - ``dream`` masks ``max(1, min(ceil(new/8), new - 1))``, those of the lowest present probability of the token.

    ``llada`` records the confidence at every commitment, ``dream`` at the first one of a position; both keep
    it when the position is masked again. In the first call the previous c is 0. In the first call of a later
    block the new positions have no previous c and come last, so that tokens of earlier blocks are masked.

    At a committed position c is the probability of the most probable token (``llada``) or of the token there
    (``dream``). The released code reads it from a model that sees the token; the ideal model is then certain.
    So ``committed=left_out`` asks for it with the token masked, ``seen`` takes the certain answer. Above
    temperature 0 the released code draws a token at committed positions too and reads its probability; here
    it is the largest.

    Source: arXiv 2510.18165; ``generate_with_saber`` in ``decoding.py`` and ``_sample`` in
    ``Dream/generation_utils.py`` of zhaoyMa/Saber. Usual values: least = 2, B = 256. Where fewer than
    ``least`` masks are left the topk of the code takes other positions as well; here the rule takes all that
    are left.

    Memory: recorded confidences; for ``llada`` also those of the previous call and the number of the block.

    Attributes:
        least: Fewest positions committed in a step.
        variant: ``llada`` or ``dream`` (no blocks, least at least 2).
        committed: ``left_out`` or ``seen``.
        block: Block length; ``None`` for a single block.
        ties: Equal scores: ``random`` or ``lowest`` index first.

    Example:
        >>> Saber().least, str(Saber(variant="dream"))
        (2, 'saber:variant=dream')
    """

    example: ClassVar[str] = "saber"
    source: ClassVar[str] = "arXiv 2510.18165; zhaoyMa/Saber decoding.py"
    release: ClassVar[str] = (
        "default and `variant=dream`: zhaoyMa/Saber 2f061e2, where at least `least` masks are left"
    )
    formula: ClassVar[str] = "commit c > mean of recorded c; mask the largest drops of c again"
    cost: ClassVar[str] = "n questions to the model"
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    least: int = 2
    variant: str = "llada"
    committed: str = "left_out"
    block: int | None = None
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.variant, "variant", ("llada", "dream"))
        choice(self.committed, "committed", ("left_out", "seen"))
        choice(self.ties, "ties", ("random", "lowest"))
        object.__setattr__(self, "least", positive_int(self.least, "least"))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))
        if self.variant == "dream" and (self.block is not None or self.least < 2):
            raise InputError(
                "variant=dream has no blocks, and least must be at least 2, or it would never end."
            )

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with nothing recorded."""
        batch = batch.remember(recorded=zeros(batch))
        if self.variant == "dream":
            return batch
        return batch.remember(last=zeros(batch), current=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Commit tokens, record confidences, mask some tokens again."""
        xp, dream = batch.numbers.xp, self.variant == "dream"
        batch = batch.remember(present=self._present(batch))
        batch, drawn = chance.propose(batch, batch.masked & self._reached(batch))
        score = gathered(batch.view().probs, drawn, batch)
        present = xp.where(drawn >= 0, score, batch.memory["present"])
        batch, chosen = self._committed(batch.remember(drawn=drawn, present=present), chance)
        batch = batch.write(chosen, batch.memory["drawn"])
        recorded, present = batch.memory["recorded"], batch.memory["present"]
        record = chosen & xp.astype(recorded == 0, xp.bool) if dream else chosen
        batch = batch.remember(recorded=xp.where(record, present, recorded))
        reached = self._reached(batch)
        ended = xp.all(~batch.masked | ~reached, axis=1)
        loss = present if dream else self._change(batch)
        candidates = ~batch.masked & fillable(batch) & reached
        take = xp.where(ended, xp.zeros_like(batch.memory["new"]), self._back(batch.memory["new"], xp))
        batch = self._turned(batch, reached, ended)
        batch, _ = remask_lowest(batch, chance, loss, candidates, take, self.ties)
        return batch.forget("drawn", "present", "new")

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _reached(self, batch: RunBatch) -> Array:
        """Return the positions up to the end of the current block, bool, shape (B, n)."""
        if self.variant == "dream":
            return batch.numbers.xp.ones_like(batch.masked)
        return block_of(batch, self.block)[None, :] <= batch.memory["current"][:, None]

    def _present(self, batch: RunBatch) -> Array:
        """Return the current confidence of committed positions, shape (B, n)."""
        probs = batch.left_out() if self.committed == "left_out" else batch.probs
        probs = batch.transform.scores_read(probs, batch.numbers)
        if self.variant == "dream":
            return gathered(probs, batch.tokens, batch)
        return batch.numbers.xp.max(probs, axis=-1)

    def _committed(self, batch: RunBatch, chance: Chance) -> tuple[RunBatch, Array]:
        """Choose the positions, and remember how many count as new."""
        xp, numbers, score = batch.numbers.xp, batch.numbers, batch.memory["present"]
        recorded = batch.memory["recorded"]
        count = xp.sum(xp.astype(recorded > 0, xp.int64), axis=1)
        total = xp.sum(recorded, axis=1)
        # c above total / count, without a division by zero; 1 before anything is recorded
        none = xp.where(count > 0, count, xp.ones_like(count))
        total = xp.where(count > 0, total, xp.ones_like(total))
        view = batch.view(batch.memory["drawn"] >= 0)
        above = score * none[:, None] > total[:, None] + numbers.tolerance * none[:, None]
        number = xp.sum(xp.astype(xp.astype(above, xp.bool) & view.candidates, xp.int64), axis=1)
        fewest = xp.where(view.left < self.least, view.left, xp.zeros_like(view.left) + self.least)
        take = xp.where(number < fewest, fewest, number)
        return chance.choose(batch.remember(new=take), Ranked(view, score, take, self.ties))

    def _change(self, batch: RunBatch) -> Array:
        """Return the change of the confidence since the previous call; none is known for unseen positions."""
        xp, last = batch.numbers.xp, batch.memory["last"]
        known = xp.astype(last > _UNSEEN, xp.bool)
        return xp.where(known, batch.memory["present"] - last, xp.zeros_like(last) + _NO_DROP)

    def _back(self, new: Array, xp: Array) -> Array:
        """Return how many tokens are masked again, shape (B,)."""
        number, most = (new + 7) // 8, new - 1
        half = self.least // 2 if self.variant == "llada" else 0
        number = xp.where(number < half, xp.zeros_like(number) + half, number)
        return xp.where(number < most, number, most)

    def _turned(self, batch: RunBatch, reached: Array, ended: Array) -> RunBatch:
        """Keep the confidences of this call for the next, and start the next block if this one ended."""
        if self.variant == "dream":
            return batch
        xp, present = batch.numbers.xp, batch.memory["present"]
        last = xp.where(reached, present, xp.zeros_like(present) + _UNSEEN)
        current = batch.memory["current"]
        return batch.remember(last=last, current=xp.where(ended, current + 1, current))

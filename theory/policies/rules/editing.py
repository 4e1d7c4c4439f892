"""Token editing (LLaDA2.1), with tokens replaced where another has become more probable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, fillable
from theory.policies.run_batch import RunBatch
from theory.validation import bounded, choice, positive_int

__all__ = ["Editing"]


@register("editing")
@dataclass(frozen=True, kw_only=True)
class Editing(Rule):
    """Draw a token at every position of the block, decoded ones included, and write the probable ones.

    A masked position takes its token if that has a probability above ``gamma``; if fewer than ``floor`` do, the
    ``floor`` best take theirs. A decoded token is replaced if another token was drawn whose probability is above
    ``edit``. Both use the marginals of the same call. When a block has no masks left, further calls may still replace
    tokens, until one replaces nothing or ``post`` of them are made; these calls count.

    The released code takes the marginal at a decoded position from a model that sees the token there. The ideal model
    is then certain of it and replaces nothing. So by default (``committed=left_out``) the model is asked with this
    token masked; ``committed=seen`` is the released form.

    Source: LLaDA2.1; ``LLaDA21Sampler`` in ``dllm/pipelines/llada21/sampler.py`` of ZHZisZZ/dllm (ca17675).
    ``LLaDA2Pipeline`` of huggingface/diffusers (0f2e62af) has a schedule in place of ``floor``; ``JointThreshold`` in
    ``srt/dllm/algorithm/joint_threshold.py`` of sgl-project/sglang (17d57211) makes one more call after ``post`` ones.
    Usual values: gamma = 0.95, edit = 0.9, post = 16, B = 32 (dllm); gamma = 0.5, edit = 0 (SGLang). Above temperature
    0 dllm reads the tempered probability: ``scored=after``.

    State: the number of the block, and the calls made since it was full.

    Attributes:
        gamma: Probability above which a masked position takes its token.
        edit: Probability above which another token replaces a decoded one.
        post: The most calls on a block without masks.
        floor: The least number of masked positions that take their tokens in a call.
        committed: ``left_out`` or ``seen``.
        block: Block length; ``None`` for a single block.
        ties: Equal probabilities: ``random`` or ``lowest`` index first.

    Example:
        >>> Editing().gamma, str(Editing(edit="0.6", post=4))
        (Fraction(19, 20), 'editing:edit=3/5,post=4')
    """

    example: ClassVar[str] = "editing"
    source: ClassVar[str] = "LLaDA2.1; ZHZisZZ/dllm pipelines/llada21/sampler.py"
    release: ClassVar[str] = (
        "default: ZHZisZZ/dllm ca17675, LLaDA21Sampler, and huggingface/diffusers 0f2e62af with as many "
        "steps as positions; `gamma=0.5,edit=0`: sgl-project/sglang 17d57211, JointThreshold, but for one "
        "call where `post` runs out"
    )
    formula: ClassVar[str] = "masks with c > gamma, else the best; decoded tokens where another has p > edit"
    cost: ClassVar[str] = "n questions to the model"
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    gamma: Fraction = Fraction(19, 20)
    edit: Fraction = Fraction(9, 10)
    post: int = 16
    floor: int = 1
    committed: str = "left_out"
    block: int | None = None
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.committed, "committed", ("left_out", "seen"))
        choice(self.ties, "ties", ("random", "lowest"))
        for name in ("gamma", "edit"):
            object.__setattr__(self, name, bounded(getattr(self, name), name, 0, 1))
        object.__setattr__(self, "floor", positive_int(self.floor, "floor"))
        object.__setattr__(self, "post", positive_int(self.post, "post", at_most=4096))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch at its first block."""
        none = batch.numbers.xp.zeros_like(batch.tokens[:, 0])
        return batch.remember(current=none, calls=none)

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw, take, replace; go on to the next block if this one is done."""
        batch = self._edited(self._drawn(batch, chance), chance)
        batch, chosen = self._taken(batch, chance)
        memory = batch.memory
        batch = batch.write(chosen, memory["drawn"]).write(memory["edits"], memory["new"])
        return self._turned(batch).forget("open", "others", "edits", "drawn", "score", "new")

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows after the last block."""
        n = batch.tokens.shape[1]
        return batch.memory["current"] >= -(-n // (self.block or n))

    def _drawn(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw a token at every mask of the block, and remember what the model says of the decoded ones."""
        inside = block_of(batch, self.block)[None, :] == batch.memory["current"][:, None]
        others = batch.left_out() if self.committed == "left_out" else batch.probs
        decoded = inside & ~batch.masked & fillable(batch)
        batch = batch.remember(open=inside & batch.masked, decoded=decoded, others=others)
        batch, drawn = chance.propose(batch, batch.memory["open"])
        return batch.remember(drawn=drawn, score=gathered(batch.view().probs, drawn, batch))

    def _edited(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw at the decoded positions where a token may be sure enough, and remember which are replaced."""
        xp, numbers = batch.numbers.xp, batch.numbers
        scores = batch.transform.scores_read(batch.memory["others"], numbers)
        may = batch.memory["decoded"] & self._above(xp.max(scores, axis=-1), self.edit, batch)
        if not bool(xp.any(may)):  # the usual case: nothing to draw
            return batch.remember(edits=may, new=batch.tokens).forget("decoded")
        asked, new = chance.propose(replace(batch, probs=batch.memory["others"]), may)
        scores = asked.transform.scores_read(asked.probs, numbers)
        sure = self._above(gathered(scores, new, asked), self.edit, asked)
        return asked.remember(edits=(new >= 0) & sure & (new != asked.tokens), new=new).forget("decoded")

    def _above(self, values: Array, bar: Fraction, batch: RunBatch) -> Array:
        numbers = batch.view().numbers
        return numbers.xp.astype(values > numbers.const(bar) + numbers.tolerance, numbers.xp.bool)

    def _taken(self, batch: RunBatch, chance: Chance) -> tuple[RunBatch, Array]:
        """Choose the masks that take their tokens."""
        xp, score = batch.numbers.xp, batch.memory["score"]
        view = batch.view(batch.memory["open"])
        take = xp.sum(xp.astype(self._above(score, self.gamma, batch) & view.candidates, xp.int64), axis=1)
        floor = min(self.floor, 1 << 31)
        least = xp.where(view.left < floor, view.left, xp.zeros_like(view.left) + floor)
        take = xp.where(take < least, least, take)
        return chance.choose(batch, Ranked(view, score, take, self.ties, least=0))

    def _turned(self, batch: RunBatch) -> RunBatch:
        """Count the calls on a full block, and go on where nothing was replaced or they are spent."""
        xp, memory = batch.numbers.xp, batch.memory
        was_full = ~xp.any(memory["open"], axis=1)
        calls = memory["calls"] + xp.astype(was_full, xp.int64)
        done = was_full & (~xp.any(memory["edits"], axis=1) | (calls >= self.post))
        current = memory["current"]
        return batch.remember(
            current=xp.where(done, current + 1, current), calls=xp.where(done, xp.zeros_like(calls), calls)
        )

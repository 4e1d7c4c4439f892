"""LoPA rule, a look ahead along several branches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import log
from typing import ClassVar

from theory.distributions.distribution import MASK
from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.policies.as_process import unmasked
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.run_batch import RunBatch
from theory.policies.scores import SCORES
from theory.policies.view import View
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["LoPA"]

_BEYOND = 2.0  # above every score
_BRANCHES = 1000  # each is one more model call


@register("lopa")
@dataclass(frozen=True, kw_only=True)
class LoPA(RankedPolicy):
    """Fill the anchor, add one more token in each of k branches, and keep the branch of the highest value.

    Anchor: every competing position with confidence above gamma, or else the best one by score. Branch b adds the b-th
    best position that is left; with k = 1 there is no branch. Tokens are drawn once, from the marginals before the
    anchor, and shared. One batched call evaluates the anchor and its branches, and the highest value wins:

    ``value = weight * own + (1 - weight) * rest``

    rest: the mean of the lowest scores, a share ``lowest`` of them and at least one, over *all* positions still masked;
    1 if there are none. own: the score of the branch's own token when it was chosen; 1 for the anchor. The score is
    ``by``: minus the entropy in nats, the confidence, or the margin.

    Source: arXiv 2512.16229; ``_generate_enhanced_speculative``, ``_generate_additional_branches`` and
    ``evaluate_branch_confidence`` in ``scale_dream_d2f/scale_dream_d2f.py`` of zhijie-group/LoPA (433177a); k is
    branching_factor, weight selection_conf_alpha, lowest branch_topp. The defaults are those of its Dream scripts,
    which run gamma = 0.9 or 0.95 and k = 2 to 4; those of DiffuCoder run ``by=confidence``. The code's own defaults are
    ``gamma=1,k=2,by=confidence,lowest=1/2,weight=1/2``. As there, the winner's marginals of that call fill the next
    anchor, a step is one batched call, and a winner that fills the rest of the anchor's block costs one more call,
    which decodes nothing. Not modelled: the pipeline of several unfinished blocks of D2F; here blocks are decoded one
    after the other. The released code scores *drawn* tokens at tau > 0; here the ``max`` probability counts, which is
    the same at its default tau = 0.

    Values are floats; those within 1e-9 are equal. The rule looks at tokens before it decides, so that Theorem 1 of
    arXiv 2510.04767 does not apply.

    Memory: whether the winner has filled the block of its anchor, so that the next call decodes nothing.

    Attributes:
        by: What ranks positions and branches: ``entropy``, ``confidence`` or ``margin``. The threshold reads the
            confidence whatever it is.
        gamma: The threshold of the anchor.
        k: Number of branches besides the anchor; 1 for none.
        lowest: Share of the masked positions, those of the lowest scores, that a branch is valued by; above 0 to 1.
        weight: Share of the score of the branch's own token in its value, from 0 to 1.
        strict: Above means ``>`` (the released code) or ``>=``.
        equal: What wins among equal values: the earliest ``branch`` (the released code, which lists the anchor last),
            or the ``anchor``, then the earliest branch.

    Example:
        >>> str(LoPA(gamma=0.9, k=3))
        'lopa:gamma=9/10,k=3'
    """

    example: ClassVar[str] = "lopa:gamma=0.9,k=2"
    source: ClassVar[str] = "LoPA, arXiv 2512.16229"
    release: ClassVar[str] = (
        "default: zhijie-group/LoPA 433177a, Dream scripts, one block; `by=confidence`: its "
        "DiffuCoder scripts"
    )
    formula: ClassVar[str] = "threshold, plus one of the k next if that raises the mean score of the rest"
    cost: ClassVar[str] = "k model calls, one batch"
    asks: ClassVar[bool] = True
    by: str = "entropy"
    gamma: Fraction
    k: int
    lowest: Fraction = Fraction(1)
    weight: Fraction = Fraction(0)
    strict: bool = True
    equal: str = "branch"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.by, "score", ("entropy", "confidence", "margin"))
        if self.confidence == "sampled":
            raise InputError("lopa reads the most probable token; leave confidence out.")
        choice(self.strict, "strict", (False, True))
        choice(self.equal, "equal", ("branch", "anchor"))
        for name in ("gamma", "lowest", "weight"):
            object.__setattr__(self, name, bounded(getattr(self, name), name, 0, 1))
        if not self.lowest:
            raise InputError(f"lowest must lie above 0 and not above 1, got {self.lowest}.")
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        if self.k > _BRANCHES:
            raise InputError(f"k must be at most {_BRANCHES}, got {self.k}.")

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the initial batch."""
        return batch.remember(ahead=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Fill the anchor and its branches, evaluate them, and continue from the winner."""
        view = batch.view().within_blocks(self.block)
        pool = view.candidates & (batch.memory["ahead"] == 0)[:, None]
        batch = batch.remember(pool=pool, block=view.group_index, score=self.score(view))
        batch, anchor = self._anchor(batch, chance)
        batch = batch.remember(anchor=anchor, taken=anchor)
        branches = min(self.k, batch.tokens.shape[1]) if self.k > 1 else 0
        for branch in range(branches):
            left = batch.memory["pool"] & ~batch.memory["taken"]
            batch, added = chance.choose(batch, self._best(batch, left))
            batch = batch.remember(taken=batch.memory["taken"] | added, **{f"branch{branch}": added})
        batch, drawn = chance.propose(batch, batch.memory["taken"])
        return self._decided(batch, drawn, branches)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks and without a further call."""
        return unmasked(batch) & (batch.memory["ahead"] == 0)

    # -- the parts of a step ----------------------------------------------------------------------------------

    def _best(self, batch: RunBatch, pool: Array) -> Ranked:
        """Return the plan that takes the best position of the pool, if it has one."""
        xp = batch.numbers.xp
        some = xp.astype(xp.any(pool, axis=1), xp.int64)
        return Ranked(batch.view(pool), batch.memory["score"], some, self.ties, least=0)

    def _anchor(self, batch: RunBatch, chance: Chance) -> tuple[RunBatch, Array]:
        xp, view, pool = batch.numbers.xp, batch.view(), batch.memory["pool"]
        numbers, sure = view.numbers, SCORES["confidence"](view)
        gamma = numbers.const(self.gamma)
        above = sure > gamma + numbers.tolerance if self.strict else sure >= gamma - numbers.tolerance
        above = xp.astype(above, xp.bool) & pool
        number = xp.sum(xp.astype(above, xp.int64), axis=1)
        best = self._best(batch, xp.where((number > 0)[:, None], above, pool))
        return chance.choose(batch, replace(best, take=xp.where(number > 0, number, best.take)))

    def _decided(self, batch: RunBatch, drawn: Array, branches: int) -> RunBatch:
        """Return the batch of the winner."""
        xp, memory, before = batch.numbers.xp, batch.memory, batch.tokens
        anchored = xp.where(memory["anchor"], drawn, before)
        added = [memory[f"branch{b}"] for b in range(branches)]
        added.insert(0 if self.equal == "anchor" else branches, xp.zeros_like(memory["anchor"]))
        tokens = [xp.where(own, drawn, anchored) for own in added]
        value = self._value(batch, xp.stack(tokens, axis=1), xp.stack(added, axis=1))
        tolerance = max(float(batch.numbers.tolerance), TIE_TOLERANCE)
        winner, highest = tokens[0], value[:, 0]
        for branch in range(1, branches + 1):
            better = value[:, branch] > highest + tolerance
            winner = xp.where(better[:, None], tokens[branch], winner)
            highest = xp.where(better, value[:, branch], highest)
        # the anchor's block stays open even if the winner has filled it
        group = _block_of(batch, self.block) == memory["block"][:, None]
        is_open = xp.any(group & (anchored == MASK), axis=1) & ~xp.any(group & (winner == MASK), axis=1)
        names = ("pool", "block", "score", "anchor", "taken", *(f"branch{b}" for b in range(branches)))
        return replace(batch, tokens=winner).remember(ahead=xp.astype(is_open, xp.int64)).forget(*names)

    def _value(self, batch: RunBatch, tokens: Array, added: Array) -> Array:
        """Return the values of K states that add at most one position each, floats, shape (B, K)."""
        xp = batch.numbers.xp
        probs = batch.transform.scores_read(batch.model.ask(tokens), batch.numbers)
        masked = tokens == MASK
        scores = self._measured(View(probs, masked, batch.numbers))
        number = xp.sum(xp.astype(masked, xp.int64), axis=2)
        least = number * self.lowest.numerator // self.lowest.denominator
        least = xp.where((least < 1) & (number > 0), xp.ones_like(least), least)
        ordered = xp.sort(xp.where(masked, scores, xp.zeros_like(scores) + _BEYOND), axis=2)
        rank = xp.cumulative_sum(xp.ones_like(tokens), axis=2)
        total = xp.sum(xp.where(rank <= least[:, :, None], ordered, xp.zeros_like(ordered)), axis=2)
        some = xp.where(least > 0, least, xp.ones_like(least))
        rest = xp.where(least > 0, total / xp.astype(some, total.dtype), xp.ones_like(total))
        own = self._measured(batch.view())[:, None, :]
        own = xp.sum(xp.where(added, own, xp.zeros_like(scores)), axis=2)
        own = xp.where(xp.any(added, axis=2), own, xp.ones_like(own))
        weight = float(self.weight)
        return weight * own + (1 - weight) * rest

    def _measured(self, view: View) -> Array:
        """Return the scores as floats, entropies in nats as in the code."""
        scores = SCORES[self.by](replace(view, probs=EXACT.floats(view.probs)))
        return scores * log(2) if self.by == "entropy" else scores


def _block_of(batch: RunBatch, block: int | None) -> Array:
    """Return the block of every position, shape (B, n)."""
    xp = batch.numbers.xp
    index = xp.cumulative_sum(xp.ones_like(batch.tokens), axis=1) - 1
    return xp.zeros_like(index) if block is None else index // min(block, 1 << 31)

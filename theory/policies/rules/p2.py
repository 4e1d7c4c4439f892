"""Path planning (P2), which keeps the best-scored tokens and masks the others."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from theory.numbers.arithmetic import Array
from theory.policies.as_process import gathered
from theory.policies.policy import Rule, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.remasking import block_of, counted, fillable, start_clock
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["P2"]

_POWER = 1000  # of a probability: exact scores are its powers


@register("p2")
@dataclass(frozen=True, kw_only=True)
class P2(Rule):
    """In step j of T a token is drawn at every mask, and all but ``floor(b (1 - j/T))`` of the b positions are kept.

    The kept ones are those of the highest score: ``ln p`` of the drawn token at a mask, ``eta ln c`` at a decoded
    position, c the probability of the most probable token there. Kept masks take their tokens, decoded positions
    that are not kept are masked again. eta = 0 masks nothing again, eta above 1 rather more.

    The released code reads a decoded position from a model that sees its token; the ideal model is then certain, and
    masks it last. So ``committed=left_out`` asks for it with the token masked, ``seen`` takes the certain answer.

    Source: arXiv 2502.03540 (self-planning); ``p2_sampling`` in ``src/path_planning/p2.py`` of
    pengzhangzhi/Path-Planning (68675ea2) with ``score_fn=logP``, its linear ``kappa_fn`` and no planner. Usual values:
    eta = 1, T = n. Equal scores at the cut are all kept there: ``ties=all``. Above temperature 0 its scores are those
    of logits with the noise of the draw, which is not modelled; here they are those of the model. The number of
    masked positions is computed in float32, as released. Calls after the last token are not counted.

    State: the number of the call.

    Attributes:
        steps: T, for each block.
        eta: Weight of the scores of decoded positions, a ratio of numbers up to 1000.
        committed: ``left_out`` or ``seen``.
        block: Block length; ``None`` for a single block. The released code has none.
        ties: Equal scores: ``random``, ``lowest`` index, or ``all`` that equal the last one kept.

    Example:
        >>> P2(steps=4).still_masked(10)
        (7, 5, 2, 0)
    """

    example: ClassVar[str] = "p2:steps=3"
    source: ClassVar[str] = "P2, arXiv 2502.03540"
    release: ClassVar[str] = (
        "`ties=all`: pengzhangzhi/Path-Planning 68675ea2 at temperature 0; default: random ties"
    )
    formula: ClassVar[str] = (
        "draw at all masks; keep all but floor(b (1 - j/T)), by p, or c^eta where decoded"
    )
    cost: ClassVar[str] = "n questions to the model"
    clocked: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    steps: int
    eta: Fraction = Fraction(1)
    committed: str = "left_out"
    block: int | None = None
    ties: str = "random"

    def __post_init__(self) -> None:
        choice(self.committed, "committed", ("left_out", "seen"))
        choice(self.ties, "ties", ("random", "lowest", "all"))
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=4096))
        object.__setattr__(self, "eta", bounded(self.eta, "eta", 0))
        if max(self.eta.as_integer_ratio()) > _POWER:
            raise InputError(f"eta must be a ratio of numbers up to {_POWER}, got {self.eta}.")
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def still_masked(self, group: int) -> tuple[int, ...]:
        """Return how many of ``group`` positions are masked after each of the T steps."""
        return _still_masked(self.steps, group)

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the clock."""
        return start_clock(batch)

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw, rank everything in the block, keep the best."""
        xp = batch.numbers.xp
        current, step = divmod(batch.step, self.steps)
        batch = batch.remember(committed=self._committed(batch))
        batch, drawn = chance.propose(batch, batch.masked & self._inside(batch, current))
        inside = self._inside(batch, current)
        score = self._raised(gathered(batch.view().probs, drawn, batch), 1, xp)
        score = xp.where(drawn >= 0, score, batch.memory["committed"])
        batch = batch.remember(drawn=drawn, held=batch.tokens)
        group = xp.sum(xp.astype(inside, xp.int64), axis=1)
        keep = self._by_size(group, lambda size: size - self.still_masked(size)[step], xp)
        # chance chooses among masked positions: all of the block are masked, and the kept ones get their tokens back
        batch = batch.remask(inside)
        plan = Ranked(batch.view(inside), score, keep, self.ties, least=0)
        batch, kept = chance.choose(batch.forget("committed"), plan)
        held, drawn = batch.memory["held"], batch.memory["drawn"]
        return counted(batch.write(kept, xp.where(drawn >= 0, drawn, held)).forget("drawn", "held"))

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows that nothing can be masked in any more."""
        xp, n = batch.numbers.xp, batch.tokens.shape[1]
        last = (n - 1) // (self.block or n)
        group = xp.sum(xp.astype(self._inside(batch, last), xp.int64), axis=1)
        need = self._by_size(group, lambda size: self.still_masked(size).index(0) + 1 if size else 0, xp)
        return batch.memory["calls"] >= last * self.steps + need

    def _inside(self, batch: RunBatch, number: int) -> Array:
        """Return the positions of a block that were masked at the start, bool, shape (B, n)."""
        return (block_of(batch, self.block)[None, :] == number) & fillable(batch)

    def _by_size(self, group: Array, value: Any, xp: Any) -> Array:
        """Return ``value(b)`` of each row's number of positions b, shape (B,)."""
        out = xp.zeros_like(group)
        for size in set(group.tolist()):  # few distinct ones, whatever the batch
            out = xp.where(group == size, value(size), out)
        return out

    def _committed(self, batch: RunBatch) -> Array:
        """Return the scores of decoded positions, shape (B, n)."""
        xp, probs = batch.numbers.xp, batch.left_out() if self.committed == "left_out" else batch.probs
        probs = batch.transform.scores_read(probs, batch.numbers)
        return self._raised(xp.max(probs, axis=-1), self.eta, xp)

    def _raised(self, p: Array, eta: Fraction | int, xp: Any) -> Array:
        """Return what ranks as ``eta ln p``: a power of an exact probability, else that logarithm."""
        if p.dtype == np.dtype(object):
            return p ** int(eta * self.eta.denominator)
        return float(eta) * xp.log(xp.where(p > 0, p, xp.ones_like(p)))


@lru_cache(maxsize=256)
def _still_masked(steps: int, group: int) -> tuple[int, ...]:
    """Return :meth:`P2.still_masked`, found once: the product is one of float32, truncated."""
    share = 1 / steps
    return tuple(int(np.float32(group) * np.float32(1 - j * share)) for j in range(1, steps + 1))

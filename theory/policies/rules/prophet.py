"""LLaDA's schedule with an early commit of all masks (Prophet)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.policies.as_process import unmasked
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.rules.scheduled import LLaDA
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["Prophet"]

_CERTAIN = 1e30  # the gap of a position with a single possible token: above every bar, also in a mean


@register("prophet")
@dataclass(frozen=True, kw_only=True)
class Prophet(RankedPolicy):
    """LLaDA's schedule until the mean gap ``ln p(1st) - ln p(2nd)`` of the answer reaches a bar; then all masks.

    The bar is ``early`` in call j of T while ``j/T < 0.33``, ``mid`` while ``j/T < 0.67``, then ``late``; T counts the
    calls of all blocks. The mean is over the ``length`` positions from ``first`` on, masked or not; a position with
    one possible token has an infinite gap. All masks are then decoded from the same call, in every block.

    The released code reads a decoded position from a model that sees its token; the ideal model is then certain. So
    ``committed=left_out`` asks for it with the token masked, ``seen`` takes the certain answer.

    Source: arXiv 2508.19982; ``generate`` and ``should_early_exit`` in ``generate_earlyexit.py`` of pixeli99/Prophet
    (460afe41). Usual values: T = n, B = 32, length = 5, the bars below. The code scores *drawn* tokens at tau > 0;
    here the ``max`` probability counts, which is the same at its default tau = 0.

    Gaps are floats; a mean within 1e-9 nats of the bar reaches it.

    Attributes:
        steps: T of a block, as in ``llada``.
        early: Bar in nats; mid: in the middle third; late: in the last third.
        first: The first position of the answer.
        length: Its length; ``None`` for all positions from ``first`` on.
        committed: ``left_out`` or ``seen``.

    Example:
        >>> str(Prophet(steps=4, first=2, length=5))
        'prophet:steps=4,first=2,length=5'
    """

    example: ClassVar[str] = "prophet:steps=3"
    source: ClassVar[str] = "Prophet, arXiv 2508.19982"
    release: ClassVar[str] = (
        "`first=...,length=5`: pixeli99/Prophet 460afe41; default: all positions are the answer"
    )
    formula: ClassVar[str] = (
        "llada by confidence; all masks once the mean gap ln p(1st)/p(2nd) >= 7.5, 5, 2.5"
    )
    cost: ClassVar[str] = "n questions to the model"
    clocked: ClassVar[bool] = True
    asks: ClassVar[bool] = True
    doubts: ClassVar[bool] = True
    steps: int
    early: Fraction = Fraction(15, 2)
    mid: Fraction = Fraction(5)
    late: Fraction = Fraction(5, 2)
    first: int = 0
    length: int | None = None
    committed: str = "left_out"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.confidence == "sampled":
            raise InputError("prophet reads the most probable token; use confidence=max.")
        choice(self.committed, "committed", ("left_out", "seen"))
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=10**5))
        for name in ("early", "mid", "late"):
            object.__setattr__(self, name, bounded(getattr(self, name), name, 0, 10**6))
        first = bounded(self.first, "first", 0)
        if first.denominator != 1:
            raise InputError(f"first must be a whole number of at least 0, got {self.first}.")
        object.__setattr__(self, "first", int(first))
        if self.length is not None:
            object.__setattr__(self, "length", positive_int(self.length, "length"))

    def bar(self, call: int, calls: int) -> Fraction:
        """Return the bar in call 1 .. T of T.

        Example:
            >>> [int(2 * Prophet(steps=6).bar(j, 6)) for j in range(1, 7)]
            [15, 10, 10, 10, 5, 5]
        """
        share = Fraction(call, calls)
        return (
            self.early if share < Fraction(33, 100) else self.mid if share < Fraction(67, 100) else self.late
        )

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch: there is no memory."""
        return batch

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Take the scheduled number, or everything."""
        xp, view = batch.numbers.xp, batch.view().within_blocks(self.block)
        n = batch.tokens.shape[1]
        calls = self.steps * -(-n // min(self.block or n, n))
        bar = float(self.bar(min(batch.step + 1, calls), calls))
        stands_out = self._gap(batch) >= bar - max(float(batch.numbers.tolerance), TIE_TOLERANCE)
        scores = xp.broadcast_to(self.score(view), view.masked.shape)
        scheduled = LLaDA(steps=self.steps, block=self.block).count(view, scores)
        pool = batch.view(xp.where(stands_out[:, None], batch.masked, view.candidates))
        take = xp.where(stands_out, pool.left, scheduled)
        batch, chosen = chance.choose(batch, Ranked(pool, scores, take, self.ties, least=0))
        return chance.reveal(batch, chosen)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _gap(self, batch: RunBatch) -> Array:
        """Return the mean gap of the answer in nats, floats, shape (B,); -1 where there is no answer."""
        xp, probs = batch.numbers.xp, batch.probs
        n = batch.tokens.shape[1]
        end = n if self.length is None else min(self.first + self.length, n)
        if self.first >= end:
            return EXACT.floats(xp.sum(probs, axis=(1, 2))) * 0 - 1
        if self.committed == "left_out":
            probs = xp.where(batch.masked[:, :, None], probs, batch.left_out())
        probs = batch.transform.scores_read(probs, batch.numbers)[:, self.first : end]
        ordered = xp.sort(EXACT.floats(probs), axis=-1)
        if ordered.shape[-1] == 1:
            return ordered[:, 0, 0] * 0 + _CERTAIN
        best, second = ordered[..., -1], ordered[..., -2]
        several = second > 0
        one = xp.ones_like(best)
        gap = xp.log(best) - xp.log(xp.where(several, second, one))
        return xp.mean(xp.where(several, gap, _CERTAIN * one), axis=1)

"""KLASS rule, positions with a certain and stable prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.policies.as_process import unmasked
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, bounded, exact_fraction, positive_int

__all__ = ["KLASS"]


@register("klass")
@dataclass(frozen=True, kw_only=True)
class KLASS(RankedPolicy):
    """Take every position with confidence above tau whose marginal moved less than eps in each of the last H calls.

    Moved: ``KL(p_t || p_{t-1})`` in *nats*, from the marginal of the call before. If no position is ready, the k best
    by score.

    Source: arXiv 2511.05664; ``stable_confident_decode`` in ``src/model/llada_klass.py`` of shkim0116/KLASS (ad87ecb).
    Values of its scripts, H = 2: (tau, eps) = (0.6, 0.015), (0.6, 0.01), (0.7, 0.01) or (0.9, 0.01) for LLaDA, tau =
    0.8 or 0.9 with eps = 0.001 to 0.005 for Dream. eps is in nats here too (bits are nats times 1.4427). Where a token
    of probability zero becomes possible, the released divergence is finite (it adds 1e-12), here it is infinite.

    As released, the divergence of the first call counts as infinite, so H = 2 first takes effect at the third call; in
    later blocks at the H-th call of the block, since marginals are compared at all positions from the start. The
    released fallback takes LLaDA's number for the step; here it is k (1 at T = n, where that number never exceeds what
    is left).

    Memory: the marginals of the last call (as floats) and the number of stable calls in a row, both at the positions
    still masked, and the calls of the current block, up to H.

    Divergences are floats: one within 1e-9 nats of eps counts as equal, and is not below.

    Attributes:
        tau: The confidence that a position must exceed.
        eps: Divergence in nats that it must stay below, positive.
        history: H, the number of calls.
        k: Positions taken when none is ready.

    Example:
        >>> str(KLASS(tau=0.8, k=2))
        'klass:tau=4/5,k=2'
    """

    example: ClassVar[str] = "klass:tau=0.6,eps=0.01"
    source: ClassVar[str] = "KLASS, arXiv 2511.05664"
    release: ClassVar[str] = (
        "default: shkim0116/KLASS ad87ecb for LLaDA at T = n, unless a token of probability 0 becomes "
        "possible"
    )
    formula: ClassVar[str] = "c > tau and KL(p_t || p_{t-1}) < eps nats in the last H calls; else the k best"
    cost: ClassVar[str] = "n V"
    tau: Fraction = Fraction(9, 10)
    eps: Fraction = Fraction(1, 100)
    history: int = 2
    k: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.confidence == "sampled":
            raise InputError("klass reads the most probable token; use confidence=max.")
        object.__setattr__(self, "tau", bounded(self.tau, "tau", 0, 1))
        object.__setattr__(self, "eps", exact_fraction(self.eps, "eps"))
        object.__setattr__(self, "history", positive_int(self.history, "history"))
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        if self.eps <= 0:
            raise InputError(f"eps must be positive, got {self.eps}.")

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with no marginals known."""
        xp = batch.numbers.xp
        still = xp.zeros_like(batch.tokens)
        return batch.remember(before=xp.zeros_like(EXACT.floats(batch.probs)), still=still, calls=still[:, 0])

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Compare the marginals with those of the last call; take positions that are certain and stable."""
        xp = batch.numbers.xp
        view = batch.view().within_blocks(self.block)
        numbers = view.numbers
        now, most = EXACT.floats(view.probs), min(self.history, 1 << 31)
        unmoved = self._unmoved(batch, now)
        still = xp.where(unmoved, batch.memory["still"] + 1, xp.zeros_like(batch.memory["still"]))
        still = xp.where(still > most, xp.zeros_like(still) + most, still)
        certain = xp.astype(
            xp.max(view.probs, axis=-1) > numbers.const(self.tau) + numbers.tolerance, xp.bool
        )
        known = (batch.memory["calls"] >= most - 1)[:, None]
        ready = (still >= most) & known & certain & view.candidates
        batch = batch.remember(before=now, still=still, group=view.group_index)

        count = xp.sum(xp.astype(ready, xp.int64), axis=1)
        k = min(self.k, 1 << 31)
        quota = xp.where(view.left < k, view.left, xp.zeros_like(view.left) + k)
        pool = xp.where((count > 0)[:, None], ready, view.candidates)
        scores = xp.broadcast_to(self.score(view), view.masked.shape)
        plan = Ranked(batch.view(pool), scores, xp.where(count > 0, count, quota), self.ties)
        batch, chosen = chance.choose(batch, plan)
        return self._settled(chance.reveal(batch, chosen), most)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _unmoved(self, batch: RunBatch, now: Array) -> Array:
        """Return where ``KL(now || before) < eps``; the divergence is infinite where a new token became possible."""
        xp, before = batch.numbers.xp, batch.memory["before"]
        one, zero = xp.ones_like(now), xp.zeros_like(now)
        both = (now > 0) & (before > 0)
        ratio = xp.where(both, now, one) / xp.where(both, before, one)
        divergence = xp.sum(xp.where(both, now * xp.log(ratio), zero), axis=-1)
        infinite = xp.any((now > 0) & (before <= 0), axis=-1)
        tolerance = max(float(batch.numbers.tolerance), TIE_TOLERANCE)
        return ~infinite & (divergence < float(self.eps) - tolerance)

    def _settled(self, batch: RunBatch, most: int) -> RunBatch:
        """Count the call, and drop what is no longer needed."""
        xp, memory = batch.numbers.xp, batch.memory
        masked = batch.masked
        before = xp.where(masked[:, :, None], memory["before"], xp.zeros_like(memory["before"]))
        still = xp.where(masked, memory["still"], xp.zeros_like(memory["still"]))
        group = batch.view().within_blocks(self.block).group_index
        calls = xp.where(memory["calls"] < most, memory["calls"] + 1, memory["calls"])
        calls = xp.where(group == memory["group"], calls, xp.zeros_like(calls))
        return replace(batch.remember(before=before, still=still, calls=calls)).forget("group")

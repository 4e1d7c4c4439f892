"""SlowFast rule, slow until a span of tokens is stable, then fast within it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar

from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.run_batch import RunBatch
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["SlowFast"]

_WINDOW = 100  # ends kept in the state of every run
_SETTINGS = {  # low, high, explore
    "paper": (Fraction(1, 10), Fraction(17, 20), 8),
    "released": (Fraction(3, 10), Fraction(9, 10), 6),
}
_LAST = 1 << 31  # above every position


@register("slowfast")
@dataclass(frozen=True, kw_only=True)
class SlowFast(RankedPolicy):
    """Alternate between exploring from position s on and decoding a span ``[s, e)`` in parallel.

    Explore: each call takes the k best masked positions from s on and notes a candidate end, the position after the
    last masked one with confidence above ``low`` (s + 1 if there is none). When the variance of the last ``window``
    ends is below ``variance``, e is the last one; after ``explore`` calls without that it is their mean, rounded
    down. Fast: each call takes every masked position of the span with confidence above ``high``, or else the best
    one, until the span is full. Then s = e. With ``block`` all of this happens inside one block after the other.

    Source: arXiv 2506.10848. ``form=paper`` follows the paper as described in reviews of it (its algorithm was not
    available); window and variance are the values of the code. ``form=released`` is ``generate_slow_fast_sampling`` in
    ``slow-fast-sampling/sampling_utils/generate_slow_fast_sampling.py`` of LiangrunFlora/Slow-Fast-Sampling (dd9958f).
    It differs: confidences are compared with ``>=``; exploring takes all positions with confidence of at least ``high``
    if there are any; and every exploration makes all its calls, even when the end is settled or nothing is left to
    decode, so that steps count idle calls. In that code the calls of a span after the first see nothing behind it:
    ``cut=true``. The copy of it in ParallelBench does not cut.

    Unless they are given, ``low``, ``high`` and ``explore`` are 0.1, 0.85 and 8 with ``form=paper``, and 0.3, 0.9 and 6
    with ``form=released``.

    Memory: s, e, the phase, the calls of the exploration, the last ends, and whether the end is settled.

    Attributes:
        low: tau_min, the confidence that makes a candidate end; ``None`` for the value of the form.
        high: tau, the confidence of the fast phase; ``None`` for the value of the form.
        explore: K_max, the most calls of one exploration; ``None`` for the value of the form.
        window: How many ends the variance is taken over.
        variance: sigma^2, in squared positions.
        k: Positions that a call of the exploration takes.
        form: ``paper`` or ``released``.
        cut: With ``released``: the calls of a span after the first read positions behind it as masked.

    Example:
        >>> str(SlowFast(block=4))
        'slowfast:block=4'
        >>> SlowFast(form="released", high="0.8").settings
        (Fraction(3, 10), Fraction(4, 5), 6)
    """

    example: ClassVar[str] = "slowfast:explore=3"
    source: ClassVar[str] = "SlowFast Sampling, arXiv 2506.10848"
    release: ClassVar[str] = (
        "`form=released,cut=true`: LiangrunFlora/Slow-Fast-Sampling dd9958f; `form=released`: "
        "ParallelBench 21e62223; default: the paper"
    )
    formula: ClassVar[str] = "k best until Var(end) < sigma^2, then c > tau inside the span"
    low: Fraction | None = None
    high: Fraction | None = None
    explore: int | None = None
    window: int = 2
    variance: Fraction = Fraction(1)
    k: int = 1
    form: str = "paper"
    cut: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence" or self.confidence == "sampled":
            raise InputError(
                "slowfast reads the confidence of the most probable token; leave by and confidence out."
            )
        choice(self.form, "form", tuple(_SETTINGS))
        choice(self.cut, "cut", (False, True))
        for name in ("low", "high"):
            if getattr(self, name) is not None:
                self.score_limit(name)
        object.__setattr__(self, "variance", bounded(self.variance, "variance", 0))
        for name in ("explore", "window", "k"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, positive_int(getattr(self, name), name))
        if self.window > _WINDOW:
            raise InputError(f"window must be at most {_WINDOW}, got {self.window}.")
        if self.form == "released" and self.k != 1:
            raise InputError(f"form=released explores one position at a time; leave k out, got {self.k}.")
        if self.cut and self.form != "released":
            raise InputError("cut=true is a part of form=released; give both.")
        if self.cut:
            object.__setattr__(self, "asks", True)

    @property
    def settings(self) -> tuple[Fraction, Fraction, int]:
        """``low``, ``high`` and ``explore``, those of the form where they are not given."""
        low, high, explore = _SETTINGS[self.form]
        return (
            low if self.low is None else self.low,
            high if self.high is None else self.high,
            explore if self.explore is None else self.explore,
        )

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch at the start of the first exploration."""
        xp = batch.numbers.xp
        zero = xp.zeros_like(batch.tokens[:, 0])
        ends = xp.stack([zero - 1] * min(self.window, self.settings[2]), axis=1)
        batch = batch.remember(base=zero, end=zero, fast=zero, seen=zero, settled=zero, ends=ends)
        return batch.remember(base=self._next_block(batch))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Record a candidate end while exploring, take positions, and change the phase when it is over."""
        xp, memory = batch.numbers.xp, batch.memory
        batch = self._as_seen(batch)
        scores = self.score(batch.view())
        slow, limit, index = memory["fast"] == 0, self._limit(batch), _index(batch)
        since = batch.masked & (index >= memory["base"][:, None])
        scope, span = since & (index < limit[:, None]), since & (index < memory["end"][:, None])
        batch = self._noted(batch, scores, scope, limit)

        pool = xp.where(slow[:, None], scope, span)
        high = pool & self._above(batch, scores, self.settings[1])
        number = xp.sum(xp.astype(high, xp.int64), axis=1)
        if self.form == "paper":
            number = xp.where(slow, xp.zeros_like(number), number)
        one = xp.zeros_like(number) + xp.where(slow, min(self.k, _LAST), 1)
        take = xp.where(number > 0, number, one)
        size = xp.sum(xp.astype(pool, xp.int64), axis=1)
        plan = Ranked(batch.view(pool), scores, xp.where(take < size, take, size), self.ties, least=0)
        batch, chosen = chance.choose(batch, plan)
        return self._changed(chance.reveal(batch, chosen))

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks and, in the released form, without further calls."""
        xp = batch.numbers.xp
        if self.form == "released":
            return batch.memory["base"] >= batch.tokens.shape[1]
        return xp.all(~batch.masked, axis=1)

    def _as_seen(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the marginals that the call reads; with ``cut`` they may ignore later tokens."""
        xp, late = batch.numbers.xp, batch.memory["fast"] > 1
        if not bool(xp.any(late)):
            return batch
        behind = _index(batch) >= batch.memory["end"][:, None]
        tokens = xp.where(behind, xp.zeros_like(batch.tokens) + MASK, batch.tokens)
        probs = batch.model.ask(tokens[:, None, :])[:, 0]
        return replace(batch, probs=xp.where(late[:, None, None], probs, batch.probs))

    # -- the phases -------------------------------------------------------------------------------------------

    def _above(self, batch: RunBatch, scores: Array, bar: Fraction) -> Array:
        numbers = batch.view().numbers
        if self.form == "paper":
            reached = scores > numbers.const(bar) + numbers.tolerance
        else:
            reached = scores >= numbers.const(bar) - numbers.tolerance
        return numbers.xp.astype(reached, numbers.xp.bool)

    def _limit(self, batch: RunBatch) -> Array:
        """Return the end of the block in which s lies."""
        xp, n = batch.numbers.xp, batch.tokens.shape[1]
        block = self._length(n)
        end = (batch.memory["base"] // block + 1) * block
        return xp.where(end < n, end, xp.zeros_like(end) + n)

    def _next_block(self, batch: RunBatch) -> Array:
        """Return the start of the first block with masks; n if there is none."""
        xp, n = batch.numbers.xp, batch.tokens.shape[1]
        block = self._length(n)
        index = _index(batch)
        first = xp.min(xp.where(batch.masked, index, xp.zeros_like(index) + n), axis=1)
        return xp.where(first < n, first // block * block, first)

    def _length(self, n: int) -> int:
        return n if self.block is None else min(self.block, n)

    def _noted(self, batch: RunBatch, scores: Array, scope: Array, limit: Array) -> RunBatch:
        """Record the candidate end of exploring rows whose end is not settled, and settle it if it is stable."""
        xp, memory = batch.numbers.xp, batch.memory
        slow, base = memory["fast"] == 0, memory["base"]
        seen = xp.where(slow, memory["seen"] + 1, memory["seen"])
        sure = scope & self._above(batch, scores, self.settings[0])
        after = _index(batch) + 1
        last = xp.max(xp.where(sure, after, xp.zeros_like(after)), axis=1)
        end = xp.where(last > 0, last, xp.where(base + 1 < limit, base + 1, limit))
        noting = slow & (memory["settled"] == 0)
        ends = xp.where(
            noting[:, None], xp.concat([memory["ends"][:, 1:], end[:, None]], axis=1), memory["ends"]
        )
        stable = noting & self._stable(xp, ends)
        known = xp.sum(xp.astype(ends >= 0, xp.int64), axis=1)
        total = xp.sum(xp.where(ends >= 0, ends, xp.zeros_like(ends)), axis=1)
        mean = total // xp.where(known > 0, known, xp.ones_like(known))
        end = xp.where(noting, xp.where(stable, end, mean), memory["end"])
        settled = xp.where(stable, xp.ones_like(seen), memory["settled"])
        return batch.remember(seen=seen, ends=ends, end=end, settled=settled)

    def _stable(self, xp: Any, ends: Array) -> Array:
        """Return where the window is full and its variance is below the bound, computed in integers."""
        w, width = self.window, ends.shape[1]
        if width < w:  # no exploration fills the window
            return xp.any(ends < -1, axis=1)
        spread = w * xp.sum(ends * ends, axis=1) - xp.sum(ends, axis=1) ** 2  # w^2 times the variance
        return xp.all(ends >= 0, axis=1) & (spread < min(ceil(self.variance * w * w), _LAST))

    def _changed(self, batch: RunBatch) -> RunBatch:
        """End explorations that are over, then spans that are full."""
        xp, memory = batch.numbers.xp, batch.memory
        limit, index, base = self._limit(batch), _index(batch), memory["base"]
        since = batch.masked & (index >= base[:, None])
        done = ~xp.any(since & (index < limit[:, None]), axis=1)  # the block is full
        over = memory["seen"] >= min(self.settings[2], _LAST)
        if self.form == "paper":
            over = over | (memory["settled"] == 1) | done
        fast = (memory["fast"] > 0) | over
        full = fast & ~xp.any(since & (index < memory["end"][:, None]), axis=1)
        zero = xp.zeros_like(base)
        return batch.remember(
            base=xp.where(full, xp.where(done, self._next_block(batch), memory["end"]), base),
            end=xp.where((fast & ~full) | (memory["settled"] == 1), memory["end"], zero),
            fast=xp.where(fast & ~full, zero + 1 + (memory["fast"] > 0 if self.cut else 0), zero),
            seen=xp.where(fast, zero, memory["seen"]),
            settled=xp.where(fast, zero, memory["settled"]),
            ends=xp.where(fast[:, None], xp.zeros_like(memory["ends"]) - 1, memory["ends"]),
        )


def _index(batch: RunBatch) -> Array:
    """Return the positions 0 .. n-1 in every row."""
    xp = batch.numbers.xp
    return xp.cumulative_sum(xp.ones_like(batch.tokens), axis=1) - 1

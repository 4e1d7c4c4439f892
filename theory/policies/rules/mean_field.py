"""Mean-field decoding, a threshold on confidences reduced by overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.policies.as_process import unmasked
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.run_batch import RunBatch
from theory.policies.view import View
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["MeanField"]

_CERTAIN = 1e30  # ln p(1st)/p(2nd) where there is no second token: far above every sum of overlaps


@register("mean_field")
@dataclass(frozen=True, kw_only=True)
class MeanField(RankedPolicy):
    """Take every position with ``q_i >= tau``, q from a few rounds of ``q_i = s(c_i - sum_j D_ij q_j)``; else the best.

    ``c_i = ln p_i(1st) - ln p_i(2nd)``, ``s(z) = 1 / (1 + exp(-z))``, q starts at ``s(c)``. The overlap of two
    marginals of the group that competes is ``D_ij = 1 - JSD(p_i, p_j)`` in bits, 0 for i = j, divided by the largest.
    D is large for *equal* marginals, whether or not the positions depend on each other.

    Source: Mean-Field Parallel Decoding, arXiv 2606.15805, Algorithm 1. The authors' code was not found. This is the
    algorithm as vbsh123/dream-region-pilot reproduces it (``mean_field_commit_indices``): that one position goes where
    none reaches tau is its choice. Another reader of the paper has no division: ``scaled=false``. Usual values:
    tau = 0.9, rounds = 2, B = 32.

    The numbers q are floats; those within 1e-9 are equal, and such a one reaches tau.

    Attributes:
        tau: The level that q must reach, from 0 to 1.
        rounds: Number of updates.
        scaled: Whether overlaps are divided by the largest one.

    Example:
        >>> str(MeanField(tau=0.8))
        'mean_field:tau=4/5'
    """

    example: ClassVar[str] = "mean_field:tau=0.9"
    source: ClassVar[str] = "Mean-Field Parallel Decoding, arXiv 2606.15805"
    release: ClassVar[str] = (
        "no code of the authors found; default: the reproduction in vbsh123/dream-region-pilot"
    )
    formula: ClassVar[str] = "q = s(c), twice q = s(c - D q), D = 1 - JSD over its maximum; every q >= tau"
    cost: ClassVar[str] = "n^2 V"
    tau: Fraction = Fraction(9, 10)
    rounds: int = 2
    scaled: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence" or self.confidence == "sampled":
            raise InputError("mean_field has its own score; leave by and confidence out.")
        choice(self.scaled, "scaled", (False, True))
        object.__setattr__(self, "tau", bounded(self.tau, "tau", 0, 1))
        object.__setattr__(self, "rounds", positive_int(self.rounds, "rounds", at_most=1000))

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch: there is no memory."""
        return batch

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Choose and reveal; in a batch a token has the same index at every position."""
        batch, chosen = chance.choose(batch, self.plan(batch.view()))
        return chance.reveal(batch, chosen)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def score(self, view: View) -> Array:
        """Return q, floats, shape (B, n)."""
        xp = view.numbers.xp
        probs = EXACT.floats(view.probs)
        probs = xp.broadcast_to(probs, (*view.masked.shape, probs.shape[-1]))
        odds, overlap = _odds(probs, xp), _overlaps(probs, view.candidates, xp)
        if self.scaled:
            most = xp.max(xp.max(overlap, axis=2), axis=1)[:, None, None]
            overlap = overlap / xp.where(most > 0, most, xp.ones_like(most))
        q = 1 / (1 + xp.exp(-odds))
        for _ in range(self.rounds):
            q = 1 / (1 + xp.exp(xp.sum(overlap * q[:, None, :], axis=2) - odds))
        return q

    def count(self, view: View, scores: Array) -> Array:
        """Return how many reach the level, at least one."""
        xp = view.numbers.xp
        least = float(self.tau) - max(float(view.numbers.tolerance), TIE_TOLERANCE)
        number = xp.sum(xp.astype((scores >= least) & view.candidates, xp.int64), axis=1)
        return xp.where((number < 1) & (view.left > 0), xp.ones_like(number), number)


def _odds(probs: Array, xp: Any) -> Array:
    """Return ``ln p(1st) - ln p(2nd)``, shape (B, n)."""
    ordered = xp.sort(probs, axis=-1)
    best = ordered[..., -1]
    second = ordered[..., -2] if ordered.shape[-1] > 1 else xp.zeros_like(best)
    one, known = xp.ones_like(best), best > 0  # rows of revealed positions may be empty
    odds = xp.log(xp.where(known, best, one)) - xp.log(xp.where(second > 0, second, one))
    return xp.where(second > 0, odds, _CERTAIN * one)


def _overlaps(probs: Array, candidates: Array, xp: Any) -> Array:
    """Return ``1 - JSD`` in bits between competing positions, 0 elsewhere and on the diagonal, shape (B, n, n).

    ``1 - JSD(p, q) = 1/2 sum_v p log2(1 + q/p) + q log2(1 + p/q)`` over the tokens of both: 0 if there are none.
    """
    index = xp.cumulative_sum(xp.astype(candidates[0], xp.int64) * 0 + 1, axis=0)
    rows: list[Array] = []
    for i in range(probs.shape[1]):
        other = probs[:, i : i + 1]
        both = (probs > 0) & (other > 0)
        p, q = xp.where(both, probs, xp.ones_like(probs)), xp.where(both, other, xp.ones_like(probs))
        terms = p * xp.log2(1 + q / p) + q * xp.log2(1 + p / q)
        overlap = xp.sum(xp.where(both, terms, xp.zeros_like(terms)), axis=2) / 2
        pair = candidates & candidates[:, i : i + 1] & (index != index[i])[None, :]
        rows.append(xp.where(pair, overlap, xp.zeros_like(overlap)))
    return xp.stack(rows, axis=1)

"""Scores by which masked positions are ranked.

Higher is better; all scores read the untempered marginals.

| name | score of position i | called elsewhere |
|---|---|---|
| ``confidence`` | ``max_v p_i(v)`` | low-confidence remasking, maskgit_plus |
| ``margin`` | ``p_i(1st) - p_i(2nd)``; 1 for a single token | topk_margin |
| ``entropy`` | ``sum_v p_i(v) log2 p_i(v)`` | negative entropy |
| ``left_to_right`` | ``-i`` | sequential |
| ``random`` | equal for all, so that the tie rule decides | origin |
"""

from __future__ import annotations

from collections.abc import Callable

from theory.numbers.arithmetic import Array, negated
from theory.policies.view import View

__all__ = ["SCORES"]


_FEW = 4  # tokens


def _confidence(view: View) -> Array:
    xp, probs = view.numbers.xp, view.probs
    if probs.shape[-1] > _FEW:
        return xp.max(probs, axis=-1)
    best = probs[..., 0]  # for few tokens far faster than a reduction along the last axis
    for v in range(1, probs.shape[-1]):
        best = xp.maximum(best, probs[..., v])
    return best


def _margin(view: View) -> Array:
    xp, probs = view.numbers.xp, view.probs
    best = xp.max(probs, axis=-1)
    # the first maximum is removed, so that a tie gives a margin of zero
    first = xp.cumulative_sum(xp.astype(probs == best[..., None], xp.int64), axis=-1)
    is_first = (first == 1) & (probs == best[..., None])
    return best - xp.max(xp.where(is_first, xp.zeros_like(probs), probs), axis=-1)


def _entropy(view: View) -> Array:
    return negated(view.numbers.entropy(view.probs))


def _left_to_right(view: View) -> Array:
    xp = view.numbers.xp
    return 1 - xp.cumulative_sum(xp.ones_like(xp.astype(view.masked, xp.int64)), axis=1)


def _random(view: View) -> Array:
    xp = view.numbers.xp
    return xp.zeros_like(xp.astype(view.masked, xp.int64))


SCORES: dict[str, Callable[[View], Array]] = {
    "confidence": _confidence,
    "margin": _margin,
    "entropy": _entropy,
    "left_to_right": _left_to_right,
    "random": _random,
}

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
from functools import reduce

import numpy as np
from flint import arb

from theory.numbers.arithmetic import Array, negated
from theory.numbers.balls import BALLS
from theory.policies.view import View

__all__ = ["SCORES"]


_FEW = 4  # tokens


def _confidence(view: View) -> Array:
    xp, probs = view.numbers.xp, view.probs
    if view.numbers is BALLS:
        return _two_best(probs)[..., 0]
    if probs.shape[-1] > _FEW:
        return xp.max(probs, axis=-1)
    best = probs[..., 0]  # for few tokens far faster than a reduction along the last axis
    for v in range(1, probs.shape[-1]):
        best = xp.maximum(best, probs[..., v])
    return best


def _margin(view: View) -> Array:
    xp, probs = view.numbers.xp, view.probs
    if view.numbers is BALLS:
        two = _two_best(probs)
        return two[..., 0] - two[..., 1]
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


def _two_best(probs: Array) -> Array:
    """Return balls that hold the largest and the second largest number of each row, 0 if there is one."""
    rows, zero = probs.reshape(-1, probs.shape[-1]).tolist(), (arb(0), arb(0))
    best = np.empty((len(rows), 2), dtype=object)
    for j, row in enumerate(rows):
        best[j] = reduce(lambda two, p: (two[0].max(p), two[1].max(two[0].min(p))), row, zero)
    return best.reshape(*probs.shape[:-1], 2)


SCORES: dict[str, Callable[[View], Array]] = {
    "confidence": _confidence,
    "margin": _margin,
    "entropy": _entropy,
    "left_to_right": _left_to_right,
    "random": _random,
}

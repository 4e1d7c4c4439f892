r"""Insert Random and Remove Random in float64: top-k by confidence or from the left, all steps at once in numpy.

a of s positions come from the left end of an interval of g candidates
(:mod:`theory.decoding.structured.hidden_place`), which step t reaches with probability g/N. The cost is ``sum_t (g/N)
(sum H_g(r) - H(outcome))``, the outcome being one of the places taken (1/g each) or the rest; at temperature 1 mirror
images are alike, so an odd place may come from the left.
"""

from __future__ import annotations

from math import lgamma, log, log2
from typing import Any

import numpy as np

from theory.decoding.structured.approximate import UNIT, Floats, LargeDecode, fixed, from_stay, schedule
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["interval_decode"]

_LN2 = log(2)


def interval_decode(insert: bool, n: int, k: int, by: str) -> LargeDecode:
    """Insert or Remove Random: ``left`` candidates before each step, two-sided or from the left."""
    total = n + 1 if insert else n
    masked, sizes = schedule(total if insert else total - 1, k)
    left = masked if insert else masked + 1
    on_left = sizes if by == "left_to_right" or len(left) == 1 else sizes - np.floor(sizes / 2)
    if len(left) == 1:
        return _at_once(insert, total)
    entropy, stay, found = np.zeros_like(left), np.zeros_like(left), np.zeros_like(left)
    width = int(sizes.max())
    places = [_place(j, masked, sizes, on_left) for j in range(width)]
    for place, is_left, live in reversed(places):
        right = (place if insert else place + 1) / left
        stayed = np.where(is_left, (left - 1 - place) / left, right)
        stay += np.where(live, np.log(np.where(live & (stayed > 0), stayed, 1.0)), 0.0)
    before = np.ones_like(left)
    rights = [np.ones_like(left)]
    for place, _, live in reversed(places):
        rights.append(rights[-1] * np.where(live, (place if insert else place + 1) / left, 1.0))
    rights.reverse()
    for j, (place, is_left, live) in enumerate(places):
        up, down = (left - 1 - place) / left, (place if insert else place + 1) / left
        here = 1 / left if insert else np.where(is_left, down, up)
        found += np.where(live, before * here * rights[j + 1], 0.0)
        before = before * np.where(live, up, 1.0)
        entropy += np.where(live, _h(up) + _h(down) + (_h(1 / left) if insert else 0.0), 0.0)
    rest = left - sizes
    outcome = sizes / left * np.log(left) + _h(np.maximum(rest, 0) / left)
    cost = left / total * (entropy - outcome)
    magnitude = float(np.sum(left / total * (entropy + outcome)))
    kl = Approximate(
        value=float(np.sum(cost)) / _LN2,
        error=two_digits(magnitude / _LN2 * (50 + log2(len(left) + 2)) * UNIT),
    )
    if not insert:  # the last step leaves one candidate, which is known too
        found[-1] += float(np.exp(stay[-1])) if rest[-1] == 1 else 0.0
    return from_stay(kl, left, sizes, stay, found, float(total))


def _place(j: int, masked: Floats, sizes: Floats, on_left: Floats) -> tuple[Floats, Any, Any]:
    """Return the position of the j-th taken place of each step, whether it is at the left end, whether it is taken."""
    is_left, live = j < on_left, j < sizes
    return np.where(is_left, float(j), np.where(live, masked - sizes + j, 0.0)), is_left, live


def _h(x: Floats) -> Floats:
    return -x * np.log(np.where(x > 0, x, 1.0))


def _at_once(insert: bool, total: int) -> LargeDecode:
    """All positions at once: ``2^n n! / (n+1)^(n+1)`` and ``2^(n-1) (n-1)! / n^(n-1)``."""
    r = np.arange(total if insert else total - 1, dtype=np.float64)
    up, down = (total - 1 - r) / total, (r if insert else r + 1) / total
    entropy = _h(up) + _h(down) + (log(total) / total if insert else 0.0)
    summed = float(np.sum(entropy))
    kl = (summed - log(total)) / _LN2
    n = total - 1
    power = (n + 1) if insert else n
    accuracy = n + (lgamma(n + 1) - power * log(total)) / _LN2
    size = lgamma(n + 1) / _LN2 + power * log2(total) + n
    return fixed(
        Approximate(value=kl, error=two_digits(summed / _LN2 * (50 + log2(total)) * UNIT)),
        Approximate(value=accuracy, error=two_digits(size * 8 * UNIT)),
        1,
    )

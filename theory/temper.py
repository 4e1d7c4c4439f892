"""Tempered token distributions ``q_i(v) ~ p_i(v)^(1/tau)``; tau = 0 is greedy.

Greedy decoding draws uniformly from the argmax set, independently at each position (``greedy_ties="random"``,
the zero-mean noise of arXiv 2510.04767), or takes the lowest token of it (``"lowest"``, what argmax does).
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

import numpy as np

from theory._checks import InputError, exact_fraction
from theory.arithmetic import Array, Numbers

__all__ = ["GREEDY_TIES", "check_temperature", "check_underflow", "tempered"]

GREEDY_TIES = ("random", "lowest")
_LEAST = Fraction(1, 10**6)  # colder is greedy, hotter uniform, to the last digit of a float


def check_temperature(temperature: object) -> Fraction:
    """Return the temperature as an exact number of at least zero."""
    if isinstance(temperature, float) and not isfinite(temperature):
        raise InputError(f"temperature must be finite, got {temperature}.")
    tau = exact_fraction(temperature, "temperature")
    if tau < 0:
        raise InputError(f"temperature must be at least 0, got {temperature}.")
    if tau and not _LEAST <= tau <= 1 / _LEAST:
        raise InputError(f"temperature must be 0 or between 1e-6 and 1e6, got {temperature}.")
    return tau


def tempered(probs: Array, temperature: Fraction, numbers: Numbers, *, greedy_ties: str = "random") -> Array:
    """Return the distributions that tokens are drawn from.

    Args:
        probs: Marginals along the last axis.
        temperature: At least 0.
        numbers: The kind of number in ``probs``; exact ones stay exact for temperature 0 and 1 and become
            float64 otherwise.
        greedy_ties: ``random`` or ``lowest``, read at temperature 0 only.

    Example:
        >>> from theory.arithmetic import FLOAT64
        >>> tempered(np.array([[0.4, 0.4, 0.2]]), Fraction(0), FLOAT64).tolist()
        [[0.5, 0.5, 0.0]]
    """
    xp = numbers.xp
    if temperature == 1:
        return probs
    if temperature == 0:
        return _greedy(probs, numbers, greedy_ties)
    if probs.dtype == np.dtype(object):
        probs = np.vectorize(lambda p: int(p.p) / int(p.q), otypes=[np.float64])(probs)
    # scaled by the maximum first: small probabilities do not underflow together
    top = xp.max(probs, axis=-1, keepdims=True)
    powers = (probs / xp.where(top > 0, top, xp.ones_like(top))) ** float(1 / temperature)
    total = xp.sum(powers, axis=-1, keepdims=True)
    return powers / xp.where(total > 0, total, xp.ones_like(total))


def check_underflow(probs: Array, q: Array, temperature: Fraction) -> None:
    """Raise if tempering has made a possible token impossible: a KL divergence would be infinite."""
    if temperature and np.any((probs != 0) & (q == 0)):
        raise InputError(
            f"at temperature {float(temperature):g} token probabilities underflow; use 0, or a higher one."
        )


def _greedy(probs: Array, numbers: Numbers, greedy_ties: str) -> Array:
    xp = numbers.xp
    top = xp.max(probs, axis=-1, keepdims=True)
    best = xp.astype(probs >= top - numbers.tolerance, xp.int64)
    if greedy_ties == "lowest":
        best = xp.where(xp.cumulative_sum(best, axis=-1) == 1, best, xp.zeros_like(best))
    if probs.dtype != np.dtype(object):
        best = xp.astype(best, probs.dtype)
    return numbers.ratio(best, xp.sum(best, axis=-1, keepdims=True))

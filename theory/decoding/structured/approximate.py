"""Floats with a bound on their error, and what the float forms share."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, log2

import numpy as np
from numpy.typing import NDArray

from theory.numbers.rounding import Approximate, two_digits

__all__ = [
    "UNIT",
    "Floats",
    "LargeDecode",
    "bounded",
    "fixed",
    "from_stay",
    "rounded",
    "schedule",
    "whole",
]

UNIT = 2.0**-53  # the relative error of one float operation
_LN2 = log(2)
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LargeDecode:
    """A decode in float64 at temperature 1.

    Attributes:
        kl: Divergence along the path, bits; that of the law unless a random choice between ends matters (odd k by
            confidence on Insert and Remove Random).
        log2_accuracy: log2 of the accuracy, which may be far below the smallest float.
        steps: Expected number of steps.
    """

    kl: Approximate
    log2_accuracy: Approximate
    steps: Approximate


def whole(value: int) -> Approximate:
    """Return a whole number, exact."""
    return Approximate(value=float(value), error=0.0)


def rounded(value: float) -> Approximate:
    """Return a number that was rounded once."""
    return Approximate(value=value, error=abs(value) * UNIT)


def fixed(kl: Approximate, log2_accuracy: Approximate, steps: int) -> LargeDecode:
    """Return a decode with a fixed number of steps."""
    return LargeDecode(kl=kl, log2_accuracy=log2_accuracy, steps=whole(steps))


def schedule(n: int, k: int) -> tuple[Floats, Floats]:
    """Return the masked positions before each step and the sizes of the steps."""
    left = np.arange(n, 0, -min(k, n), dtype=np.float64)
    return left, np.minimum(left, k)


def bounded(total: float, terms: int, scale: float = 1.0) -> Approximate:
    """Return ``total * scale`` with the error of a sum of ``terms`` numbers of one sign."""
    value = total * scale
    return Approximate(value=value, error=two_digits(abs(value) * (50 + log2(terms + 2)) * UNIT))


def from_stay(
    kl: Approximate, left: Floats, sizes: Floats, stay: Floats, once: Floats, n: float
) -> LargeDecode:
    """Add up the accuracy; ``stay`` holds logarithms."""
    gap = stay[:-1] - np.log1p(-sizes[:-1] / left[:-1])
    before = left / n * np.exp(np.concatenate([[0.0], np.cumsum(gap)]))
    accuracy = float(np.sum(before * once))
    steps = len(left)
    # stay and log1p are each off by a few u of s/m; the running sum by `steps` u of the brackets
    share = 8 * UNIT * float(np.sum(sizes[:-1] / left[:-1])) + steps * UNIT * float(np.sum(np.abs(gap)))
    relative = share + (50 + 4 * float(sizes.max()) + log2(steps + 2)) * UNIT
    bits = Approximate(value=log2(accuracy) if accuracy > 0 else -inf, error=two_digits(2 * relative / _LN2))
    return LargeDecode(kl=kl, log2_accuracy=bits, steps=whole(steps))

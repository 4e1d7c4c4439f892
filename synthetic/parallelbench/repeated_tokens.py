"""Least losses of exchangeable items that are written in several tokens each.

Any token of an item tells the others. So a token costs nothing after the first of its item, and as much as that one in
the same step. All but the last step can leave the further tokens to later ones: with ``m`` items shown before the last
step, it costs ``c (n - m) f(m + 1)`` for c tokens an item, where an earlier step from M to N costs ``(N - M) f(M + 1)``
and ``f`` is the profile of :mod:`theory.bounds.block_sizes`; ``h_n`` is subtracted once.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from theory.bounds.block_sizes import cheapest_paths
from theory.information.curves.structures import Structure, block_weights, interval_curve
from theory.numbers.lognumber import LogNumber

__all__ = ["repeated_losses"]


def repeated_losses(structure: Structure, tokens: int) -> tuple[list[LogNumber], float]:
    """Return ``L*_T`` for T = 1..n + 1, and a bound on how much less other sizes may lose.

    Args:
        structure: Entropies that depend on the size of a set alone.
        tokens: Of each item.

    Returns:
        Bits, exact for the sizes that are best in floating point.

    Example:
        >>> from synthetic.structures import shuffle
        >>> [str(loss) for loss in repeated_losses(shuffle(3), 2)[0]]
        ['-log2(2) + 5 log2(3)', '-log2(2) + log2(3)', '0', '0']
    """
    n = structure.n
    profile = np.array([float(f) for f in interval_curve(structure).profile])
    costs, before = cheapest_paths(profile)
    last = tokens * (n - np.arange(n + 1)) * np.append(profile, 0)
    found: list[LogNumber] = []
    most = float(last[0])
    for steps in range(n + 1):  # before the last
        end = int((costs[steps] + last).argmin())
        sizes: list[int] = []
        at = end
        for t in range(steps, 0, -1):
            sizes.insert(0, at - int(before[t, at]))
            at = int(before[t, at])
        rest = n - end
        weights = block_weights([*sizes, *[rest] * (rest > 0)], n)
        if rest:
            weights[end + 1] = weights.get(end + 1, Fraction(0)) + (tokens - 1) * rest
            weights[end] = weights.get(end, Fraction(0)) - (tokens - 1) * rest
        found.append(structure.mean(weights))
    return found, most * (n + 4) * 2.0**-51

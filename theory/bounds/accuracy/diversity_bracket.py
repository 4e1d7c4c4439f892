r"""A bracket of the greatest accuracy of one step at an entropy, at any size.

From below by a product distribution ``Q_i = (1 - s) [token of y] + s / |V_i|`` around an outcome y, with the least s at
which its entropy is at least h. From above by that of any distribution (:mod:`theory.bounds.accuracy.diversity`), which
one step cannot exceed. Derived here; entropies in bits.
"""

from __future__ import annotations

from math import nextafter, prod
from typing import Any

import numpy as np

from theory.bounds.accuracy.diversity import most_accurate_of_any
from theory.bounds.accuracy.diversity_search import least_share
from theory.distributions.given import PMFLike, as_pmf
from theory.numbers.rounding import gamma
from theory.validation import InputError, exact_fraction

__all__ = ["bracket_accuracy"]

_AROUND = 16  # outcomes


def bracket_accuracy(source: PMFLike, entropy: Any) -> tuple[float, float]:
    """Return a lower and an upper bound of the greatest ``Q(V)`` of a product distribution with ``H(Q) >= entropy``.

    Args:
        source: A pmf, or what :func:`theory.distributions.given.as_pmf` makes one of; V is its support.
        entropy: Rational bits, from 0 to ``sum_i log2 |V_i|``.

    Example:
        >>> low, high = bracket_accuracy([(0, 1), (1, 0)], 1)
        >>> round(low, 3), high
        (0.804, 1.0)
    """
    pmf, h = as_pmf(source), exact_fraction(entropy, "entropy")
    widths = np.array([len(alphabet) for alphabet in pmf.alphabets])
    most = float(np.log2(widths).sum())
    if not 0 <= h <= most * (1 + 2.0**-40):
        raise InputError(f"the entropy must lie from 0 to {most:.6g} bits, got {float(h):.6g}.")
    ceiling = most_accurate_of_any(len(pmf), prod(widths.tolist()), h)[1]
    share = least_share(widths, float(h) * (1 + 2.0**-40))
    hit, miss = 1 - share + share / widths, share / widths
    chosen = np.linspace(0, len(pmf) - 1, min(_AROUND, len(pmf))).astype(np.int64)
    found = max(float(np.where(pmf.codes == pmf.codes[j], hit, miss).prod(axis=1).sum()) for j in chosen)
    # each factor has three roundings, then come the products and the sum
    certain = found * (1 - 2 * gamma(4 * pmf.n + len(pmf)))
    return nextafter(max(certain, 0.0), 0.0), ceiling

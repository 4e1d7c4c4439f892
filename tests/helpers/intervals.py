"""Sampled counts against exact probabilities: exact binomial intervals, one error rate for the whole family."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta

FAMILY = 1e-6  # chance that any comparison of any test fails by bad luck
COMPARISONS = 100_000  # more than there are
ALPHA = FAMILY / COMPARISONS  # Bonferroni


def assert_frequencies(counts: ArrayLike, probabilities: ArrayLike, size: int, label: object = "") -> None:
    """Every count, alone, must be one that a binomial of its probability gives; zero and one are exact."""
    k = np.asarray(counts, dtype=float)
    p = np.asarray(probabilities, dtype=float).round(12)  # a float sum may miss zero or one by a rounding
    with np.errstate(all="ignore"):
        low = np.where(k > 0, beta.ppf(ALPHA / 2, k, size - k + 1), 0.0)
        high = np.where(k < size, beta.isf(ALPHA / 2, k + 1, size - k), 1.0)
    inside = (low <= p) & (p <= high) & ((p > 0) | (k == 0)) & ((p < 1) | (k == size))
    assert inside.all(), f"{label}: counts {k[~inside]} of {size}, expected shares {p[~inside]}"


def assert_mean(
    values: Sequence[float] | np.ndarray, expected: float, *, span: float, label: object = ""
) -> None:
    """A mean of values in a range of length ``span`` must be near ``expected`` (empirical Bernstein inequality)."""
    x = np.asarray(values, dtype=float)
    if x.min() == x.max():
        # no spread seen: they differ by rounding only, unless other values are rare
        assert abs(x[0] - expected) <= 7 * span * log(4 / ALPHA) / (3 * (len(x) - 1)) + 1e-9, label
        return
    reach = sqrt(2 * x.var(ddof=1) * log(4 / ALPHA) / len(x)) + 7 * span * log(4 / ALPHA) / (3 * (len(x) - 1))
    assert abs(x.mean() - expected) <= reach, f"{label}: mean {x.mean()}, expected {expected} +- {reach}"

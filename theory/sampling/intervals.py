"""Guaranteed intervals for means and shares of independent samples.

The empirical Bernstein inequality (Maurer and Pontil, arXiv 0907.3740, Theorem 4) holds for the mean of values in a
known range at any number m of samples:
``|mean - expectation| <= sqrt(2 s^2 ln(4/d) / m) + 7 range ln(4/d) / (3 (m - 1))``
with probability at least 1 - d. The intervals are wider than those of the central limit theorem, but guaranteed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from theory.validation import InputError, positive_int

__all__ = ["Estimate", "check_samples", "estimate_mean", "proportion"]

_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over samples with an interval that contains the expectation with probability at least 0.95.

    Attributes:
        estimate: The mean.
        standard_error: Its standard error.
        low: Lower end of the interval.
        high: Upper end.
    """

    estimate: float
    standard_error: float
    low: float
    high: float

    def shifted(self, offset: float, sign: int = 1) -> Estimate:
        """Return the estimate of ``offset + sign * mean``."""
        ends = sorted((offset + sign * self.low, offset + sign * self.high))
        value = offset + sign * self.estimate
        return Estimate(estimate=value, standard_error=self.standard_error, low=ends[0], high=ends[1])

    def at_least(self, least: float) -> Estimate:
        """Return the estimate with its interval cut at a known lower bound of the expectation."""
        return replace(self, low=max(self.low, least), high=max(self.high, least))

    def as_dict(self) -> dict[str, float]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in ("estimate", "standard_error", "low", "high")}


def check_samples(samples: object) -> int:
    """Return a checked number of samples, at least two."""
    m = positive_int(samples, "samples")
    if m < 2:
        raise InputError(f"an estimate needs at least 2 samples, got {m}.")
    return m


def estimate_mean(values: NDArray[np.float64], low: float, high: float) -> Estimate:
    """Return the mean of independent values that all lie in [low, high].

    Example:
        >>> estimate_mean(np.array([1.0, 1.0, 1.0]), 1.0, 1.0)
        Estimate(estimate=1.0, standard_error=0.0, low=1.0, high=1.0)
    """
    m = check_samples(len(values))
    spread, scale = float(values.var(ddof=1)), log(4 / (1 - _LEVEL))
    reach = sqrt(2 * spread * scale / m) + 7 * (high - low) * scale / (3 * (m - 1))
    mean = float(values.mean())
    error = sqrt(spread / m)
    ends = max(low, mean - reach), min(high, mean + reach)
    return Estimate(estimate=mean, standard_error=error, low=ends[0], high=ends[1])


def proportion(successes: int, samples: int) -> dict[str, float]:
    """Return a sampled proportion with its standard error and its exact 95 % (Clopper-Pearson) interval.

    The standard error of a share s of m samples is ``sqrt(s (1 - s) / m)``.

    Example:
        >>> proportion(5, 25)["standard_error"]
        0.08
        >>> proportion(0, 10)["low"], round(proportion(0, 10)["high"], 4)
        (0.0, 0.3085)
    """
    from scipy.special import betainccinv, betaincinv

    low = 0.0 if successes == 0 else float(betaincinv(successes, samples - successes + 1, 0.025))
    high = 1.0 if successes == samples else float(betainccinv(successes + 1, samples - successes, 0.025))
    share = successes / samples
    error = sqrt(share * (1 - share) / samples)
    return {"estimate": share, "standard_error": error, "low": low, "high": high}

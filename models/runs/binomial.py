"""Exact (Clopper-Pearson) intervals of success rates, beside exact probabilities."""

from __future__ import annotations

__all__ = ["LEVEL", "binomial_interval", "verdict"]

LEVEL = 0.95


def binomial_interval(successes: int, samples: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a success probability.

    Example:
        >>> low, high = binomial_interval(5, 10)
        >>> round(low, 3), round(high, 3)
        (0.187, 0.813)
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, samples).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def verdict(successes: int, samples: int, exact: float, level: float = LEVEL) -> tuple[str, float]:
    """Return ``below``, ``consistent`` or ``above``, and the two-sided p-value of the exact binomial test.

    Example:
        >>> verdict(5, 10, 0.9)[0], verdict(5, 10, 0.5)
        ('below', ('consistent', 1.0))
    """
    from scipy.stats import binomtest

    low, high = binomial_interval(successes, samples, level)
    side = "below" if high < exact else "above" if low > exact else "consistent"
    return side, float(binomtest(successes, samples, min(1.0, max(0.0, exact))).pvalue)

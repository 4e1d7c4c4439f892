"""Checks of a number against its reference, with a verdict.

- exact: a number equals its closed form. Equality, no tolerance.
- ideal: samples of the ideal model against the exact distribution. Exact two-sided binomial test; all tests of a run
  together wrongly fail with a probability of at most `FAMILY_ERROR` (Bonferroni).
- model: samples of a trained model against the exact value. The 95 % interval comes within `MODEL_TOLERANCE`.
- published: a published accuracy against the exact value, with the interval of its own few samples. Compared and
  counted, without a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

__all__ = [
    "DECIDING",
    "KINDS",
    "Check",
    "Kind",
    "binomial_check",
    "clopper_pearson",
    "exact_check",
    "judge",
    "model_check",
    "published_check",
    "tally",
]

Kind = Literal["exact", "ideal", "model", "published"]
KINDS: tuple[Kind, ...] = ("exact", "ideal", "model", "published")
DECIDING: tuple[Kind, ...] = ("exact", "ideal", "model")
FAMILY_ERROR = 1e-6  # probability that a correct run fails any "ideal" check
MODEL_TOLERANCE = 0.03  # of accuracy, beyond the sampling interval of a trained model

Scalar = float | int | str  # a str holds an exact value: "5/16", "log2(3)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison and its verdict. The functions below build it; the runner fills in `figure`."""

    name: str
    kind: Kind
    value: Scalar
    expected: Scalar
    passed: bool | None  # None: an "ideal" check that `judge` has not seen
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    detail: str = ""
    figure: str = ""


def exact_check(name: str, value: Any, expected: Any, *, detail: str = "") -> Check:
    """Compare two values with `==`: integers, Fractions, exact entropies, expressions, strings.

    Example:
        >>> exact_check("shuffle n=2", Fraction(2, 4), Fraction(1, 2)).passed
        True
    """
    passed = bool(value == expected)
    return Check(
        name=name,
        kind="exact",
        value=_scalar(value),
        expected=_scalar(expected),
        passed=passed,
        detail=detail,
    )


def binomial_check(
    name: str, successes: int, trials: int, p0: float | Fraction, *, detail: str = ""
) -> Check:
    """Test samples of the ideal model against the exact probability p0; `judge` gives the verdict."""
    interval = clopper_pearson(successes, trials)
    _check_probability("p0", p0)
    if p0 in (0, 1):  # a single contrary sample refutes it
        p_value = float(successes == trials * p0)
    else:
        from scipy.stats import binomtest

        p_value = float(binomtest(successes, trials, float(p0)).pvalue)
    return Check(
        name=name,
        kind="ideal",
        value=successes / trials,
        expected=_scalar(p0),
        passed=None,
        interval=interval,
        p_value=p_value,
        detail=_counts(successes, trials, detail),
    )


def model_check(
    name: str,
    successes: int,
    trials: int,
    exact: float | Fraction,
    *,
    tolerance: float = MODEL_TOLERANCE,
    detail: str = "",
) -> Check:
    """Compare a trained model with the exact value.

    Passes iff the 95 % interval of the samples comes within `tolerance` of it.
    """
    low, high = clopper_pearson(successes, trials)
    _check_probability("exact", exact)
    distance = max(low - float(exact), float(exact) - high, 0.0)
    return Check(
        name=name,
        kind="model",
        value=successes / trials,
        expected=_scalar(exact),
        passed=distance <= tolerance,
        interval=(low, high),
        detail=_counts(successes, trials, f"off by {distance:.2g}, allowed {tolerance:g}", detail),
    )


def published_check(
    name: str, percent: float, samples: int, exact: float | Fraction, *, detail: str = ""
) -> Check:
    """Compare a published accuracy with the exact value.

    Agrees iff the exact value lies in the point's own 95 % interval.
    """
    _check_probability("exact", exact)
    successes = round(percent * samples / 100)
    low, high = clopper_pearson(successes, samples)
    return Check(
        name=name,
        kind="published",
        value=percent / 100,
        expected=_scalar(exact),
        passed=low <= exact <= high,
        interval=(low, high),
        detail=_counts(successes, samples, detail),
    )


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) confidence interval of a proportion.

    Returns:
        Lower and upper end; exactly 0 without a success and exactly 1 without a failure.

    Example:
        >>> low, high = clopper_pearson(19, 100)
        >>> round(low, 3), round(high, 3)
        (0.118, 0.281)
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes must lie in 0..trials with trials >= 1, got {successes} of {trials}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    from scipy.special import betainccinv, betaincinv

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betainccinv(successes + 1, trials - successes, tail))
    return low, high


def judge(checks: Iterable[Check], error: float = FAMILY_ERROR) -> list[Check]:
    """Give every "ideal" check its verdict, correcting for all of them; the other kinds have theirs already.

    Args:
        checks: All checks of a run.
        error: Largest probability that any "ideal" check fails though all samples follow the exact distribution.

    Returns:
        The same checks in the same order.
    """
    given = list(checks)
    tests = sum(check.kind == "ideal" for check in given)
    return [
        replace(check, passed=check.p_value is not None and check.p_value >= error / tests)
        if check.kind == "ideal"
        else check
        for check in given
    ]


def tally(checks: Sequence[Check], kind: Kind) -> tuple[int, int]:
    """Return how many checks of a kind passed, and how many there are."""
    verdicts = [bool(check.passed) for check in checks if check.kind == kind]
    return sum(verdicts), len(verdicts)


def _scalar(value: Any) -> Scalar:
    """Return an exact value as a JSON value, without rounding."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return int(value)
    if isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _counts(successes: int, trials: int, *details: str) -> str:
    return "; ".join([f"{successes} of {trials}", *filter(None, details)])


def _check_probability(name: str, value: float | Fraction) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability, got {value}.")

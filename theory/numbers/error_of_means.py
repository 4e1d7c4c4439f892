"""Errors of means over contexts and of tokens per step.

All in exact rationals: the float shown is compared with the exact sum of its parts, and the errors of the
parts are added, so the bound covers every rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, isfinite, nextafter
from typing import Any

__all__ = ["decode_errors", "mean_error", "ratio_error"]

_UNIT = Fraction(1, 2**52)  # twice the relative error of float(x) for an exact x


def mean_error(parts: Sequence[tuple[Fraction, Any, float | None]], mean: Any) -> float | None:
    """Return a bound on the error of a float mean; ``None`` if it is exact or infinite, or has no proven bound.

    Args:
        parts: (weight, value, bound on the error of the value if it is a float) of each context.
        mean: The number shown as ``sum w v``.

    Example:
        >>> found = mean_error([(Fraction(1, 3), 0.5, 1e-17), (Fraction(2, 3), 0.5, 1e-17)], 0.5)
        >>> round(found, 25)
        1e-17
        >>> mean_error([(Fraction(1), Fraction(1, 2), None)], Fraction(1, 2)) is None
        True
    """
    if not isinstance(mean, float) or not isfinite(mean):
        return None
    total, error = Fraction(0), Fraction(0)
    for weight, value, bound in parts:
        shown = Fraction(float(value))
        if isinstance(value, float) and bound is None:
            return None
        total += weight * shown
        error += weight * (abs(shown) * _UNIT if bound is None else Fraction(bound))
    return _upwards(error + abs(total - Fraction(mean)))


def ratio_error(length: Fraction, steps: float, error: float) -> float | None:
    """Return a bound on the error of the float ``length / steps``; ``None`` where steps may be zero.

    Example:
        >>> 0 < ratio_error(Fraction(3), 1.5, 1e-16) < 3e-16
        True
    """
    ends = [Fraction(steps) - Fraction(error), Fraction(steps) + Fraction(error)]
    if ends[0] <= 0:
        return None
    return _upwards(max(abs(Fraction(length / steps) - length / end) for end in ends))


def decode_errors(
    results: Sequence[tuple[Fraction, Any]], means: Mapping[str, Any], length: Any = None
) -> dict[str, float]:
    """Return the errors of the means of some decodes, and of tokens per step where the length is given.

    Args:
        results: (weight, decode) of each context; a decode has ``errors``.
        means: The means, by name.
        length: The mean length.
    """
    bounds: dict[str, float | None] = {}
    for name, mean in means.items():
        parts = [(weight, getattr(result, name), result.errors.get(name)) for weight, result in results]
        bounds[name] = None if mean is None else mean_error(parts, mean)
    steps = bounds.get("steps")
    if steps is not None and length is not None:
        bounds["tokens_per_step"] = ratio_error(Fraction(length), means["steps"], steps)
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _upwards(value: Fraction) -> float:
    return nextafter(float(value), inf) if value else 0.0

"""Brackets that ``frontier`` shows where the optimum of all policies is too costly."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum, inf, log2, nextafter
from typing import Any

from theory.commands.answer import NamedTask
from theory.decoding.tasks.route import structure_of
from theory.distributions.distribution import occurring
from theory.distributions.pmf import JointPMF
from theory.limits import CostError
from theory.optima.adaptive.brackets import AdaptiveBrackets, adaptive_brackets

__all__ = ["brackets_of", "depth_entry", "ends_of", "frontier_brackets"]

Answer = Mapping[str, Any]


def brackets_of(task: NamedTask, bounds: Answer) -> AdaptiveBrackets:
    """Return brackets of ``V_T`` from the result of ``bounds``: from ``L*_T``, else from the total correlation."""
    structure, most = structure_of(task), inf
    try:
        parts = occurring(task.contexts())
        contexts, positions = len(parts), max(context.distribution.n for context in parts)
        if "optimal_bounds" in bounds:  # these are listed
            most = max(_most(context.distribution.pmf()) for context in parts)
    except CostError:
        if structure is None:
            raise
        contexts, positions = 2, structure.n  # not counted: perhaps several
    lower, upper = ends_of(bounds, positions)
    upper[-1] = 0.0  # one at a time
    lower = [min(pair) for pair in zip(lower, upper, strict=True)]
    return adaptive_brackets(lower, upper, contexts=contexts, most=most)


def _most(pmf: JointPMF) -> float:
    """Return no less than the total correlation that any tokens leave: all entropies that positions can have."""
    return nextafter(fsum(nextafter(log2(min(len(pmf), len(a))), inf) for a in pmf.alphabets), inf)


def ends_of(bounds: Answer, n: int) -> tuple[list[float], list[float]]:
    """Return the lower and upper ends of ``L*_T``, T = 1..n, that the result of ``bounds`` gives.

    Example:
        >>> ends_of({"optimal_bounds": [{"lower": 2.0, "upper": 3.0, "exact": False}]}, 1)
        ([2.0], [3.0])
    """
    errors = bounds.get("errors", {})
    if brackets := bounds.get("optimal_bounds"):
        error = errors.get("optimal_bounds", 0.0)
        lower = [one["lower"] - error if one["exact"] else one["lower"] for one in brackets]
        return _not_negative(lower), [one["upper"] + error if one["upper"] else 0.0 for one in brackets]
    if values := bounds.get("optimal_bound"):
        error, sure = errors.get("optimal_bound", 0.0), len(values) + 1
        if bounds.get("arithmetic") == "float64":
            sure = len(values).bit_length()  # bisection of a chain loses nothing
        upper = [
            0.0 if t >= sure or (not isinstance(v, float) and v == 0) else nextafter(float(v), inf) + error
            for t, v in enumerate(values, start=1)
        ]
        return _not_negative([nextafter(float(v), -inf) - error for v in values]), upper
    total, error = bounds["total_correlation"], errors.get("total_correlation", 0.0)
    low, high = (total["low"], total["high"]) if isinstance(total, dict) else (total, total)
    ends = _not_negative([nextafter(float(low), -inf) - error, *[0.0] * (n - 1)])
    return ends, [nextafter(float(high), inf) + error] * n


def _not_negative(lower: list[float]) -> list[float]:
    return [bits if bits > 0 else 0.0 for bits in lower]  # a loss is at least zero


def frontier_brackets(task: NamedTask, bounds: Answer, refused: CostError) -> dict[str, Any]:
    """Return the result of ``frontier`` with brackets: no vertices, ``V_T``, and the fewest steps without loss."""
    found = brackets_of(task, bounds)
    kind = "95 % intervals" if bounds.get("arithmetic") == "estimate" else "certified brackets"
    why = f"the optimum of all policies is not known here, only {kind} of it: {refused.advice}"
    pairs = zip(found.lower, found.upper, strict=True)
    return {
        "task": task.name,
        "n": task.n,
        "vertices": [],
        "adaptive_bounds": [{"lower": low, "upper": high, "exact": low == high} for low, high in pairs],
        "serial_depth": _depth(found, 0.0),
        "notes": {"vertices": why},
    }


def depth_entry(task: NamedTask, bounds: Answer, epsilon: Any, refused: CostError) -> dict[str, Any]:
    """Return brackets for ``frontier --within``."""
    allowed = nextafter(float(epsilon), -inf) if float(epsilon) > epsilon else float(epsilon)
    return {
        "depth_within": {"epsilon": epsilon, **_depth(brackets_of(task, bounds), allowed)},
        "notes": {"depth_within": f"brackets: {refused.advice}"},
    }


def _depth(found: AdaptiveBrackets, epsilon: float) -> dict[str, Any]:
    ends = {"expected": found.expected(epsilon), "worst_case": found.worst_case(epsilon)}
    return {name: {"lower": low, "upper": high} for name, (low, high) in ends.items()}

"""Rules as points of steps and loss, exact or sampled, and their distance to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import Any

from theory.commands.answer import steps_of
from theory.decoding.tasks.route import large_distribution
from theory.distributions.distribution import context_pmfs
from theory.limits import CostError, sharing
from theory.optima.adaptive.brackets import AdaptiveBrackets
from theory.optima.adaptive.contexts import average_frontier
from theory.policies import parse_policy, registered_policies
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import InputError

__all__ = ["decode_rows", "hull_of", "registry_points"]

Decode = Callable[..., Mapping[str, Any]]  # of a policy and its options
_KEPT = ("policy", "temperature", "accuracy", "kl", "path_kl", "steps", "steps_under_data", "tokens_per_step")
_OPTIONAL = ("errors", "samples", "seed", "sampled")


def hull_of(task: Any) -> tuple[list[dict[str, Any]], str]:
    """Return the lower hull of (steps, KL) of all policies that look at the tokens, or none and why it is not known.

    Example:
        >>> from synthetic import make_task
        >>> [(str(v["steps"]), float(v["kl"])) for v in hull_of(make_task("city_names"))[0]]
        [('1', 1.0), ('2', 0.0)]
    """
    try:
        if large_distribution(task) is not None:
            return [], "the optimum of all policies is not known here: the distribution is too large to list."
        vertices = average_frontier(context_pmfs(task.contexts())).vertices
    except CostError as error:
        return [], f"the optimum of all policies is not known here: {error.advice}"
    return [{"steps": v.steps_under_data, "kl": v.kl} for v in vertices], ""


def decode_rows(
    decode: Decode,
    pairs: Sequence[tuple[Policy | Process, Any]],
    hull: list[dict[str, Any]],
    *,
    brackets: AdaptiveBrackets | None = None,
    report: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Return a row for each (rule, temperature): its decode, and how far it lies above the hull.

    Args:
        decode: :func:`theory.commands.decode.decode_answer` of the task.
        pairs: Rules, each with a temperature.
        hull: Of :func:`hull_of`, or empty.
        brackets: Of the optimum where the hull is empty: the distances become intervals.
        report: Called with how many of how many are done.
        **options: Of ``decode``.
    """
    rows: list[dict[str, Any]] = []
    for done, (rule, tau) in enumerate(pairs):
        if report is not None:
            report(done, len(pairs))
        row = _row(decode(rule, temperature=tau, **options), hull)
        rows.append(row | (_distances(row, brackets) if brackets is not None and not hull else {}))
    return rows


def registry_points(
    decode: Decode,
    hull: list[dict[str, Any]],
    *,
    report: Callable[[int, int], None] | None = None,
    **options: Any,
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return a row for the example of each registered rule, and those that are left out, each with its reason.

    Exact decodes keep to the limit all together; what goes beyond is sampled, within ten times as much.

    Args:
        decode: :func:`theory.commands.decode.decode_answer` of the task.
        hull: Of :func:`hull_of`, or empty.
        report: Called with how many of how many are done.
        **options: Of ``decode``.

    Example:
        >>> from functools import partial
        >>> from synthetic import make_task
        >>> from theory.commands.decode import decode_answer
        >>> rows, left_out = registry_points(partial(decode_answer, make_task("city_names")), [])
        >>> next(row["accuracy"] for row in rows if row["policy"] == "topk:k=2"), left_out
        (Fraction(1, 2), [])
    """
    specs = [cls.example for cls in registered_policies().values()]
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    for done, spec in enumerate(specs):
        if report is not None:
            report(done, len(specs))
        try:
            with sharing(len(specs)):
                rows += decode_rows(decode, [(parse_policy(spec), 1)], hull, **options)
        except InputError as error:  # one that does not fit, or is too costly even to sample
            left_out.append({"policy": spec, "reason": str(error)})
    return rows, left_out


def _row(answer: Mapping[str, Any], hull: list[dict[str, Any]]) -> dict[str, Any]:
    row = {key: answer[key] for key in _KEPT}
    row |= {key: answer[key] for key in _OPTIONAL if answer.get(key) not in (None, {})}
    steps = steps_of(row)
    known = hull and row["kl"] is not None and not isinstance(row["kl"], dict) and not isinstance(steps, dict)
    bits = _least(hull, steps) if known else None
    row["bits_above"] = None if bits is None else inf if row["kl"] == inf else _difference(row["kl"], bits)
    row["steps_above"] = _steps_above(hull, row["kl"], steps) if known else None
    return row


def _distances(row: Mapping[str, Any], brackets: AdaptiveBrackets) -> dict[str, Any]:
    """Return the bracket of the least KL at the steps of a row, and intervals of the bits and the steps above it."""
    steps = steps_of(row)
    few, many = (steps["low"], steps["high"]) if isinstance(steps, dict) else (steps, steps)
    low, high = brackets.at(max(1.0, float(many)))[0], brackets.at(max(1.0, float(few)))[1]
    found: dict[str, Any] = {"optimum": {"lower": low, "upper": high}}
    if (kl := row["kl"]) is None or isinstance(kl, dict) or kl == inf:
        return found | ({"bits_above": inf} if kl == inf else {})
    least, most = brackets.expected(float(kl))
    found["bits_above"] = {"lower": float(kl) - high, "upper": float(kl) - low}
    return found | {"steps_above": {"lower": float(few) - most, "upper": float(many) - least}}


def _difference(one: Any, other: Any) -> Any:
    return float(one) - float(other) if isinstance(one, float) or isinstance(other, float) else one - other


def _least(hull: list[dict[str, Any]], steps: Any) -> Any:
    """Return the least KL at an expected number of steps; exact for exact numbers."""
    for left, right in pairwise(hull):
        if steps <= right["steps"]:
            width = right["steps"] - left["steps"]
            share_right = (steps - left["steps"]) / (Fraction(width) if isinstance(width, int) else width)
            if isinstance(share_right, float):
                return float(left["kl"]) * (1 - share_right) + float(right["kl"]) * share_right
            return left["kl"] * (1 - share_right) + right["kl"] * share_right
    return hull[-1]["kl"]


def _steps_above(hull: list[dict[str, Any]], kl: Any, steps: Any) -> float | None:
    if kl == inf:
        return None
    points = [(float(v["steps"]), float(v["kl"])) for v in hull]
    if float(kl) >= points[0][1]:
        return float(steps) - points[0][0]
    for (a, high), (b, low) in pairwise(points):
        if float(kl) >= low:
            return float(steps) - (a + (b - a) * (high - float(kl)) / (high - low))
    return float(steps) - points[-1][0]

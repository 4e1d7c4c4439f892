"""Several policies on one task, with their distance to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import inf
from typing import Any

from parabounds.results import Result
from theory.commands.decode import decode_answer
from theory.decoding.tasks.route import large_distribution
from theory.distributions.distribution import context_pmfs
from theory.distributions.tempering import check_temperature
from theory.limits import CostError
from theory.optima.adaptive.contexts import average_frontier
from theory.policies.given import PolicyLike, as_policy
from theory.validation import InputError

__all__ = ["comparison"]


def comparison(
    task: Any,
    policies: Sequence[PolicyLike],
    *,
    temperature: Any = 1,
    report: Callable[[int, int], None] | None = None,
    **switches: Any,
) -> Result:
    """Return the decode of each policy at each temperature.

    ``bits_above`` is the KL divergence above the least of any adaptive policy at the same expected steps along the
    data, ``steps_above`` the expected steps above the least at the same divergence. A policy with random choices may
    lie below: its output distribution is a mixture that no policy which remembers its choices gives.
    """
    if isinstance(policies, str) or not policies:
        raise InputError('compare takes a list of policies, such as ["topk:k=1", "topk:k=2"].')
    taus = temperature if isinstance(temperature, (list, tuple)) else [temperature]
    taus = [check_temperature(tau) for tau in taus]
    rules = [as_policy(policy) for policy in policies]
    hull, why = _hull(task)
    pairs = [(rule, tau) for rule in rules for tau in taus]
    rows: list[dict[str, Any]] = []
    for done, (rule, tau) in enumerate(pairs):
        if report is not None:
            report(done, len(pairs))
        rows.append(_row(decode_answer(task, rule, temperature=tau, **switches), hull))
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "policies": rows, "vertices": hull}
    return Result("compare", answer | ({"notes": {"vertices": why}} if why else {}), task)


def _hull(task: Any) -> tuple[list[dict[str, Any]], str]:
    if large_distribution(task) is not None:
        return [], "the optimum of all policies is not known here: the distribution is too large to list."
    try:
        vertices = average_frontier(context_pmfs(task.contexts())).vertices
    except CostError as error:
        return [], f"the optimum of all policies is not known here: {error}"
    return [{"steps": v.steps_under_data, "kl": v.kl} for v in vertices], ""


_KEPT = ("policy", "temperature", "accuracy", "kl", "path_kl", "steps", "steps_under_data", "tokens_per_step")


def _row(answer: Mapping[str, Any], hull: list[dict[str, Any]]) -> dict[str, Any]:
    row = {key: answer[key] for key in _KEPT}
    row |= {"errors": answer["errors"]} if answer.get("errors") else {}
    steps = row["steps"] if row["steps_under_data"] is None else row["steps_under_data"]
    known = hull and row["kl"] is not None and not isinstance(row["kl"], dict) and not isinstance(steps, dict)
    bits = _least(hull, steps) if known else None
    row["bits_above"] = None if bits is None else inf if row["kl"] == inf else _difference(row["kl"], bits)
    row["steps_above"] = _steps_above(hull, row["kl"], steps) if known else None
    return row


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

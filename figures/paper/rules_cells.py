"""The cells of the frontier figure, one rule or the optima of one task."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from math import inf
from typing import Any

from figures.engine.data import canonical_json

__all__ = ["optima", "rule_curve", "threshold_oracle"]


Contexts = list[dict[str, Any]] | None  # of a user's task, from figures.engine.task_data


def rule_curve(
    *, task: str, n: int | None, specs: list[str], contexts: Contexts = None
) -> list[dict[str, Any]]:
    """Return the exact decode of each specification with its distance to the frontier.

    ``gap_bits`` are extra bits at equal steps, ``gap_steps`` extra steps at equal bits. Steps are those along runs of
    the data, as for the frontier; for rules that look at drawn tokens or mask again, the steps of their own runs. A
    decode with too many states is listed with the reason instead.
    """
    from theory.decoding.tasks.decode import decode_contexts
    from theory.limits import CostError
    from theory.policies import parse_policy

    source = _source(task, n, contexts)
    made, out = _made(source), []
    for spec in specs:
        try:
            result = decode_contexts(made, parse_policy(spec), lumped=False)
        except CostError as error:
            out.append({"spec": spec, "reason": str(error)})
            continue
        steps = result.steps if result.steps_under_data is None else result.steps_under_data
        row: dict[str, Any] = {"spec": spec, "accuracy": float(result.accuracy), "kl": _json(result.kl)}
        row |= {"steps": float(steps), "steps_of_runs": float(result.steps)}
        edge = _edge(source)
        out.append(row | _gaps(edge, steps, result.kl) | {"above": _above(edge, steps, result.path_kl)})
    return out


def _gaps(edge: Any, steps: Any, kl: Any) -> dict[str, Any]:
    if kl == inf:
        return {"gap_bits": "inf", "gap_steps": None}
    extra = _extra_steps(edge, float(kl), float(steps))
    if isinstance(kl, float) or isinstance(steps, float):
        return {"gap_bits": float(kl) - _float_kl_at(edge, float(steps)), "gap_steps": extra}
    return {"gap_bits": float(kl - edge.kl_at(steps)), "gap_steps": extra}


def _above(edge: Any, steps: Any, path_kl: Any) -> bool | None:
    """Return whether the divergence along the path is on or above the frontier; ``None`` without an exact one."""
    if path_kl is None or (isinstance(path_kl, float) and path_kl != inf):
        return None
    return path_kl == inf or (path_kl - edge.kl_at(steps)).sign() >= 0


def _source(task: str, n: int | None, contexts: Contexts) -> str:
    return canonical_json({"task": task, "n": n, "contexts": contexts})


@cache
def _made(source: str) -> Any:
    """Return the task of a source."""
    from figures.engine.task_data import listed_task
    from synthetic import make_task

    found = json.loads(source)
    return (
        make_task(found["task"], found["n"]) if found["contexts"] is None else listed_task(found["contexts"])
    )


@cache
def _edge(source: str) -> Any:
    from theory.distributions.distribution import context_pmfs
    from theory.optima.adaptive.contexts import average_frontier

    return average_frontier(context_pmfs(_made(source).contexts()))


def _points(edge: Any) -> list[tuple[float, float]]:
    return [(float(v.steps_under_data), float(v.kl)) for v in edge.vertices]


def _float_kl_at(edge: Any, steps: float) -> float:
    points = _points(edge)
    for (a, high), (b, low) in pairwise(points):
        if steps <= b:
            return high + (low - high) * (steps - a) / (b - a)
    return points[-1][1]


def _extra_steps(edge: Any, kl: float, steps: float) -> float:
    """Return how many steps the frontier saves at the same divergence."""
    points = _points(edge)
    if kl >= points[0][1]:
        return steps - points[0][0]
    for (a, high), (b, low) in pairwise(points):
        if kl >= low:
            return steps - (a + (b - a) * (high - kl) / (high - low))
    return steps - points[-1][0]


def optima(*, task: str, n: int | None, mixtures: bool, contexts: Contexts = None) -> list[dict[str, Any]]:
    """Return the optimal points of the adaptive frontier, fixed partitions and mixtures of partitions."""
    from theory.bounds.partitions.step_bounds import optimal_bounds
    from theory.distributions.distribution import context_pmfs
    from theory.information.subsets.builder import subset_entropies

    source = _source(task, n, contexts)
    edge = _edge(source)
    out = [
        {
            "kind": "frontier",
            "steps": float(v.steps_under_data),
            "steps_of_runs": float(v.steps),
            "kl": float(v.kl),
        }
        for v in edge.vertices
    ]
    parts = context_pmfs(_made(source).contexts())
    if len({pmf.n for _, pmf in parts}) > 1:
        return out
    distributions = parts[0][1] if len(parts) == 1 else parts
    out += _by_steps("partition", [float(v) for v in optimal_bounds(subset_entropies(distributions)).values])
    if mixtures:
        from theory.optima.mixtures.optimal import optimal_mixtures

        out += _by_steps("mixture", [float(best.kl) for best in optimal_mixtures(distributions)])
    return out


def _by_steps(kind: str, values: list[float]) -> list[dict[str, Any]]:
    return [{"kind": kind, "steps": t, "steps_of_runs": t, "kl": kl} for t, kl in enumerate(values, start=1)]


def threshold_oracle(
    *, task: str, n: int | None, gammas: list[str], contexts: Contexts = None
) -> dict[str, float]:
    """Return accuracy and steps with the best threshold for each sample."""
    from theory.decoding.tasks.best_setting import best_setting
    from theory.policies import parse_policy

    made = _made(_source(task, n, contexts))
    found = best_setting(made, [parse_policy(f"threshold:gamma={gamma}") for gamma in gammas])
    return {"accuracy": float(found.accuracy), "steps": float(found.steps)}


def _json(value: Any) -> Any:
    return "inf" if value == inf else float(value)

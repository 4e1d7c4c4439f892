"""Exact accuracy and KL against speed for any listed task, by policy.

- a, b: accuracy against tokens per step, at temperature 1 and 0
- c: KL against expected steps at temperature 1, with `L*_T` (the least of fixed partitions) and the frontier (no policy
  that remembers its own random choices is lower)

Every point is an exact decode of the ideal model by one policy: top-k with k tokens per step, the factor rule, or the
confidence threshold. Lines join the best points of a family, one at each place of the x axis. Marks above the dotted
line in c are not to scale: their KL is beside them, infinite where some answer of the task is never drawn. Policies
and optima that were refused as too costly are named below the panels, with the reason in the table. In c steps are
those along runs of the data, as for the frontier.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

from figures.engine.check import Check, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings
from figures.engine.task_data import TaskData, listed_task
from figures.tasks.listed_panels import draw
from figures.tasks.policy_families import policies
from figures.tasks.sampled_curves import sampled_figure

__all__ = ["decode_listed", "limits_listed", "task_figure"]

_ROUNDING = 1e-9  # bits, for the float64 values compared here


def task_figure(task: TaskData) -> Figure:
    """Return the figure of one task; distributions too large to list are sampled."""
    if task.structured is not None:
        return sampled_figure(task)
    length = max(len(row) for context in task.contexts for row in context["outcomes"])
    sizes = [k for k in range(1, length + 1) if k <= 4 or length % k == 0 or k == length]
    return Figure(
        name=f"figure2_{task.stem}",
        task=task.name,
        title=f"Accuracy and KL of parallel decoding: {task.name}",
        paper="as Figure 2, for a task of your own",
        about=__doc__,
        seconds=20,
        settings={
            "task": task.name,
            "distribution": task.digest,
            "k": sizes,
            "gamma": ["1/4", "1/2", "3/5", "7/10", "4/5", "9/10", "1"],
            "f": ["1/4", "1/2", "1", "3/2", "2"],
        },
        fast={"k": sorted({1, min(2, length), length}), "gamma": ["1/2", "4/5"], "f": ["1"]},
        cells=partial(cells, task),
        compute=compute,
        draw=draw,
        checks=partial(checks, task),
        groups={"exact": ("What must hold of every task", "Exact accuracies equal; bits up to 1e-9.")},
    )


def cells(task: TaskData, settings: Settings) -> list[Cell]:
    """Return the cell of the optima, then one exact decode for each policy and temperature."""
    contexts = task.contexts
    limits = Cell(function=limits_listed, kwargs={"contexts": contexts})
    decodes = [
        Cell(function=decode_listed, kwargs={"contexts": contexts, "policy": spec, "temperature": tau})
        for tau in (1, 0)
        for _, spec in policies(settings)
    ]
    return [limits, *decodes]


def decode_listed(*, contexts: list[dict[str, Any]], policy: str, temperature: int) -> dict[str, Any]:
    """Return the exact decode of a listed task, or the reason under `refused`."""
    from theory import CostError, decode_contexts, parse_policy

    task = listed_task(contexts)
    try:
        result = decode_contexts(task, parse_policy(policy), temperature=temperature)
    except CostError as error:
        return {"refused": str(error)}
    out = {name: str(getattr(result, name)) for name in ("accuracy", "kl", "path_kl")}
    out["kl"], out["path_kl"] = _bits(result.kl), _bits(result.path_kl)
    out["steps"], out["steps_under_data"] = str(result.steps), str(result.steps_under_data)
    return out | {"tokens_per_step": str(result.tokens_per_step)}


def _bits(value: Any) -> str:
    return repr(float(value))


def limits_listed(*, contexts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return `L*_T` for T = 1..n and the vertices of the frontier; a list is empty if it is too costly."""
    from theory import CostError
    from theory.commands.bounds import bounds_answer
    from theory.commands.frontier import frontier_answer

    task = listed_task(contexts)
    out: dict[str, Any] = {"bounds": [], "frontier": [], "refused": {}}
    try:
        # a long list has brackets instead, which the figure of bounds shows
        out["bounds"] = [float(bits) for bits in bounds_answer(task, seconds=1).get("optimal_bound") or []]
    except CostError as error:
        out["refused"]["bound"] = str(error)
    try:
        vertices = frontier_answer(task)["vertices"]
        out["frontier"] = [[float(v["steps"]), float(v["kl"])] for v in vertices]
    except CostError as error:
        out["refused"]["frontier"] = str(error)
    return out


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row per policy and temperature, one per T, and one per vertex of the frontier."""
    limits, decodes = results[0], iter(results[1:])
    rows: list[Row] = []
    for tau in (1, 0):
        for family, spec in policies(settings):
            rows.append({"source": "decode", "family": family, "policy": spec, "temperature": tau})
            rows[-1] |= _numbers(next(decodes))
    for t, bits in enumerate(limits["bounds"], start=1):
        rows.append({"source": "bound", "steps_under_data": float(t), "kl": bits})
    rows += [{"source": "frontier", "steps_under_data": s, "kl": kl} for s, kl in limits["frontier"]]
    rows += [{"source": source, "refused": why} for source, why in limits["refused"].items()]
    names = ("source", "family", "policy", "temperature", "tokens_per_step", "steps", "steps_under_data")
    return [
        {name: row.get(name) for name in (*names, "accuracy", "kl", "path_kl", "refused")} for row in rows
    ]


def _numbers(result: dict[str, Any]) -> Row:
    if "refused" in result:
        return result
    return {name: text if name == "accuracy" else _plain(text) for name, text in result.items()}


def _plain(text: str) -> Any:
    value = _float(text)
    return "inf" if value == inf else value


def _float(text: Any) -> float:
    from fractions import Fraction

    return float(Fraction(text)) if isinstance(text, str) and "/" in text else float(text)


def checks(task: TaskData, rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check that one token per step loses nothing, accuracy >= 2^-KL, and no path is below the frontier."""
    out: list[Check] = []
    frontier = [(row["steps_under_data"], row["kl"]) for row in rows if row["source"] == "frontier"]
    exact = all(isinstance(p, str) for c in task.contexts for p in c["probabilities"])
    for row in rows:
        if row["source"] != "decode" or row["temperature"] != 1 or row["accuracy"] is None:
            continue
        accuracy, kl, path_kl = (_float(row[name]) for name in ("accuracy", "kl", "path_kl"))
        if row["policy"].startswith("topk:k=1,"):
            sure = row["accuracy"] == "1" if exact else abs(accuracy - 1) < _ROUNDING
            out.append(exact_check(f"{row['policy']}: accuracy is 1", sure, True))
        holds = accuracy >= 2**-kl - _ROUNDING and kl <= path_kl + _ROUNDING
        out.append(exact_check(f"{row['policy']}: accuracy >= 2^-KL and KL <= path KL", holds, True))
        if frontier:
            above = path_kl >= _hull_at(frontier, row["steps_under_data"]) - _ROUNDING
            out.append(exact_check(f"{row['policy']}: not below the frontier", above, True))
    return out


def _hull_at(vertices: list[tuple[float, float]], steps: float) -> float:
    left = vertices[0]
    for right in vertices[1:]:
        if steps <= right[0]:
            return left[1] + (right[1] - left[1]) * (steps - left[0]) / (right[0] - left[0])
        left = right
    return left[1]

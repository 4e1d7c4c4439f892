"""Rules beside the frontier, or beside the best fixed blocks, as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any

from parabounds.compare_view import cell
from parabounds.numbers import number
from theory.validation import shortened

__all__ = ["blocks_beside", "left_out", "place", "points_view"]

Answer = Mapping[str, Any]
_ROUNDING = 1e-9  # of a mean number of steps
_LONGEST = 200  # characters of a reason


def points_view(answer: Answer, title: str) -> dict[str, Any]:
    """Return what a reader sees of a frontier with rules: the optimal points, then the rules from few to many steps."""
    rules = sorted(answer["rules"], key=lambda row: (place(row), row["policy"]))
    vertices, sampled = answer["vertices"], sum(1 for row in rules if isinstance(row["accuracy"], dict))
    known = bool(vertices)
    said = f"{len(rules)} rules, {'all exact' if not sampled else f'{sampled} of them sampled'}"
    said += f", {len(answer['rules_left_out'])} left out" if answer["rules_left_out"] else ""
    beside = "bits above the optimum" if known else "fixed blocks of as many steps, bits"
    rows: list[tuple[str, ...]] = [
        ("optimum", number(v["steps"]), number(v["kl"]), "", "", "0") for v in vertices
    ]
    for row in rules:
        gap = cell(row["bits_above"], "kl") if known else _text(blocks_beside(answer, place(row)))
        cells = [cell(row[key], key) for key in ("kl", "path_kl", "accuracy")]
        rows.append((row["policy"], cell(_steps(row), "steps"), *cells, gap))
    names = ("kl", "path_kl", "accuracy", "bits_above", "steps_above")
    return {
        "title": f"{title}, rules in the plane of steps and loss",
        "headline": f"{said}." if known else f"the optimum of all policies is not known here; {said}.",
        "columns": ("rule", "steps, calls", "KL, bits", "path KL, bits", "accuracy", beside),
        "rows": rows,
        "values": [
            {"rule": "optimum", "steps": v["steps"], "kl": v["kl"]} | dict.fromkeys(names[1:])
            for v in vertices
        ]
        + [{"rule": row["policy"], "steps": _steps(row)} | {key: row[key] for key in names} for row in rules],
        "forms": [(f"KL of {row['policy']}", row["kl"]) for row in rules],
        "folded": False,
    }


def place(row: Mapping[str, Any]) -> float:
    """Return the steps along the data of a rule, or those of its own runs where it does not follow the data."""
    steps = _steps(row)
    return float(steps["estimate"] if isinstance(steps, dict) else steps)


def _steps(row: Mapping[str, Any]) -> Any:
    return row["steps"] if row["steps_under_data"] is None else row["steps_under_data"]


def blocks_beside(answer: Answer, steps: float) -> tuple[Any, Any] | None:
    """Return a lower and an upper bound of the least loss of fixed blocks in no more steps, ``None`` if not known.

    Example:
        >>> blocks_beside({"optimal_bound": [1.5, 0.5]}, 2.7)
        (0.5, 0.5)
    """
    t = max(1, floor(steps + _ROUNDING))
    if brackets := answer.get("optimal_bounds"):
        ends = brackets[min(t, len(brackets)) - 1]
        return ends["lower"], ends["upper"]
    if bounds := answer.get("optimal_bound"):
        value = bounds[min(t, len(bounds)) - 1]
        return (value["low"], value["high"]) if isinstance(value, dict) else (value, value)
    return None


def _text(ends: tuple[Any, Any] | None) -> str:
    low, high = ("-", "-") if ends is None else map(number, ends)
    return low if low == high else f"{low} to {high}"


def left_out(answer: Answer) -> list[str]:
    """Return a line on each rule that is left out."""
    return [
        f"left out: {one['policy']}: {shortened(one['reason'], _LONGEST)}" for one in answer["rules_left_out"]
    ]

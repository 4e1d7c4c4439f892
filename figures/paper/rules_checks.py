"""Checks that no rule lies below the frontier and none is optimal everywhere."""

from __future__ import annotations

from figures.engine.check import Check, exact_check
from figures.engine.figure import Row, Settings
from figures.paper.rules_page import at_optimum

__all__ = ["checks"]

_MANY = 6  # tasks; on few short ones some rules are always optimal
_ROUNDING = 1e-9  # bits, for the float64 values compared here


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check that no fixed partition or path divergence is below the frontier, and no rule optimal everywhere."""
    out: list[Check] = []
    tasks = list(dict.fromkeys((row["task"], row["n"]) for row in rows))
    for task, n in tasks:
        mine = [r for r in rows if (r["task"], r["n"]) == (task, n)]
        best = {r["steps"]: r["kl"] for r in mine if r["kind"] == "partition"}
        edge = [r for r in mine if r["kind"] == "frontier"]
        above = all(_hull_at(edge, t) <= kl + _ROUNDING for t, kl in best.items())
        out.append(exact_check(f"{task}: no fixed partition is below the frontier", above, True))
        below = [r["spec"] for r in mine if r["above"] is False]
        out.append(
            exact_check(
                f"{task}: rules whose path divergence is below the frontier",
                ", ".join(below) or "none",
                "none",
            )
        )
    if len(tasks) >= _MANY:
        rules = {row["rule"] for row in rows if row["kind"] == "rule"}
        everywhere = sorted(rule for rule in rules if all(_touches(rows, rule, task, n) for task, n in tasks))
        out.append(
            exact_check(
                "rules whose every setting is optimal on every task", ", ".join(everywhere) or "none", "none"
            )
        )
    return out


def _touches(rows: list[Row], rule: str, task: str, n: int | None) -> bool:
    mine = [r for r in rows if (r["rule"], r["task"], r["n"]) == (rule, task, n)]
    return bool(mine) and all(map(at_optimum, mine))


def _hull_at(edge: list[Row], steps: float) -> float:
    previous = edge[0]
    for row in edge[1:]:
        if steps <= row["steps"]:
            share = (steps - previous["steps"]) / (row["steps"] - previous["steps"])
            return previous["kl"] + (row["kl"] - previous["kl"]) * share
        previous = row
    return previous["kl"]

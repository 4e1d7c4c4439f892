"""The page ``optimality.md``, how far each rule is from the optimum on each task."""

from __future__ import annotations

from typing import Any

from figures.engine.figure import Row, Settings

__all__ = ["at_optimum", "page"]

_ROUNDING = 1e-9  # bits; smaller gaps count as none


def page(rows: list[Row], settings: Settings) -> dict[str, str]:  # noqa: ARG001
    """Return the page, with the least and the greatest gap of each rule on each task."""
    tasks = list(dict.fromkeys((row["task"], row["n"]) for row in rows))
    rules = list(dict.fromkeys(row["rule"] for row in rows if row["kind"] == "rule"))
    head = [task if n is None else f"{task} {n}" for task, n in tasks]
    lines = [
        "# Optimality gaps",
        "",
        "Extra bits of KL divergence over the optimum of all adaptive policies at the same expected number of",
        "steps, with the ideal model: the least and the greatest over the values of the rule's parameter. A negative",
        "gap means that the output distribution of a rule with random choices is closer to the "
        "target than that of any policy",
        "that remembers its choices, or that the rule looks at drawn tokens or masks again. `inf`: some outcome is",
        "never drawn. `-`: too many states for an exact value. The last column counts the tasks on which some",
        "setting of more than one step is optimal: no extra bits at its steps, nor extra steps at its bits.",
        "",
        "| rule | " + " | ".join(head) + " | optimal on |",
        "|---|" + "---|" * (len(tasks) + 1),
    ]
    for rule in rules:
        found = [_gaps(rows, rule, *task) for task in tasks]
        shown = " | ".join(map(_range, found))
        lines.append(f"| {rule} | {shown} | {_optimal(rows, rule, tasks)} of {sum(map(bool, found))} |")
    lines += ["", "Extra steps over the optimum at the same divergence:", ""]
    lines += ["| rule | " + " | ".join(head) + " |", "|---|" + "---|" * len(tasks)]
    for rule in rules:
        found = [_gaps(rows, rule, *task, column="gap_steps") for task in tasks]
        lines.append(f"| {rule} | " + " | ".join(map(_range, found)) + " |")
    return {"optimality.md": "\n".join(lines) + "\n"}


def at_optimum(row: Row) -> bool:
    """Return whether a decode is optimal, without extra bits at its steps or extra steps at its bits."""
    gaps = row["gap_bits"], row["gap_steps"]
    return all(gap is not None and gap != "inf" and gap <= _ROUNDING for gap in gaps)


def _optimal(rows: list[Row], rule: str, tasks: list[tuple[str, int | None]]) -> int:
    """Return the number of tasks on which some setting of more than one step is optimal."""
    mine = [row for row in rows if row["rule"] == rule and row["kind"] == "rule" and at_optimum(row)]
    mine = [row for row in mine if row["steps"] > 1]
    return len({(row["task"], row["n"]) for row in mine} & set(tasks))


def _gaps(rows: list[Row], rule: str, task: str, n: int | None, column: str = "gap_bits") -> list[float]:
    mine = [row[column] for row in rows if (row["rule"], row["task"], row["n"]) == (rule, task, n)]
    return [float(value) for value in mine if value is not None]


def _range(gaps: list[float]) -> str:
    if not gaps:
        return "-"
    low, high = _number(min(gaps)), _number(max(gaps))
    return low if low == high else f"{low} to {high}"


def _number(value: Any) -> str:
    if value == float("inf"):
        return "inf"
    return "0" if abs(value) <= _ROUNDING else f"{value:.3g}"

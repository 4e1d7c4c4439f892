"""The page ``optimality.md``, how far each rule is from the optimum on each task."""

from __future__ import annotations

from typing import Any

from figures.engine.figure import Row, Settings

__all__ = ["at_optimum", "page"]

_ROUNDING = 1e-9  # bits; smaller gaps count as none


def page(rows: list[Row], settings: Settings) -> dict[str, str]:  # noqa: ARG001
    """Return the page, with the least and the greatest gap of each rule on each task."""
    tasks = list(dict.fromkeys((row["task"], row["n"]) for row in rows))
    if len(tasks) == 1:
        return {"optimality.md": _one_task(rows, *tasks[0])}
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


_NAMED = 4  # settings of a rule
_ONE = """
Extra bits of KL divergence over the optimum of all adaptive policies at the same expected number of steps, and extra
steps over it at the same divergence, with the ideal model: the least and the greatest over the settings of the rule. A
setting is optimal if it has neither. A negative gap means that the output distribution of a rule with random choices is
closer to the target than that of any policy that remembers its choices, or that the rule looks at drawn tokens or masks
again. `inf`: some outcome is never drawn. `refused`: too many states for an exact value.

| rule | optimal settings, with their expected steps | extra bits | extra steps | settings |
|---|---|---|---|---|
"""


def _one_task(rows: list[Row], task: str, n: int | None) -> str:
    """Return the page of one task: which settings of each rule are optimal, and the gaps of the others."""
    name = task if n is None else f"{task}, n = {n}"
    mine = [row for row in rows if row["kind"] == "rule"]
    rules = list(dict.fromkeys(row["rule"] for row in mine))
    lines: list[str] = []
    parallel: list[str] = []
    steps = max(row["steps"] for row in rows if row["kind"] == "frontier")
    for rule in rules:
        found = [row for row in mine if row["rule"] == rule]
        known = [row for row in found if row["reason"] is None]
        best = [row for row in known if at_optimum(row)]
        if any(row["steps"] > 1 for row in best):
            parallel.append(rule)
        shown = ", ".join(f"`{row['spec']}` ({row['steps']:.4g})" for row in best) or (
            "none" if known else "-"
        )
        gaps = [_range(_gaps(rows, rule, task, n, column)) for column in ("gap_bits", "gap_steps")]
        count = (
            f"{len(known)} of {len(found)}, others refused" if len(known) < len(found) else str(len(found))
        )
        gaps = gaps if known else ["refused", "refused"]
        lines.append(f"| {rule} | {shown} | {' | '.join(gaps)} | {count} |")
    said = f"On {name} the least loss is zero from {steps:.4g} expected steps on. "
    said += f"Rules with an optimal setting of more than one step: {len(parallel)} of {len(rules)}"
    if steps <= 1:
        said = f"On {name} one step loses nothing: any rule that reveals all at once is optimal"
    return f"# Optimality gaps: {name}\n\n{said}.\n{_ONE}" + "\n".join(lines) + "\n"


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

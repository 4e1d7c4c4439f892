"""Estimates as a table on a terminal."""

from __future__ import annotations

from typing import Any

from theory.commands.tables import print_rows
from theory.commands.terminal import terminal

__all__ = ["print_estimates"]

_LISTS = {"information_curve": "j", "optimal_bound": "T"}


def print_estimates(answer: dict[str, Any]) -> None:
    """Print what :func:`theory.commands.estimate.estimate_answer` returns, notes last."""
    from rich.table import Table

    title = f"{answer['task']}: estimates from {answer['samples']} samples, n = {answer['n']}"
    table = Table(title=title, title_justify="left")
    for column in ("quantity, bits", "estimate", "95 % interval"):
        table.add_column(column, overflow="fold")
    for key, value in answer.items():
        if key in _LISTS:
            for j, item in enumerate(value):
                table.add_row(f"{key}[{_LISTS[key]}={j + 1}]{_partition(answer, key, j)}", *_cells(item))
        elif value is None or _is_estimate(value):
            table.add_row(key, *_cells(value))
    console = terminal()
    console.print(table)
    if steps := answer.get("recommended_steps"):
        chosen = _partition(answer, "optimal_bound", steps - 1).strip()
        console.print(f"recommended: {steps} of {answer['n']} steps, {chosen}", soft_wrap=True)
    if answer.get("compared"):
        print_rows(answer["compared"], "rules on the empirical distribution")
    console.print(f"distinct sequences: {answer['distinct']}; Good-Turing coverage: {answer['coverage']:.3f}")
    notes: dict[str, list[str]] = {}
    for key, note in answer.get("notes", {}).items():
        notes.setdefault(note, []).append(key)
    for note, keys in notes.items():
        console.print(f"{', '.join(keys)}: {note}", soft_wrap=True, markup=False, highlight=False)


def _is_estimate(value: Any) -> bool:
    return isinstance(value, dict) and "estimate" in value


def _cells(value: dict[str, float] | None) -> tuple[str, str]:
    if value is None:
        return "withheld", ""
    return f"{value['estimate']:.4g}", f"{value['low']:.4g} to {value['high']:.4g}"


def _partition(answer: dict[str, Any], key: str, j: int) -> str:
    if key != "optimal_bound":
        return ""
    return "  " + "|".join(",".join(map(str, block)) for block in answer["optimal_partitions"][j])

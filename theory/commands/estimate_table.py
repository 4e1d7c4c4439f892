"""Estimates as a table on a terminal, one column for each estimator."""

from __future__ import annotations

from typing import Any

from theory.commands.terminal import terminal
from theory.sampling.entropy_estimators import ESTIMATORS

__all__ = ["print_estimates"]


def print_estimates(answer: dict[str, Any]) -> None:
    """Print what :func:`theory.commands.estimate.estimate_answer` returns, warnings last."""
    from rich.table import Table

    title = f"{answer['task']}: estimates from {answer['samples']} samples, n = {answer['n']}"
    table = Table(
        title=title, title_justify="left", caption=f"95 % bootstrap intervals; seed {answer['seed']}"
    )
    columns = [name for name in ESTIMATORS if answer[name]]
    for column in ("quantity, bits", *columns):
        table.add_column(column, overflow="fold")
    for key, first in answer["plug_in"].items():
        for j in range(len(first)) if isinstance(first, list) else [None]:
            cells = [answer[name][key] if j is None else answer[name][key][j] for name in columns]
            shown = [f"{x['estimate']:.4g} ({x['low']:.4g} to {x['high']:.4g})" for x in cells]
            table.add_row(key if j is None else f"{key}[j={j + 1}]", *shown)
    console = terminal()
    console.print(table)
    console.print(f"distinct sequences: {answer['distinct']}; Good-Turing coverage: {answer['coverage']:.3f}")
    for warning in answer["warnings"]:
        console.print(f"warning: {warning}", soft_wrap=True)

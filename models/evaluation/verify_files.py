"""Files of ``verify``, JSON, CSV and a figure of accuracy beside the exact value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from theory.commands.command_line import as_json
from theory.files import write_atomically

__all__ = ["COLUMNS", "write_verification"]

COLUMNS = (
    "task",
    "n",
    "successes",
    "accuracy",
    "low",
    "high",
    "exact_accuracy",
    "verdict",
    "p_value",
    "agrees",
    "steps",
    "exact_steps",
    "mean_tv",
    "samples_per_second",
)


def write_verification(answer: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write ``verify.json``, ``verify.csv``, ``verify.svg`` and ``verify.png``; returns their paths."""
    files = {
        "json": (as_json(dict(answer)) + "\n").encode(),
        "csv": _table(answer).encode(),
        **_drawn(answer),
    }
    paths: list[Path] = []
    for ending, content in files.items():
        paths.append(folder / f"verify.{ending}")
        write_atomically(paths[-1], content)
    return paths


def _table(answer: Mapping[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in answer["rows"]:
        low, high = row["interval"]
        cells = {**row, "low": low, "high": high}
        writer.writerow({name: _cell(cells[name]) for name in COLUMNS})
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell: exact numbers as floats, nothing for none."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return float(value)


def _drawn(answer: Mapping[str, Any]) -> dict[str, bytes]:
    import matplotlib
    from matplotlib.figure import Figure

    rows = answer["rows"]
    style: dict[Any, Any] = {
        "svg.hashsalt": "parabounds",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
        "font.size": 9,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(6, 0.9 + 0.32 * len(rows)), layout="constrained")
        ax = figure.subplots()
        for j, row in enumerate(rows):
            low, high = row["interval"]
            share = row["accuracy"]
            ax.errorbar(
                [share],
                [j],
                xerr=[[share - low], [high - share]],
                fmt="s",
                color="#0072B2",
                markersize=4,
                capsize=2,
            )
            if row["exact_accuracy"] is not None:
                ax.plot([float(row["exact_accuracy"])], [j], "|", color="black", markersize=14)
        ax.plot([], [], "s", color="#0072B2", label="model, 95 % interval")
        ax.plot([], [], "|", color="black", markersize=10, label="ideal model, exact")
        ax.set_yticks(range(len(rows)), [f"{row['task']} n={row['n']}" for row in rows])
        ax.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5), xlabel="accuracy", title=answer["policy"])
        ax.grid(axis="x", color="#e4e4e4")
        ax.set_axisbelow(True)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        images: dict[str, bytes] = {}
        for ending, about in (("svg", {"Date": None}), ("png", {"Software": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=ending, dpi=150, metadata=about)
            images[ending] = buffer.getvalue()
        return images

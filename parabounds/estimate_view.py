"""Estimates from samples as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parabounds.numbers import blocks, number, share, with_unit

__all__ = ["estimate_view"]

Answer = Mapping[str, Any]
_SINGLE = ("entropy", "total_correlation", "dual_total_correlation", "partition_bound")
_ENDS = ("estimate", "standard_error", "low", "high")
_LISTS = {"information_curve": "information curve, j =", "optimal_bound": "chosen blocks, T ="}


def estimate_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of estimates: a row a quantity, rules on the observed distribution among the facts."""
    rows: list[tuple[str, ...]] = []
    values: list[dict[str, Any]] = []
    cells = [(key.replace("_", " "), answer[key], "") for key in _SINGLE if key in answer]
    for key, name in _LISTS.items():
        parts = answer["optimal_partitions"] if key == "optimal_bound" and key in answer else None
        for j, cell in enumerate(answer.get(key, ()), start=1):
            cells.append((f"{name} {j}", cell, "" if parts is None else blocks(parts[j - 1])))
    for label, cell, shown in cells:
        known = "" if cell is None else f"{number(cell['low'])} to {number(cell['high'])}"
        rows.append((label, "withheld" if cell is None else number(cell["estimate"]), known, shown))
        values.append({"quantity": label} | {key: (cell or {}).get(key) for key in _ENDS} | {"blocks": shown})
    loss = answer["total_correlation"]
    said = "what one step loses "
    said += (
        "cannot be told from so few samples"
        if loss is None
        else f"is estimated as {with_unit(loss['estimate'], 'bits')} ({number(loss['low'])} to {number(loss['high'])})"
    )
    if steps := answer.get("recommended_steps"):
        chosen = blocks(answer["optimal_partitions"][steps - 1])
        said += f"; recommended: {steps} of {with_unit(answer['n'], 'steps')}, {chosen}"
    facts: list[tuple[str, Any, str]] = [
        ("distinct sequences", answer["distinct"], ""),
        ("Good-Turing coverage", answer["coverage"], "probability"),
    ]
    for one in answer.get("compared", ()):
        loss_of = "-" if one["kl"] is None else with_unit(one["kl"], "bits")
        text = f"accuracy {share(one['accuracy'])}, KL {loss_of}, {with_unit(one['steps'], 'steps')}"
        facts.append((f"{one['policy']}, on what was seen", text, ""))
    return {
        "title": f"{Path(str(answer['task'])).name}, n = {answer['n']}, {with_unit(answer['samples'], 'samples')}",
        "headline": f"{said}.",
        "facts": facts,
        "columns": ("quantity, bits", "estimate", "95 % interval", "blocks"),
        "rows": rows,
        "values": values,
        "notes": _notes(answer),
    }


def _notes(answer: Answer) -> list[str]:
    """Return each note once, with what it is about."""
    notes: dict[str, list[str]] = {}
    for key, note in answer.get("notes", {}).items():
        notes.setdefault(note, []).append(key.replace("_", " "))
    return [f"{', '.join(keys)}: {note}" for note, keys in notes.items()]

"""Bounds as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parabounds.numbers import at_least, blocks, number, with_unit
from theory.validation import shortened

__all__ = ["bounds_view"]

Answer = Mapping[str, Any]


def bounds_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of bounds: a row for each number of steps."""
    facts = [
        ("entropy", answer["entropy"], "bits"),
        ("total correlation", answer["total_correlation"], "bits"),
        ("dual total correlation", answer["dual_total_correlation"], "bits"),
    ]
    for key, name in (
        ("partition_bound", "loss of the given blocks"),
        ("partition_accuracy", "their accuracy"),
    ):
        if key in answer:
            facts.append((name, answer[key], "bits" if key == "partition_bound" else "probability"))
    if answer.get("optimal_bounds"):
        return _brackets(answer, facts)
    best = answer.get("optimal_bound") or []
    more = {
        "adaptive_bound": "adaptive",
        "randomized_bound": "mixtures",
        "optimal_bound_by_context": "by context",
        "optimal_partition_counts": "optimal partitions",
    }
    more = {key: name for key, name in more.items() if answer.get(key)}
    parts = answer.get("optimal_partitions") or answer.get("optimal_sizes") or [None] * len(best)
    rows, values, forms = [], [], []
    count = max([len(best), *(len(answer[key]) for key in more)], default=0)
    for t in range(count):
        least = best[t] if t < len(best) else None
        shown = _blocks(parts[t], sizes="optimal_sizes" in answer) if t < len(parts) else "-"
        extra = {key: answer[key][t] if t < len(answer[key]) else None for key in more}
        floor = at_least(least)
        rows.append((str(t + 1), number(least), floor, *map(number, extra.values()), shown))
        values.append({"steps": t + 1, "optimal_bound": least, **extra, "blocks": shown})
        if least is not None:
            forms.append((f"L*_{t + 1}", least))
    heads = [name if key.endswith("counts") else f"{name}, bits" for key, name in more.items()]
    return dict(
        headline=answer.get("verdict") or f"one step loses {with_unit(answer['total_correlation'], 'bits')}.",
        facts=facts,
        columns=("steps", "least loss, bits", "accuracy at least", *heads, "best blocks"),
        rows=rows,
        values=values,
        forms=forms,
    )


def _brackets(answer: Answer, facts: list[tuple[str, Any, str]]) -> dict[str, Any]:
    pairs = list(zip(answer["optimal_bounds"], answer["optimal_partitions"], strict=True))
    rows: list[tuple[str, ...]] = []
    for t, (ends, part) in enumerate(pairs, start=1):
        free = ends["exact"] and ends["upper"] <= 0
        upper = 0 if free else ends["upper"]
        loss = "exact" if ends["exact"] else f"at least {number(ends['lower'])}"
        label = f"{t} or more" if free and t < len(pairs) else str(t)
        rows.append((label, number(upper), loss, at_least(upper), blocks(part)))
        if free:
            break  # more steps lose nothing either
    values = [{"steps": t, **ends, "blocks": blocks(part)} for t, (ends, part) in enumerate(pairs, start=1)]
    return dict(
        headline=answer["verdict"],
        facts=facts,
        columns=("steps", "loss of these blocks, bits", "least loss, bits", "accuracy at least", "blocks"),
        rows=rows,
        values=values,
    )


def _blocks(part: Any, *, sizes: bool) -> str:
    if part is None:
        return "-"
    return "sizes " + shortened(",".join(map(str, part)), 54) if sizes else blocks(part)

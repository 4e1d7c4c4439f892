"""The lists of tasks and of rules as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["rules_view", "tasks_view"]

Answer = Mapping[str, Any]


def tasks_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of the registered tasks."""
    rows = answer["tasks"]
    return {
        "title": "registered tasks",
        "headline": f"{len(rows)} tasks; those with a size take -n, as in: parabounds bounds shuffle -n 4.",
        "columns": ("task", "size", "about"),
        "rows": [(row["task"], row["size"], row["about"]) for row in rows],
        "values": [dict(row) for row in rows],
        "folded": False,
    }


def rules_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of the unmasking rules."""
    rows = answer["rules"]
    return {
        "title": "unmasking rules",
        "headline": f"{len(rows)} rules, as --policy takes them: name:key=value,key=value.",
        "columns": ("example", "takes", "source"),
        "rows": [(row["example"], row["formula"], row["source"]) for row in rows],
        "values": [{key: _text(value) for key, value in row.items()} for row in rows],
        "folded": False,
    }


def _text(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value

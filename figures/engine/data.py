"""Reading published numbers, and writing CSV, JSON and other files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

__all__ = ["canonical_json", "columns", "csv_text", "published_rows", "published_source", "through_json"]


def published_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of `figures/published/<name>.csv`, every value as its text; lines with # in front are notes.

    Example:
        >>> published_rows("figure2")[0]["accuracy_percent"]
        '100'
    """
    lines = _lines(name)
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def published_source(name: str) -> str:
    """Return the notes at the head of `figures/published/<name>.csv`: source and protocol, as one paragraph.

    Example:
        >>> published_source("tables5-7_models").partition(",")[0]
        'Source: arXiv 2510.04767 (ParallelBench)'
    """
    return " ".join(line.lstrip("#").strip() for line in _lines(name) if line.startswith("#"))


def _lines(name: str) -> io.StringIO:
    folder = resources.files("figures") / "published"
    known = sorted(file.name.removesuffix(".csv") for file in folder.iterdir() if file.name.endswith(".csv"))
    if name not in known:
        raise ValueError(f"unknown published table {name!r}; known: {', '.join(known)}.")
    return io.StringIO((folder / f"{name}.csv").read_text(encoding="utf-8"))


def columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns of a tidy table, in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row))


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    r"""Return the rows as CSV: floats with every digit, None as an empty field.

    Example:
        >>> csv_text([{"n": 4, "accuracy": 0.1}, {"n": 5, "accuracy": None}])
        'n,accuracy\n4,0.1\n5,\n'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def canonical_json(value: Any) -> str:
    """Return a value as canonical JSON, for digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def through_json(value: Any, what: str) -> Any:
    """Return a value as it would be read back from disk.

    Args:
        value: Any JSON value; tuples become lists.
        what: The name for errors.
    """
    try:
        return json.loads(canonical_json(value))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be JSON: {error}; write Fractions and infinity as strings.") from None

"""Answers as HTML tables and data frames."""

from __future__ import annotations

from html import escape
from typing import Any

from parabounds.numbers import with_error
from parabounds.views import Sheet
from theory.validation import InputError

__all__ = ["frame", "table"]


def table(view: Sheet, most: int) -> str:
    """Return a headline, the facts and at most so many rows; what is left out is counted."""
    parts = [f"<div><b>{escape(view.title)}</b><br>{escape(view.headline)}</div>"]
    facts = [(name, with_error(value, unit)) for name, value, unit in view.facts]
    if facts and not view.rows:
        parts.append(_rows(("quantity", "value"), facts[:most]))
    elif facts:
        parts.append(f"<div>{'; '.join(escape(f'{name} {value}') for name, value in facts)}</div>")
    if view.rows:
        cut = len(view.rows) > most
        shown = view.rows[: most - 1] if cut else view.rows
        body = [*shown, (f"... of {len(view.rows)}", *[""] * (len(view.columns) - 1))] if cut else shown
        parts.append(_rows(view.columns, body))
    parts += [f"<div><small>{escape(note)}</small></div>" for note in view.notes]
    return "".join(parts)


def _rows(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th style='text-align:left'>{escape(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(c)}</td>" for c in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame(rows: list[dict[str, Any]]) -> Any:
    """Return rows as a pandas data frame.

    Raises:
        InputError: Without pandas.
    """
    try:
        from pandas import DataFrame
    except ImportError:
        raise InputError(
            "to_dataframe() needs pandas: python -m pip install 'parabounds[notebook]'."
        ) from None
    return DataFrame(rows)

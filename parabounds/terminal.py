"""Answers as text, CSV and LaTeX, on a terminal and in files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from parabounds.numbers import exact_form, with_error
from parabounds.results import Result
from parabounds.views import Sheet
from theory.commands.command_line import as_json
from theory.commands.listing import ENDINGS, latex_table
from theory.commands.terminal import terminal
from theory.files import write_atomically
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, shortened

__all__ = ["as_csv", "as_latex", "as_text", "check_out", "print_result", "write_result"]

_ROWS = 12
_MARK = "\0"  # in no text


def print_result(result: Result, *, forms: bool = False, whole: bool = False) -> None:
    """Print an answer."""
    console = terminal()
    sheet = result.view
    if console.is_terminal and _width([sheet.columns, *sheet.rows]) > console.width:
        top, _, bottom = as_text(result, forms=forms, whole=whole, mark=_MARK).partition(_MARK)
        console.print(top, end="", soft_wrap=True)
        console.print(_wrapped(sheet, whole))
        console.print(bottom, end="", soft_wrap=True)
        return
    console.print(as_text(result, forms=forms, whole=whole), end="", soft_wrap=True)


def _wrapped(sheet: Sheet, whole: bool) -> Any:
    """Return a table whose cells are broken into lines, for a narrow terminal."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for name in sheet.columns:
        table.add_column(name, overflow="fold")
    for row in _shown(sheet, whole):
        table.add_row(*row)
    return table


def _shown(sheet: Sheet, whole: bool) -> list[tuple[str, ...]]:
    cut = sheet.folded and len(sheet.rows) > _ROWS + 1 and not whole
    return sheet.rows[:_ROWS] if cut else sheet.rows


def as_text(result: Result, *, forms: bool = False, whole: bool = False, mark: str | None = None) -> str:
    """Return an answer as text: title, headline, facts, rows and notes; with ``mark`` that stands for the rows.

    Example:
        >>> from parabounds import task
        >>> print(as_text(task("shuffle", n=2).frontier()))
        shuffle, n = 2, policies that look at the tokens
        1 step loses 1 bit; 2 steps on average, at most 2, lose nothing.
        <BLANKLINE>
        steps without loss, expected  2 model calls
        steps without loss, at most   2 model calls
        <BLANKLINE>
        expected steps, calls  least KL, bits  steps of own runs, calls
        1                      1               1
        2                      0               2
        <BLANKLINE>
    """
    sheet = result.view
    parts = [f"{sheet.title}\n{sheet.headline}\n"]
    if sheet.facts:
        parts.append(_columns([(name, with_error(value, unit)) for name, value, unit in sheet.facts]))
    if sheet.rows:
        rows = _shown(sheet, whole)
        cut = len(rows) < len(sheet.rows)
        tail = f"... of {len(sheet.rows)} rows; --all prints them\n" if cut else ""
        parts.append((mark or _columns([sheet.columns, *rows])) + tail)
    if forms:
        exact = [(name, shortened(exact_form(value), 300)) for name, value in sheet.exact()]
        errors = result.answer.get("errors", {})
        exact += [(f"error of {key}", f"at most {_largest(error):.1e}") for key, error in errors.items()]
        parts.append(_columns([("exact form of", ""), *exact]) if exact else "no number here is exact.\n")
    if sheet.notes:
        parts.append("".join(f"note: {note}\n" for note in sheet.notes))
    return "\n".join(parts)


def _largest(error: Any) -> float:
    values = error.values() if isinstance(error, Mapping) else [error]
    return 1.05 * max(map(float, values))  # 5 % more: two digits are then never rounded below the bound


def _width(rows: list[tuple[str, ...]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) - 2 if rows[0] else 0


def _columns(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def as_csv(sheet: Sheet) -> str:
    """Return the rows as CSV: exact numbers as ratios and logarithms beside their floats."""
    rows = sheet.values or [
        {"quantity": name, "value": value, "unit": unit} for name, value, unit in sheet.facts
    ]
    exact = [key for key in rows[0] if any(isinstance(row[key], (Fraction, LogNumber)) for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for key in rows[0] for name in ([key, f"{key}_exact"] if key in exact else [key])])
    for row in rows:
        cells: list[Any] = []
        for key, value in row.items():
            cells.append(float(value) if isinstance(value, (Fraction, LogNumber)) else value)
            cells += [exact_form(value)] if key in exact else []
        writer.writerow(cells)
    return out.getvalue()


def as_latex(sheet: Sheet) -> str:
    """Return the rows as a LaTeX table, numbers in few digits."""
    rows = sheet.rows or [(name, with_error(value, unit)) for name, value, unit in sheet.facts]
    head = sheet.columns if sheet.rows else ("quantity", "value")
    return latex_table(head, rows)


def check_out(path: str | None) -> None:
    """Raise before any work unless a file's ending says how to write it."""
    if path is not None and Path(path).suffix.lower() not in ENDINGS:
        raise InputError(f"--out {path}: the file must end in {', '.join(ENDINGS)}.")


def write_result(result: Result, *, out: str | None, table: str | None, tex: str | None) -> None:
    """Write an answer into the files that were asked for; ``-`` is the terminal."""
    kinds = {".txt": lambda: as_text(result, forms=True, whole=True), ".csv": lambda: as_csv(result.view)}
    kinds |= {".tex": lambda: as_latex(result.view), ".json": lambda: as_json(result.answer) + "\n"}
    wanted = [] if out is None else [(out, kinds[Path(out).suffix.lower()]())]
    wanted += [] if table is None else [(table, kinds[".csv"]())]
    wanted += [] if tex is None else [(tex, kinds[".tex"]())]
    for path, text in wanted:
        if path == "-":
            terminal().print(text, end="", soft_wrap=True)
        else:
            write_atomically(Path(path), text)

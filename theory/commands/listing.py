"""Rows of a command as a table on the terminal, JSON, CSV and LaTeX."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.commands.command_line import as_json
from theory.commands.terminal import terminal
from theory.files import write_atomically

__all__ = ["ENDINGS", "Listing", "add_listing", "latex_table", "show_listing"]

ENDINGS = (".txt", ".csv", ".tex", ".json")  # of files of tables

_SPECIAL = {c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"$\approx$", "^": r"\^{}"}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Rows of texts for readers beside an answer for machines.

    Attributes:
        title: What the rows are.
        rows: Texts by column; all rows have the same columns.
        answer: What ``--json`` prints.
        notes: Lines below.
        wrapped: Columns whose cells may take several lines.
    """

    title: str
    rows: Sequence[Mapping[str, str]]
    answer: Mapping[str, Any]
    notes: Sequence[str] = ()
    wrapped: Sequence[str] = ()


def add_listing(parser: argparse.ArgumentParser, *, out: bool = True) -> None:
    """Add the options that :func:`show_listing` reads; ``out`` is left to commands that write records there."""
    if out:
        text = "write the table into a .txt, .csv, .tex or .json file"
        parser.add_argument("--out", dest="table", type=_table_file, metavar="FILE", help=text)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--csv", metavar="FILE", help="write the table as CSV (- for the terminal)")
    parser.add_argument("--latex", metavar="FILE", help="write it as a LaTeX table (- for the terminal)")


def show_listing(listing: Listing, arguments: argparse.Namespace) -> None:
    """Print a listing and write the files that were asked for; ``-`` is the terminal, in place of the table."""
    if arguments.json:
        sys.stdout.write(as_json(listing.answer) + "\n")
    elif "-" not in (arguments.csv, arguments.latex):
        _print(listing)
    head, rows = list(listing.rows[0]), [list(row.values()) for row in listing.rows]
    kinds = {
        ".csv": _csv(head, rows),
        ".tex": latex_table(head, rows),
        ".json": as_json(listing.answer) + "\n",
    }
    wanted = [(arguments.csv, kinds[".csv"]), (arguments.latex, kinds[".tex"])]
    if (out := getattr(arguments, "table", None)) is not None:
        wanted.append((out, kinds.get(Path(out).suffix.lower()) or _text(listing, head, rows)))
    for path, text in wanted:
        if path == "-":
            sys.stdout.write(text)
        elif path is not None:
            write_atomically(Path(path), text)


def _print(listing: Listing) -> None:
    from rich.table import Table

    table = Table(title=listing.title, title_justify="left", box=None, pad_edge=False)
    for name in listing.rows[0]:
        numbers = all(row[name][:1] in "0123456789-+." for row in listing.rows)
        table.add_column(
            name, justify="right" if numbers else "left", overflow="fold", no_wrap=name not in listing.wrapped
        )
    for row in listing.rows:
        table.add_row(*row.values())
    console = terminal()
    console.print(table)
    for note in listing.notes:
        console.print(note, markup=False, highlight=False)


def _table_file(name: str) -> str:
    if Path(name).suffix.lower() not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{name}: the file must end in {', '.join(ENDINGS)}")
    return name


def _text(listing: Listing, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]
    return "\n".join([listing.title, *lines, *listing.notes]) + "\n"


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def latex_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a LaTeX table of texts.

    Example:
        >>> print(latex_table(["task", "accuracy, %"], [["city_names", "50"]]))
        \begin{tabular}{ll}
        \hline
        task & accuracy, \% \\
        \hline
        city\_names & 50 \\
        \hline
        \end{tabular}
        <BLANKLINE>
    """
    lines = [r"\begin{tabular}{" + "l" * len(head) + "}", r"\hline", _latex_row(head), r"\hline"]
    return "\n".join([*lines, *map(_latex_row, rows), r"\hline", r"\end{tabular}"]) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join("".join(_SPECIAL.get(c, c) for c in cell) for cell in cells) + r" \\"

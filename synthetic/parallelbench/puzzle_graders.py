"""Graders of the puzzles, from reading an output as a grid to its verdict.

*Lenient* gives the released score, *strict* is reported beside it, *sound* is not in the release: the output is the
grid alone, and every grid that solves the puzzle passes. Source: the repository of arXiv 2510.04767.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthetic.grids import sudoku_grids
from synthetic.parallelbench.puzzles import ORDER
from theory.validation import InputError, shown

__all__ = [
    "latin_rows",
    "latin_wrong",
    "sound_latin_wrong",
    "sound_sudoku_wrong",
    "sudoku_key",
    "sudoku_rows",
]

Rows = list[list[str]]


def latin_rows(output: str, symbols: Sequence[str]) -> Rows:
    r"""Return the rows that the released score looks at.

    The first four lines whose cells, split at commas, are the symbols as a set. A header line of symbols counts as a
    row, and a row of five cells passes if its set fits.

    Example:
        >>> latin_rows("Sure:\nA,B\nB,A,B\n", ["A", "B"])
        [['A', 'B'], ['B', 'A', 'B']]
    """
    lines = [[cell.strip() for cell in line.split(",")] for line in output.split("\n") if line.strip()]
    return [cells for cells in lines if set(cells) == set(symbols)][: len(set(symbols))]


def latin_wrong(rows: Rows, symbols: Sequence[str]) -> str:
    """Return why the released score fails, or an empty text; columns end with the shortest row."""
    if len(rows) < len(set(symbols)):
        return f"{len(rows)} lines hold the symbols {', '.join(symbols)}, not {len(set(symbols))}"
    columns = list(zip(*rows, strict=False))
    bad = [j for j, column in enumerate(columns, start=1) if set(column) != set(symbols)]
    return f"column {bad[0]} repeats a symbol" if bad else ""


def sound_latin_wrong(output: str, symbols: Sequence[str]) -> str:
    """Return why the output is no Latin square of the symbols and nothing else, or an empty text."""
    lines = [[cell.strip() for cell in line.split(",")] for line in output.strip().split("\n")]
    size = len(symbols)
    if len(lines) != size or any(len(cells) != size for cells in lines):
        return f"it is not {size} lines of {size} cells"
    for name, group in (("row", lines), ("column", list(zip(*lines, strict=True)))):
        bad = [j for j, cells in enumerate(group, start=1) if set(cells) != set(symbols)]
        if bad:
            return f"{name} {bad[0]} does not hold each symbol once"
    return ""


def sudoku_rows(output: str, *, strict: bool) -> Rows | None:
    r"""Return the four rows of digits that the released score reads, or ``None``.

    Lenient: without blanks and commas, the lines with exactly four digits, whatever else they hold; there must be four.
    Strict: four lines of four characters, all digits; blank lines are ignored.

    Example:
        >>> sudoku_rows("row 1, 2, 3, 4\n3412\n2143\n4321", strict=False)[0]
        ['1', '2', '3', '4']
    """
    text = output.strip()
    if strict:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        fits = len(lines) == ORDER and all(len(line) == ORDER and line.isdecimal() for line in lines)
        return [list(line) for line in lines] if fits else None
    lines = text.replace(" ", "").replace(",", "").split("\n")
    found = [[c for c in line if c.isdecimal()] for line in lines]
    rows = [row for row in found if len(row) == ORDER]
    return rows if len(rows) == ORDER else None


def sudoku_key(answer: str) -> list[list[int]]:
    """Return the stored grid.

    Raises:
        InputError: If it is no grid of four lines of four digits: every unreadable output would equal it.
    """
    rows = sudoku_rows(answer, strict=True)
    if rows is None:
        raise InputError(f"the answer of a Sudoku must be four lines of four digits, got {shown(answer)}.")
    return _numbers(rows)


def sound_sudoku_wrong(output: str, puzzle: str) -> str:
    """Return why the output does not solve the puzzle, or an empty text; any solution passes."""
    rows = sudoku_rows(output, strict=True)
    if rows is None:
        return "it is not four lines of four digits"
    grid = tuple(value - 1 for row in _numbers(rows) for value in row)
    if grid not in set(sudoku_grids()):
        return "a row, a column or a box does not hold 1 to 4"
    given = zip(puzzle.replace("\n", ""), grid, strict=False)
    moved = [cell for cell, (c, value) in enumerate(given) if c in "1234" and int(c) - 1 != value]
    return f"row {moved[0] // 4 + 1} changes a given digit" if moved else ""


def _numbers(rows: Rows) -> list[list[int]]:
    return [[int(c) for c in row] for row in rows]


def latin_symbols(answer: Mapping[str, Any]) -> list[str]:
    """Return the symbols of a Latin square as texts."""
    return [str(symbol) for symbol in answer["symbols"]]

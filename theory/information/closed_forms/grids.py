"""Closed forms of uniform Latin squares and Sudoku grids."""

from __future__ import annotations

from typing import Any

from theory.information.closed_forms.form import ClosedForm, derived_forms, symbols

__all__ = ["LATIN_SQUARES", "SUDOKU_4", "grid_forms"]

LATIN_SQUARES = {2: 2, 3: 12, 4: 576}  # order to count; OEIS A002860
SUDOKU_4 = 288  # 4 x 4 grids with 2 x 2 boxes


def grid_forms() -> list[ClosedForm]:
    """Return the forms of the empty grid and of the grid with its first row given."""
    return [*_latin_squares(), *_sudoku_4()]


def _latin_squares() -> list[ClosedForm]:
    import sympy as sp

    n = symbols().n
    cells = n**2
    count = sp.Piecewise(*((c, sp.Eq(n, order)) for order, c in LATIN_SQUARES.items()))
    after_row = count / sp.factorial(n)
    rest = cells - n  # cells below the first row, each with one symbol excluded
    bits = {
        "entropy": sp.log(count),
        "total_correlation": cells * sp.log(n) - sp.log(count),
        "dual_total_correlation": sp.log(count),
        "total_correlation given=first_row": rest * sp.log(n - 1) - sp.log(after_row),
    }
    rates = {
        "accuracy one step tau=1": count / n**cells,
        "accuracy one step tau=1 given=first_row": after_row / (n - 1) ** rest,
    }
    forms = {name: value / sp.log(2) for name, value in bits.items()} | rates
    return derived_forms(
        "latin_square",
        {quantity: (expression,) for quantity, expression in forms.items()},
        condition=f"order n = {', '.join(map(str, LATIN_SQUARES))}; all squares equally likely",
        domain=sp.And(sp.Ge(n, min(LATIN_SQUARES)), sp.Le(n, max(LATIN_SQUARES))),
    )


def _sudoku_4() -> list[ClosedForm]:
    import sympy as sp

    def bits(value: int) -> Any:
        return sp.log(value, evaluate=False) / sp.log(2)

    after_row = SUDOKU_4 // 24
    forms = {
        "entropy": bits(SUDOKU_4),
        "total_correlation": 16 * 2 - bits(SUDOKU_4),
        "dual_total_correlation": bits(SUDOKU_4),
        # in row 2 two symbols are equally likely; in rows 3 and 4 one has probability 1/2 and two 1/4
        "total_correlation given=first_row": 4 * 1 + 8 * sp.Rational(3, 2) - bits(after_row),
        "accuracy one step tau=1": sp.Rational(SUDOKU_4, 4**16),
        "accuracy one step tau=1 given=first_row": sp.Rational(after_row, 2**16),
    }
    found = {quantity: (expression,) for quantity, expression in forms.items()}
    return derived_forms("sudoku_4", found, condition="all 288 grids equally likely")

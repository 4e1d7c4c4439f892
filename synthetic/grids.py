"""Latin squares and Sudoku grids, by enumeration."""

from __future__ import annotations

from functools import cache
from itertools import permutations

__all__ = ["latin_squares", "sudoku_grids"]

Grid = tuple[int, ...]


def latin_squares(order: int) -> list[Grid]:
    """Return all Latin squares of an order, row by row, in lexicographic order.

    Example:
        >>> [len(latin_squares(n)) for n in (2, 3, 4)]
        [2, 12, 576]
    """
    rows = list(permutations(range(order)))
    grids: list[list[Grid]] = [[]]
    for _ in range(order):
        grids = [[*grid, row] for grid in grids for row in rows if all(_differ(row, other) for other in grid)]
    return [tuple(cell for row in grid for cell in row) for grid in grids]


def _differ(a: Grid, b: Grid) -> bool:
    return all(x != y for x, y in zip(a, b, strict=True))


@cache
def sudoku_grids() -> tuple[Grid, ...]:
    """Return the 288 Sudoku grids of order 4, Latin squares with each symbol once in every 2 x 2 box.

    Example:
        >>> len(sudoku_grids())
        288
    """
    boxes = [[4 * (2 * r + i) + 2 * c + j for i in (0, 1) for j in (0, 1)] for r in (0, 1) for c in (0, 1)]
    squares = latin_squares(4)
    return tuple(grid for grid in squares if all(len({grid[cell] for cell in box}) == 4 for box in boxes))

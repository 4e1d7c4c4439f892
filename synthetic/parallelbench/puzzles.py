"""Samples and distributions of Latin squares of four symbols and Sudoku of order 4.

*Latin square.* Any of the 576 squares is right. The released example comes from shifting the first row and shuffling
rows and columns, which makes only 144 of them, all equally likely.

*Sudoku.* v1 has four empty cells and one solution. v2 fills a grid by randomised backtracking, cell by cell, each
time a random digit that can still be completed, so that a grid has probability ``prod_cells 1 / (number of such
digits)``: 1/192 for 96 of the 288 grids, 1/384 for the others. Eight random cells are then emptied, several solutions
may exist, and only the stored grid counts. Source: the repository of arXiv 2510.04767.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations
from random import Random
from string import ascii_uppercase, digits

import numpy as np

from synthetic.grids import sudoku_grids
from synthetic.parallelbench.protocol import Protocol
from synthetic.parallelbench.samples import Sample
from theory.distributions.pmf import JointPMF

__all__ = [
    "StoredGridCeiling",
    "generated_squares",
    "grid_text",
    "latin_sample",
    "solutions",
    "stored_grid_ceiling",
    "stored_grids",
    "sudoku_sample",
]

Grid = tuple[int, ...]
ORDER = 4


@cache
def generated_squares() -> JointPMF:
    """Return the distribution of the released example of a Latin square, over symbols 0 to 3.

    Example:
        >>> len(generated_squares())
        144
    """
    return JointPMF.uniform(_shifted_and_shuffled())


@cache
def _shifted_and_shuffled() -> list[Grid]:
    cyclic = [[(row + column) % ORDER for column in range(ORDER)] for row in range(ORDER)]
    orders = list(permutations(range(ORDER)))
    # each arises from four of the 576 pairs of shuffles
    return sorted(
        {tuple(cyclic[r][c] for r in rows for c in columns) for rows in orders for columns in orders}
    )


@cache
def stored_grids(unique: bool) -> JointPMF:
    """Return the distribution of the full Sudoku grid, over digits 0 to 3.

    Args:
        unique: Whether all grids are equally likely (v1); else as randomised backtracking makes them (v2).
    """
    grids = sudoku_grids()
    if unique:
        return JointPMF.uniform(grids)
    return JointPMF.from_mapping({grid: _by_backtracking(grids, grid) for grid in grids})


def _by_backtracking(grids: tuple[Grid, ...], grid: Grid) -> Fraction:
    agreeing, chance = grids, Fraction(1)
    for cell, value in enumerate(grid):
        chance /= len({other[cell] for other in agreeing})
        agreeing = tuple(other for other in agreeing if other[cell] == value)
    return chance


def solutions(puzzle: str) -> list[Grid]:
    r"""Return the grids, over digits 0 to 3, that agree with a puzzle of four lines; 0 or _ is an empty cell.

    Example:
        >>> len(solutions("1234\n3412\n2143\n4321")), len(solutions("____\n____\n____\n____"))
        (1, 288)
    """
    cells = [None if c in "0_" else int(c) - 1 for c in puzzle.replace("\n", "")]
    return [
        grid for grid in sudoku_grids() if all(c is None or c == g for c, g in zip(cells, grid, strict=True))
    ]


@dataclass(frozen=True, kw_only=True)
class StoredGridCeiling:
    """What a perfect solver scores when only the stored grid counts, averaged over all sets of empty cells.

    Attributes:
        any_solution: Of a solver to whom all solutions of a puzzle are equally likely.
        most_likely: Of a solver that also knows how grids are made, and answers with the most probable one.
        unique: How often there is one solution only.
    """

    any_solution: Fraction
    most_likely: Fraction
    unique: Fraction


def stored_grid_ceiling(holes: int, *, unique: bool = False) -> StoredGridCeiling:
    """Return what a perfect solver scores when only the stored grid counts.

    With the clues c of a grid g, ``any_solution = E[1 / #solutions(c)]`` and ``most_likely = E[max_g P(g | c)]``; every
    set of empty cells is equally likely.

    Args:
        holes: The number of empty cells, 0 to 16.
        unique: Whether all grids are equally likely; else as randomised backtracking makes them, see
            :func:`stored_grids`.

    Example:
        >>> stored_grid_ceiling(4).any_solution
        Fraction(727, 728)
    """
    pmf = stored_grids(unique)
    assert pmf.total is not None
    grids, weights = np.array(pmf.outcomes), pmf.weights.astype(np.int64)
    place = 4 ** np.arange(grids.shape[1])
    sets, best, by_count = 0, 0, Counter[int]()
    for empty in combinations(range(grids.shape[1]), holes):
        clues = np.delete(grids * place, empty, axis=1).sum(axis=1)
        _, group = np.unique(clues, return_inverse=True)
        largest = np.zeros(group.max() + 1, dtype=np.int64)
        np.maximum.at(largest, group, weights)
        sets, best = sets + 1, best + int(largest.sum())
        counts = np.bincount(np.bincount(group)[group], weights)  # exact: whole numbers far below 2^53
        by_count.update({count: int(weight) for count, weight in enumerate(counts) if weight})
    total = sets * pmf.total
    return StoredGridCeiling(
        any_solution=sum(
            (Fraction(weight, count * total) for count, weight in by_count.items()), Fraction(0)
        ),
        most_likely=Fraction(best, total),
        unique=Fraction(by_count[1], total),
    )


def grid_text(grid: Grid, holes: frozenset[int] = frozenset(), empty: str = "_") -> str:
    """Return a Sudoku grid as four lines of digits 1 to 4."""
    cells = [empty if cell in holes else str(value + 1) for cell, value in enumerate(grid)]
    return "\n".join("".join(cells[start : start + ORDER]) for start in range(0, 16, ORDER))


def latin_sample(rng: Random) -> Sample:
    """Return a Latin square to be made from four symbols."""
    symbols = rng.sample(ascii_uppercase + digits, ORDER)
    square = rng.choice(_shifted_and_shuffled())
    rows = [",".join(symbols[v] for v in square[start : start + ORDER]) for start in range(0, 16, ORDER)]
    return Sample(
        input={"size": ORDER, "symbols": f"[{', '.join(symbols)}]"},
        answer={"symbols": symbols, "example": "\n".join(rows)},
        metadata={"length": ORDER},
    )


def sudoku_sample(protocol: Protocol, rng: Random) -> Sample:
    """Return a Sudoku with the grid that is stored as its answer."""
    grids = sudoku_grids()
    weights = (
        [1] * len(grids) if protocol.unique_sudoku else [float(_by_backtracking(grids, g)) for g in grids]
    )
    while True:
        grid = rng.choices(grids, weights)[0]
        puzzle = grid_text(grid, frozenset(rng.sample(range(16), protocol.holes)), protocol.empty)
        if not protocol.unique_sudoku or len(solutions(puzzle)) == 1:
            break
    size = {} if protocol.unique_sudoku else {"size": ORDER}
    known = (
        {"length": 16 - protocol.holes}
        if protocol.unique_sudoku
        else {"length": ORDER, "num_holes": protocol.holes}
    )
    key = "sudoku" if protocol.unique_sudoku else "puzzle"
    return Sample(input={**size, key: puzzle}, answer=grid_text(grid), metadata=known)

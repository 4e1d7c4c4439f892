"""Exact scores of a perfect model on Sudokus with random empty cells, as in v2.

Several grids may solve a puzzle, and only the stored one counts as right. The model finds all solutions equally likely.
Renaming the digits changes nothing, so one grid of each 24 is looked at, with every set of empty cells: another grid is
a solution if and only if it differs from the stored one in empty cells alone. Cells in which all solutions agree are
certain. Source: arXiv 2510.04767 and its 2026 package.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Literal

import numpy as np

from synthetic.parallelbench.list_ceilings import SizeCeiling, tokens_per_step
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.puzzles import ORDER, stored_grids
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layouts import LayoutDecode, decode_layout
from theory.distributions.pmf import JointPMF
from theory.policies.policy import RankedPolicy
from theory.validation import InputError

__all__ = ["solutions", "sudoku_ceiling"]

MOST_HOLES = 10
Grid = tuple[int, ...]


def sudoku_ceiling(
    policy: RankedPolicy,
    *,
    holes: int = 8,
    layout: str | Layout = "released",
    temperature: int = 0,
    graded: Literal["stored", "any"] = "stored",
) -> SizeCeiling:
    """Return what a perfect model scores on Sudokus of v2, with random empty cells, exactly.

    Args:
        policy: A ranked rule with random ties, or from left to right; its block counts positions of the layout.
        holes: Empty cells, up to 10.
        layout: ``cells``, ``released`` or ``joined``, or where the 16 cells are written.
        temperature: 0 or 1.
        graded: By the ``stored`` grid as released, or by ``any`` solution.

    Example:
        >>> from theory.policies import parse_policy
        >>> sudoku_ceiling(parse_policy("topk:k=1,by=random"), holes=4).accuracy
        Fraction(727, 728)
        >>> sudoku_ceiling(parse_policy("topk:k=4,block=4"), holes=4).accuracy
        Fraction(29067, 29120)
    """
    placed = puzzle_layout(layout, commas=False)
    known: dict[object, tuple[LayoutDecode, Fraction]] = {}
    sums, total = [Fraction(0)] * 3, 0
    for (grids, weight), count in solutions(holes).items():
        columns = [cell for cell in zip(*grids, strict=True)]
        open_cells = [cell for cell, values in enumerate(columns) if len(set(values)) > 1]
        places = [placed.places[cell] for cell in open_cells]
        key = _alike(policy, placed, places, [columns[cell] for cell in open_cells])
        if key not in known:
            rows = list(zip(*(columns[cell] for cell in open_cells), strict=True)) or [(0,)]
            used = Layout(places=tuple(places) or ((0,),), length=placed.length)
            done = decode_layout(JointPMF.uniform(rows), used, policy, temperature=temperature)
            known[key] = done, done.distribution[rows[0]]
        done, stored = known[key]
        values = (
            stored if graded == "stored" else done.accuracy,
            done.steps,
            tokens_per_step(placed.length, done.runs),
        )
        sums = [before + count * weight * value for before, value in zip(sums, values, strict=True)]
        total += count * weight
    accuracy, steps, rate = (value / total for value in sums)
    return SizeCeiling(accuracy=accuracy, steps=steps, tokens_per_step=rate)


def _alike(
    policy: RankedPolicy, placed: Layout, places: list[tuple[int, ...]], columns: list[Grid]
) -> object:
    """Return what puzzles with the same decode share: digits are names, and cells of one block may change places."""
    renamed = [tuple(list(dict.fromkeys(values)).index(value) for value in values) for values in columns]
    size = 1 if getattr(policy, "by", None) == "left_to_right" else policy.block or placed.length
    return tuple(
        sorted(
            (tuple(place // size for place in cell), values)
            for cell, values in zip(places, renamed, strict=True)
        )
    )


@cache
def solutions(holes: int) -> Counter[tuple[tuple[Grid, ...], int]]:
    """Return the solutions of a puzzle, the stored grid first, with its weight; for how many sets of empty cells.

    Example:
        >>> sum(weight * count for (_, weight), count in solutions(1).items()), len(solutions(1))
        (256, 12)
    """
    if not 0 <= holes <= MOST_HOLES:
        raise InputError(f"holes must lie in 0..{MOST_HOLES}, got {holes}.")
    pmf = stored_grids(False)
    grids, weights = np.array(pmf.outcomes), pmf.weights.astype(np.int64)
    empty = np.array(
        [sum(1 << cell for cell in cells) for cells in combinations(range(ORDER * ORDER), holes)]
    )
    found: Counter[tuple[tuple[Grid, ...], int]] = Counter()
    for number in np.flatnonzero((grids[:, :ORDER] == np.arange(ORDER)).all(axis=1)):
        differing = ((grids != grids[number]) << np.arange(ORDER * ORDER)).sum(axis=1)
        near = [
            int(other) for other in np.flatnonzero(differing) if int(differing[other]).bit_count() <= holes
        ]
        solves = (differing[near][None] & ~empty[:, None]) == 0
        rows, counts = np.unique(solves, axis=0, return_counts=True)
        for row, count in zip(rows, counts.tolist(), strict=True):
            others = [near[j] for j in np.flatnonzero(row)]
            solutions = tuple(tuple(grids[j].tolist()) for j in (int(number), *others))
            found[solutions, int(weights[number])] += count
    return found

"""Exact scores of a perfect model on the puzzles.

*Latin square.* The model finds all squares equally likely, 576 (what the grader accepts) or 144 (what the generator
makes). *Sudoku, v1.* Each puzzle has one solution, so every cell is certain and no decoder errs. *Sudoku, v2.* Empty
cells are random and several grids may solve a puzzle; only the stored one counts.

Layouts: ``cells`` has a token per cell and nothing else. ``released`` has 64 positions: a line of a Sudoku is four
digits and a line break (19 tokens in all); a line of a Latin square has commas between its cells, each a token (31 in
all). Some tokenizers join a comma and a letter; then a square has 19 tokens as well: ``joined``. Source: arXiv
2510.04767.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from typing import Literal

import numpy as np

from synthetic.grids import latin_squares
from synthetic.parallelbench.list_ceilings import SizeCeiling
from synthetic.parallelbench.puzzles import ORDER, generated_squares, stored_grids
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_cells import CellMarginals
from theory.decoding.structured.layouts import decode_layout
from theory.distributions.pmf import JointPMF
from theory.policies.policy import RankedPolicy
from theory.validation import InputError, choice

__all__ = ["PUZZLE_LAYOUTS", "latin_ceiling", "puzzle_layout", "solved_ceiling", "sudoku_ceiling"]

PUZZLE_LAYOUTS = ("cells", "released", "joined")
LENGTH = 64
CELLS = ORDER * ORDER


def puzzle_layout(name: str, *, commas: bool) -> Layout:
    """Return where the cells of a grid are written.

    Args:
        name: ``cells``, ``released`` or ``joined``.
        commas: Whether the released layout has a token between the cells of a line.

    Example:
        >>> puzzle_layout("released", commas=False).places[3:5], puzzle_layout("released", commas=True).places[3:5]
        (((3,), (5,)), ((6,), (8,)))
    """
    choice(name, "layout", PUZZLE_LAYOUTS)
    if name == "cells":
        return Layout(places=tuple((i,) for i in range(CELLS)), length=CELLS)
    between = 2 if commas and name == "released" else 1
    line = between * (ORDER - 1) + 2  # its cells, what is between them, and a line break
    return Layout(
        places=tuple((line * row + between * column,) for row in range(ORDER) for column in range(ORDER)),
        length=LENGTH,
    )


@cache
def _moves(kind: Literal["latin", "sudoku"]) -> tuple[tuple[int, ...], ...]:
    """The permutations of the cells that map grids to grids: of rows and columns, and the transposition."""
    orders = list(permutations(range(ORDER)))
    if kind == "sudoku":  # lines stay together in their bands
        orders = [order for order in orders if {order[0] // 2, order[1] // 2} in ({0}, {1})]
    found: list[tuple[int, ...]] = []
    for rows, columns in product(orders, orders):
        straight = tuple(ORDER * r + c for r in rows for c in columns)
        found += [straight, tuple(ORDER * c + r for r in rows for c in columns)]
    return tuple(found)


def latin_ceiling(
    policy: RankedPolicy, *, layout: str = "released", temperature: int = 0, squares: int = 576
) -> SizeCeiling:
    """Return what a perfect model scores on Latin squares, exactly.

    Args:
        policy: A ranked rule with random ties, or from left to right.
        layout: ``cells``, ``released`` or ``joined``.
        temperature: 0 or 1.
        squares: The squares that the model finds equally likely: 576, or the 144 of the generator; then another square
            counts as wrong, though the grader accepts it.

    Example:
        >>> from theory.policies import parse_policy
        >>> latin_ceiling(parse_policy("topk:k=64,by=random")).accuracy == Fraction(576, 4**16)
        True
    """
    if squares not in (576, 144):
        raise InputError(f"squares must be 576 (the grader's) or 144 (the generator's), got {squares}.")
    placed = puzzle_layout(layout, commas=True)
    whole = (
        sum(any(tokens) for tokens, _ in placed.blocks(policy.block)) == 1 and policy.by != "left_to_right"
    )
    done = decode_layout(_latin(squares, whole), placed, policy, temperature=temperature)
    return SizeCeiling(
        accuracy=done.accuracy, steps=done.steps_under_data, tokens_per_step=done.tokens_per_step
    )


@cache
def _latin(squares: int, whole: bool) -> CellMarginals:
    pmf = JointPMF.uniform(latin_squares(ORDER)) if squares == 576 else generated_squares()
    return CellMarginals(pmf, _moves("latin"), whole=whole)


def solved_ceiling(policy: RankedPolicy, length: int = LENGTH) -> SizeCeiling:
    """Return what a perfect model scores where every token is certain, as in a Sudoku with one solution.

    Example:
        >>> from theory.policies import parse_policy
        >>> solved_ceiling(parse_policy("topk:k=2")).accuracy, solved_ceiling(parse_policy("topk:k=2")).steps
        (Fraction(1, 1), Fraction(32, 1))
    """
    one = JointPMF.uniform([("1",)])
    done = decode_layout(one, Layout(places=((0,),), length=length), policy)
    return SizeCeiling(
        accuracy=done.accuracy, steps=done.steps_under_data, tokens_per_step=done.tokens_per_step
    )


def sudoku_ceiling(
    policy: RankedPolicy,
    *,
    holes: int = 8,
    layout: str = "released",
    temperature: int = 0,
    graded: Literal["stored", "any"] = "stored",
) -> SizeCeiling:
    """Return what a perfect model scores on Sudokus of v2, with random empty cells, exactly.

    The model finds all solutions of a puzzle equally likely.

    Args:
        policy: A ranked rule with random ties and without blocks: which cells are empty matters for blocks.
        holes: Empty cells, up to 10.
        layout: ``cells``, ``released`` or ``joined``.
        temperature: 0 or 1.
        graded: By the ``stored`` grid as released, or by ``any`` solution.

    Example:
        >>> from theory.policies import parse_policy
        >>> sudoku_ceiling(parse_policy("topk:k=1,by=random"), holes=4).accuracy
        Fraction(727, 728)
    """
    if not 0 <= holes <= 10:
        raise InputError(f"holes must lie in 0..10, got {holes}.")
    placed = puzzle_layout(layout, commas=False)
    if policy.by == "left_to_right" or (policy.block is not None and policy.block < placed.length):
        raise InputError(
            f"{policy}: the ceiling of a Sudoku with random empty cells is known without blocks."
        )
    sums, total = [Fraction(0)] * 3, 0
    for (solutions, weights), count in _solution_sets(holes).items():
        cells = len(solutions[0])
        pmf = JointPMF.uniform(solutions if cells else [(0,)])
        used = Layout(places=tuple((i,) for i in range(max(cells, 1))), length=placed.length)
        done = decode_layout(pmf, used, policy, temperature=temperature)
        found = sum(weights) * done.accuracy
        if graded == "stored" and cells:
            rows = zip(solutions, weights, strict=True)
            found = sum((weight * done.distribution[row] for row, weight in rows), Fraction(0))
        values = (found, sum(weights) * done.steps_under_data, sum(weights) * done.tokens_per_step)
        sums = [before + count * value for before, value in zip(sums, values, strict=True)]
        total += count * sum(weights)
    accuracy, steps, rate = (value / total for value in sums)
    return SizeCeiling(accuracy=accuracy, steps=steps, tokens_per_step=rate)


_Solutions = tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]


@cache
def _solution_sets(holes: int) -> Counter[_Solutions]:
    """The solutions of a puzzle at the cells on which they differ, up to renaming, with the weights of the stored grid.

    One set of empty cells stands for all that a move of the cells maps to it. The weight of a stored grid is then the
    mean over all moves, since the generator fills the cells in one order and does not treat all grids alike.
    """
    pmf, moves = stored_grids(False), _moves("sudoku")
    grids = np.array(pmf.outcomes)
    place = {grid.tobytes(): number for number, grid in enumerate(grids)}
    weights = [0] * len(grids)
    for move in moves:
        for number, grid in enumerate(np.ascontiguousarray(grids[:, list(move)])):
            weights[number] += int(pmf.weights[place[grid.tobytes()]])
    # sets of cells as numbers, cell 0 the highest bit; the largest that moves lead to stands for all
    sets = np.array(list(combinations(range(CELLS), holes)), dtype=np.int64)
    bits = 1 << (CELLS - 1 - np.array(moves))
    orbits = np.unique(np.max([move[sets].sum(axis=1) for move in bits], axis=0), return_counts=True)
    found: Counter[_Solutions] = Counter()
    for number, count in zip(*(array.tolist() for array in orbits), strict=True):
        empty = [cell for cell in range(CELLS) if number >> (CELLS - 1 - cell) & 1]
        groups: dict[bytes, list[int]] = {}
        for number, clues in enumerate(np.delete(grids, empty, axis=1)):
            groups.setdefault(clues.tobytes(), []).append(number)
        for members in groups.values():
            open_cells = grids[members][:, list(empty)]
            columns = [tuple(c) for c in open_cells.T.tolist() if len(set(c)) > 1]
            renamed = sorted(tuple(list(dict.fromkeys(c)).index(v) for v in c) for c in columns)
            rows = tuple(zip(*renamed, strict=True)) if renamed else ((),)
            found[rows, tuple(weights[number] for number in members)] += count
    return found

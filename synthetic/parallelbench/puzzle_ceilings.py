"""Exact scores of a perfect model on Latin squares, and on puzzles with one solution.

*Latin square.* The model finds all squares equally likely, 576 (what the grader accepts) or 144 (what the generator
makes). *Sudoku, v1.* Each puzzle has one solution, so every cell is certain and no decoder errs. For v2 see
:mod:`synthetic.parallelbench.sudoku_ceilings`.

Layouts: ``cells`` has a token per cell and nothing else. ``released`` has 64 positions: a line of a Sudoku is four
digits and a line break (19 tokens in all); a line of a Latin square has commas between its cells, each a token (31 in
all). Some tokenizers join a comma and a letter; then a square has 19 tokens as well: ``joined``. Source: arXiv
2510.04767.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations, product

from synthetic.grids import latin_squares
from synthetic.parallelbench.list_ceilings import SizeCeiling, tokens_per_step, whole_ceiling
from synthetic.parallelbench.puzzles import ORDER, generated_squares
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_cells import CellMarginals
from theory.decoding.structured.layout_steps import NotRankedError
from theory.decoding.structured.layouts import LayoutDecode, decode_layout
from theory.distributions.pmf import JointPMF
from theory.policies.policy import RankedPolicy
from theory.validation import InputError, choice

__all__ = ["PUZZLE_LAYOUTS", "latin_ceiling", "puzzle_layout", "solved_ceiling"]

PUZZLE_LAYOUTS = ("cells", "released", "joined")
LENGTH = 64
CELLS = ORDER * ORDER


def puzzle_layout(name: str | Layout, *, commas: bool) -> Layout:
    """Return where the cells of a grid are written.

    Args:
        name: ``cells``, ``released`` or ``joined``; or a layout with the places of 16 cells.
        commas: Whether the released layout has a token between the cells of a line.

    Example:
        >>> puzzle_layout("released", commas=False).places[3:5], puzzle_layout("released", commas=True).places[3:5]
        (((3,), (5,)), ((6,), (8,)))
    """
    if isinstance(name, Layout):
        if len(name.places) != CELLS:
            raise InputError(f"the layout of a puzzle has {CELLS} cells, got {len(name.places)} places.")
        return name
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
def _moves() -> tuple[tuple[int, ...], ...]:
    """The permutations of the cells that map squares to squares: of rows and columns, and the transposition."""
    orders = list(permutations(range(ORDER)))
    found: list[tuple[int, ...]] = []
    for rows, columns in product(orders, orders):
        straight = tuple(ORDER * r + c for r in rows for c in columns)
        found += [straight, tuple(ORDER * c + r for r in rows for c in columns)]
    return tuple(found)


def latin_ceiling(
    policy: RankedPolicy, *, layout: str | Layout = "released", temperature: int = 0, squares: int = 576
) -> SizeCeiling:
    """Return what a perfect model scores on Latin squares, exactly.

    Args:
        policy: A ranked rule with random ties, or from left to right; others where a minute is enough to decode them
            over all positions.
        layout: ``cells``, ``released`` or ``joined``, or where the 16 cells are written.
        temperature: 0 or 1.
        squares: The squares that the model finds equally likely: 576, or the 144 of the generator; then another square
            counts as wrong, though the grader accepts it.

    Example:
        >>> from theory.policies import parse_policy
        >>> latin_ceiling(parse_policy("topk:k=64,by=random")).accuracy * 4**16 == 576
        True
    """
    if squares not in (576, 144):
        raise InputError(f"squares must be 576 (the grader's) or 144 (the generator's), got {squares}.")
    placed = puzzle_layout(layout, commas=True)
    whole = (
        sum(any(tokens) for tokens, _ in placed.blocks(policy.block)) == 1
        and getattr(policy, "by", None) != "left_to_right"
    )
    square = _latin(squares, whole)
    try:
        return _scored(decode_layout(square, placed, policy, temperature=temperature), placed.length)
    except NotRankedError:
        return whole_ceiling(square.pmf, placed, policy, temperature=temperature)


@cache
def _latin(squares: int, whole: bool) -> CellMarginals:
    pmf = JointPMF.uniform(latin_squares(ORDER)) if squares == 576 else generated_squares()
    return CellMarginals(pmf, _moves(), whole=whole)


def solved_ceiling(policy: RankedPolicy, length: int = LENGTH) -> SizeCeiling:
    """Return what a perfect model scores where every token is certain, as in a Sudoku with one solution.

    Example:
        >>> from theory.policies import parse_policy
        >>> solved_ceiling(parse_policy("topk:k=2")).accuracy, solved_ceiling(parse_policy("topk:k=2")).steps
        (Fraction(1, 1), Fraction(32, 1))
    """
    one, placed = JointPMF.uniform([("1",)]), Layout(places=((0,),), length=length)
    try:
        return _scored(decode_layout(one, placed, policy), length)
    except NotRankedError:
        return whole_ceiling(one, placed, policy, temperature=0)


def _scored(done: LayoutDecode, length: int) -> SizeCeiling:
    return SizeCeiling(
        accuracy=done.accuracy,
        steps=done.steps,
        tokens_per_step=tokens_per_step(length, done.runs),
    )

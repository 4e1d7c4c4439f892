"""Sudoku 4 x 4 from clues.

All 288 grids are equally likely. By default the clues are the first row and the first cell of the third; they leave
three or six solutions. C = 0 if the clues leave one solution. A context is a filling of the clue cells, up to renaming
of the symbols.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from synthetic.grids import Grid, sudoku_grids
from synthetic.task import register
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

__all__ = ["Sudoku"]


@register("sudoku")
@dataclass(frozen=True, kw_only=True)
class Sudoku:
    """Sudoku of order 4.

    Attributes:
        clues: The given cells, numbered row by row from 0 to 15; as text joined by ``+``.
    """

    name: ClassVar[str] = ""
    sizes: ClassVar[bool] = False
    clues: Sequence[int] | str = (0, 1, 2, 3, 8)

    def __post_init__(self) -> None:
        cells = _cells(self.clues)
        if len(set(cells)) < len(cells) or not set(cells) < set(range(16)):
            raise InputError(f"clues must be distinct cells of 0..15, not all of them, got {list(cells)}.")
        object.__setattr__(self, "clues", cells)

    @property
    def n(self) -> int:
        """The order."""
        return 4

    def contexts(self) -> tuple[Context, ...]:
        """Return one context per pattern of clue values, up to renaming of symbols."""
        grids, clues = sudoku_grids(), _cells(self.clues)
        answers: dict[Grid, set[Grid]] = defaultdict(set)
        weight: dict[Grid, int] = defaultdict(int)
        free = [cell for cell in range(16) if cell not in clues]
        for grid in grids:
            # rename so that clue symbols appear in order; symbols without a clue keep every order
            seen = list(dict.fromkeys(grid[cell] for cell in clues))
            renamed = {symbol: j for j, symbol in enumerate(seen)}
            rest = [symbol for symbol in range(4) if symbol not in renamed]
            names = renamed | {symbol: len(seen) + j for j, symbol in enumerate(rest)}
            pattern = tuple(names[grid[cell]] for cell in clues)
            answers[pattern].add(tuple(names[grid[cell]] for cell in free))
            weight[pattern] += 1
        return tuple(
            Context(
                weight=Fraction(weight[pattern], len(grids)),
                distribution=ListedDistribution(JointPMF.uniform(sorted(found))),
                label="clues=" + "".join(map(str, pattern)),
            )
            for pattern, found in sorted(answers.items())
        )

    def chain(self) -> None:
        """No lumped chain is known."""
        return


def _cells(clues: Sequence[int] | str) -> tuple[int, ...]:
    if not isinstance(clues, str):
        return tuple(sorted(clues))
    parts = clues.split("+")
    if not all(part.strip().isdigit() for part in parts):
        raise InputError(f"clues must be cells joined by +, such as 0+5+10, got {clues!r}.")
    return tuple(sorted(map(int, parts)))

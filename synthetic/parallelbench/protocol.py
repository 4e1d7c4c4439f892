"""The two released protocols of ParallelBench, as switches on one definition.

``v1`` is the release of October 2025 (commit 72de8f7), which the paper used. ``v2`` is the package of 2026. They differ
in how places are counted, in the example shown, in the Sudoku puzzles, in where an output is cut, and in the score of
the text tasks. Source: arXiv 2510.04767 and its repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from theory.validation import choice

__all__ = ["PROTOCOLS", "Protocol", "protocol"]

Kind = Literal["list", "puzzle", "text"]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way to run the benchmark.

    Attributes:
        name: ``v1`` or ``v2``.
        first_place: What the prompt calls the first place of a list, 0 or 1.
        inserts_in_front: Whether an insertion at a given place may come first; else the place names the person that
            the new one comes after.
        own_example: Whether each sample shows another example; else all samples of a task show the same one,
            of three people.
        unique_sudoku: Whether each Sudoku has four empty cells and one solution; else eight empty cells at random.
        empty: How an empty cell of a Sudoku is written.
        cut_at: The text at which an output is cut before it is graded, by kind of task; ``None`` for no cut.
        combined: Whether the score of a text task combines its metrics; else it is the grammar alone.
    """

    name: str
    first_place: int
    inserts_in_front: bool
    own_example: bool
    unique_sudoku: bool
    empty: str
    cut_at: Mapping[Kind, str | None]
    combined: bool

    @property
    def holes(self) -> int:
        """The number of empty cells of a Sudoku."""
        return 4 if self.unique_sudoku else 8

    def cut(self, output: str, kind: Kind) -> str:
        r"""Return what is graded of an output.

        Example:
            >>> PROTOCOLS["v2"].cut("[1, 2]\n\nThis is the list.", "list")
            '[1, 2]'
        """
        mark = self.cut_at[kind]
        return output if mark is None else output.partition(mark)[0]


PROTOCOLS = {
    "v1": Protocol(
        name="v1",
        first_place=0,
        inserts_in_front=True,
        own_example=True,
        unique_sudoku=True,
        empty="0",
        cut_at={"list": None, "puzzle": None, "text": None},
        combined=True,
    ),
    "v2": Protocol(
        name="v2",
        first_place=1,
        inserts_in_front=False,
        own_example=False,
        unique_sudoku=False,
        empty="_",
        cut_at={"list": "\n\n", "puzzle": "\n\n\n", "text": "\n\n"},
        combined=False,
    ),
}


def protocol(name: str) -> Protocol:
    """Return a protocol by its name."""
    return PROTOCOLS[choice(name, "protocol", PROTOCOLS)]

"""Latin square of order 2, 3 or 4, each symbol once in every row and column.

There are 2, 12 and 576 squares, all equally likely; an outcome has n * n cells. The benchmark's generator makes only
some of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.grids import latin_squares
from synthetic.plain import PlainTask
from synthetic.task import register
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

__all__ = ["LatinSquare"]


@register("latin_square")
@dataclass(frozen=True, kw_only=True)
class LatinSquare(PlainTask):
    """The uniform distribution on Latin squares."""

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on all Latin squares of order n, row by row."""
        if self.n > 4:
            raise InputError(
                f"latin_square is listed for n = 2, 3, 4 (order 5 has 161280 squares), got {self.n}."
            )
        return JointPMF.uniform(latin_squares(self.n))

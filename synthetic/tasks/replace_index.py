"""Replace Index, the new item in place of the named one ((F, 1), A B C -> A F C).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["ReplaceIndex"]


@register("replace_index")
@dataclass(frozen=True, kw_only=True)
class ReplaceIndex(ListTask):
    """Replace Index: put the new item at the named position."""

    uses_new = True

    def indices(self) -> Iterable[int]:
        """Return the positions that may be named."""
        return range(self.n)

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:
        """Return the list with role n at the named position."""
        yield tuple(self.n if j == index else j for j in range(self.n))

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n)

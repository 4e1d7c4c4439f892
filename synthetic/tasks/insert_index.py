"""Insert Index, the new item at the named position ((F, 1), A B C -> A F B C).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["InsertIndex"]


@register("insert_index")
@dataclass(frozen=True, kw_only=True)
class InsertIndex(ListTask):
    """Insert Index: insert the new item at the named position."""

    uses_new = True

    def indices(self) -> Iterable[int]:
        """Return the positions that may be named."""
        return range(self.n + 1)

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:
        """Return the list with role n inserted before the named position."""
        yield (*range(index or 0), self.n, *range(index or 0, self.n))

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n + 1)

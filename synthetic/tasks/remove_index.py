"""Remove Index, the list without the named position ((1), A B C -> A C).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["RemoveIndex"]


@register("remove_index")
@dataclass(frozen=True, kw_only=True)
class RemoveIndex(ListTask):
    """Remove Index: remove the item at the named position."""

    smallest = 2

    def indices(self) -> Iterable[int]:
        """Return the positions that may be named."""
        return range(self.n)

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:
        """Return the list without the named position."""
        yield tuple(j for j in range(self.n) if j != index)

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n - 1)

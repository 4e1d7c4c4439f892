"""Remove Random, the list without any one item (A B C -> A C).

Each of the n items is equally likely. Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.task import ListTask, register
from theory.information.curves.gap_structures import Gaps

__all__ = ["RemoveRandom"]


@register("remove_random")
@dataclass(frozen=True, kw_only=True)
class RemoveRandom(ListTask):
    """Remove Random: remove any one item."""

    smallest = 2

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the n lists with one item left out."""
        for i in range(self.n):
            yield tuple(j for j in range(self.n) if j != i)

    def structure(self) -> Gaps:
        """Return the subset entropies; a revealed position says on which side of it an item is missing."""
        return Gaps(self.n - 1, "remove")

"""Insert Random, the new item at any position ((F), A B C -> A F B C).

Each of the n + 1 gaps is equally likely. Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.task import ListTask, register
from theory.information.curves.gap_structures import Gaps

__all__ = ["InsertRandom"]


@register("insert_random")
@dataclass(frozen=True, kw_only=True)
class InsertRandom(ListTask):
    """Insert Random: insert the new item anywhere."""

    uses_new = True

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the n + 1 lists with role n inserted."""
        for i in range(self.n + 1):
            yield (*range(i), self.n, *range(i, self.n))

    def structure(self) -> Gaps:
        """Return the subset entropies; a revealed position says on which side of it the new item is."""
        return Gaps(self.n + 1, "insert")

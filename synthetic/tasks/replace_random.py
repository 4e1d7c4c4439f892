"""Replace Random, the new item in place of any one ((F), A B C -> A F C).

Every position is equally likely. Source: arXiv 2510.04767, Table 1 and Section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import ReplaceRandomChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["ReplaceRandom"]


@register("replace_random")
@dataclass(frozen=True, kw_only=True)
class ReplaceRandom(ListTask):
    """Replace Random: put the new item at any one position."""

    uses_new = True

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the n lists with role n in one place."""
        for i in range(self.n):
            yield tuple(self.n if j == i else j for j in range(self.n))

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return ReplaceRandomChain(self.n)

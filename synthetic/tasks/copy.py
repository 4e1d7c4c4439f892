"""Copy, the list as it is (A B C -> A B C).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["Copy"]


@register("copy")
@dataclass(frozen=True, kw_only=True)
class Copy(ListTask):
    """Copy: answer with the list as it is."""

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the input order."""
        yield tuple(range(self.n))

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n)

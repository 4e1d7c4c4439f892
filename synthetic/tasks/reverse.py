"""Reverse, the list backwards (A B C -> C B A).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["Reverse"]


@register("reverse")
@dataclass(frozen=True, kw_only=True)
class Reverse(ListTask):
    """Reverse: answer with the list backwards."""

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the reversed order."""
        yield tuple(reversed(range(self.n)))

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n)

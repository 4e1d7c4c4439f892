"""Shuffle, the items in any order (A B C -> B C A).

All n! orders are equally likely, the input order included. Source: arXiv 2510.04767, Table 1 and Section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.distributions import Arrangements
from synthetic.lumped_chains import ShuffleChain
from synthetic.task import ListTask, register
from theory.distributions.distribution import Distribution
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["Shuffle"]


@register("shuffle")
@dataclass(frozen=True, kw_only=True)
class Shuffle(ListTask):
    """Shuffle: the uniform distribution on all orders."""

    def distribution(self, index: int | None = None) -> Distribution:  # noqa: ARG002
        """Return the distribution; its outcomes are listed only on request."""
        return Arrangements(self.n)

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return ShuffleChain(self.n)

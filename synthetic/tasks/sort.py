"""Sort, the items in ascending order (B C A -> A B C).

Source: arXiv 2510.04767, Table 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthetic.lumped_chains import SureChain
from synthetic.task import ListTask, register
from theory.distributions.lumped_chain import LumpedChain

__all__ = ["Sort"]


@register("sort")
@dataclass(frozen=True, kw_only=True)
class Sort(ListTask):
    """Sort: role j is the j-th smallest item, and the prompt shows the items in any order."""

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the ascending order."""
        yield tuple(range(self.n))

    def input_roles(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return uniformly random orders."""
        return rng.permuted(np.tile(np.arange(self.n), (size, 1)), axis=1)

    def chain(self) -> LumpedChain:
        """Return the lumped chain."""
        return SureChain(self.n)

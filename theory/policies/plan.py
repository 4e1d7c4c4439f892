"""One step of a policy, a distribution over sets of positions."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from theory.numbers.arithmetic import Array

__all__ = ["Plan", "SetDistribution"]

# (set as bit mask, probability: fmpq, or arb of irrational rules)
SetDistribution = tuple[tuple[int, Any], ...]


class Plan(Protocol):
    """One step of a policy on a batch: the distribution of the chosen set, or a draw from it."""

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return an index per row into a list of set distributions."""
        ...

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of chosen positions per row, shape (B,)."""
        ...

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row, bool, shape (B, n)."""
        ...

"""The weights of a pmf as a flow of balls reads them: groups of outcomes, their ratios and marginals.

Integer weights of an exact pmf stay integers until a ratio is taken; floats are read as exact numbers and added as
balls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic import EXACT
from theory.balls import ball_array, balls, zeros_of
from theory.grouping import Groups
from theory.pmf import JointPMF

__all__ = ["BallWeights"]

_REMEMBERED = 2_000_000  # groups: 250 MB


class BallWeights:
    """Weights of groups of outcomes that agree on the positions of a set, as balls where they are floats.

    Args:
        pmf: The law.
    """

    def __init__(self, pmf: JointPMF) -> None:
        self.pmf = pmf
        self._weights = None if pmf.is_exact else ball_array(pmf.weights.tolist())
        self._known: dict[int, NDArray[Any]] = {}
        self._size = 0

    def of(self, mask: int, groups: Groups) -> NDArray[Any]:
        """Return the weight of each group of a revealed set."""
        if self._weights is None:
            return self.pmf.group_weights(groups)
        if mask not in self._known:
            self._size += groups.count
            if self._size > _REMEMBERED:
                self._known, self._size = {}, groups.count
            found = zeros_of(groups.count)
            np.add.at(found, groups.inverse, self._weights)
            self._known[mask] = found
        return self._known[mask]

    def ratio(self, part: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
        """Return quotients of weights as balls."""
        return part / whole if self._weights is not None else balls(EXACT.ratio(part, whole))

    def marginals(
        self, groups: Groups, weights: NDArray[Any], active: NDArray[np.int64], probs: NDArray[Any]
    ) -> NDArray[Any]:
        """Return ``P(y_i = v | state)`` as balls, shape (B, n, V).

        Args:
            groups: The groups of the revealed set.
            weights: Their weights.
            active: The groups wanted, B of them.
            probs: Their marginals as the rules read them, zero at revealed positions.
        """
        if self._weights is None:
            return balls(probs)
        row_of = np.full(groups.count, -1)
        row_of[active] = np.arange(len(active))
        rows = row_of[groups.inverse]
        here = np.flatnonzero(rows >= 0)
        counts = zeros_of(probs.shape)
        positions = np.flatnonzero(probs.any(axis=(0, 2)))
        for i in positions.tolist():
            np.add.at(counts[:, i, :], (rows[here], self.pmf.codes[here, i]), self._weights[here])
        counts[:, positions, :] /= weights[active][:, None, None]
        return counts

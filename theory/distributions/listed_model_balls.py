"""The ideal model of a listed pmf in ball arithmetic.

Integer weights stay integers until a ratio is taken; floats are read as exact numbers and added as balls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.distributions.grouping import Groups
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.numbers.arithmetic import EXACT
from theory.numbers.balls import ball_array, balls, zeros_of

__all__ = ["BallModel", "BallWeights"]

_REMEMBERED = 2_000_000  # groups: 250 MB
_STATE, _BALL = 1e-4, 2.5e-7  # seconds of a state, and of a ball added or divided


class BallModel:
    """Conditionals of a float pmf whose floats are read as exact numbers, cached by state.

    Args:
        model: The same model in floats.
        weights: The floats.
        off_support: As in :class:`theory.distributions.listed_model.ListedModel`.
    """

    def __init__(self, model: ListedModel, weights: NDArray[np.float64], off_support: str) -> None:
        self.model = model
        self._weights = ball_array(weights.tolist())
        self._known: dict[bytes, tuple[NDArray[Any], Any]] = {}
        base = self._counts(np.arange(len(weights))) / self._weights.sum()
        if off_support == "uniform":
            used = np.asarray(base != 0)
            zero: Any = arb(0)
            base = np.where(used, (zero + 1) / used.sum(axis=1)[:, None].astype(object), zero)
        self._fallback = base

    def marginals(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return ``P(y_i = v | tokens)`` for each row, shape (B, n, V); the convention where it is impossible."""
        found = [self._look_up(state)[0] for state in np.ascontiguousarray(tokens, dtype=np.int64)]
        out = np.empty((len(found), self.model.n, self.model.width), dtype=object)
        for row, answer in enumerate(found):
            out[row] = answer
        return out

    def mass(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return the total weight of the outcomes that agree with each row, exactly zero off the support."""
        found = [self._look_up(state)[1] for state in np.ascontiguousarray(tokens, dtype=np.int64)]
        return ball_array(found)

    def _look_up(self, state: NDArray[np.int64]) -> tuple[NDArray[Any], Any]:
        key = state.tobytes()
        if key not in self._known:
            rows = self.model.agreeing.rows(state)
            mass = sum(self._weights[rows].tolist(), arb(0))
            answer = self._counts(rows) / mass if len(rows) else self._fallback
            size = len(self._known) * self.model.n * self.model.width * 120
            require_memory(size, "the states of this decode", remedy="use fewer positions")
            self._known[key] = (answer, mass)
            self.model.agreeing.seconds += _STATE + self.model.n * (len(rows) + self.model.width) * _BALL
        return self._known[key]

    def _counts(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        counts = zeros_of((self.model.n, self.model.width))
        for i in range(self.model.n):
            np.add.at(counts[i], self.model.ids[rows, i], self._weights[rows])
        return counts


class BallWeights:
    """Weights of groups of outcomes that agree on the positions of a set, as balls where they are floats.

    Args:
        pmf: The distribution.
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

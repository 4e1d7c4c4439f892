"""The ideal model of a listed float pmf in balls: what its float marginals round."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.balls import ball_array, zeros_of
from theory.limits import require_memory
from theory.states import ListedModel

__all__ = ["BallModel"]

_STATE, _BALL = 100_000, 250  # nanoseconds of a state, and of a ball added or divided


class BallModel:
    """Conditionals of a float pmf whose floats are read as exact numbers, remembered by state.

    Args:
        model: Its model in floats.
        weights: The floats.
        off_support: As in :class:`theory.states.ListedModel`.
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
            rows = self.model.agreement.rows(state)
            mass = sum(self._weights[rows].tolist(), arb(0))
            answer = self._counts(rows) / mass if len(rows) else self._fallback
            size = len(self._known) * self.model.n * self.model.width * 120
            require_memory(size, "the states of this decode", remedy="use fewer positions")
            self._known[key] = (answer, mass)
            self.model.agreement.work += _STATE + self.model.n * (len(rows) + self.model.width) * _BALL
        return self._known[key]

    def _counts(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        counts = zeros_of((self.model.n, self.model.width))
        for i in range(self.model.n):
            np.add.at(counts[i], self.model.ids[rows, i], self._weights[rows])
        return counts

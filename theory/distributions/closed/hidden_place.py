"""Insert Random and Remove Random with exact conditionals, from one hidden place.

A revealed position tells on which side of it the place is, so an interval of places lo..hi remains, all
equally likely. At position p the tokens are

- Insert, N = n: 0 (item p - 1, the place is before p), 1 (item p, it is behind), 2 (the new item, it is p);
- Remove, N = n + 1: 0 (item p, the place is behind p), 1 (item p + 1, it is at most p).

Tokens are numbered in the order of the items. Probabilities are quotients of whole numbers, rounded once.
Where no place remains, the marginals are the unconditional ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from theory.distributions.closed.one_hot_blocks import listed_uniformly, uniform_log_prob
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF

__all__ = ["PlaceDistribution"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PlaceDistribution:
    """The distribution of a list with one item inserted or removed at a random place; numpy batches only.

    Attributes:
        n: The number of positions.
        kind: ``insert`` or ``remove``.

    Example:
        >>> PlaceDistribution(3, "insert").conditional(np.array([[MASK, 0, MASK]]))[0].tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """

    n: int
    kind: Literal["insert", "remove"]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The items, relative to the position."""
        return ("before", "own", "new") if self.kind == "insert" else ("own", "next")

    @property
    def places(self) -> int:
        """N, the number of places."""
        return self.n + int(self.kind == "remove")

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 150 a position with its ranking."""
        return 150 * self.n

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return the ideal marginals, shape (B, n, V); see :class:`theory.distributions.distribution.Distribution`."""
        low, high = self._ends(np.asarray(revealed))
        low, high = low.max(axis=1, keepdims=True), high.min(axis=1, keepdims=True)
        void = low > high
        return self._given(np.where(void, 0, low), np.where(void, self.places - 1, high))

    def left_out(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        low, high = self._ends(np.asarray(revealed))
        low, high = _largest_other(low, 0), -_largest_other(-high, 1 - self.places)
        void = low > high
        probs = self._given(np.where(void, 0, low), np.where(void, self.places - 1, high))
        return np.where(void[:, :, None], 0.0, probs)

    def _ends(self, shown: Ints) -> tuple[Ints, Ints]:
        """Return the interval of places that each position allows, empty for an unknown token; shapes (B, n)."""
        last, p = self.places - 1, np.arange(self.n)
        if self.kind == "insert":
            low, high = np.stack([0 * p, p + 1, p]), np.stack([p - 1, 0 * p + last, p])
        else:
            low, high = np.stack([p + 1, 0 * p]), np.stack([0 * p + last, p])
        known = (shown >= 0) & (shown < len(low))
        token, every = np.where(known, shown, 0), np.broadcast_to(p, shown.shape)
        wrong = ~known & (shown != MASK)
        low = np.where(known, low[token, every], np.where(wrong, last + 1, 0))
        return low, np.where(known, high[token, every], last)

    def _given(self, low: Ints, high: Ints) -> NDArray[np.float64]:
        """Return the marginals if the place is uniform on low..high, arrays of shape (B, 1) or (B, n)."""
        p, size = np.arange(self.n), high - low + 1
        before = np.clip(p - low, 0, size)  # places below p
        upto = np.clip(p + 1 - low, 0, size)
        counts = (before, size - upto, upto - before) if self.kind == "insert" else (size - upto, upto)
        return np.stack(counts, axis=2) / size[:, :, None]

    def background(self) -> NDArray[np.float64]:
        """Return how often each token occurs: 1/N, since all N items are equally frequent; shape (n, V)."""
        return np.full((self.n, len(self.tokens)), 1 / self.places)

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether some place gives each row."""
        rows = np.asarray(answers)
        low, high = self._ends(rows)
        return (rows >= 0).all(axis=1) & (low.max(axis=1) <= high.min(axis=1))

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row: ``-log2 N`` for an outcome."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y) = log2 N``, the same for all outcomes."""
        return log2(self.places)

    def sample(self, rng: np.random.Generator, size: int) -> Ints:
        """Return independent outcomes, shape (size, n)."""
        return self._answers(rng.integers(self.places, size=(size, 1)))

    def _answers(self, place: Ints) -> Ints:
        p = np.arange(self.n)
        if self.kind == "insert":
            return np.where(p < place, 1, np.where(p == place, 2, 0))
        return (place <= p).astype(np.int64)

    def pmf(self) -> JointPMF:
        """Return the listed pmf."""
        names = self.tokens
        rows = self._answers(np.arange(self.places)[:, None]).tolist()
        return listed_uniformly([tuple(names[v] for v in row) for row in rows], self.places, self.n)


def _largest_other(values: Ints, least: int) -> Ints:
    """Return for each position the largest value elsewhere in its row, at least ``least``; shape (B, n)."""
    edge = np.full((len(values), 1), least)
    before = np.maximum.accumulate(np.concatenate([edge, values[:, :-1]], axis=1), axis=1)
    behind = np.maximum.accumulate(np.concatenate([edge, values[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return np.maximum(before, behind)

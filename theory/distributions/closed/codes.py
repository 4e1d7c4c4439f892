"""Parity, the repeated bit and a single outcome with exact conditionals.

- **Parity**: bits are fair until one is left, which makes the sum even. Only complete strings can be impossible.
- **Repeated bit**: fair until one is revealed. Two different bits are impossible.
- **Sure**: one outcome, with token 0 at each position.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from theory.distributions.closed.one_hot_blocks import listed_uniformly, uniform_log_prob
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF

__all__ = ["ParityDistribution", "RepeatedDistribution", "SureDistribution"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Bits:
    """A distribution on bit strings in which adding a code word leads from any outcome to any other."""

    token_symmetric: ClassVar[bool] = True  # renaming tokens alone is transitive on the support
    n: int

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The bits."""
        return (0, 1)

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 150 a position with its ranking."""
        return 150 * self.n


@dataclass(frozen=True)
class ParityDistribution(_Bits):
    """The uniform distribution on bit strings with an even sum; numpy batches only.

    Attributes:
        n: The number of bits.

    Example:
        >>> ParityDistribution(3).conditional(np.array([[1, MASK, 0], [1, MASK, MASK]]))[:, 1].tolist()
        [[0.0, 1.0], [0.5, 0.5]]
    """

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return the ideal marginals, shape (B, n, 2); see :class:`theory.distributions.distribution.Distribution`."""
        shown = np.asarray(revealed)
        left, odd, wrong = self._counts(shown)
        fair = 0.5 if self.n > 1 else 0.0  # a single bit is zero
        void = wrong | ((left == 0) & (odd == 1))
        last = np.where(left == 1, odd, fair)
        one = np.where(void[:, None], fair, np.where(shown == MASK, last[:, None], shown))
        return np.stack([1 - one, one], axis=2)

    def left_out(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        shown = np.asarray(revealed)
        left, odd, wrong = self._counts(shown)
        others = left[:, None] - (shown == MASK)
        one = np.where(others > 0, 0.5, (odd[:, None] + (shown == 1)) % 2)
        possible = ~(wrong[:, None] & ((_strange(shown).sum(axis=1, keepdims=True) - _strange(shown)) > 0))
        return np.stack([1 - one, one], axis=2) * possible[:, :, None]

    def _counts(self, shown: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Return for each row the number of masks, the parity of the ones, and whether an id is not a bit."""
        wrong = np.asarray(_strange(shown).any(axis=1))
        return (shown == MASK).sum(axis=1), (shown == 1).sum(axis=1) % 2, wrong

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether each row has an even sum."""
        rows = np.asarray(answers)
        return ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) % 2 == 0)

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y) = n - 1``, the same for all outcomes."""
        return self.n - 1.0

    def sample(self, rng: np.random.Generator, size: int) -> Ints:
        """Return independent outcomes, shape (size, n)."""
        rows = rng.integers(2, size=(size, self.n))
        rows[:, -1] = rows[:, :-1].sum(axis=1) % 2
        return rows

    def pmf(self) -> JointPMF:
        """Return the listed pmf; raises ``CostError`` when there are too many outcomes."""
        strings = ((*bits, sum(bits) % 2) for bits in product((0, 1), repeat=self.n - 1))
        return listed_uniformly(strings, 2 ** (self.n - 1), self.n)


@dataclass(frozen=True)
class RepeatedDistribution(_Bits):
    """The uniform distribution on the two constant bit strings; numpy batches only.

    Attributes:
        n: The number of bits.

    Example:
        >>> RepeatedDistribution(2).conditional(np.array([[1, MASK], [MASK, MASK]]))[:, 1].tolist()
        [[0.0, 1.0], [0.5, 0.5]]
    """

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return the ideal marginals, shape (B, n, 2); see :class:`theory.distributions.distribution.Distribution`."""
        shown = np.asarray(revealed)
        zeros, ones = (shown == 0).any(axis=1), (shown == 1).any(axis=1)
        void = (zeros & ones) | _strange(shown).any(axis=1)
        one = np.where(void | (zeros == ones), 0.5, ones)[:, None]
        return np.stack(np.broadcast_arrays(1 - one, one), axis=2) * np.ones((1, self.n, 1))

    def left_out(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        shown = np.asarray(revealed)
        zero, one, strange = shown == 0, shown == 1, _strange(shown)
        zeros, ones, strangers = (a.sum(axis=1, keepdims=True) - a for a in (zero, one, strange))
        void = ((zeros > 0) & (ones > 0)) | (strangers > 0)
        up = np.where((zeros == 0) & (ones == 0), 0.5, ones > 0)
        return np.stack([1 - up, up], axis=2) * ~void[:, :, None]

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether each row is constant."""
        rows = np.asarray(answers)
        return (rows == 0).all(axis=1) | (rows == 1).all(axis=1)

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y) = 1``."""
        return 1.0

    def sample(self, rng: np.random.Generator, size: int) -> Ints:
        """Return independent outcomes, shape (size, n)."""
        return np.repeat(rng.integers(2, size=(size, 1)), self.n, axis=1)

    def pmf(self) -> JointPMF:
        """Return the listed pmf."""
        return listed_uniformly([(0,) * self.n, (1,) * self.n], 2, self.n)


@dataclass(frozen=True)
class SureDistribution:
    """The distribution of a single outcome of n different items.

    Attributes:
        n: The number of positions.

    Example:
        >>> SureDistribution(2).conditional(np.array([[MASK, 0]])).tolist()
        [[[1.0], [1.0]]]
    """

    n: int

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Token 0, the item of the position."""
        return ("own",)

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 100 a position with its ranking."""
        return 100 * self.n

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ones, shape (B, n, 1)."""
        return np.ones((len(revealed), self.n, 1))

    def left_out(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ones, shape (B, n, 1); nothing that can be drawn is impossible."""
        return np.ones((len(revealed), self.n, 1))

    def background(self) -> NDArray[np.float64]:
        """Return how often each item occurs, 1 in n; shape (n, 1)."""
        return np.full((self.n, 1), 1 / self.n)

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether each row is the outcome."""
        return (np.asarray(answers) == 0).all(axis=1)

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        return uniform_log_prob(self.contains(answers), 0.0)

    def largest_surprise(self) -> float:
        """Return 0."""
        return 0.0

    def sample(self, rng: np.random.Generator, size: int) -> Ints:  # noqa: ARG002
        """Return the outcome, shape (size, n)."""
        return np.zeros((size, self.n), dtype=np.int64)

    def pmf(self) -> JointPMF:
        """Return the pmf of one outcome."""
        return listed_uniformly([("own",) * self.n], 1, self.n)


def _strange(shown: Ints) -> NDArray[np.bool_]:
    """Return which ids are neither bits nor masks."""
    return (shown < MASK) | (shown > 1)

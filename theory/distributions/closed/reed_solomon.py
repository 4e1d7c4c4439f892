"""Reed-Solomon codes with exact conditionals by interpolation over F_q.

A word is ``P(0), ..., P(n-1)`` for a polynomial P of degree below k over F_q, q a prime of at least n. Fewer than k
revealed symbols leave every other one uniform. From k on the first k determine P (Lagrange): with the revealed points
R, ``|R| = k``,

    ``P(x) = A(x) sum_{j in R} y_j w_j / (x - j)``,  ``A(x) = prod_{j in R} (x - j)``,
    ``1 / w_j = prod_{m in R, m != j} (j - m)``;

the others must agree, else the state is impossible and every symbol uniform. Products are sums of discrete
logarithms, so all rows take two matrix products; entries stay below ``n q^2 < 2^53``, exact in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import log2

import numpy as np
from numpy.typing import NDArray

from theory.distributions.closed.one_hot_blocks import listed_uniformly, uniform_log_prob
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF

__all__ = ["ReedSolomonDistribution"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReedSolomonDistribution:
    """The uniform distribution on the words of a Reed-Solomon code; numpy batches only.

    Attributes:
        n: The number of symbols, at most q.
        dimension: k, from 1 to n.
        order: q, a prime.

    Example:
        >>> distribution = ReedSolomonDistribution(3, 2, 3)  # 0, 1, 2 on a line
        >>> distribution.conditional(np.array([[1, 2, MASK]]))[0, 2].tolist()
        [1.0, 0.0, 0.0]
    """

    n: int
    dimension: int
    order: int

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The elements of F_q."""
        return tuple(range(self.order))

    @property
    def token_symmetric(self) -> bool:
        """Whether renaming tokens alone is transitive on the support; adding a code word is."""
        return True

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 15 a cell of the marginals."""
        return 15 * self.n * self.order

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return the ideal marginals, shape (B, n, q); see :class:`theory.distributions.distribution.Distribution`."""
        shown = np.asarray(revealed)
        known = shown != MASK
        strange = ((shown < MASK) | (shown >= self.order)).any(axis=1)
        enough = (known.sum(axis=1) >= self.dimension) & ~strange
        words = shown.copy()
        words[enough] = self._words(shown[enough], known[enough])
        void = strange | (enough & ((words != shown) & known).any(axis=1))
        sure = ~void[:, None] & (words != MASK)
        out = np.full((*shown.shape, self.order), 1 / self.order)
        out[sure] = 0.0
        rows, places = np.nonzero(sure)
        out[rows, places, words[rows, places]] = 1.0
        return out

    def _words(self, shown: Ints, known: NDArray[np.bool_]) -> Ints:
        """Return the words through the first k revealed symbols of each row."""
        q, logs, powers, inverses = self.order, *self._tables
        base = known & (np.cumsum(known, axis=1) <= self.dimension)
        # log A(x) without the factor of x itself, whose logarithm is stored as 0
        total = np.rint(base.astype(np.float64) @ logs).astype(np.int64) % (q - 1)
        ahead = powers[total]
        weights = powers[-total % (q - 1)]
        terms = np.where(base, np.where(base, shown, 0) * weights % q, 0)
        sums = np.rint(terms.astype(np.float64) @ inverses).astype(np.int64) % q
        return np.where(base, shown, ahead * sums % q)

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float64], Ints, NDArray[np.float64]]:
        """Return ``log(x - j)`` at [j, x], powers of a generator, and ``1 / (x - j)`` at [j, x]; 0 for x = j."""
        q = self.order
        powers = _powers(q)
        log = np.zeros(q, dtype=np.int64)
        log[powers] = np.arange(q - 1)
        x = np.arange(self.n)
        difference = (x[None, :] - x[:, None]) % q
        other = difference != 0
        logs = np.where(other, log[difference], 0)
        inverses = np.where(other, powers[-logs % (q - 1)], 0)
        return logs.astype(np.float64), powers, inverses.astype(np.float64)

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether each row is a word of the code."""
        rows = np.asarray(answers)
        fine: NDArray[np.bool_] = np.asarray(((rows >= 0) & (rows < self.order)).all(axis=1))
        found = self._words(rows[fine], np.ones_like(rows[fine], dtype=bool))
        out = fine.copy()
        out[fine] = (found == rows[fine]).all(axis=1)
        return out

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y) = k log2 q``, the same for all outcomes."""
        return self.dimension * log2(self.order)

    def sample(self, rng: np.random.Generator, size: int) -> Ints:
        """Return independent words, shape (size, n): the first k symbols are free."""
        rows = rng.integers(self.order, size=(size, self.n))
        known = np.arange(self.n) < self.dimension
        return self._words(rows, np.broadcast_to(known, rows.shape))

    def pmf(self) -> JointPMF:
        """Return the listed pmf; raises ``CostError`` when there are too many words."""
        q, count = self.order, self.order**self.dimension
        words = (
            tuple(sum(c * x**j for j, c in enumerate(free)) % q for x in range(self.n))
            for free in product(range(q), repeat=self.dimension)
        )
        return listed_uniformly(words, count, self.n)


def _powers(q: int) -> Ints:
    """Return ``1, g, g^2, ..., g^(q-2)`` for the least generator g of the units of F_q, q a prime.

    Example:
        >>> _powers(5).tolist()
        [1, 2, 4, 3]
    """
    for g in range(1, q):
        powers = [1]
        while (following := powers[-1] * g % q) != 1:
            powers.append(following)
        if len(powers) == q - 1:
            return np.array(powers)
    raise AssertionError(f"{q} is no prime")  # callers have checked it

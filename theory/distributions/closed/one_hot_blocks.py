"""One-hot blocks with exact conditionals in closed form.

Independent blocks of b bits with a single one each, uniformly placed. With m positions of a block masked and
its one not revealed, each is the one with probability 1/m; once it is revealed the rest are zeros. A block
with two ones is impossible, and so is a fully revealed block without a one. Off the support the marginals are
1/b.

Replace Random is a single block: token 1 is the new item, token 0 the item of the position. This keeps the
order of the tokens. Rules see only probabilities and compare tokens of one position only, except ``pc``,
which counts tokens over positions (``background``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, product
from math import log2
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.distributions.distribution import like
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory, scientific
from theory.numbers.arithmetic import Array

__all__ = ["BlocksDistribution", "listed_uniformly", "uniform_log_prob"]


@dataclass(frozen=True, kw_only=True)
class BlocksDistribution:
    """The uniform distribution on sequences of one-hot blocks.

    Attributes:
        block: b, the length of a block.
        copies: The number of blocks.
        items: Whether token 0 names another item at each position (Replace Random: one block).

    Example:
        >>> distribution = BlocksDistribution(block=3, copies=2)
        >>> distribution.conditional(np.array([[0, MASK, MASK, 1, MASK, MASK]]))[0, :, 1].tolist()
        [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]
    """

    position_symmetric: ClassVar[bool] = True  # permuting positions alone is transitive on the support
    block: int
    copies: int
    items: bool = False

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.block * self.copies

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The bits."""
        return (0, 1)

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 150 a position with its ranking."""
        return 150 * self.n

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, 2); see :class:`theory.distributions.distribution.Distribution`."""
        xp = array_namespace(revealed)
        cells = xp.reshape(revealed, (-1, self.copies, self.block))
        masked, one = cells == MASK, cells == 1
        left = xp.sum(xp.astype(masked, xp.int64), axis=2)  # (B, copies)
        ones = xp.sum(xp.astype(one, xp.int64), axis=2)
        void = xp.any((ones > 1) | (ones + left == 0), axis=1)
        void = void | xp.any((revealed < MASK) | (revealed > 1), axis=1)
        zero = xp.zeros_like(left)
        shares = self._share(xp.where(void[:, None], zero + self.block, xp.where(ones == 0, left, zero)))
        free = masked | void[:, None, None]
        shown = xp.astype(one, shares.dtype)
        first = xp.where(free, shares[:, :, None, 0], 1 - shown)
        second = xp.where(free, shares[:, :, None, 1], shown)
        return xp.reshape(xp.stack([first, second], axis=-1), (-1, self.n, 2))

    def left_out(self, revealed: Array) -> Array:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        xp = array_namespace(revealed)
        cells = xp.reshape(revealed, (-1, self.copies, self.block))
        masked, one = xp.astype(cells == MASK, xp.int64), xp.astype(cells == 1, xp.int64)
        left, ones = xp.sum(masked, axis=2, keepdims=True), xp.sum(one, axis=2, keepdims=True)
        bad = xp.astype((ones > 1) | (ones + left == 0), xp.int64)
        others = xp.sum(bad, axis=1, keepdims=True) - bad  # bad blocks other than its own
        ones = ones - one
        left = xp.where(ones == 0, left - masked + 1, xp.zeros_like(left - masked))
        shares = self._share(left)
        possible = xp.astype((others == 0) & (ones < 2), shares.dtype)
        return xp.reshape(shares * possible[..., None], (-1, self.n, 2))

    def _share(self, left: Array) -> Array:
        """Return the probabilities of (0, 1) with ``left`` places for the one; 0 if it is revealed elsewhere."""
        xp = array_namespace(left)
        m = np.arange(self.block + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            table = np.stack([(m - 1) / m, 1 / m], axis=1)
        table[0] = (1, 0)
        shares = xp.take(like(table, left), xp.reshape(left, (-1,)), axis=0)
        return xp.reshape(shares, (*left.shape, 2))

    def background(self) -> NDArray[np.float64]:
        """Return how often each token occurs, for each position; shape (n, 2)."""
        share = self.copies / self.n  # of ones
        often = [(1 - share) / self.n if self.items else 1 - share, share]
        return np.broadcast_to(np.array(often), (self.n, 2))

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row has exactly a single one in each block."""
        rows = np.asarray(answers)
        ones = (rows == 1).reshape(-1, self.copies, self.block).sum(axis=2)
        return ((rows == 0) | (rows == 1)).all(axis=1) & (ones == 1).all(axis=1)

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y)``, the same for all outcomes, in bits."""
        return self.copies * log2(self.block)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent outcomes, shape (size, n)."""
        places = rng.integers(self.block, size=(size, self.copies, 1))
        return (np.arange(self.block) == places).astype(np.int64).reshape(size, self.n)

    def pmf(self) -> JointPMF:
        """Return the listed pmf; raises ``CostError`` when there are too many outcomes."""
        rows = [tuple(int(i == j) for i in range(self.block)) for j in range(self.block)]
        listed = (tuple(chain.from_iterable(blocks)) for blocks in product(rows, repeat=self.copies))
        return listed_uniformly(listed, self.block**self.copies, self.n)


def uniform_log_prob(contained: NDArray[np.bool_], bits: float) -> NDArray[np.float64]:
    """Return ``-bits`` where an outcome is possible, else ``-inf``.

    Example:
        >>> uniform_log_prob(np.array([True, False]), 3.0).tolist()
        [-3.0, -inf]
    """
    return np.where(contained, -float(bits), -np.inf)


def listed_uniformly(outcomes: Iterable[tuple[Any, ...]], count: int, n: int) -> JointPMF:
    """Return the uniform pmf on ``count`` outcomes of n tokens; raises ``CostError`` before listing too many."""
    require_memory(
        count * n * 80,
        f"listing {scientific(count)} outcomes of {n} tokens",
        remedy="use a smaller n",
        advice=0,
    )
    return JointPMF.uniform(outcomes)

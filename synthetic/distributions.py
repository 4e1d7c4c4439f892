"""Exact conditionals of list tasks without listing the outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from math import factorial, log2

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.distributions.distribution import like
from theory.distributions.outcomes import MASK
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.numbers.arithmetic import Array

__all__ = ["Arrangements"]


@dataclass(frozen=True)
class Arrangements:
    """The uniform distribution on the orders of n distinct items, with or without the identity.

    With m positions masked, an unused item v is at position i in ``(m-1)!`` of the ``m!`` completions. Without the
    identity one completion is excluded: that in which every masked position i takes item i, if the revealed part agrees
    with the identity.

    Attributes:
        n: Number of items and positions.
        identity: Whether the identity is included.

    Example:
        >>> Arrangements(3).conditional(np.array([[1, MASK, MASK]])).tolist()
        [[[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.5, 0.0, 0.5]]]
        >>> Arrangements(3, identity=False).conditional(np.array([[0, MASK, MASK]])).tolist()[0][1]
        [0.0, 0.0, 1.0]
    """

    n: int
    identity: bool = True

    @property
    def tokens(self) -> tuple[int, ...]:
        """The items ``0 .. n-1``."""
        return tuple(range(self.n))

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, n)."""
        xp = array_namespace(revealed)
        items = like(np.arange(self.n), revealed)
        dtype = like(np.ones(1), revealed).dtype
        masked = revealed == MASK
        fixed = xp.astype(revealed[:, :, None] == items, dtype)
        used = xp.sum(fixed, axis=1)  # how often each item occurs, (B, n)
        left = xp.sum(xp.astype(masked, xp.int64), axis=1)
        home = xp.all(masked | (revealed == items), axis=1)  # agrees with the identity so far
        # off the support (a repeated or unknown item, or only the identity left): the unconditional marginals
        void = xp.any(used > 1.5, axis=1) | xp.any((revealed < MASK) | (revealed >= self.n), axis=1)
        void = void if self.identity else void | (home & (left < 2))
        masked, home = masked | void[:, None], home | void
        left = xp.where(void, xp.zeros_like(left) + self.n, xp.where(left > 0, left, xp.ones_like(left)))
        free = xp.astype((used < 0.5) | void[:, None], dtype)
        share = free / xp.astype(left, dtype)[:, None]
        if self.identity:
            return xp.where(masked[:, :, None], share[:, None, :], fixed)
        other, own = (xp.take(like(table, revealed), left) for table in _of_all_but_one(self.n))
        share = xp.where(home[:, None], free * other[:, None], share)
        probs = xp.where(masked[:, :, None], share[:, None, :], fixed)
        at_home = (home[:, None] & masked)[:, :, None] & (items[:, None] == items)
        return xp.where(at_home, own[:, None, None], probs)

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row is a permitted order."""
        ordered = np.sort(np.asarray(answers), axis=1) == np.arange(self.n)
        valid = ordered.all(axis=1)
        return valid if self.identity else valid & ~(np.asarray(answers) == np.arange(self.n)).all(axis=1)

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row, ``-log2 n!`` of a permitted order (or of one order less)."""
        orders = factorial(self.n) - (not self.identity)
        return np.where(self.contains(answers), -log2(orders), -np.inf)

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y)``, the same for all permitted orders, in bits."""
        return log2(factorial(self.n) - (not self.identity))

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 15 a cell of the marginals."""
        return 15 * self.n**2

    @property
    def token_symmetric(self) -> bool:
        """Whether renaming items alone is transitive on the support."""
        return self.identity

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent orders, shape (size, n); the identity is rejected where it is excluded."""
        rows = rng.permuted(np.tile(np.arange(self.n), (size, 1)), axis=1)
        while not self.identity and (bad := np.flatnonzero(~self.contains(rows))).size:
            rows[bad] = rng.permuted(rows[bad], axis=1)
        return rows

    def pmf(self) -> JointPMF:
        """Return all orders as an exact pmf."""
        listed = min(self.n, 100)  # 100! is far above every limit; n! of a huge n would be too long to write
        count = factorial(listed) - (not self.identity)
        require_memory(
            count * self.n * 80,
            f"listing the {self.n}! orders",
            remedy="use a smaller n",
            advice=0,
        )
        orders = permutations(range(self.n))
        if not self.identity:
            next(orders)  # the identity comes first
        return JointPMF.uniform(orders)


@cache
def _of_all_but_one(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return P(y_i = v | revealed part of the identity) for v != i and for v = i, by the number masked."""
    other, own = [0.0, 0.0], [0.0, 0.0]
    one_less = 1  # (m - 1)!
    for m in range(2, n + 1):
        every = one_less * m
        other.append(one_less / (every - 1))
        own.append((one_less - 1) / (every - 1))
        one_less = every
    return np.array(other[: n + 1]), np.array(own[: n + 1])

"""Structured laws of list tasks: exact conditionals without listing the outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.arithmetic import Array
from theory.law import MASK, like, normalised
from theory.limits import require_memory
from theory.pmf import JointPMF

__all__ = ["Arrangements"]


@dataclass(frozen=True)
class Arrangements:
    """The uniform law on the orders of n distinct items, with or without the identity.

    With m positions masked, an unused item v is at position i in ``(m-1)!`` of the ``m!`` completions. Without
    the identity one completion less counts: that in which every masked position i takes item i, if the revealed
    part agrees with the identity. Written relative to ``(m-1)!``, so that no factorial overflows.

    Attributes:
        n: Number of items and positions.
        identity: Whether the identity is a valid answer.

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
        eye = like(np.eye(self.n), revealed)
        masked = revealed == MASK
        fixed = xp.astype(revealed[:, :, None] == like(np.arange(self.n), revealed), eye.dtype)
        used = xp.sum(fixed, axis=1)  # how often each item stands, (B, n)
        weight = xp.astype(masked[:, :, None] & (used < 0.5)[:, None, :], eye.dtype)
        if not self.identity:
            agrees = xp.all(masked | (revealed == like(np.arange(self.n), revealed)), axis=1)
            left = np.arange(self.n + 1)
            inverse = like(np.array([1.0 / factorial(max(m - 1, 0)) for m in left]), revealed)
            count = xp.sum(xp.astype(masked, xp.int64), axis=1)
            share = xp.where(agrees, xp.take(inverse, count), xp.zeros_like(xp.take(inverse, count)))
            weight = weight - eye[None] * (weight * share[:, None, None])
            fixed = xp.where((agrees & (count == 0))[:, None, None], xp.zeros_like(fixed), fixed)
        # a repeated item, or the identity, is impossible: its rows become zero
        repeated = xp.any(used > 1.5, axis=1)[:, None, None]
        sums = xp.where(repeated, xp.zeros_like(weight), weight + fixed)
        impossible = xp.any(xp.sum(sums, axis=2) <= 0, axis=1)[:, None, None]
        return normalised(xp.where(impossible, xp.zeros_like(sums), sums), self._marginals(revealed))

    def _marginals(self, revealed: Array) -> Array:
        n = self.n
        table = np.full((n, n), 1.0 / n)
        if not self.identity:  # (n-1)! orders put v at i, one less for v = i, of n! - 1
            table = (factorial(n - 1) - np.eye(n)) / (factorial(n) - 1)
        return like(table, revealed)

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row is a permitted order."""
        ordered = np.sort(np.asarray(answers), axis=1) == np.arange(self.n)
        valid = ordered.all(axis=1)
        return valid if self.identity else valid & ~(np.asarray(answers) == np.arange(self.n)).all(axis=1)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent orders, shape (size, n); the identity is rejected where it is excluded."""
        rows = rng.permuted(np.tile(np.arange(self.n), (size, 1)), axis=1)
        while not self.identity and (bad := np.flatnonzero(~self.contains(rows))).size:
            rows[bad] = rng.permuted(rows[bad], axis=1)
        return rows

    def pmf(self) -> JointPMF:
        """Return all orders as an exact pmf."""
        count = factorial(self.n) - (not self.identity)
        require_memory(
            count * self.n * 80,
            f"listing {count} orders of {self.n} items",
            remedy="use a smaller n or the lumped chain",
        )
        orders = permutations(range(self.n))
        if not self.identity:
            next(orders)  # the identity comes first
        return JointPMF.uniform(orders)

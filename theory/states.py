"""The ideal model of a listed pmf, asked about any states: conditionals by summing over the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic import EXACT, FLOAT64, Array, Numbers
from theory.law import MASK, ListedLaw
from theory.limits import require_memory
from theory.outcomes import Token
from theory.pmf import JointPMF

__all__ = ["ListedModel"]


class ListedModel:
    """Exact conditionals, remembered by state.

    Args:
        pmf: The law.
        ids: Its outcomes as token ids, shape (N, n).
        names: The tokens behind the ids at each position.
        off_support: What the model says after impossible tokens: ``marginal``, ``uniform`` or ``stop`` (which
            answers like ``marginal``; its runs end).
    """

    def __init__(
        self, pmf: JointPMF, ids: NDArray[np.int64], names: Sequence[Sequence[Token]], off_support: str
    ) -> None:
        self.numbers: Numbers = EXACT if pmf.is_exact else FLOAT64
        self.n, self.width = pmf.n, max(map(len, names))
        self.names = names
        self.ids, self._weights = ids, pmf.weights
        self._known: dict[bytes, tuple[Any, Any]] = {}
        self._counted: dict[bytes, tuple[Any, Any]] = {}
        self._total: Any = pmf.weights.sum()
        self._base = self.numbers.ratio(self._counts(np.arange(len(ids))), self._total)
        self.fallback = self._uniform() if off_support == "uniform" else self._base

    @classmethod
    def by_token(cls, pmf: JointPMF, off_support: str = "marginal") -> ListedModel:
        """Return the model whose ids are those of :class:`theory.law.ListedLaw`: equal tokens, equal ids."""
        law = ListedLaw(pmf)
        return cls(pmf, law.ids, [law.tokens] * pmf.n, off_support)

    @classmethod
    def by_code(cls, pmf: JointPMF, off_support: str = "marginal") -> ListedModel:
        """Return the model whose ids are the codes of the pmf, a separate alphabet at each position."""
        return cls(pmf, pmf.codes, pmf.alphabets, off_support)

    def marginals(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return ``P(y_i = v | tokens)`` for each row, shape (B, n, V); the convention where it is impossible."""
        out = np.empty((len(tokens), self.n, self.width), dtype=self._base.dtype)
        for row, state in enumerate(np.ascontiguousarray(tokens, dtype=np.int64)):
            out[row] = self._look_up(state)[0]
        return out

    def mass(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return the total weight of the outcomes that agree with each row, in the units of the pmf's weights."""
        states = np.ascontiguousarray(tokens, dtype=np.int64)
        return np.array([self._look_up(state)[1] for state in states], dtype=self._weights.dtype)

    def counts(self, tokens: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the total weight of the outcomes that agree with each row, and of those with ``y_i = v`` among them.

        Shapes (B,) and (B, n, V), in the units of the pmf's weights; the marginals are their ratio.
        """
        out = np.zeros((len(tokens), self.n, self.width), dtype=self._weights.dtype)
        mass = np.zeros(len(tokens), dtype=self._weights.dtype)
        for row, state in enumerate(np.ascontiguousarray(tokens, dtype=np.int64)):
            key = state.tobytes()
            if key not in self._counted:
                rows = self.agreeing(state)
                self._counted[key] = (self._counts(rows), self._weights[rows].sum())
                size = len(self._counted) * self.n * self.width * 8
                require_memory(size, "the states of this decode", remedy="use fewer positions")
            out[row], mass[row] = self._counted[key]
        return mass, out

    def ask(self, tokens: Array) -> Array:
        """Return the marginals of K states of every row: (B, K, n) to (B, K, n, V)."""
        rows, states, n = tokens.shape
        return self.marginals(tokens.reshape(-1, n)).reshape(rows, states, n, self.width)

    def background(self) -> Array:
        """Return how often the token of each id occurs: its mean probability over the positions, shape (n, V)."""
        share: dict[Token, Any] = {}
        for names, row in zip(self.names, self._base, strict=True):
            for token, p in zip(names, row, strict=False):
                share[token] = share.get(token, 0) + p / self.n
        out = np.zeros_like(self._base)
        for i, names in enumerate(self.names):
            out[i, : len(names)] = [share[token] for token in names]
        return out

    def _look_up(self, state: NDArray[np.int64]) -> tuple[Any, Any]:
        key = state.tobytes()
        if key not in self._known:
            rows = self.agreeing(state)
            mass = self._weights[rows].sum() if len(rows) else self._weights.dtype.type(0)
            answer = self.numbers.ratio(self._counts(rows), mass) if len(rows) else self.fallback
            size = len(self._known) * self.n * self.width * (120 if self.numbers is EXACT else 8)
            require_memory(size, "the states of this decode", remedy="use fewer positions")
            self._known[key] = (answer, mass)
        return self._known[key]

    def agreeing(self, state: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the outcomes that agree with a state: the intersection of one bit set for each revealed token."""
        bits: Any = None
        for i in np.flatnonzero(state != MASK).tolist():
            token = int(state[i])
            if not 0 <= token < self.width:
                return np.zeros(0, dtype=np.int64)
            bits = self._having[i][token] if bits is None else bits & self._having[i][token]
        if bits is None:
            return np.arange(len(self.ids))
        return np.flatnonzero(np.unpackbits(bits, count=len(self.ids)))

    @cached_property
    def _having(self) -> list[NDArray[np.uint8]]:
        """For each position a bit set of outcomes for each token, packed."""
        tokens = np.arange(self.width)[:, None]
        return [np.packbits(self.ids[:, i][None, :] == tokens, axis=1) for i in range(self.n)]

    def _counts(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        counts = np.zeros((self.n, self.width), dtype=self._weights.dtype)
        for i in range(self.n):
            np.add.at(counts[i], self.ids[rows, i], self._weights[rows])
        return counts

    def _uniform(self) -> NDArray[Any]:
        used = (self._base != 0).astype(np.int64)
        return self.numbers.ratio(used, used.sum(axis=1)[:, None])

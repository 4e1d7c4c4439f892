"""The ideal model of a listed pmf, by sums over the outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.agreeing_outcomes import AgreeingOutcomes
from theory.distributions.distribution import ListedDistribution
from theory.distributions.grouping import row_keys
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.numbers.arithmetic import FLOAT64, Array
from theory.numbers.balls import BALLS

__all__ = ["ListedModel"]

_RATIO, _BALL = 7e-8, 2.5e-7  # seconds of a marginal, beside its counts; as a ball


class ListedModel:
    """Exact conditionals, cached by state.

    Args:
        pmf: The distribution; its kind of number is that of the answers.
        ids: Its outcomes as token ids, shape (N, n).
        names: The tokens behind the ids at each position.
        off_support: What the model returns after impossible tokens: ``marginal``, ``uniform``, or ``stop`` (the same
            as ``marginal``, and the run ends).

    Attributes:
        agreeing: Finds the outcomes that agree with a state.
        watch: Called after each batch of new states, for limits of cost; it may raise.
    """

    def __init__(
        self, pmf: JointPMF, ids: NDArray[np.int64], names: Sequence[Sequence[Token]], off_support: str
    ) -> None:
        self.numbers = pmf.numbers
        self.n, self.width = pmf.n, max(map(len, names))
        self.names = names
        self.ids, self._weights = ids, pmf.weights
        self.agreeing = AgreeingOutcomes(ids, pmf.weights, self.width)
        self.watch: Callable[[], None] | None = None
        self._known: dict[bytes, tuple[Any, Any]] = {}
        mass, counts = self.agreeing.counts(np.full((1, self.n), MASK))
        self._base = self.numbers.ratio(counts[0], mass[0])
        self.fallback = self._uniform() if off_support == "uniform" else self._base

    @classmethod
    def by_token(cls, pmf: JointPMF, off_support: str = "marginal") -> ListedModel:
        """Return the model with the ids of ``ListedDistribution``: equal tokens have equal ids."""
        distribution = ListedDistribution(pmf)
        return cls(pmf, distribution.ids, [distribution.tokens] * pmf.n, off_support)

    @classmethod
    def by_code(cls, pmf: JointPMF, off_support: str = "marginal") -> ListedModel:
        """Return the model whose ids are the codes of the pmf, a separate alphabet at each position."""
        return cls(pmf, pmf.codes, pmf.alphabets, off_support)

    def marginals(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return ``P(y_i = v | tokens)`` for each row, shape (B, n, V); the convention where it is impossible."""
        out = np.empty((len(tokens), self.n, self.width), dtype=self._base.dtype)
        for row, (answer, _) in enumerate(self._look_up(tokens)):
            out[row] = answer
        return out

    def mass(self, tokens: NDArray[np.int64]) -> NDArray[Any]:
        """Return the total weight of the outcomes that agree with each row, in the units of the pmf's weights."""
        tokens = np.asarray(tokens)
        whole = (tokens != MASK).all(axis=1)
        out = np.zeros(len(tokens), dtype=self._weights.dtype)
        # a complete sequence has the weight of its outcome, or zero
        out[whole] = [self._of_answers.get(key, 0) for key in row_keys(tokens[whole])]
        out[~whole] = [mass for _, mass in self._look_up(tokens[~whole])]
        return out

    def counts(self, tokens: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the total weight of the outcomes that agree with each row, and of those with ``y_i = v`` among them.

        Shapes (B,) and (B, n, V), in the units of the pmf's weights; the marginals are their ratio.
        """
        keys = row_keys(tokens)
        first = {key: row for row, key in enumerate(keys)}
        size = (len(first) + len(keys)) * self.n * self.width * 8
        require_memory(size, "the states of this decode", remedy="use fewer positions")
        mass, counts = self.agreeing.counts(np.asarray(tokens)[list(first.values())])
        place = {key: j for j, key in enumerate(first)}
        index = [place[key] for key in keys]
        return mass[index], counts[index]

    def ask(self, tokens: Array) -> Array:
        """Return the marginals of K states for each row, from shape (B, K, n) to (B, K, n, V)."""
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

    def _look_up(self, tokens: NDArray[np.int64]) -> list[tuple[Any, Any]]:
        """Return the marginals and the mass of each row, from the cache where possible."""
        keys, states = row_keys(tokens), np.asarray(tokens)
        first = {key: row for row, key in enumerate(keys) if key not in self._known}
        if first:
            size = self.bytes_of(len(self._known) + len(first))
            require_memory(size, "the states of this decode", remedy="use fewer positions", advice=2)
            for batch in self.agreeing.batches(states[list(first.values())]):
                self._learn(batch)
        return [self._known[key] for key in keys]

    def bytes_of(self, states: int) -> int:
        """Return the memory of so many states."""
        return states * self.n * self.width * (8 if self.numbers is FLOAT64 else 120)

    def forget(self) -> None:
        """Forget the states asked about so far."""
        self._known.clear()

    @cached_property
    def _of_answers(self) -> dict[bytes, Any]:
        """The weight of each outcome."""
        return dict(zip(row_keys(self.ids), self._weights.tolist(), strict=True))

    def _learn(self, states: NDArray[np.int64]) -> None:
        mass, counts = self.agreeing.counts(states)
        possible = mass != 0
        answers = self.numbers.ratio(counts[possible], mass[possible][:, None, None])
        known = iter(answers)
        for key, its_mass, is_possible in zip(row_keys(states), mass, possible.tolist(), strict=True):
            self._known[key] = (next(known) if is_possible else self.fallback, its_mass)
        self.agreeing.seconds += (
            len(states) * self.n * self.width * (_BALL if self.numbers is BALLS else _RATIO)
        )
        if self.watch is not None:
            self.watch()

    def _uniform(self) -> NDArray[Any]:
        used = (self._base != 0).astype(np.int64)
        return self.numbers.ratio(used, used.sum(axis=1)[:, None])

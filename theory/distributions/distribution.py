"""The interface between a distribution, listed or not, and its ideal model.

A :class:`Distribution` returns ``P(y_i | revealed)`` for a batch of partly masked sequences of token ids, in
the array library of the batch (numpy or torch). A listed pmf sums over its outcomes; others have a formula
that works where the outcomes are too many to list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import inf, log2
from typing import Any, Protocol

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array
from numpy.typing import NDArray

from theory.distributions.outcomes import MASK, Token, sorted_tokens
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Array
from theory.validation import InputError

__all__ = [
    "Context",
    "Distribution",
    "HasContexts",
    "ListedDistribution",
    "SampledDistribution",
    "check_weights",
    "context_pmfs",
    "like",
    "normalised",
    "occurring",
]


class Distribution(Protocol):
    """A distribution over sequences of n token ids ``0 .. len(tokens) - 1``."""

    @property
    def n(self) -> int:
        """The number of positions."""
        ...

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens, by id."""
        ...

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals of every position.

        Args:
            revealed: Token ids with :data:`MASK` at masked positions, integers, shape (B, n).

        Returns:
            ``P(y_i = v | revealed)`` in float64 (float32 on devices without it), shape (B, n, V). Rows whose
            revealed tokens are impossible hold the one-position marginals instead.
        """
        ...

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row of token ids, shape (B, n), has positive probability."""
        ...

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` in bits for each row of token ids, ``-inf`` where it is impossible; shape (B,)."""
        ...

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return ``size`` independent outcomes as token ids, shape (size, n)."""
        ...

    def pmf(self) -> JointPMF:
        """Return the exact pmf as a list of outcomes; raises ``CostError`` when there are too many."""
        ...


class SampledDistribution(Distribution, Protocol):
    """What estimates need of a distribution."""

    def largest_surprise(self) -> float:
        """Return an upper bound of ``-log2 P(y)`` over the support."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """A context X of a task, its weight, and the distribution of the outcome given X."""

    weight: Fraction
    distribution: Distribution
    label: str = ""


class HasContexts(Protocol):
    """A task, as far as theory needs it.

    A lumped chain is offered by a method ``chain()`` (:func:`theory.distributions.contexts.chain_of`).
    """

    def contexts(self) -> Sequence[Context]:
        """Return the weighted contexts."""
        ...


def occurring(contexts: Sequence[Context]) -> tuple[Context, ...]:
    """Return the contexts of positive weight; no result depends on the others."""
    return tuple(context for context in contexts if context.weight)


def context_pmfs(contexts: Sequence[Context]) -> list[tuple[Fraction, JointPMF]]:
    """Return (weight, pmf) pairs of positive weight, as ``subset_entropies`` takes them."""
    return [(context.weight, context.distribution.pmf()) for context in occurring(contexts)]


@dataclass(frozen=True, eq=False)
class ListedDistribution:
    """The distribution of a listed pmf.

    Example:
        >>> distribution = ListedDistribution(JointPMF.uniform([("a", "b"), ("b", "a")]))
        >>> distribution.conditional(np.array([[0, MASK]])).tolist()
        [[[1.0, 0.0], [0.0, 1.0]]]
    """

    source: JointPMF

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.source.n

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The union of the alphabets, sorted."""
        return self._tokens

    @cached_property
    def _tokens(self) -> tuple[Token, ...]:
        return sorted_tokens({token for alphabet in self.source.alphabets for token in alphabet})

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The outcomes as token ids, shape (N, n)."""
        id_of = {token: j for j, token in enumerate(self.tokens)}
        columns = [
            np.array([id_of[t] for t in a])[self.source.codes[:, i]]
            for i, a in enumerate(self.source.alphabets)
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def _one_hot(self) -> NDArray[np.float64]:
        eye = np.eye(len(self.tokens))
        return (eye[self.ids] * self.source.floats()[:, None, None]).reshape(len(self.source), -1)

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, V): sums over the outcomes that agree with the row."""
        xp = array_namespace(revealed)
        ids, weighted = like(self.ids, revealed), like(self._one_hot, revealed)
        agree = (revealed[:, None, :] == MASK) | (revealed[:, None, :] == ids[None, :, :])
        match = xp.astype(xp.all(agree, axis=2), weighted.dtype)
        sums = xp.reshape(match @ weighted, (-1, self.n, len(self.tokens)))
        return normalised(sums, like(self._one_hot.sum(axis=0).reshape(self.n, -1), revealed))

    @cached_property
    def _log_probs(self) -> dict[tuple[int, ...], float]:
        logs = map(log2, self.source.probabilities)  # of Fractions: no underflow of the ratio
        return dict(zip(map(tuple, self.ids.tolist()), logs, strict=True))

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row, ``-inf`` off the support; shape (B,).

        Example:
            >>> distribution = ListedDistribution(JointPMF.from_pairs([("a", "b"), ("b", "a")], ["1/4", "3/4"]))
            >>> distribution.log_prob(np.array([[0, 1], [0, 0]])).tolist()
            [-2.0, -inf]
        """
        rows = np.asarray(answers).tolist()
        return np.array([self._log_probs.get(tuple(row), -inf) for row in rows], dtype=np.float64)

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row is one of the outcomes."""
        known = set(map(tuple, self.ids.tolist()))
        return np.array([tuple(row) in known for row in np.asarray(answers).tolist()], dtype=bool)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent outcomes, shape (size, n)."""
        p = self.source.floats()
        return self.ids[rng.choice(len(p), size=size, p=p / p.sum())]

    def pmf(self) -> JointPMF:
        """Return the listed pmf itself."""
        return self.source


def like(values: NDArray[Any], reference: Array) -> Array:
    """Return ``values`` as an array of the library and device of ``reference``."""
    xp = array_namespace(reference)
    if is_torch_array(reference):
        where = device(reference)
        if where.type == "mps" and values.dtype == np.float64:  # mps has no float64
            values = values.astype(np.float32)
        return xp.asarray(values, device=where)
    return xp.asarray(values)


def normalised(sums: Array, fallback: Array) -> Array:
    """Return ``sums / total`` along the last axis, and ``fallback`` in rows that are impossible (total zero)."""
    xp = array_namespace(sums)
    total = xp.sum(sums, axis=-1, keepdims=True)
    possible = total > 0
    return xp.where(possible, sums / xp.where(possible, total, xp.ones_like(total)), fallback[None, :, :])


def check_weights(contexts: Sequence[Context]) -> None:
    """Raise unless the weights of the contexts are at least 0 and sum to one."""
    if negative := next((context.weight for context in contexts if context.weight < 0), None):
        raise InputError(f"weights of the contexts must be at least 0, got {negative}.")
    total = sum((context.weight for context in contexts), Fraction(0))
    if total != 1:
        raise InputError(f"weights of the contexts must sum to 1, got {total}; divide by the sum first.")

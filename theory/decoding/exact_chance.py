"""Chance that follows every possible result, with weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import EXACT, ProvenNumbers
from theory.numbers.balls import is_zero
from theory.policies.checked_calls import checked_chances
from theory.policies.plan import Plan
from theory.policies.run_batch import RunBatch
from theory.policies.set_distributions import usable_distributions
from theory.validation import InputError

__all__ = ["ExactChance"]

_PLACE, _SHORT = (
    2e-6,
    1000,
)  # seconds of a row and position while numbers have few bits; twice as long at so many
_CELL, _ROW = 8, 600  # bytes of a marginal, which rows share but for the reference, and of a row beside


class ExactChance:
    """Split rows into all possible results, with weights.

    The weight ``decoder`` is the probability that the decoder's own run reaches a row, ``data`` that of runs driven by
    ``y ~ P``. The latter exist only for rules that use :meth:`choose` and :meth:`reveal` alone: then the tokens of a
    step are independent draws given the set, and Theorem 1 of arXiv 2510.04767 applies along the path.

    Args:
        model: The ideal model.
        kind: The kind of number of all probabilities: rationals or balls.
        read: The model in numbers that results are computed from: of an exact pmf ``model``, of a float pmf in balls.
        check_rows: Called with a number of rows and what they are before these are made; it may raise.
    """

    def __init__(
        self,
        model: ListedModel,
        *,
        kind: ProvenNumbers,
        read: ListedModel,
        check_rows: Callable[[int, str], None],
    ) -> None:
        self.model, self.kind, self.read, self.check_rows = model, kind, read, check_rows
        self.follows_data = True
        self.proven = True  # whether the balls contain the true values
        self.path: list[tuple[Any, Any]] = []  # (probability under the data, P(y_S | y_C) / prod q_i)

    def choose(self, batch: RunBatch, plan: Plan) -> tuple[RunBatch, NDArray[np.bool_]]:
        """Split by the distribution of the set."""
        index, distributions = plan.distribution()
        distributions, proven = usable_distributions(distributions, self.kind)
        self.proven &= proven
        n, sizes = (
            batch.tokens.shape[1],
            np.array([len(distribution) for distribution in distributions], dtype=np.int64),
        )
        copies = sizes[index]
        self.check_rows(int(copies.sum()), "the sets of one step")
        parent = np.repeat(np.arange(len(index)), copies)
        # the distributions one after another, and the place of each row
        place = np.repeat((np.cumsum(sizes) - sizes)[index] - (np.cumsum(copies) - copies), copies)
        place += np.arange(len(parent))
        every = [entry for distribution in distributions for entry in distribution]
        sets = np.array([[bool(chosen >> i & 1) for i in range(n)] for chosen, _ in every])
        sets = sets.reshape(-1, n)[place]
        if np.any(sets & ~batch.masked[parent]):
            raise InputError("a rule took a position that is not masked.")
        return self._split(batch, parent, self.kind.array(p for _, p in every)[place]), sets

    def reveal(self, batch: RunBatch, chosen: NDArray[np.bool_]) -> RunBatch:
        """Split by the tokens drawn at the chosen positions."""
        parent, tokens, own = self._products(
            batch, chosen, probable=batch.probs if self.follows_data else None
        )
        before = batch.tokens[parent]
        after = np.where(tokens == MASK, before, tokens)
        data = batch.weights["data"][parent]
        if self.follows_data:
            ratio = self._ratio(before, after)
            data = data * ratio
            self.path += [
                (d, inf if q == 0 else r / q)
                for d, r, q in zip(data.tolist(), ratio.tolist(), own.tolist(), strict=True)
                if d != 0
            ]
        split = self._split(batch, parent, own, data=data)
        return replace(split, tokens=after)

    def propose(self, batch: RunBatch, where: NDArray[np.bool_]) -> tuple[RunBatch, NDArray[np.int64]]:
        """Split by the tokens drawn at ``where``."""
        self.follows_data = False
        parent, tokens, own = self._products(batch, where, probable=None)
        return self._split(batch, parent, own), tokens

    def flip(self, batch: RunBatch, probability: NDArray[Any]) -> tuple[RunBatch, NDArray[np.bool_]]:
        """Split by independent random choices."""
        self.follows_data = False
        probability = checked_chances(probability)
        if probability.dtype != np.dtype(object):
            self.proven = False  # the rule's floats have no proven error
        probability = self.kind.converted(probability)
        coins = np.stack([1 - probability, probability], axis=2)
        every = np.ones(batch.tokens.shape, dtype=bool)
        parent, results, own = self._expand(coins, every, None)
        return self._split(batch, parent, own), results == 1

    # -- splitting --------------------------------------------------------------------------------------------

    def _products(
        self, batch: RunBatch, where: NDArray[np.bool_], probable: NDArray[Any] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        balls = None if self.kind is EXACT else self._marginals(batch)
        return self._expand(batch.transform.draw(batch.probs, batch.numbers, balls), where, probable)

    def _marginals(self, batch: RunBatch) -> NDArray[Any]:
        """Return the marginals of the batch as balls; floats written by a rule have no proven error."""
        if (known := batch.known_balls) is not None:
            return known
        if batch.probs.dtype != np.dtype(object):
            self.proven = False
        return self.kind.converted(batch.probs)

    def asked(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the marginals of its tokens."""
        weights = {name: batch.weights[name] for name in ("decoder", "data")}
        probs = self.model.marginals(batch.tokens)
        if self.read is not self.model:
            weights |= {"balls": self.read.marginals(batch.tokens), "rounded": probs}
        return replace(batch, probs=probs, weights=weights)

    def _ratio(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[Any]:
        """Return ``P(after | before)`` of each row; arbitrary where ``before`` is impossible."""
        whole, part = self.read.mass(before), self.read.mass(after)
        whole = np.where(is_zero(whole), 1, whole)
        return self.kind.converted(self.read.numbers.ratio(part, whole))

    def _expand(
        self, q: NDArray[Any], where: NDArray[np.bool_], probable: NDArray[Any] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Return parent row, drawn values (-1 elsewhere) and probability of every combination of draws.

        Values of probability zero are listed only where ``probable`` says that the data may have them.
        """
        live = ~is_zero(q) if probable is None else ~is_zero(q) | ~is_zero(probable)
        counts = np.where(where, live.sum(axis=2), 1).astype(float).prod(axis=1).sum()
        self.check_rows(int(counts), "the draws of one step")
        parent, tokens = np.arange(len(q)), np.full(where.shape, MASK)
        weights = np.full(len(q), self.kind.const(1), dtype=object)
        for i in np.flatnonzero(where.any(axis=0)).tolist():
            # a copy of the row for each value of position i, in the order of their ids
            here = where[parent, i]
            copies = np.where(here, live[parent, i].sum(axis=1), 1)
            rows = np.repeat(np.arange(len(parent)), copies)
            number = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies)
            parent, tokens, weights, here = parent[rows], tokens[rows], weights[rows], here[rows]
            values = np.argsort(~live[:, i], axis=1, kind="stable")[parent[here], number[here]]
            tokens[here, i] = values
            weights[here] = weights[here] * q[parent[here], i, values]
        return parent, tokens, weights

    def _split(
        self, batch: RunBatch, parent: NDArray[np.int64], own: NDArray[Any], data: NDArray[Any] | None = None
    ) -> RunBatch:
        split = batch.take(parent)
        weighted = {"decoder": split.weights["decoder"] * own}
        weighted["data"] = split.weights["data"] * own if data is None else data
        return replace(split, weights={**split.weights, **weighted})

    def seconds_of(self, rows: float, bits: int = 0) -> float:
        """Return the seconds of a step that ends with so many rows, of numbers of so many bits."""
        return rows * self.model.n * _PLACE * (_SHORT + bits) / _SHORT

    def bytes_of(self, rows: int) -> int:
        """Return the memory of so many rows."""
        return rows * (self.model.n * self.model.width * _CELL + _ROW)

    @property
    def asked_seconds(self) -> float:
        """Estimated seconds of all questions to the models so far."""
        return sum(model.agreeing.seconds for model in {self.model, self.read})

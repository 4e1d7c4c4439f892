"""The ideal model of a parametric distribution for batches of states."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import Distribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.leave_one_out import LeavesOut, others_only
from theory.distributions.parametric.markov import MarkovDistribution
from theory.numbers.arithmetic import Array
from theory.numbers.distinct import distinct_rows

__all__ = ["DistributionModel", "row_operations"]

_CELLS = 1 << 22  # float64 numbers of one batch of marginals: 32 MB


class DistributionModel:
    """The ideal model of a distribution, as policies ask it, with the convention for impossible states.

    Args:
        distribution: The distribution.
        off_support: What the model returns after impossible tokens: ``marginal``, ``uniform`` (over the tokens that can
            occur at the position), or ``stop`` (the same as ``marginal``, and the run ends).

    Attributes:
        asked: Number of states asked so far, repeated ones included.
        watch: Called after each count and before the distribution is asked, for limits of cost; it may raise.

    Example:
        >>> from theory.distributions.parametric.markov import MarkovDistribution
        >>> distribution = MarkovDistribution(n=2, initial=["1/4", "3/4"], transition=[[1, 0], [0, 1]])
        >>> states = np.array([[0, MASK], [0, 1]])
        >>> model = DistributionModel(distribution)
        >>> probs = model.marginals(states)
        >>> probs[0, 1].tolist(), model.impossible(states, probs).tolist()
        ([1.0, 0.0], [False, True])
    """

    def __init__(self, distribution: Distribution, off_support: str = "marginal") -> None:
        self.distribution, self.off_support = distribution, off_support
        self.n, self.width = distribution.n, len(distribution.tokens)
        self.asked = 0
        self.watch: Callable[[], None] | None = None

    @cached_property
    def base(self) -> NDArray[np.float64]:
        """The marginals given nothing, shape (n, V)."""
        return np.asarray(self.distribution.conditional(np.full((1, self.n), MASK))[0])

    def marginals(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``P(y_i = v | tokens)`` for each row, shape (B, n, V)."""
        self._count(len(tokens))
        first, index = distinct_rows(tokens)
        distinct = tokens[first]
        probs = self._in_batches(self.distribution.conditional, distinct)
        if self.off_support == "uniform":
            probs = np.where(self.impossible(distinct, probs)[:, None, None], self._uniform, probs)
        return probs[index]

    def _count(self, states: int) -> None:
        self.asked += states
        if self.watch is not None:
            self.watch()

    def impossible(self, tokens: NDArray[np.int64], probs: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows have revealed tokens of probability zero, given their marginals; shape (B,).

        On the support the marginal of a revealed token is 1. Off it the convention gives ``P(y_i = v)`` or
        the uniform distribution; if that were above ``1 - 1/n`` at all revealed positions, the row would be
        possible by the union bound. The limit ``1 - 1/(2n)`` therefore separates the two cases, whatever the
        rounding.
        """
        index = np.where(tokens == MASK, 0, tokens)[:, :, None]
        shown = np.take_along_axis(probs, index, axis=2)[:, :, 0]
        if self.off_support == "uniform":  # a position with one token always has probability 1 and is ignored
            shown = np.where(self._uniform[np.arange(self.n), index[:, :, 0]] == 1, 1.0, shown)
        return ((tokens != MASK) & (shown < 1 - 1 / (2 * self.n))).any(axis=1)

    def ask(self, tokens: Array) -> Array:
        """Return the marginals of K states for each row, from shape (B, K, n) to (B, K, n, V)."""
        rows, states, n = tokens.shape
        return self.marginals(tokens.reshape(-1, n)).reshape(rows, states, n, self.width)

    def left_out(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``P(y_i = v | all revealed positions but i)``, shape (B, n, V), in one pass if possible.

        The convention for impossible states applies to each position by itself, to the state without its token.
        """
        if not isinstance(self.distribution, LeavesOut):
            return self._each_left_out(tokens)
        self._count(len(tokens))
        first, index = distinct_rows(tokens)
        probs = self._in_batches(self.distribution.left_out, tokens[first])
        impossible = ~(probs > 0).any(axis=2, keepdims=True)
        rest = self._uniform if self.off_support == "uniform" else self.base
        return np.where(impossible, rest, probs)[index]

    def _each_left_out(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the same with one model call for each revealed position, a few rows at a time."""
        probs = self.marginals(tokens)
        states, rows, places = others_only(tokens)
        most = max(1, _CELLS // (self.n * self.width))
        for begin in range(0, len(states), most):
            part = slice(begin, begin + most)
            asked = self.marginals(states[part])
            probs[rows[part], places[part]] = asked[np.arange(len(asked)), places[part]]
        return probs

    def background(self) -> Array:
        """Return how often each token occurs, the mean over positions of the marginals given nothing; shape (n, V).

        A distribution whose ids mean other tokens at each position has its own ``background()``.
        """
        known = getattr(self.distribution, "background", None)
        return np.broadcast_to(self.base.mean(axis=0), self.base.shape) if known is None else known()

    def _in_batches(
        self, distribution: Callable[[Array], Array], states: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return a result of the distribution for the states, a few at a time."""
        most = max(1, _CELLS // (self.n * self.width))
        parts = [distribution(states[begin : begin + most]) for begin in range(0, len(states), most)]
        return np.concatenate([np.zeros((0, self.n, self.width)), *parts])

    @cached_property
    def _uniform(self) -> NDArray[np.float64]:
        used = (self.base > 0).astype(np.float64)
        return used / used.sum(axis=1, keepdims=True)


def row_operations(distribution: Distribution) -> int:
    """Return the estimated nanoseconds of one core for the marginals of a state.

    Measured: 75 for each token and position of a chain, 1 for each product of hidden states, 0.3 for each
    cell of an inside-outside chart.
    """
    known: int | None = getattr(distribution, "row_cost", None)  # distributions in closed form
    if known is not None:
        return known
    if isinstance(distribution, GrammarDistribution):
        held = len(distribution.words)  # required words split every symbol by the words that it yields
        pairs = len({(rule.left, rule.right) for rule in distribution.rules.binary}) << 2 * held
        return max(1, distribution.n**3 * (len(distribution.rules.symbols) << held) * pairs // 3)
    states = (
        len(distribution.initial)
        if isinstance(distribution, (HMMDistribution, MarkovDistribution))
        else len(distribution.tokens)
    )
    return distribution.n * (75 * (len(distribution.tokens) + states) + states * states)

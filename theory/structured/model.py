"""The ideal model of a law given by parameters, asked about batches of states; equal states are asked once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic import Array
from theory.law import MASK, Law
from theory.structured.grammar import GrammarLaw
from theory.structured.hmm import HMMLaw
from theory.structured.markov import MarkovLaw

__all__ = ["LawModel", "row_operations"]

_CELLS = 1 << 22  # float64 numbers of one batch of marginals: 32 MB


class LawModel:
    """Conditionals of a law, with the convention for impossible states; an oracle for policies.

    Args:
        law: The law.
        off_support: What the model says after impossible tokens: ``marginal``, ``uniform`` (over the tokens that can
            occur at the position) or ``stop`` (which answers like ``marginal``; its runs end).

    Attributes:
        asked: Number of states asked so far, equal ones counted each.

    Example:
        >>> from theory.structured.markov import MarkovLaw
        >>> law = MarkovLaw(n=2, initial=["1/4", "3/4"], transition=[[1, 0], [0, 1]])
        >>> states = np.array([[0, MASK], [0, 1]])
        >>> model = LawModel(law)
        >>> probs = model.marginals(states)
        >>> probs[0, 1].tolist(), model.impossible(states, probs).tolist()
        ([1.0, 0.0], [False, True])
    """

    def __init__(self, law: Law, off_support: str = "marginal") -> None:
        self.law, self.off_support = law, off_support
        self.n, self.width = law.n, len(law.tokens)
        self.asked = 0

    @cached_property
    def base(self) -> NDArray[np.float64]:
        """The marginals given nothing, shape (n, V)."""
        return np.asarray(self.law.conditional(np.full((1, self.n), MASK))[0])

    def marginals(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``P(y_i = v | tokens)`` for each row, shape (B, n, V)."""
        self.asked += len(tokens)
        distinct, index = _distinct(tokens)
        most = max(1, _CELLS // (self.n * self.width))
        parts = [
            self.law.conditional(distinct[begin : begin + most]) for begin in range(0, len(distinct), most)
        ]
        probs = np.concatenate([np.zeros((0, self.n, self.width)), *parts])
        if self.off_support == "uniform":
            probs = np.where(self.impossible(distinct, probs)[:, None, None], self._uniform, probs)
        return probs[index]

    def impossible(self, tokens: NDArray[np.int64], probs: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows show tokens of probability zero, given their marginals; shape (B,).

        On the support the marginal at a revealed position is 1 for the token that stands there. Off it the convention
        gives ``P(y_i = v)`` or the uniform law; were that above ``1 - 1/n`` at all revealed positions, the row would be
        possible by the union bound. Hence the limit ``1 - 1/(2n)`` parts the two, whatever the rounding.
        """
        index = np.where(tokens == MASK, 0, tokens)[:, :, None]
        shown = np.take_along_axis(probs, index, axis=2)[:, :, 0]
        if self.off_support == "uniform":  # a position of one token tells nothing, and does no harm
            shown = np.where(self._uniform[np.arange(self.n), index[:, :, 0]] == 1, 1.0, shown)
        return ((tokens != MASK) & (shown < 1 - 1 / (2 * self.n))).any(axis=1)

    def ask(self, tokens: Array) -> Array:
        """Return the marginals of K states of every row: (B, K, n) to (B, K, n, V)."""
        rows, states, n = tokens.shape
        return self.marginals(tokens.reshape(-1, n)).reshape(rows, states, n, self.width)

    def background(self) -> Array:
        """Return the mean over positions of the marginals given nothing, for each position; shape (n, V)."""
        return np.broadcast_to(self.base.mean(axis=0), self.base.shape)

    @cached_property
    def _uniform(self) -> NDArray[np.float64]:
        used = (self.base > 0).astype(np.float64)
        return used / used.sum(axis=1, keepdims=True)


def _distinct(tokens: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct rows, and which one each row is; rows compared as bytes, far faster than numpy does."""
    narrow = np.int16 if tokens.max(initial=0) < 1 << 15 else np.int64
    rows = np.ascontiguousarray(tokens, dtype=narrow)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    return tokens[first], index.reshape(-1)


def row_operations(law: Law) -> int:
    """Return about how many nanoseconds of one core the marginals of a state take, for estimates of cost.

    Measured: 50 a token and position of a chain plus one a product of hidden states, 0.3 a cell of an inside-outside
    chart.
    """
    if isinstance(law, GrammarLaw):
        held = len(law.words)  # given words split every symbol by what its yield contains
        pairs = len({(rule.left, rule.right) for rule in law.rules.binary}) << 2 * held
        return max(1, law.n**3 * (len(law.rules.symbols) << held) * pairs // 3)
    states = len(law.initial) if isinstance(law, (HMMLaw, MarkovLaw)) else len(law.tokens)
    return law.n * (50 * (len(law.tokens) + states) + states * states)

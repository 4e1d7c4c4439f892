"""Chance that draws one result per row, as a sampler does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import MASK
from theory.distributions.draws import draw
from theory.numbers.arithmetic import EXACT
from theory.policies.board import Board
from theory.policies.foreign import chances_of
from theory.policies.policy import Plan

__all__ = ["SampleChance"]


class SampleChance:
    """Draw one result per row, in numpy, for any kind of number.

    Args:
        rng: Source of all randomness.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def choose(self, board: Board, plan: Plan) -> tuple[Board, NDArray[np.bool_]]:
        """Return one set per row."""
        return board, np.asarray(plan.sample(self.rng.random(board.tokens.shape))) & board.masked

    def reveal(self, board: Board, chosen: NDArray[np.bool_]) -> Board:
        """Return the board with a token drawn at each chosen position."""
        return board.write(chosen, self._drawn(board, chosen))

    def propose(self, board: Board, where: NDArray[np.bool_]) -> tuple[Board, NDArray[np.int64]]:
        """Return a token drawn at each position of ``where``, -1 elsewhere."""
        return board, self._drawn(board, where)

    def flip(self, board: Board, probability: Any) -> tuple[Board, NDArray[np.bool_]]:
        """Return independent random choices."""
        return board, self.rng.random(board.tokens.shape) < EXACT.floats(chances_of(probability))

    def _drawn(self, board: Board, where: NDArray[np.bool_]) -> NDArray[np.int64]:
        tokens = np.full(board.tokens.shape, MASK)
        index = np.nonzero(where)
        if len(index[0]):
            tokens[index] = draw(self.rng, self.distribution(board, index))
        return tokens

    def distribution(self, board: Board, index: Any) -> NDArray[np.float64]:
        """Return the distributions of the tokens at the K places ``index`` of ``board.tokens``, shape (K, V)."""
        return board.numbers.floats(board.transform.draw(board.probs[index], board.numbers))

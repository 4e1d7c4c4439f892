"""Chance as one result a row, for samplers with arrays of any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory.distributions.draws import draw
from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import EXACT, Array
from theory.policies.board import Board
from theory.policies.foreign import chances_of
from theory.policies.plan import Plan

__all__ = ["SampleChance"]


class SampleChance:
    """Draw one result per row; rows never split.

    Args:
        random: Source of all randomness: returns independent uniform numbers in [0, 1) of a shape, in the library of
            the boards.
    """

    def __init__(self, random: Callable[[tuple[int, ...]], Array]) -> None:
        self.random = random

    def begin(self, board: Board) -> None:
        """Take note of the board at the start of a step."""

    def choose(self, board: Board, plan: Plan) -> tuple[Board, Array]:
        """Return one set per row."""
        return board, plan.sample(self.random(tuple(board.tokens.shape))) & board.masked

    def reveal(self, board: Board, chosen: Array) -> Board:
        """Return the board with a token drawn at each chosen position."""
        return board.write(chosen, self._drawn(board, chosen))

    def propose(self, board: Board, where: Array) -> tuple[Board, Array]:
        """Return a token drawn at each position of ``where``, -1 elsewhere."""
        return board, self._drawn(board, where)

    def flip(self, board: Board, probability: Array) -> tuple[Board, Array]:
        """Return independent coins."""
        return board, self.random(tuple(board.tokens.shape)) < EXACT.floats(chances_of(probability))

    def _drawn(self, board: Board, where: Array) -> Array:
        xp = board.numbers.xp
        tokens, index = xp.full_like(board.tokens, MASK), xp.nonzero(where)
        if len(index[0]):
            tokens[index] = draw(self.distribution(board, index), self.random((len(index[0]),)), xp)
        return tokens

    def distribution(self, board: Board, index: Any) -> Array:
        """Return what the tokens at the K places ``index`` of ``board.tokens`` are drawn from, shape (K, V)."""
        return board.numbers.floats(board.transform.draw(board.probs[index], board.numbers))

"""The first steps of sampled runs, whose states estimate those of an exact decode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.sampled_chance import SampleChance
from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT
from theory.policies.board import Board
from theory.policies.foreign import finished_rows, stepped
from theory.policies.process import Process

__all__ = ["SAMPLED_STEPS", "first_board", "sampled_steps"]

SAMPLED_STEPS = 64  # of the first steps that are looked at


def first_board(model: ListedModel, transform: Transform, **weights: Any) -> Board:
    """Return one fully masked row."""
    tokens = np.full((1, model.n), MASK)
    return Board(
        tokens=tokens,
        probs=model.marginals(tokens),
        memory={},
        weights=weights,
        numbers=model.numbers,
        transform=transform,
        oracle=model,
        step=0,
        rates=EXACT,
    )


def sampled_steps(
    process: Process, rule: object, start: Board, *, runs: int, stop: bool = False
) -> Iterator[tuple[Board, Board]]:
    """Yield the board before and after each of the first steps of independent runs; finished ones drop out.

    Possible tokens are equally probable, since states count, not their probabilities.

    Args:
        process: The rule as a process.
        rule: The rule itself, for its idle calls.
        start: One row that the process has started, from which all runs start; the oracle is a listed model.
        runs: How many.
        stop: Whether runs end off the support.
    """
    chance, model = _FlatChance(np.random.default_rng(0).random), start.oracle
    assert isinstance(model, ListedModel)
    board = replace(start, weights={}).take(np.zeros(runs, dtype=np.int64))
    for _ in range(SAMPLED_STEPS):
        left = ~np.asarray(finished_rows(process, board))
        if stop:
            left &= model.mass(board.tokens) != 0
        if not left.any():
            return
        board = board.take(np.flatnonzero(left))
        board = replace(board, probs=model.marginals(board.tokens))
        board = replace(board, step=board.step + board.idle_calls(rule))
        after = stepped(process, board, chance)
        yield board, after
        board = replace(after, weights={}, numbers=start.numbers, step=board.step + 1)


class _FlatChance(SampleChance):
    """Chance with equally probable tokens, so that rare states are found more often."""

    def flip(self, board: Board, probability: Any) -> tuple[Board, NDArray[np.bool_]]:
        """Return fair choices where both results are possible."""
        p = EXACT.floats(probability)
        return super().flip(board, np.where((p > 0) & (p < 1), 0.5, p))

    def distribution(self, board: Board, index: Any) -> NDArray[np.float64]:
        """Return what tokens are drawn from, up to a factor."""
        return (super().distribution(board, index) > 0).astype(np.float64)

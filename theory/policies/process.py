"""Rules with memory, written once for exact and sampled runs.

| what it does | examples |
|---|---|
| keeps a memory between steps | KLASS, SlowFast, credit |
| looks at tokens before it decides | ``confidence=sampled``, LoPA |
| masks positions again | ReMDM, RCR, WINO, Saber |
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from theory.numbers.arithmetic import Array
from theory.policies.board import Board
from theory.policies.plan import Plan

__all__ = ["Chance", "Process"]


class Chance(Protocol):
    """The source of random choices. Each call returns the board, perhaps with its rows split, and the result."""

    def choose(self, board: Board, plan: Plan) -> tuple[Board, Array]:
        """Return a set of positions drawn from ``plan``, bool, shape (B, n)."""
        ...

    def reveal(self, board: Board, chosen: Array) -> Board:
        """Return the board with an independent token drawn at each chosen position."""
        ...

    def propose(self, board: Board, where: Array) -> tuple[Board, Array]:
        """Return a token drawn at each position of ``where``, -1 elsewhere, shape (B, n), without revealing it."""
        ...

    def flip(self, board: Board, probability: Array) -> tuple[Board, Array]:
        """Return independent results that are true with the given probabilities, bool, shape (B, n)."""
        ...


@runtime_checkable
class Process(Protocol):
    """A rule with memory, as a program over the board."""

    def start(self, board: Board) -> Board:
        """Return the board with the initial memory."""
        ...

    def step(self, board: Board, chance: Chance) -> Board:
        """Return the board after one model call."""
        ...

    def finished(self, board: Board) -> Array:
        """Return which rows are done, bool, shape (B,); usually those without masks."""
        ...

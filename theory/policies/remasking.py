"""Helpers that the remasking rules share."""

from __future__ import annotations

from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import Array
from theory.policies.board import Board
from theory.policies.process import Chance
from theory.policies.ranked import Ranked

__all__ = ["block_of", "counted", "fillable", "real_zeros", "remask_lowest", "start_clock", "zeros"]


def remask_lowest(
    board: Board, chance: Chance, scores: Array, candidates: Array, take: Array, ties: str
) -> tuple[Board, Array]:
    """Mask the ``take`` lowest-scored candidates again.

    Args:
        board: The runs, with all data of a row in their memory, since rows may split.
        chance: Breaks the ties.
        scores: Lower is masked first, shape (B, n).
        candidates: Revealed positions that compete, bool, shape (B, n).
        take: How many, at most the number of candidates, shape (B,).
        ties: ``random`` or ``lowest`` index first.

    Returns:
        The board, and which positions were masked, bool, shape (B, n).
    """
    # chance chooses among masked positions: mask all candidates, then restore the others
    board = board.remember(held=board.tokens).remask(candidates)
    plan = Ranked(board.view(candidates), -scores, take, ties, least=0)
    board, chosen = chance.choose(board, plan)
    held = board.memory["held"]
    return board.write((held != MASK) & ~chosen, held).forget("held"), chosen


def zeros(board: Board) -> Array:
    """Return a zero per position, of the kind of the probabilities, shape (B, n)."""
    return board.numbers.xp.zeros_like(board.probs[:, :, 0])


def real_zeros(board: Board) -> Array:
    """Return a zero per position, of the kind of :attr:`~theory.policies.board.Board.reals`, shape (B, n)."""
    reals, kind = board.reals
    return kind.xp.zeros_like(reals[:, :, 0]) + kind.const(0)


def fillable(board: Board) -> Array:
    """Return the positions that were masked at the start, bool, shape (B, n)."""
    return board.numbers.xp.ones_like(board.masked) if board.fillable is None else board.fillable


def start_clock(board: Board) -> Board:
    """Return the board with a count of model calls per row, for rules that end after a number of calls."""
    return board.remember(calls=board.numbers.xp.zeros_like(board.tokens[:, 0]))


def counted(board: Board) -> Board:
    """Return the board with one more model call."""
    return board.remember(calls=board.memory["calls"] + 1)


def block_of(board: Board, block: int | None) -> Array:
    """Return the number of the block of each position, shape (n,); a single block for ``None``."""
    xp = board.numbers.xp
    index = xp.cumulative_sum(xp.ones_like(board.tokens[0]), axis=0) - 1
    return xp.zeros_like(index) if block is None else index // min(block, 1 << 31)

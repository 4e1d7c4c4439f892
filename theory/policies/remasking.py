"""Helpers that the remasking rules share."""

from __future__ import annotations

from theory.distributions.distribution import MASK
from theory.numbers.arithmetic import Array
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.run_batch import RunBatch

__all__ = ["block_of", "counted", "fillable", "real_zeros", "remask_lowest", "start_clock", "zeros"]


def remask_lowest(
    batch: RunBatch, chance: Chance, scores: Array, candidates: Array, take: Array, ties: str
) -> tuple[RunBatch, Array]:
    """Mask the ``take`` lowest-scored candidates again.

    Args:
        batch: The runs, with all data of a row in their memory, since rows may split.
        chance: Breaks the ties.
        scores: Lower is masked first, shape (B, n).
        candidates: Revealed positions that compete, bool, shape (B, n).
        take: How many, at most the number of candidates, shape (B,).
        ties: ``random`` or ``lowest`` index first.

    Returns:
        The batch, and which positions were masked, bool, shape (B, n).
    """
    # chance chooses among masked positions: mask all candidates, then restore the others
    batch = batch.remember(held=batch.tokens).remask(candidates)
    plan = Ranked(batch.view(candidates), -scores, take, ties, least=0)
    batch, chosen = chance.choose(batch, plan)
    held = batch.memory["held"]
    return batch.write((held != MASK) & ~chosen, held).forget("held"), chosen


def zeros(batch: RunBatch) -> Array:
    """Return a zero per position, of the kind of the probabilities, shape (B, n)."""
    return batch.numbers.xp.zeros_like(batch.probs[:, :, 0])


def real_zeros(batch: RunBatch) -> Array:
    """Return a zero per position, of the kind of :attr:`~theory.policies.run_batch.RunBatch.reals`, shape (B, n)."""
    reals, kind = batch.reals
    return kind.xp.zeros_like(reals[:, :, 0]) + kind.const(0)


def fillable(batch: RunBatch) -> Array:
    """Return the positions that were masked at the start, bool, shape (B, n)."""
    return batch.numbers.xp.ones_like(batch.masked) if batch.fillable is None else batch.fillable


def start_clock(batch: RunBatch) -> RunBatch:
    """Return the batch with a count of model calls per row, for rules that end after a number of calls."""
    return batch.remember(calls=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))


def counted(batch: RunBatch) -> RunBatch:
    """Return the batch with one more model call."""
    return batch.remember(calls=batch.memory["calls"] + 1)


def block_of(batch: RunBatch, block: int | None) -> Array:
    """Return the number of the block of each position, shape (n,); a single block for ``None``."""
    xp = batch.numbers.xp
    index = xp.cumulative_sum(xp.ones_like(batch.tokens[0]), axis=0) - 1
    return xp.zeros_like(index) if block is None else index // min(block, 1 << 31)

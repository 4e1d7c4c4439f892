"""Chance as one result a row, for samplers with arrays of any library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory.distributions.draws import draw, lowest_best
from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import EXACT, Array
from theory.policies.checked_calls import checked_chances
from theory.policies.plan import Plan
from theory.policies.run_batch import RunBatch

__all__ = ["SampleChance"]


class SampleChance:
    """Draw one result per row; rows never split.

    Args:
        random: Source of all randomness: returns independent uniform numbers in [0, 1) of a shape, in the library of
            the batches.
    """

    def __init__(self, random: Callable[[tuple[int, ...]], Array]) -> None:
        self.random = random

    def begin(self, batch: RunBatch) -> None:
        """Take note of the batch at the start of a step."""

    def choose(self, batch: RunBatch, plan: Plan) -> tuple[RunBatch, Array]:
        """Return one set per row."""
        return batch, plan.sample(self.random(tuple(batch.tokens.shape))) & batch.masked

    def reveal(self, batch: RunBatch, chosen: Array) -> RunBatch:
        """Return the batch with a token drawn at each chosen position."""
        return batch.write(chosen, self._drawn(batch, chosen))

    def propose(self, batch: RunBatch, where: Array) -> tuple[RunBatch, Array]:
        """Return a token drawn at each position of ``where``, -1 elsewhere."""
        return batch, self._drawn(batch, where)

    def flip(self, batch: RunBatch, probability: Array) -> tuple[RunBatch, Array]:
        """Return independent coins."""
        return batch, self.random(tuple(batch.tokens.shape)) < EXACT.floats(checked_chances(probability))

    def _drawn(self, batch: RunBatch, where: Array) -> Array:
        xp = batch.numbers.xp
        tokens, index = xp.full_like(batch.tokens, MASK), xp.nonzero(where)
        if len(index[0]):
            if (
                batch.transform.one_token
            ):  # no table of distributions, which would be most of the work of a step
                tokens[index] = lowest_best(batch.probs[index], batch.numbers)
            else:
                tokens[index] = draw(self.distribution(batch, index), self.random((len(index[0]),)), xp)
        return tokens

    def distribution(self, batch: RunBatch, index: Any) -> Array:
        """Return what the tokens at the K places ``index`` of ``batch.tokens`` are drawn from, shape (K, V)."""
        return batch.numbers.floats(batch.transform.draw(batch.probs[index], batch.numbers))

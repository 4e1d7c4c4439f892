"""What a policy sees of a batch of partly decoded sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from theory.numbers.arithmetic import FLOAT64, Array, ExactNumbers, Numbers, order_codes
from theory.numbers.balls import BALLS
from theory.validation import InputError

__all__ = ["UNKNOWN", "Model", "View", "reals"]

UNKNOWN = -2  # the code of a token drawn off the support


def reals(values: Array, numbers: Numbers) -> tuple[Array, Numbers]:
    """Return values for irrational functions, with their kind of number: objects as balls, floats as they are."""
    return (BALLS.converted(values), BALLS) if values.dtype == np.dtype(object) else (values, numbers)


class Model(Protocol):
    """The model, for policies that ask it about other states than the current one.

    A model that can compute each position given all others in one pass also has a method ``left_out(tokens)``, from
    (B, n) to (B, n, V); see :meth:`theory.policies.run_batch.RunBatch.left_out`.
    """

    def ask(self, tokens: Array) -> Array:
        """Return the marginals of K other states of every row, from tokens (B, K, n) to (B, K, n, V)."""
        ...

    def background(self) -> Array:
        """Return how often each token occurs: the mean over positions of the fully masked marginals.

        Shape (n, V), or (B, n, V) if rows have different prompts.
        """
        ...


@dataclass(frozen=True, eq=False)
class View:
    """Untempered marginals of a batch of B states over n positions.

    Attributes:
        probs: ``p_i(v)``, shape (B, n, V), or (B, 1, V) if all positions have the same marginal; revealed positions are
            ignored.
        masked: Positions not decoded yet, bool, shape (B, n).
        numbers: The kind of number in ``probs``.
        block: Length of the blocks that compete one after the other; ``None`` for a single group.
        revealed: The revealed tokens as codes of the pmf, -1 where masked, :data:`UNKNOWN` off the support; shape
            (B, n). ``None`` if not given.
        step: Number of model calls before this one, the same for all rows.
        tokens: The revealed tokens as the model reads them, -1 where masked, shape (B, n).
        model: The model.
        fillable: The positions that were masked at the start, bool, shape (B, n); ``None`` for all.
        in_balls: Function that returns ``probs`` as balls; ``None`` in a sampler, or if ``probs`` are exact.
    """

    probs: Array
    masked: Array
    numbers: Numbers
    block: int | None = None
    revealed: Array | None = None
    step: int = 0
    tokens: Array | None = None
    model: Model | None = None
    fillable: Array | None = None
    in_balls: Callable[[], Array] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.numbers, ExactNumbers) and self.probs.dtype != np.dtype(object):
            object.__setattr__(self, "numbers", FLOAT64)  # tempered values are floats

    def asked(self) -> tuple[Array, Model]:
        """Return the tokens and the model.

        Raises:
            InputError: If there is no model.
        """
        if self.tokens is None or self.model is None:
            raise InputError("this policy asks the model about other states, but no model was given.")
        return self.tokens, self.model

    @property
    def reals(self) -> tuple[Array, Numbers]:
        """Return ``probs`` for irrational functions, with their kind of number: balls, or floats in a sampler."""
        return reals(self.probs, self.numbers) if self.in_balls is None else (self.in_balls(), BALLS)

    def within_blocks(self, block: int | None) -> View:
        """Return the view in which only the first unfinished block of length ``block`` competes."""
        # a larger block is a single group; the bound keeps it an int64
        return self if block is None else replace(self, block=min(block, 1 << 31))

    @cached_property
    def candidates(self) -> Array:
        """Positions that compete in this step, bool, shape (B, n)."""
        if self.block is None:
            return self.masked
        block_of = self._index // self.block
        return self.masked & (block_of[None, :] == self._first_block[:, None])

    @cached_property
    def left(self) -> Array:
        """Number of competing positions, shape (B,)."""
        xp = self.numbers.xp
        return xp.sum(xp.astype(self.candidates, xp.int64), axis=1)

    @cached_property
    def group_size(self) -> Array:
        """Number of positions of the competing group masked at the start; shape (B,)."""
        xp = self.numbers.xp
        every = xp.ones_like(self.masked) if self.fillable is None else self.fillable
        if self.block is not None:
            every = every & ((self._index // self.block)[None, :] == self.group_index[:, None])
        return xp.sum(xp.astype(every, xp.int64), axis=1)

    @cached_property
    def group_index(self) -> Array:
        """Number of the competing block, from 0, past the last one if nothing is masked; shape (B,)."""
        return self.numbers.xp.zeros_like(self.left) if self.block is None else self._first_block

    @property
    def _index(self) -> Array:
        # integer positions on the device of the batch
        xp = self.numbers.xp
        return xp.cumulative_sum(xp.ones_like(xp.astype(self.masked[0], xp.int64)), axis=0) - 1

    @cached_property
    def _first_block(self) -> Array:
        xp = self.numbers.xp
        assert self.block is not None
        block_of = (self._index // self.block)[None, :]
        return xp.min(xp.where(self.masked, block_of, xp.zeros_like(block_of) + self.masked.shape[1]), axis=1)

    def fill(self, scores: Array, value: int) -> Array:
        """Return ``scores`` with ``value`` at positions that do not compete."""
        xp = self.numbers.xp
        if scores.dtype == np.dtype(object):
            return np.where(self.candidates, scores, self.numbers.const(value))
        return xp.where(self.candidates, scores, xp.zeros_like(scores) + value)

    def descending(self, scores: Array) -> Array:
        """Return the scores of the competing positions in descending order, then a filler; shape (B, n)."""
        xp, filled = self.numbers.xp, self.fill(scores, LOWEST)
        if filled.dtype == np.dtype(object):  # exact scores: compared once for each distinct one
            codes, values = order_codes(filled)
            return values[np.flip(np.sort(codes, axis=1), axis=1)]
        return xp.flip(xp.sort(filled, axis=1), axis=(1,))


LOWEST = -(10**6)  # below every score: they lie in [-log2 V, 1] or above minus the number of positions

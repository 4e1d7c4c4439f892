"""Rules with memory, written once for exact and sampled runs.

- It may keep a memory between steps: KLASS, SlowFast, credit.
- It may look at tokens before it decides: ``confidence=sampled``, LoPA.
- It may mask positions again: ReMDM, RCR, WINO, Saber.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from theory.numbers.arithmetic import Array
from theory.policies.plan import Plan
from theory.policies.run_batch import RunBatch

__all__ = ["Chance", "Process"]


class Chance(Protocol):
    """The source of random choices. Each call returns the batch, perhaps with its rows split, and the result."""

    def choose(self, batch: RunBatch, plan: Plan) -> tuple[RunBatch, Array]:
        """Return a set of positions drawn from ``plan``, bool, shape (B, n)."""
        ...

    def reveal(self, batch: RunBatch, chosen: Array) -> RunBatch:
        """Return the batch with an independent token drawn at each chosen position."""
        ...

    def propose(self, batch: RunBatch, where: Array) -> tuple[RunBatch, Array]:
        """Return a token drawn at each position of ``where``, -1 elsewhere, shape (B, n), without revealing it."""
        ...

    def flip(self, batch: RunBatch, probability: Array) -> tuple[RunBatch, Array]:
        """Return independent results that are true with the given probabilities, bool, shape (B, n)."""
        ...


@runtime_checkable
class Process(Protocol):
    """A rule with memory, as a program over a batch of runs."""

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch with the initial memory."""
        ...

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Return the batch after one model call."""
        ...

    def finished(self, batch: RunBatch) -> Array:
        """Return which rows are done, bool, shape (B,); usually those without masks."""
        ...

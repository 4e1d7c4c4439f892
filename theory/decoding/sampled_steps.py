"""The first steps of sampled runs, whose states estimate those of an exact decode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.idle_calls import idle_on
from theory.decoding.sampled_chance import SampleChance
from theory.distributions.distribution import MASK
from theory.distributions.listed_model import ListedModel
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT
from theory.policies.checked_calls import checked_finished, checked_step
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch

__all__ = ["SAMPLED_STEPS", "first_batch", "sampled_steps"]

SAMPLED_STEPS = 64  # of the first steps that are looked at


def first_batch(model: ListedModel, transform: Transform, **weights: Any) -> RunBatch:
    """Return one fully masked row."""
    tokens = np.full((1, model.n), MASK)
    return RunBatch(
        tokens=tokens,
        probs=model.marginals(tokens),
        memory={},
        weights=weights,
        numbers=model.numbers,
        transform=transform,
        model=model,
        step=0,
        rates=EXACT,
    )


def sampled_steps(
    process: Process, rule: object, start: RunBatch, *, runs: int, stop: bool = False
) -> Iterator[tuple[RunBatch, RunBatch]]:
    """Yield the batch before and after each of the first steps of independent runs; finished ones drop out.

    Possible tokens are equally probable, since states count, not their probabilities.

    Args:
        process: The rule as a process.
        rule: The rule itself, for its idle calls.
        start: One row that the process has started, from which all runs start; the model is a listed model.
        runs: How many.
        stop: Whether runs end off the support.
    """
    chance, model = _FlatChance(np.random.default_rng(0).random), start.model
    assert isinstance(model, ListedModel)
    batch = replace(start, weights={}).take(np.zeros(runs, dtype=np.int64))
    for _ in range(SAMPLED_STEPS):
        left = ~np.asarray(checked_finished(process, batch))
        if stop:
            left &= model.mass(batch.tokens) != 0
        if not left.any():
            return
        batch = batch.take(np.flatnonzero(left))
        batch = replace(batch, probs=model.marginals(batch.tokens))
        batch = replace(batch, step=batch.step + idle_on(rule, batch))
        after = checked_step(process, batch, chance)
        yield batch, after
        batch = replace(after, weights={}, numbers=start.numbers, step=batch.step + 1)


class _FlatChance(SampleChance):
    """Chance with equally probable tokens, so that rare states are found more often."""

    def flip(self, batch: RunBatch, probability: Any) -> tuple[RunBatch, NDArray[np.bool_]]:
        """Return fair choices where both results are possible."""
        p = EXACT.floats(probability)
        return super().flip(batch, np.where((p > 0) & (p < 1), 0.5, p))

    def distribution(self, batch: RunBatch, index: Any) -> NDArray[np.float64]:
        """Return what tokens are drawn from, up to a factor."""
        return (super().distribution(batch, index) > 0).astype(np.float64)

"""A batch of runs in the middle of a step, for rules with memory.

Such a rule is a program over the whole batch. It asks :class:`~theory.policies.process.Chance` for every random choice.
In the exact decoder, chance splits a row into one row per possible result, with weights; in a sampler it draws one
result per row. The rule itself is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import FLOAT64, Array, ExactNumbers, Numbers
from theory.numbers.balls import BALLS
from theory.policies.view import Model, View, reals

__all__ = ["RunBatch"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RunBatch:
    """B runs over n positions.

    All data of a row must be stored in the batch before chance is asked again, since chance may split rows:
    ``batch = batch.remember(drawn=tokens)``.

    Attributes:
        tokens: Token ids, -1 where masked, shape (B, n).
        probs: Marginals at the start of the step, untransformed, shape (B, n, V). A revealed token has probability 1;
            off the support the convention applies.
        memory: Arrays that the rule keeps, by name, each with B rows.
        weights: Arrays of the exact decoder: probabilities of the rows, and ``probs`` as balls. Empty in a sampler.
        numbers: The kind of number in ``probs``.
        transform: Temperature and truncation.
        model: The model.
        step: Number of model calls before this step.
        fillable: The positions that were masked at the start, bool, shape (B, n); ``None`` for all.
        rates: The kind of number for chances that do not come from ``probs``: rationals in the exact decoder, also for
            float pmfs; ``None`` for the kind of ``probs``.
    """

    tokens: Array
    probs: Array
    memory: Mapping[str, Array]
    weights: Mapping[str, Array]
    numbers: Numbers
    transform: Transform
    model: Model
    step: int
    fillable: Array | None = None
    rates: Numbers | None = None

    @property
    def masked(self) -> Array:
        """Masked positions, bool, shape (B, n)."""
        return self.tokens == MASK

    def drawn_from(self) -> Array:
        """Return the transformed marginals that tokens are drawn from, shape (B, n, V)."""
        return self.transform.draw(self.probs, self.numbers)

    def view(self, masked: Array | None = None) -> View:
        """Return the view of a policy without memory; ``masked`` may restrict the positions that compete."""
        exact = self.probs.dtype == np.dtype(object)
        return View(
            self.transform.scores_read(self.probs, self.numbers),
            self.masked if masked is None else masked,
            self.numbers,
            step=self.step,
            tokens=self.tokens,
            model=self.model,
            fillable=self.fillable,
            in_balls=self._scored if exact or self.known_balls is not None else None,
        )

    @property
    def reals(self) -> tuple[Array, Numbers]:
        """Return ``probs`` for irrational functions, with their kind of number: balls, or floats in a sampler."""
        known = self.known_balls
        return reals(self.probs, self.numbers) if known is None else (known, BALLS)

    @property
    def known_balls(self) -> Array | None:
        """The marginals as balls, or ``None`` if a rule has changed ``probs`` since."""
        same = "balls" in self.weights and np.array_equal(self.probs, self.weights["rounded"])
        return self.weights["balls"] if same else None

    def with_reals(self, probs: Array, kind: Numbers) -> RunBatch:
        """Return the batch with other marginals, in the kind of number of :attr:`reals`; rules read floats."""
        if kind is not BALLS:
            return replace(self, probs=probs)
        rounded = kind.floats(probs)
        floating = FLOAT64 if isinstance(self.numbers, ExactNumbers) else self.numbers
        weights = {**self.weights, "balls": probs, "rounded": rounded}
        return replace(self, probs=rounded, numbers=floating, weights=weights)

    def _scored(self) -> Array:
        return self.transform.scores_read(self.probs, self.numbers, self.reals[0])

    def remember(self, **arrays: Array) -> RunBatch:
        """Return the batch with these arrays added to the memory, or replaced."""
        return replace(self, memory={**self.memory, **arrays})

    def forget(self, *names: str) -> RunBatch:
        """Return the batch without these arrays."""
        return replace(self, memory={k: v for k, v in self.memory.items() if k not in names})

    def write(self, where: Array, tokens: Array) -> RunBatch:
        """Return the batch with ``tokens`` (B, n) at the positions ``where`` (B, n); -1 masks them again."""
        return replace(self, tokens=self.numbers.xp.where(where, tokens, self.tokens))

    def remask(self, where: Array) -> RunBatch:
        """Return the batch with the positions ``where`` (B, n) masked again."""
        return self.write(where, self.numbers.xp.zeros_like(self.tokens) + MASK)

    def idle_calls(self, rule: Any) -> int:
        """Return for how many calls from this step on a rule takes nothing in any row; 0 unless it is ``scheduled``."""
        if not getattr(rule, "scheduled", False):
            return 0
        rows = [0]  # without blocks the step is the same for all rows
        if rule.block is not None:
            rows = np.unique(self.masked, axis=0, return_index=True)[1].tolist()
        return min(rule.idle_calls(self.take([row]).view()) for row in rows)

    def take(self, rows: Any) -> RunBatch:
        """Return the batch of the given rows, in order; a row may be repeated."""
        return replace(
            self,
            tokens=self.tokens[rows],
            probs=self.probs[rows],
            memory={name: array[rows] for name, array in self.memory.items()},
            weights={name: array[rows] for name, array in self.weights.items()},
            fillable=None if self.fillable is None else self.fillable[rows],
        )

    def left_out(self) -> Array:
        """Return the marginal of each position given all *other* revealed tokens, shape (B, n, V).

        At a masked position that is ``probs``; at a revealed one the model is asked with this position masked. A model
        with a method ``left_out(tokens)`` gives all positions in one pass; others are asked about n states.
        """
        known = getattr(self.model, "left_out", None)
        if known is not None:
            return known(self.tokens)
        xp, n = self.numbers.xp, self.tokens.shape[1]
        index = xp.cumulative_sum(xp.ones_like(self.tokens[0]), axis=0) - 1
        own = (index[:, None] == index[None, :])[None, :, :]
        others = xp.where(own, xp.zeros_like(self.tokens[:, None, :]) + MASK, self.tokens[:, None, :])
        answers = self.model.ask(others)  # (B, n, n, V): the state without position i, then its marginals
        return xp.stack([answers[:, i, i, :] for i in range(n)], axis=1)

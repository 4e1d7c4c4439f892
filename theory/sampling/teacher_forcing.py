"""Random draws of runs whose tokens are given by the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from theory.decoding.sampled_chance import SampleChance
from theory.distributions.distribution import MASK
from theory.distributions.tempering import check_underflow
from theory.numbers.arithmetic import Array
from theory.policies.policy import Plan
from theory.policies.ranked import Ranked
from theory.policies.run_batch import RunBatch

__all__ = ["DataChance", "GivenTokens", "NoPathError"]


class NoPathError(Exception):
    """A rule that looks at drawn tokens or masks again, which has no divergence along the path."""


class GivenTokens(SampleChance):
    """Sets are chosen as usual, tokens are given (teacher forcing); rules that draw otherwise are refused."""

    def refused(self, why: str) -> Exception:
        """Return what is raised for a rule that looks at drawn tokens, or masks again."""
        return NoPathError(why)

    def propose(self, batch: RunBatch, where: Array) -> tuple[RunBatch, Array]:  # noqa: ARG002
        """Raise: what would be drawn decides what is revealed."""
        raise self.refused("it looks at drawn tokens before it reveals them, or masks positions again")

    def flip(self, batch: RunBatch, probability: Array) -> tuple[RunBatch, Array]:  # noqa: ARG002
        """Raise: coins mask positions again."""
        raise self.refused("it masks revealed positions again by coins")


class DataChance(GivenTokens):
    """Sets are chosen as usual, tokens are those of ``y ~ P``.

    The batch has in ``weights``: ``data`` (the ids of y, shape (B, n)), ``decoder`` (``log2 Q_w(y)`` of the revealed
    tokens, w the choices of the rule) and ``expected`` (the mean of minus that over y at every draw, ``sum_v p_i(v)
    log2 1/q_i(v)``), both of shape (B,).

    Attributes:
        asked: The model's marginals at the start of the step.
        tilted: Whether some tokens were not drawn from the model's marginals (credit).
        certain: Whether no set was random.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng.random)
        self.asked: NDArray[np.float64] | None = None
        self.tilted = False
        self.certain = True

    def begin(self, batch: RunBatch) -> None:
        """Note the model's marginals."""
        self.asked = batch.probs

    def choose(self, batch: RunBatch, plan: Plan) -> tuple[RunBatch, NDArray[np.bool_]]:
        """Return one set per row, and record whether it was random."""
        self.certain = self.certain and _is_certain(plan)
        return super().choose(batch, plan)

    def reveal(self, batch: RunBatch, chosen: NDArray[np.bool_]) -> RunBatch:
        """Return the batch with the data's token at each chosen position, and add the cost of drawing it."""
        index = np.nonzero(chosen)
        data, tokens = batch.weights["data"], np.full(batch.tokens.shape, MASK)
        tokens[index] = data[index]
        # a rule may change the marginals that it draws from; the data follow the model's
        assert self.asked is not None
        self.tilted = self.tilted or not (
            batch.probs is self.asked or np.array_equal(batch.probs, self.asked)
        )
        own, expected = batch.weights["decoder"].copy(), batch.weights["expected"].copy()
        if len(index[0]):
            true = self.asked[index]
            q = batch.transform.draw(batch.probs[index], batch.numbers)
            if not batch.transform.truncates:
                check_underflow(true, q, batch.transform.temperature)
            with np.errstate(divide="ignore"):  # never drawn: -inf is the answer
                bits = np.log2(q)
            np.add.at(own, index[0], bits[np.arange(len(q)), data[index]])
            cross = np.where(true > 0, true * np.where(true > 0, -bits, 0.0), 0.0).sum(axis=1)
            np.add.at(expected, index[0], cross)
        weights = {**batch.weights, "decoder": own, "expected": expected}
        return replace(batch.write(chosen, tokens), weights=weights)


def _is_certain(plan: Plan) -> bool:
    """Return whether the sets of the rule are never random, in this and every other state."""
    if not isinstance(plan, Ranked):
        return False
    if plan.ties != "random":
        return True
    levels = np.asarray(plan.levels())
    n = levels.shape[1]
    ordered = np.sort(levels, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] < n)
    return not bool(tied.any())

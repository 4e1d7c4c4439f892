"""Policies run as rules with memory, and policies that score the drawn token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from theory.numbers.arithmetic import Array
from theory.policies.checked_calls import checked_plan
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.process import Chance
from theory.policies.run_batch import RunBatch

__all__ = ["Factorised", "SampledConfidence", "Wrapped", "gathered", "unmasked"]


class Wrapped:
    """The base of policies run as rules with memory: no memory, and an end when nothing is masked."""

    policy: Any

    @property
    def clocked(self) -> bool:
        """Whether the policy depends on the number of the step."""
        return bool(getattr(self.policy, "clocked", False))

    @property
    def rational(self) -> bool:
        """Whether its random choices have rational probabilities."""
        return bool(getattr(self.policy, "rational", True))

    def __str__(self) -> str:
        """Return the specification of the policy."""
        return str(self.policy)

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch: there is no memory."""
        return batch

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)


@dataclass(frozen=True)
class SampledConfidence(Wrapped):
    """A ranked policy as released code runs it at tau > 0.

    A token is drawn at every competing position; the score of a position is the probability of its drawn token (before
    the transform in LLaDA and Fast-dLLM, after it in Dream). The chosen positions keep their drawn tokens, the others
    stay masked and are drawn again in the next step. The set depends on the drawn tokens, so that a step is not a
    product given the set, and Theorem 1 of arXiv 2510.04767 does not apply.

    Attributes:
        policy: The rule for the number of positions and for ties.
    """

    policy: RankedPolicy

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw, rank, keep the best."""
        where = batch.view().within_blocks(self.policy.block).candidates
        batch, drawn = chance.propose(batch, where)
        batch = batch.remember(drawn=drawn)
        view = batch.view().within_blocks(self.policy.block)
        probs = view.probs if self.rational else view.reals[0]
        plan = self.policy.rank(view, gathered(probs, drawn, batch))
        batch, chosen = chance.choose(batch, plan)
        return batch.write(chosen, batch.memory["drawn"]).forget("drawn")


@dataclass(frozen=True)
class Factorised(Wrapped):
    """A policy without memory: choose a set, then draw its tokens independently.

    Attributes:
        policy: The policy.
    """

    policy: Policy

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Choose and reveal."""
        batch, chosen = chance.choose(batch, checked_plan(self.policy, batch.view()))
        return chance.reveal(batch, chosen)


def unmasked(batch: RunBatch) -> Array:
    """Return the rows without masks, bool, shape (B,)."""
    return batch.numbers.xp.all(~batch.masked, axis=1)


def gathered(probs: Array, tokens: Array, batch: RunBatch) -> Array:
    """Return the probability of each token, shape (B, n); zero where there is none (-1)."""
    xp = batch.numbers.xp
    present = tokens >= 0
    index = xp.where(present, tokens, xp.zeros_like(tokens))
    values = xp.take_along_axis(probs, index[:, :, None], axis=2)[:, :, 0]
    return xp.where(present, values, xp.zeros_like(values))

"""Idle calls of a schedule, counted without being made."""

from __future__ import annotations

import numpy as np

from theory.policies.rules.scheduled import Scheduled
from theory.policies.run_batch import RunBatch

__all__ = ["idle_on"]


def idle_on(rule: object, batch: RunBatch) -> int:
    """Return for how many calls from ``batch.step`` on a rule takes nothing in any row; 0 except for schedules.

    Example:
        >>> from theory.distributions.distribution import MASK
        >>> from theory.policies.policy import parse_policy
        >>> from theory.distributions.listed_model import ListedModel
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.distributions.tempering import Transform
        >>> model, tokens = ListedModel.by_code(JointPMF.uniform(["ab", "ba"])), np.full((1, 2), MASK)
        >>> batch = RunBatch(tokens=tokens, probs=model.marginals(tokens), memory={}, weights={}, numbers=model.numbers,
        ...               transform=Transform(), model=model, step=0)
        >>> idle_on(parse_policy("dream:steps=5"), batch), idle_on(parse_policy("topk:k=1"), batch)
        (4, 0)
    """
    if not isinstance(rule, Scheduled):
        return 0
    rows = [0]  # without blocks the step is the same for all rows
    if rule.block is not None:
        rows = np.unique(batch.masked, axis=0, return_index=True)[1].tolist()
    return min(rule.idle_calls(batch.take([row]).view()) for row in rows)

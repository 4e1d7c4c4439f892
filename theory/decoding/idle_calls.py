"""Idle calls of a schedule, counted without being made."""

from __future__ import annotations

import numpy as np

from theory.policies.board import Board
from theory.policies.rules.scheduled import Scheduled

__all__ = ["idle_on"]


def idle_on(rule: object, board: Board) -> int:
    """Return for how many calls from ``board.step`` on a rule takes nothing in any row; 0 except for schedules.

    Example:
        >>> from theory.distributions.distribution import MASK
        >>> from theory.policies.policy import parse_policy
        >>> from theory.distributions.listed_model import ListedModel
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.distributions.tempering import Transform
        >>> model, tokens = ListedModel.by_code(JointPMF.uniform(["ab", "ba"])), np.full((1, 2), MASK)
        >>> board = Board(tokens=tokens, probs=model.marginals(tokens), memory={}, weights={}, numbers=model.numbers,
        ...               transform=Transform(), oracle=model, step=0)
        >>> idle_on(parse_policy("dream:steps=5"), board), idle_on(parse_policy("topk:k=1"), board)
        (4, 0)
    """
    if not isinstance(rule, Scheduled):
        return 0
    rows = [0]  # without blocks the step is the same for all rows
    if rule.block is not None:
        rows = np.unique(board.masked, axis=0, return_index=True)[1].tolist()
    return min(rule.idle_calls(board.take([row]).view()) for row in rows)

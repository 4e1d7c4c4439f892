"""Sequences filled up to whole blocks, as released code with blocks decodes them.

Code that decodes block by block has blocks of one length. Some of it refuses a length that is no multiple of the block
(LLaDA's and Fast-dLLM's ``generate.py`` assert it), some rounds the length up and masks the additional positions too
(SDAR, LLaDA2). These positions hold padding, which an ideal model knows: they cost no accuracy, but they take places
among the positions of a step. Here, without padding, the last block is shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theory.distributions.distribution import Context, HasContexts, ListedDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["PaddedTask", "padding"]

_PAD = "<pad>"


def padding(policy: Any, masked: int) -> int:
    """Return how many positions fill the last block; 0 for whole blocks and for rules without blocks.

    Example:
        >>> from theory.policies import parse_policy
        >>> padding(parse_policy("topk:k=2,block=4"), 10), padding(parse_policy("topk:k=2"), 10)
        (2, 0)
    """
    block = getattr(policy, "block", None)
    return 0 if block is None or block >= masked else -masked % block


@dataclass(frozen=True)
class PaddedTask:
    """A task with positions appended that hold one token, always the same.

    Attributes:
        task: The task.
        count: The number of positions appended.

    Example:
        >>> from synthetic import make_task
        >>> padded = PaddedTask(make_task("city_names"), 2)
        >>> padded.contexts()[0].distribution.pmf().outcomes[0]
        ('New', 'York', '<pad>', '<pad>')
    """

    task: HasContexts
    count: int

    def contexts(self) -> Sequence[Context]:
        """Return the contexts with the positions appended; they are listed."""
        return tuple(
            Context(
                weight=context.weight,
                distribution=ListedDistribution(_padded(context.distribution.pmf(), self.count)),
                label=context.label,
            )
            for context in self.task.contexts()
        )


def _padded(pmf: JointPMF, count: int) -> JointPMF:
    rows = [(*outcome, *[_PAD] * count) for outcome in pmf.outcomes]
    return JointPMF.from_pairs(rows, pmf.probabilities)

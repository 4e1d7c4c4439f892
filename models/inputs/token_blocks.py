"""List tasks on items of several tokens, as distributions of the tokens.

A decoder reveals tokens, so the exact values of an item of b tokens are those of the distribution of n b tokens that
replaces each item by its tokens. It depends on the words of an instance only through which of them share a token in the
same place of a block; instances of the same pattern share a distribution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthetic.encoding import Batch
from synthetic.task import ListTask
from theory.distributions.distribution import Context, HasContexts, ListedDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["BlockTask", "block_tasks"]

Pattern = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class BlockTask:
    """A list task whose items are blocks of tokens.

    Attributes:
        task: The task.
        pattern: The tokens of every role, b of each, numbered from 0 in each place of a block.
    """

    task: ListTask
    pattern: Pattern

    def contexts(self) -> Sequence[Context]:
        """Return the contexts of the task with the tokens of its items."""
        return _contexts(self)


def block_tasks(batch: Batch, words: NDArray[np.int64]) -> list[tuple[Fraction, HasContexts]]:
    """Return the tasks of tokens behind the instances of a batch, with their shares; of one token, the task itself.

    Args:
        batch: The instances.
        words: The tokens of every word, shape (W, b), all rows distinct.

    Example:
        >>> from synthetic import make_task
        >>> from synthetic.encoding import Encoding
        >>> batch = Encoding(items=3).sample_batch(make_task("shuffle", 2), 50, np.random.default_rng(0))
        >>> found = block_tasks(batch, np.array([[7, 8], [7, 9], [5, 8]]))
        >>> sorted(task.pattern for _, task in found), sum(share for share, _ in found)
        ([((0, 0), (0, 1)), ((0, 0), (1, 0)), ((0, 0), (1, 1))], Fraction(1, 1))
    """
    if words.shape[1] == 1:
        return [(Fraction(1), batch.task)]
    found = Counter(_pattern(words[roles]) for roles in batch.roles)
    return [
        (Fraction(count, len(batch)), BlockTask(task=batch.task, pattern=pattern))
        for pattern, count in sorted(found.items())
    ]


def _pattern(tokens: NDArray[np.int64]) -> Pattern:
    """Return the tokens numbered in each column by their first appearance."""
    columns: list[list[int]] = []
    for column in tokens.T.tolist():
        order = {token: j for j, token in enumerate(dict.fromkeys(column))}
        columns.append([order[token] for token in column])
    return tuple(zip(*columns, strict=True))


@lru_cache(maxsize=256)
def _contexts(block: BlockTask) -> tuple[Context, ...]:
    made: list[Context] = []
    for context in block.task.contexts():
        pmf = context.distribution.pmf()
        outcomes = [tuple(token for role in y for token in block.pattern[int(str(role))]) for y, _ in pmf]
        listed = ListedDistribution(JointPMF.from_pairs(outcomes, [p for _, p in pmf]))
        made.append(replace(context, distribution=listed))
    return tuple(made)

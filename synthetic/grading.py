"""Answers of list tasks in roles, graded, and in words.

A row of token ids is an answer to one instance. Its roles (role j is the j-th item of the list) are looked up in the
instance; it is valid if the task's distribution gives them a positive probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthetic.encoding import WORDS, Batch, context_distributions
from theory.distributions.distribution import Distribution
from theory.distributions.outcomes import MASK

__all__ = ["FOREIGN", "distribution_ids", "grade", "render", "to_roles"]

Ints = NDArray[np.int64]

FOREIGN = -2  # the role of a token that does not occur in the instance


def to_roles(batch: Batch, answers: Ints) -> Ints:
    """Return answers in roles.

    Args:
        batch: The instances, B rows.
        answers: Token ids, shape (B, m), masks allowed.

    Returns:
        Roles, ``MASK`` for the mask and ``FOREIGN`` for a token that does not occur in its instance; shape (B, m).

    Example:
        >>> from synthetic import make_task
        >>> from synthetic.encoding import Encoding
        >>> batch = Encoding().sample_batch(make_task("reverse", 3), 1, np.random.default_rng(0))
        >>> to_roles(batch, batch.tokens[:, batch.answer]).tolist()
        [[2, 1, 0]]
    """
    equal = answers[:, :, None] == batch.roles[:, None, :]
    roles = np.where(equal.any(axis=2), equal.argmax(axis=2), FOREIGN)
    return np.where(answers == batch.encoding.mask, MASK, roles)


def distribution_ids(distribution: Distribution, roles: Ints) -> Ints:
    """Return roles as token ids of ``distribution``; ``MASK`` stays, unused roles become ``FOREIGN``."""
    known = np.array(distribution.tokens, dtype=np.int64)
    table = np.full(2 + max(int(roles.max(initial=0)), *known.tolist()) + 1, FOREIGN)
    table[MASK + 2] = MASK
    table[known + 2] = np.arange(len(known))
    return table[roles + 2]


def grade(batch: Batch, answers: Ints) -> NDArray[np.bool_]:
    """Return whether each row of token ids, shape (B, m), is a valid answer: one of positive probability.

    Example:
        >>> from synthetic import make_task
        >>> from synthetic.encoding import Encoding
        >>> batch = Encoding().sample_batch(make_task("shuffle", 3), 2, np.random.default_rng(0))
        >>> grade(batch, batch.tokens[:, batch.answer]).tolist()
        [True, True]
    """
    roles = to_roles(batch, answers)
    valid = np.zeros(len(batch), dtype=bool)
    for c, distribution in enumerate(context_distributions(batch.task)):
        rows = np.flatnonzero(batch.context == c)
        valid[rows] = distribution.contains(distribution_ids(distribution, roles[rows]))
    return valid


def render(batch: Batch, row: int, answer: Ints | None = None) -> str:
    """Return one instance in words, with its true answer or the one given.

    Example:
        >>> from synthetic import make_task
        >>> from synthetic.encoding import Encoding
        >>> batch = Encoding().sample_batch(make_task("replace_index", 3), 1, np.random.default_rng(3))
        >>> render(batch, 0)
        'replace_index (goat, 1): eagle fox acorn -> eagle goat acorn'
    """
    index = tuple(batch.task.indices())[batch.context[row]]
    n, tokens = batch.task.n, batch.tokens[row]
    given = [_word(batch, tokens[2])] if batch.task.uses_new else []
    given += [] if index is None else [str(index)]
    head = f"{batch.task.name} ({', '.join(given)})" if given else batch.task.name
    shown = tokens[batch.answer] if answer is None else answer
    left, right = (" ".join(_word(batch, t) for t in part) for part in (tokens[3 : 3 + n], shown))
    return f"{head}: {left} -> {right}"


def _word(batch: Batch, token: Any) -> str:
    if token < batch.encoding.items:
        return WORDS[token] if token < len(WORDS) else f"item{token}"
    return "_" if token == batch.encoding.mask else f"<{token}>"

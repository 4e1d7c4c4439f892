"""Decoding a Markov chain by a fixed schedule: the exact accuracy by transfer matrices, in float64.

In a gap between revealed positions a < b with tokens u, v every member i of the next block is drawn from
``p_i(y | u, v) = P(y_i = y | y_a = u) P(y_b = v | y_i = y) / P(y_b = v | y_a = u)``, and then the smaller gaps are
on their own. So the probability A(a, b)[u, v] that the gap is filled without an impossible pair of neighbours is a
product of matrices: ``A(a, b)[u, v] = sum over y of the block of prod A(i, j)[y_i, y_j] p_j(y_j | u, v)``; for
neighbours it is 1 where ``P(v | u) > 0``. The answer A(-1, n) is the accuracy Q(V), V the support. It costs ``n V^4``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from theory.bounds import Partition, check_partition
from theory.limits import require_operations
from theory.structured.markov import MarkovLaw

__all__ = ["chain_accuracy"]

Table = NDArray[np.float64]

_STEPS = 10**11  # multiplications, about a minute


def chain_accuracy(law: MarkovLaw, partition: Sequence[Sequence[int]]) -> float:
    """Return ``Q(V)`` of the ideal model decoded along an ordered partition at temperature 1.

    Raises:
        CostError: If ``n V^4`` multiplications are too many.

    Example:
        >>> law = MarkovLaw(n=4, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> chain_accuracy(law, [[0, 1, 2, 3]]), chain_accuracy(law, [[0, 3], [1, 2]])
        (0.125, 0.5)
    """
    blocks = check_partition(partition, law.n)
    require_operations(
        law.n * len(law.tokens) ** 4,
        f"the accuracy on {law.n} positions with {len(law.tokens)} tokens",
        limit=_STEPS,
        remedy="use fewer tokens",
    )
    tables: dict[tuple[int, int], Table] = {}
    for a, b, members in reversed(list(_gaps(blocks, law.n))):
        tables[a, b] = _filled(law, a, b, members, tables)
    return float(tables[-1, law.n][0, 0])


def _gaps(blocks: Partition, n: int) -> Iterator[tuple[int, int, list[int]]]:
    """Yield (a, b, members of the next block in between) for every gap that a block meets, in order."""
    inside = {(-1, n): list(range(n))}
    for block in blocks:
        chosen = set(block)
        after: dict[tuple[int, int], list[int]] = {}
        for (a, b), left in inside.items():
            members = [i for i in left if i in chosen]
            if not members:
                after[a, b] = left
                continue
            yield a, b, members
            ends = [a, *members, b]
            for x, y in pairwise(ends):
                if y - x > 1:
                    after[x, y] = list(range(x + 1, y))
        inside = after


def _filled(
    law: MarkovLaw, a: int, b: int, members: Sequence[int], tables: dict[tuple[int, int], Table]
) -> Table:
    total = _pair(law, a, b)
    safe = np.where(total > 0, total, 1.0)
    mass: Table | None = (
        None  # [u, v, y]: probability of a valid start of the gap with y at the last member so far
    )
    before = a
    for i in members:
        left, right = _pair(law, a, i), _pair(law, i, b)
        drawn = left[:, None, :] * right.T[None, :, :] / safe[:, :, None]
        valid = tables[before, i] if i - before > 1 else _neighbours(law, before, i)
        mass = valid[:, None, :] * drawn if mass is None else (mass @ valid) * drawn
        before = i
    assert mass is not None
    valid = tables[before, b] if b - before > 1 else _neighbours(law, before, b)
    return np.where(total > 0, (mass * valid.T[None, :, :]).sum(axis=2), 0.0)


def _pair(law: MarkovLaw, a: int, b: int) -> Table:
    """Return ``P(y_b | y_a)`` with one row for a = -1 and one column for b = n."""
    if b == law.n:
        return np.ones((1 if a < 0 else len(law.tokens), 1))
    return law.marginals[b][None, :] if a < 0 else law.between(a, b)


def _neighbours(law: MarkovLaw, a: int, b: int) -> Table:
    return (_pair(law, a, b) > 0).astype(np.float64)

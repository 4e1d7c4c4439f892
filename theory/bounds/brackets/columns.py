"""A listed distribution as columns of integers, with what needs no search taken out.

Constant columns say nothing and cost nothing. Columns that are equal up to a bijection of their tokens (within each
context) are *copies*: one of them, the representative, may be in any block, and the others wait for the last one
at no cost (``docs/brackets.md``, Copies). So a partition of representatives, with a multiplicity that counts in the
last block alone, is all that has to be searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm, log2

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.partition import Partition
from theory.distributions.pmf import JointPMF
from theory.numbers.rounding import gamma

__all__ = ["Columns", "reduced", "split"]

_TABLE = 1 << 22  # largest total of whole weights whose x log2 x are in a table (32 MB)


@dataclass(frozen=True, eq=False)
class Columns:
    """The representatives of a distribution, possibly over contexts.

    Attributes:
        n: Number of positions.
        members: The positions that each representative stands for, itself first; r tuples.
        codes: Tokens of the representatives, numbered from 0 in each column, int32, shape (m, r).
        cells: The context of each outcome, shape (m,): what is known before the first block.
        weights: Of the outcomes, float64; whole numbers if ``whole``, else they sum to one.
        total: The sum of the weights.
        whole: Whether the weights are whole numbers with a sum small enough for a table of logarithms.
    """

    n: int
    members: tuple[tuple[int, ...], ...]
    codes: NDArray[np.int32]
    cells: NDArray[np.int64]
    weights: NDArray[np.float64]
    total: float
    whole: bool

    @property
    def count(self) -> int:
        """The number r of representatives."""
        return len(self.members)

    @cached_property
    def copies(self) -> NDArray[np.float64]:
        """How many positions each representative stands for, shape (r,)."""
        return np.array([len(positions) for positions in self.members], dtype=np.float64)

    @property
    def entropy_error(self) -> float:
        """A bound on the error of every float ``H(y_i | y_C)`` in bits (``docs/brackets.md``, Floats)."""
        m = len(self.weights)
        size = log2(self.total) if self.whole else log2(max(m, 2)) + 2
        return 2 * gamma(3 * m + 40) * max(size, 1.0)

    def margin(self, singles: float) -> float:
        """Return a bound on the error of every float cost and bound; ``singles`` is the sum of all ``H(y_i)``."""
        return (16 * self.n + 2000) * self.entropy_error + gamma(8 * self.n + 1000) * (260 * singles + 1)

    def ordered(self, order: Sequence[int]) -> Columns:
        """Return the same with the representatives in another order."""
        members = tuple(self.members[i] for i in order)
        return replace(self, members=members, codes=self.codes[:, list(order)])

    def partition(self, labels: Sequence[int], blocks: int) -> Partition:
        """Return the partition of positions: each representative in its block, the rest in the last one.

        Args:
            labels: The block of each representative, 0-based.
            blocks: T. A block that would be empty is filled from the largest, which may lower the loss.
        """
        found: list[list[int]] = [[] for _ in range(blocks)]
        for positions, label in zip(self.members, labels, strict=True):
            found[label].append(positions[0])
            found[-1] += positions[1:]
        seen = {i for block in found for i in block}
        found[-1] += [i for i in range(self.n) if i not in seen]
        return split([block for block in found if block], blocks)


def split(partition: Sequence[Sequence[int]], blocks: int) -> Partition:
    """Return a partition with its largest blocks split until there are so many, which never costs.

    Example:
        >>> split([[0], [4, 1, 2]], 3)
        ((0,), (4,), (1, 2))
    """
    kept = list(partition)
    while len(kept) < blocks:
        k = max(range(len(kept)), key=lambda b: len(kept[b]))
        kept[k : k + 1] = [kept[k][:1], kept[k][1:]]
    return tuple(tuple(sorted(block)) for block in kept)


def reduced(parts: Sequence[tuple[Fraction, JointPMF]], *, merge: bool = True) -> Columns:
    """Return the representatives of a distribution given as weighted contexts of one length.

    Args:
        parts: (weight, pmf) pairs.
        merge: Whether to leave out constant columns and copies; else every position stands for itself.

    Example:
        >>> pmf = JointPMF.uniform([(0, "a", 5, 1), (1, "b", 5, 0), (1, "b", 5, 1)])
        >>> columns = reduced([(Fraction(1), pmf)])
        >>> columns.members, columns.codes.tolist()
        (((0, 1), (3,)), [[0, 0], [1, 1], [1, 0]])
    """
    cells = np.repeat(np.arange(len(parts)), [len(pmf) for _, pmf in parts])
    n = parts[0][1].n
    first: dict[bytes, int] = {}
    members: list[list[int]] = []
    columns: list[NDArray[np.int64]] = []
    for i in range(n):
        renamed = _renamed(cells, np.concatenate([pmf.codes[:, i] for _, pmf in parts]))
        if merge and int(renamed.max()) + 1 == len(parts):
            continue  # constant in every context
        key = renamed.tobytes()
        if merge and key in first:
            members[first[key]].append(i)
            continue
        first[key] = len(members)
        members.append([i])
        columns.append(renamed)
    codes = np.stack(columns, axis=1) if columns else np.zeros((len(cells), 0), dtype=np.int64)
    weights, total, whole = _weights(parts)
    positions = tuple(map(tuple, members))
    return Columns(n, positions, codes.astype(np.int32), cells, weights, total, whole)


def _renamed(cells: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the pairs of a context and a token by their first occurrence: equal for copies, and only for them."""
    _, first, inverse = np.unique(
        cells * (int(codes.max()) + 1) + codes, return_index=True, return_inverse=True
    )
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def _weights(parts: Sequence[tuple[Fraction, JointPMF]]) -> tuple[NDArray[np.float64], float, bool]:
    totals = [pmf.total for _, pmf in parts]
    exact = [total for total in totals if total is not None]
    if len(exact) == len(parts):
        common = lcm(*(weight.denominator * total for (weight, _), total in zip(parts, exact, strict=True)))
        if common >= 1 << 62:
            return _floats(parts)
        factors = [int(common * weight / total) for (weight, _), total in zip(parts, exact, strict=True)]
        weights = np.concatenate(
            [pmf.weights * factor for (_, pmf), factor in zip(parts, factors, strict=True)]
        )
        shared = gcd(*weights.tolist())
        if common // shared <= _TABLE:
            return (weights // shared).astype(np.float64), float(common // shared), True
    return _floats(parts)


def _floats(parts: Sequence[tuple[Fraction, JointPMF]]) -> tuple[NDArray[np.float64], float, bool]:
    return np.concatenate([float(weight) * pmf.floats() for weight, pmf in parts]), 1.0, False

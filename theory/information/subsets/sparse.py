"""Marginals of a sparse pmf for all subsets, each from one with one position more.

The work is the sum of the parents' support sizes, not ``2^n N``. A child merges groups of its parent that differ in
one position only, so a probability passes at most ``A_i - 1`` additions when position i is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import group_rows
from theory.distributions.pmf import JointPMF
from theory.information.subsets.dense import dense_seconds

__all__ = ["dense_is_cheaper", "lattice", "lattice_rows", "lattice_seconds"]

_PACKED_BITS = 62
_BIG_ROW = 16  # a row of Python integers costs as much as this many of 64 bits
_ROW, _SET = 6e-8, 4e-5  # seconds of a row, and of a set
_NEVER = 10**300  # still a float
_DENSE_CELLS = 1 << 24  # probabilities of the dense form: 128 MB


def lattice_rows(pmf: JointPMF) -> int:
    """Return a bound on the number of rows sorted, each set grouped from a parent with one position more."""
    alphabet_sizes = sorted((len(a) for a in pmf.alphabets), reverse=True)
    return sum(comb(pmf.n, j) * min(len(pmf), prod(alphabet_sizes[: j + 1])) for j in range(pmf.n))


def lattice_seconds(pmf: JointPMF) -> float:
    """Return an estimate of the time of a pass down the lattice."""
    row = _ROW * (_BIG_ROW if pmf.weights.dtype == np.dtype(object) else 1)
    return float(min(lattice_rows(pmf), _NEVER)) * row + float(min(2**pmf.n, _NEVER)) * _SET


def dense_is_cheaper(pmf: JointPMF) -> bool:
    """Compare estimated times of the two forms of a table."""
    shape = tuple(len(a) for a in pmf.alphabets)
    return prod(shape) <= _DENSE_CELLS and dense_seconds(shape) < lattice_seconds(pmf)


def lattice(pmf: JointPMF) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield every non-empty subset with the weights of its groups, each grouped from its parent.

    Example:
        >>> pmf = JointPMF.uniform([(0, 1), (1, 1)])
        >>> [(mask, weights.tolist()) for mask, weights in lattice(pmf)]
        [(3, [1, 1]), (2, [2]), (1, [1, 1])]
    """
    alphabet_sizes = [len(a) for a in pmf.alphabets]
    widths = [max(1, (size - 1).bit_length()) for size in alphabet_sizes]
    shifts = np.concatenate([[0], np.cumsum(widths)]).tolist()
    packed = shifts[-1] <= _PACKED_BITS
    keys = (pmf.codes << np.array(shifts[:-1])).sum(axis=1) if packed else np.arange(len(pmf))
    fields = [((1 << w) - 1) << s for w, s in zip(widths, shifts[:-1], strict=True)]

    def descend(
        mask: int, start: int, rows: NDArray[np.int64], weights: NDArray[Any]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        yield mask, weights
        for i in range(start, pmf.n):
            child = mask & ~(1 << i)
            if not child or not mask >> i & 1:
                continue
            kept = [j for j in range(pmf.n) if child >> j & 1]
            if packed:
                sub = keys[rows] & sum(fields[j] for j in kept)
            else:
                sub = group_rows(pmf.codes[rows], alphabet_sizes, kept).inverse
            order = np.argsort(sub, kind="stable")
            ordered = sub[order]
            starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
            yield from descend(child, i + 1, rows[order[starts]], np.add.reduceat(weights[order], starts))

    yield from descend((1 << pmf.n) - 1, 0, np.arange(len(pmf)), pmf.weights)

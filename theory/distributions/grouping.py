"""Outcomes grouped by the tokens at some positions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.numbers.distinct import first_places

__all__ = ["Groups", "group_rows", "packed", "row_keys"]

_WORD_BITS = 62
_FEW = 60  # rows: below this Python's dicts are faster than numpy


@dataclass(frozen=True)
class Groups:
    """A partition of rows.

    Attributes:
        first: Index of one row of each group, shape (G,).
        inverse: Group of each row, shape (N,).
    """

    first: NDArray[np.int64]
    inverse: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of groups."""
        return self.first.shape[0]


def group_rows(codes: NDArray[np.int64], alphabet_sizes: Sequence[int], positions: Sequence[int]) -> Groups:
    """Group the rows of ``codes`` that agree at ``positions``.

    Args:
        codes: Token indices, shape (N, n), ``0 <= codes[:, i] < alphabet_sizes[i]``.
        alphabet_sizes: Alphabet size of each position.
        positions: The positions to compare; none puts all rows into one group.

    Returns:
        Groups in ascending order of their packed key.
    """
    n_rows = codes.shape[0]
    inverse = np.zeros(n_rows, dtype=np.int64)
    first = np.zeros(1, dtype=np.int64)
    key = packed(codes, alphabet_sizes, positions)
    if positions and n_rows <= _FEW:
        first, inverse = first_places(key.tolist())
    elif positions:
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return Groups(first, inverse.reshape(-1))


def packed(
    codes: NDArray[np.int64], alphabet_sizes: Sequence[int], positions: Sequence[int]
) -> NDArray[np.int64]:
    """Return a number for each row, equal where the rows agree at ``positions``; arguments as of :func:`group_rows`.

    Example:
        >>> packed(np.array([[1, 2], [0, 2], [1, 2]]), [2, 3], [0, 1]).tolist()
        [5, 2, 5]
    """
    key, span = np.zeros(codes.shape[0], dtype=np.int64), 1
    for i in positions:
        if span * alphabet_sizes[i] >= 1 << _WORD_BITS:  # the key is full: renumber the groups
            _, first, key = np.unique(key, return_index=True, return_inverse=True)
            span = first.shape[0]
        key = key * alphabet_sizes[i] + codes[:, i]
        span *= alphabet_sizes[i]
    return key


def listing(weights: NDArray[Any]) -> Hashable:
    """Return a key that equal arrays of one dtype share, and no others.

    Example:
        >>> listing(np.array([1, 2])) == listing(np.array([1, 2])), listing(np.array([2**70, 1]))
        (True, (1180591620717411303424, 1))
    """
    return tuple(weights.tolist()) if weights.dtype == np.dtype(object) else weights.tobytes()


def row_keys(table: NDArray[np.int64]) -> list[bytes]:
    """Return a byte string for each row of integers, equal for equal rows.

    Example:
        >>> first, second, third = row_keys(np.array([[1, 2], [2, 1], [1, 2]]))
        >>> first == third, first == second
        (True, False)
    """
    if not len(table):
        return []
    rows = np.ascontiguousarray(table, dtype=np.int64)
    return rows.view(np.dtype((np.void, rows.shape[1] * 8)))[:, 0].tolist()

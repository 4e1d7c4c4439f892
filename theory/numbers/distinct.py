"""Distinct rows of a table, with arrays of any library."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["distinct_rows", "first_places"]

_WORD_BITS = 62  # of a number that stands for a row
_FEW = 60  # numbers: below this Python's own tables are done before numpy has begun
_FEW_ROWS = 3000  # the same for numbers in rows


def distinct_rows(rows: Any, xp: Any = np) -> tuple[Any, Any]:
    """Return (first, index): where each distinct row stands (first, in numpy), and which one each row is.

    Objects are told apart by identity, which is cheap; rows of equal values may therefore count as different.

    Args:
        rows: Integers, in numpy also objects; shape (B, m).
        xp: The array namespace.

    Example:
        >>> distinct_rows(np.array([[1, 0], [0, 7], [1, 0]]))
        (array([1, 0]), array([1, 0, 1]))
    """
    if not rows.shape[0] or not rows.shape[1]:  # no rows, or all alike
        index = xp.zeros(rows.shape[0], dtype=xp.int64, device=rows.device)
        return index[:1], index
    keys = rows
    if rows.dtype == np.dtype(object):
        keys = np.asarray(np.frompyfunc(id, 1, 1)(rows), dtype=np.int64)
    if xp is np and keys.dtype == np.int64 and keys.size <= (_FEW if keys.shape[1] == 1 else _FEW_ROWS):
        listed = keys.tolist()
        return first_places([row[0] for row in listed] if keys.shape[1] == 1 else [*map(tuple, listed)])
    numbers = _row_numbers(keys, xp)
    if xp is np:
        if numbers is None:  # bytes, which are compared far faster than rows
            numbers = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.shape[1] * 8)))[:, 0]
        _, first, index = np.unique(numbers, return_index=True, return_inverse=True)
        return first, index
    by, how = (rows, {"dim": 0}) if numbers is None else (numbers, {})
    found, index = by.unique(return_inverse=True, **how)  # a method of tensors
    first = xp.empty(len(found), dtype=xp.int64, device=rows.device)
    first[index] = xp.arange(len(index), device=rows.device)
    return first, index


def _row_numbers(rows: Any, xp: Any) -> Any:
    """Return an integer for each row; ``None`` if 62 bits are too few."""
    if rows.shape[1] == 1:
        return rows[:, 0]
    low, high = xp.min(rows, axis=0), xp.max(rows, axis=0)
    radix = [1]
    for least, most in reversed(xp.stack([low, high], axis=1).tolist()):
        radix.append(radix[-1] * (most - least + 1))
    if radix.pop().bit_length() > _WORD_BITS:
        return None
    return xp.sum((rows - low) * xp.asarray(radix[::-1], device=rows.device), axis=1)


def first_places(keys: list[Any]) -> tuple[Any, Any]:
    """Return what ``np.unique`` gives of keys as (index, inverse), faster where they are few.

    Example:
        >>> first_places([7, 5, 7])
        (array([1, 0]), array([1, 0, 1]))
    """
    place: dict[Any, int] = {}
    for j, key in enumerate(keys):
        if key not in place:
            place[key] = j
    ascending = sorted(place)
    rank = {key: j for j, key in enumerate(ascending)}
    first = np.array([place[key] for key in ascending], dtype=np.int64)
    return first, np.array([rank[key] for key in keys], dtype=np.int64)

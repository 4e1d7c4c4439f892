"""Partitions of outcomes by what is revealed, compiled where numba is installed.

``order`` lists outcomes cell by cell, ``starts`` where cells begin. Cells of one outcome are dropped, since nothing is
open in them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.columns import Columns
from theory.numbers.compiled import compile_kernel, has_compiler

__all__ = ["Listed", "Room", "compiled", "make_listed", "make_room", "refine", "start"]

# numbers of agreeing pairs of up to five outcomes, and the sizes of the groups that agree
_PAIRS = {1: (2,), 2: (2, 2), 3: (3,), 4: (3, 2), 6: (4,), 10: (5,)}


class compiled:
    """A function of arrays, compiled by numba when it is first called; without numba it runs as it is, far slower.

    What it calls is compiled with it: numba is loaded then, not on import. Kernels pass whole numbers on as
    ``np.int64``, since numba compiles what they call once more for each literal and each narrower type.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.plain = function
        update_wrapper(self, function)

    @cached_property
    def ready(self) -> Any:
        """The function that is called."""
        if not has_compiler():
            return self.plain
        known, used = self.plain.__globals__, self.plain.__code__.co_names
        names = {
            name: known[name].ready if isinstance(known[name], compiled) else known[name]
            for name in used
            if name in known
        }
        own = {"__name__": self.plain.__module__, "__builtins__": known["__builtins__"]}
        function = FunctionType(self.plain.__code__, names | own, self.plain.__name__)
        function.__qualname__ = self.plain.__qualname__
        return compile_kernel(function, error_model="numpy", nogil=True)

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        return self.ready(*arguments)


class Listed(NamedTuple):
    """The arrays of :class:`~theory.bounds.brackets.columns.Columns`, as the loops read them.

    Attributes:
        rows: Tokens, shape (m, r).
        columns: The same, shape (r, m).
        weights: Of the outcomes, shape (m,).
        powers: ``x log2 x`` of whole numbers x up to the total; empty if weights are no whole numbers.
        scale: One over the total weight.
        copies: Positions that each column stands for, shape (r,); ``many`` has the same as whole numbers.
        order: The outcomes by context, those alone in theirs left out.
        starts: Where the contexts begin.
        width: The greatest number of tokens of a column.
        unit: Whether all weights are one.
        by_pairs: For few outcomes of weight one, ``sum k log2 k`` over tokens by the number of pairs that agree.
    """

    rows: NDArray[np.uint32]
    columns: NDArray[np.uint32]
    weights: NDArray[np.float64]
    powers: NDArray[np.float64]
    scale: float
    copies: NDArray[np.float64]
    many: NDArray[np.uint32]
    order: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    width: int
    unit: bool
    by_pairs: NDArray[np.float64]


class Room(NamedTuple):
    """Working memory: two partitions, tables by token, and one by column."""

    orders: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    places: NDArray[np.uint32]
    tokens: NDArray[np.uint32]
    masses: NDArray[np.float64]
    equal: NDArray[np.uint32]


def make_listed(columns: Columns) -> Listed:
    """Return the arrays of a reduced distribution."""
    powers = np.zeros(0)
    if columns.whole:
        numbers = np.arange(int(columns.total) + 1, dtype=np.float64)
        powers = numbers * np.log2(np.maximum(numbers, 1))
    order, starts = [], [0]
    for context in np.unique(columns.cells).tolist():
        inside = np.flatnonzero(columns.cells == context)
        if len(inside) > 1:
            order.append(inside)
            starts.append(starts[-1] + len(inside))
    rows = np.ascontiguousarray(columns.codes.astype(np.uint32))
    unit = columns.whole and bool(np.all(columns.weights == 1))
    by_pairs = np.zeros(11)
    if unit:
        for pairs, groups in _PAIRS.items():
            by_pairs[pairs] = sum(powers[k] for k in groups if k < len(powers))
    return Listed(
        rows=rows,
        columns=np.ascontiguousarray(rows.T),
        weights=columns.weights,
        powers=powers,
        scale=1 / columns.total,
        copies=columns.copies,
        many=columns.copies.astype(np.uint32),
        order=np.concatenate([*order, np.zeros(0)]).astype(np.uint32),
        starts=np.array(starts, dtype=np.uint32),
        width=int(rows.max(initial=0)) + 1,
        unit=unit,
        by_pairs=by_pairs,
    )


def make_room(listed: Listed) -> Room:
    """Return working memory for partitions of a distribution."""
    m = len(listed.weights)
    return Room(
        orders=np.zeros((2, m), dtype=np.uint32),  # unsigned: indices need no test for those below 0
        starts=np.zeros((2, m // 2 + 2), dtype=np.uint32),
        counts=np.zeros(listed.width, dtype=np.uint32),
        places=np.zeros(listed.width, dtype=np.uint32),
        tokens=np.zeros(listed.width, dtype=np.uint32),
        masses=np.zeros(listed.width),
        equal=np.zeros(listed.columns.shape[0], dtype=np.uint32),
    )


@compiled
def start(listed: Any, room: Any) -> int:
    """Put the partition by context into place 0 and return its number of cells."""
    for j in range(listed.order.shape[0]):
        room.orders[0, j] = listed.order[j]
    for c in range(listed.starts.shape[0]):
        room.starts[0, c] = listed.starts[c]
    return listed.starts.shape[0] - 1


@compiled
def refine(listed: Any, room: Any, here: int, cells: int, column: int) -> int:
    """Split the partition in place ``here`` by a column into the other place; return its number of cells."""
    order, starts = room.orders[here], room.starts[here]
    out, ends = room.orders[1 - here], room.starts[1 - here]
    counts, places, tokens, code = room.counts, room.places, room.tokens, listed.columns[column]
    found, at = 0, 0
    ends[0] = 0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        different = 0
        for j in range(low, high):
            token = code[order[j]]
            if counts[token] == 0:
                tokens[different] = token
                different += 1
            counts[token] += 1
        for k in range(different):
            token = tokens[k]
            if counts[token] > 1:
                places[token] = at
                at += counts[token]
                found += 1
                ends[found] = at
        for j in range(low, high):
            token = code[order[j]]
            if counts[token] > 1:
                out[places[token]] = order[j]
                places[token] += 1
        for k in range(different):
            counts[tokens[k]] = 0
    return found

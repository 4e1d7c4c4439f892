"""The loops behind the brackets, compiled where numba is installed: partitions of outcomes, and what they leave open.

A partition groups the outcomes by what is revealed: ``order`` lists outcomes cell by cell, ``starts`` where cells
begin. Cells of one outcome are dropped, since nothing is open in them. ``gains`` gives ``H(y_i | y_C)`` of every
column at once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.columns import Columns
from theory.numbers.compiled import compile_kernel, has_compiler

__all__ = [
    "Listed",
    "Room",
    "compiled",
    "gains",
    "later_gains",
    "loss",
    "make_listed",
    "make_room",
    "refine",
    "start",
    "tail_cost",
]

_WIDE = 32  # columns from which comparing up to five outcomes is faster than counting
# numbers of agreeing pairs of up to five outcomes, and the sizes of the groups that agree
_PAIRS = {1: (2,), 2: (2, 2), 3: (3,), 4: (3, 2), 6: (4,), 10: (5,)}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays where numba is installed; elsewhere it runs as it is, far slower."""
    return compile_kernel(function, error_model="numpy") if has_compiler() else function


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
def _power(x: float, powers: Any) -> float:
    """Return ``x log2 x``."""
    if powers.shape[0] > 0:
        return powers[int(x)]
    return x * log2(x) if x > 0 else 0.0


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


@compiled
def gains(listed: Any, room: Any, here: int, cells: int, out: Any) -> float:
    """Write ``H(y_i | y_C)`` of every column into ``out``; return ``H(Y | y_C)``."""
    return later_gains(listed, room, here, cells, 0, out)


@compiled
def later_gains(listed: Any, room: Any, here: int, cells: int, first: int, out: Any) -> float:
    """Write ``H(y_i | y_C)`` of the columns from ``first`` on, and 0 for others; return ``H(Y | y_C)``.

    Small cells are compared outcome by outcome, all columns at a time; large ones are counted column by column.
    """
    order, starts, powers = room.orders[here], room.starts[here], listed.powers
    r, unit = listed.columns.shape[0], listed.unit
    most = 2
    if unit:
        most = 5 if r - first >= _WIDE else 3
    rest, large, any_large = 0.0, 0.0, False
    for i in range(r):
        out[i] = 0.0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        count = high - low
        if count <= most:
            rest += _compare(listed, order, low, high, first, room.equal, out)
            continue
        any_large = True
        if unit:
            rest += powers[count]
            large += powers[count]
        else:
            mass = 0.0
            for j in range(low, high):
                mass += listed.weights[order[j]]
                rest -= _power(listed.weights[order[j]], powers)
            rest += _power(mass, powers)
            large += _power(mass, powers)
    if any_large:
        for i in range(first, r):
            if unit:
                parts = _counted(listed.columns[i], order, starts, cells, most, powers, room.counts)
            else:
                parts = _weighed(listed, listed.columns[i], order, starts, cells, most, room.masses)
            out[i] += large - parts
    for i in range(first, r):
        out[i] = out[i] * listed.scale
    return rest * listed.scale


@compiled
def _compare(listed: Any, order: Any, low: int, high: int, first: int, equal: Any, out: Any) -> float:
    """Add a small cell to the columns: the numbers of equal pairs tell which outcomes agree."""
    powers, into = listed.powers, out[first:]
    r = into.shape[0]
    if high - low == 2:
        a, b = order[low], order[low + 1]
        x, y = listed.weights[a], listed.weights[b]
        split = _power(x + y, powers) - _power(x, powers) - _power(y, powers)
        one, other = listed.rows[a][first:], listed.rows[b][first:]
        for i in range(r):
            into[i] += split * (one[i] != other[i])
        return split
    pairs = equal[first:]
    for i in range(r):
        pairs[i] = 0
    for j in range(low, high):
        one = listed.rows[order[j]][first:]
        for k in range(j + 1, high):
            other = listed.rows[order[k]][first:]
            for i in range(r):  # from 0, so that it becomes a loop over vectors
                pairs[i] += one[i] == other[i]
    whole = powers[high - low]
    for i in range(r):
        into[i] += whole - listed.by_pairs[pairs[i]]
    return whole


@compiled
def _counted(code: Any, order: Any, starts: Any, cells: int, most: int, powers: Any, counts: Any) -> float:
    """Return ``sum k log2 k`` over the tokens of a column in each large cell, for outcomes of weight one."""
    parts = 0.0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        if high - low > most:
            for j in range(low, high):
                counts[code[order[j]]] += 1
            for j in range(low, high):
                token = code[order[j]]
                parts += powers[counts[token]]  # 0 once it is counted
                counts[token] = 0
    return parts


@compiled
def _weighed(listed: Any, code: Any, order: Any, starts: Any, cells: int, most: int, masses: Any) -> float:
    """Return the same for outcomes of any weight."""
    parts = 0.0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        if high - low > most:
            for j in range(low, high):
                masses[code[order[j]]] += listed.weights[order[j]]
            for j in range(low, high):
                token = code[order[j]]
                if masses[token] > 0.0:
                    parts += _power(masses[token], listed.powers)
                    masses[token] = 0.0
    return parts


@compiled
def _masses_of_cells(listed: Any, room: Any, here: int, cells: int) -> float:
    """Return the sum of ``x log2 x`` over the weights x of the cells."""
    order, starts, whole = room.orders[here], room.starts[here], 0.0
    for c in range(cells):
        if listed.unit:
            whole += listed.powers[starts[c + 1] - starts[c]]
        else:
            mass = 0.0
            for j in range(starts[c], starts[c + 1]):
                mass += listed.weights[order[j]]
            whole += _power(mass, listed.powers)
    return whole


@compiled
def _parts_of_column(listed: Any, room: Any, here: int, cells: int, i: int) -> float:
    """Return the same over the groups that a column splits the cells into."""
    order, starts, code = room.orders[here], room.starts[here], listed.columns[i]
    if listed.unit:
        return _counted(code, order, starts, cells, 1, listed.powers, room.counts)
    return _weighed(listed, code, order, starts, cells, 1, room.masses)


@compiled
def tail_cost(listed: Any, room: Any, here: int, cells: int, cap: float) -> float:
    """Return ``sum_i copies_i H(y_i | y_C)``, or something that is no more once it has reached ``cap``."""
    whole, total = _masses_of_cells(listed, room, here, cells), 0.0
    for i in range(listed.columns.shape[0]):
        parts = _parts_of_column(listed, room, here, cells, i)
        total += listed.copies[i] * (whole - parts) * listed.scale
        if total >= cap:
            break
    return total


@compiled
def loss(listed: Any, room: Any, labels: Any, blocks: int, joint: float, cap: float, prices: Any) -> float:
    """Return ``L`` of a partition of the representatives, or infinity once it is known to reach ``cap``.

    Args:
        listed: The distribution.
        room: Working memory.
        labels: The block of each representative, shape (r,).
        blocks: T.
        joint: ``H(Y)``.
        cap: Where to stop.
        prices: Working memory, shape (r,).
    """
    here, cells, cost = 0, start(listed, room), 0.0
    r = labels.shape[0]
    for t in range(blocks):
        rest = gains(listed, room, here, cells, prices)
        if cost + rest - joint >= cap:
            return np.inf
        if t == blocks - 1:
            for i in range(r):
                cost += listed.copies[i] * prices[i]
            break
        for i in range(r):
            if labels[i] == t:
                cost += prices[i]
                cells = refine(listed, room, here, cells, i)
                here = 1 - here
        if cells == 0:
            break
    return cost - joint

"""Conditional entropies of every column at once, and losses of partitions."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np

from theory.bounds.brackets.kernels import compiled, refine, start

__all__ = ["gains", "later_gains", "loss", "tail_cost"]

_WIDE = 32  # columns from which comparing up to five outcomes is faster than counting


@compiled
def _power(x: float, powers: Any) -> float:
    """Return ``x log2 x``."""
    if powers.shape[0] > 0:
        return powers[int(x)]
    return x * log2(x) if x > 0 else 0.0


@compiled
def gains(listed: Any, room: Any, here: int, cells: int, out: Any) -> float:
    """Write ``H(y_i | y_C)`` of every column into ``out``; return ``H(Y | y_C)``."""
    return later_gains(listed, room, here, cells, np.int64(0), out)


@compiled
def later_gains(listed: Any, room: Any, here: int, cells: int, first: int, out: Any) -> float:
    """Write ``H(y_i | y_C)`` of the columns from ``first`` on, and 0 for others; return ``H(Y | y_C)``.

    Small cells are compared outcome by outcome, all columns at a time; large ones are counted column by column.
    """
    order, starts, powers = room.orders[here], room.starts[here], listed.powers
    r, unit = listed.columns.shape[0], listed.unit
    most = np.int64(2)
    if unit:
        most = np.int64(5 if r - first >= _WIDE else 3)
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
    """Add a small cell to the columns: the numbers of equal pairs show which outcomes agree."""
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
        return _counted(code, order, starts, cells, np.int64(1), listed.powers, room.counts)
    return _weighed(listed, code, order, starts, cells, np.int64(1), room.masses)


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
    here, cells, cost = np.int64(0), start(listed, room), 0.0
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

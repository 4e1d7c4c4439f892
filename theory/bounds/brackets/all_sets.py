"""What is open after every set of representatives, for up to 24 of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.kernels import Listed, Room, compiled, refine, start

__all__ = ["AllSets", "Walk", "fill_costs", "make_walk", "open_after", "walk_sets"]


class AllSets(NamedTuple):
    """Tables over all sets of representatives, as bit masks; shape (2^r,).

    Attributes:
        rest: ``R(C) = H(Y | y_C)``.
        last: ``F(C) = sum_i copies_i H(y_i | y_C)``, the price of the last block.
        steep: The least ``F(D) / R(D)`` over all sets D that contain C and leave something open.
    """

    rest: NDArray[np.float64]
    last: NDArray[np.float64]
    steep: NDArray[np.float64]


class Walk(NamedTuple):
    """Where a walk over all sets is: a partition of the outcomes and the next representative, for each depth.

    Attributes:
        orders: Shape (r + 2, m).
        starts: Shape (r + 2, m // 2 + 2).
        sets: The set at each depth.
        cells: Of its partition.
        upcoming: What is added to it next.
        depth: Where the walk stands, shape (1,); -1 at the end.
    """

    orders: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    sets: NDArray[np.int64]
    cells: NDArray[np.int64]
    upcoming: NDArray[np.int64]
    depth: NDArray[np.int64]


def make_walk(listed: Listed) -> Walk:
    """Return a walk that has not begun."""
    r, m = listed.columns.shape
    numbers = np.zeros((3, r + 2), dtype=np.int64)
    return Walk(
        orders=np.zeros((r + 2, m), dtype=np.uint32),
        starts=np.zeros((r + 2, m // 2 + 2), dtype=np.uint32),
        sets=numbers[0],
        cells=numbers[1],
        upcoming=numbers[2],
        depth=np.zeros(1, dtype=np.int64),
    )


@compiled
def open_after(listed: Any, order: Any, starts: Any, cells: int) -> float:
    """Return ``H(Y | y_C)`` of a partition."""
    weights, powers, rest = listed.weights, listed.powers, 0.0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        if listed.unit:
            rest += powers[high - low]
            continue
        mass = 0.0
        for j in range(low, high):
            x = weights[order[j]]
            mass += x
            rest -= powers[int(x)] if powers.shape[0] > 0 else x * np.log2(x)
        rest += powers[int(mass)] if powers.shape[0] > 0 else mass * np.log2(mass)
    return rest * listed.scale


@compiled
def walk_sets(listed: Any, room: Any, walk: Any, work: float, rest: Any) -> float:
    """Write ``R(C)`` of further sets into ``rest``, which was zero; return the work that is left.

    Sets after which nothing is open are passed over with all that contain them.

    Args:
        listed: The distribution.
        room: Working memory.
        walk: Where to go on; changed in place.
        work: Tokens that may be looked at.
        rest: The table, shape (2^r,).
    """
    r = listed.columns.shape[0]
    d = walk.depth[0]
    if d == 0 and walk.cells[0] == 0:
        own = Room(
            walk.orders[:2], walk.starts[:2], room.counts, room.places, room.tokens, room.masses, room.equal
        )
        walk.cells[0] = start(listed, own)
        rest[0] = open_after(listed, walk.orders[0], walk.starts[0], walk.cells[0])
    while d >= 0 and work > 0:
        j = walk.upcoming[d]
        if j == r:
            d -= 1
            continue
        walk.upcoming[d] += 1
        work -= walk.starts[d, walk.cells[d]] + 16
        own = Room(
            walk.orders[d : d + 2], walk.starts[d : d + 2],
            room.counts, room.places, room.tokens, room.masses, room.equal,
        )  # fmt: skip
        found = refine(listed, own, np.int64(0), walk.cells[d], j)
        if found > 0:
            d += 1
            walk.sets[d] = walk.sets[d - 1] | (1 << j)
            walk.cells[d], walk.upcoming[d] = found, j + 1
            rest[walk.sets[d]] = open_after(listed, walk.orders[d], walk.starts[d], found)
    walk.depth[0] = d
    return work


@compiled
def fill_costs(listed: Any, rest: Any, last: Any, steep: Any) -> None:
    """Write the tables that follow from ``rest``."""
    r = listed.columns.shape[0]
    for c in range(rest.shape[0]):
        total = 0.0
        if rest[c] > 0.0:
            for i in range(r):
                total += listed.copies[i] * (rest[c] - rest[c | (1 << i)])
            steep[c] = total / rest[c]
        else:
            steep[c] = np.inf
        last[c] = total
    for i in range(r):
        for c in range(rest.shape[0]):
            if c >> i & 1 == 0 and steep[c | (1 << i)] < steep[c]:
                steep[c] = steep[c | (1 << i)]

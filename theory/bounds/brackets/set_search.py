"""Least losses for every number of blocks from tables over all sets, within a clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.all_sets import AllSets, fill_costs, make_walk, walk_sets
from theory.bounds.brackets.clock import Clock
from theory.bounds.brackets.kernels import Listed, Room
from theory.bounds.brackets.layers import Layer, first_layer, next_layer, search_last

__all__ = ["TABLE_BYTES", "Found", "search_sets"]

TABLE_BYTES = 40  # of a set
_CHUNK = 2e7  # tokens or sets looked at between two looks at the clock
_WALK = 0.6  # part of the clock at which the tables must be ready
_SHARE = 0.6  # of what is left, for one number of blocks
_PAIRS = 2e9  # sets looked at for one layer


class Found(NamedTuple):
    """What is known of T = 1, 2, ...; the lists are changed in place.

    Attributes:
        losses: Of the best partitions.
        labels: Their blocks.
        lower: Certified lower bounds.
        exact: Whether nothing is open.
    """

    losses: list[float]
    labels: list[NDArray[np.int64]]
    lower: list[float]
    exact: list[bool]


def search_sets(
    listed: Listed, room: Room, clock: Clock, found: Found, *, slack: float, margin: float
) -> int:
    """Search T = 2, 3, ... as far as the clock lets it; return the first T that it did not come to.

    Args:
        listed: The distribution.
        room: Working memory.
        clock: When to stop.
        found: What is known; the last T is known to lose nothing.
        slack: Partitions better than the best one by less are not looked for.
        margin: A bound on the error of a loss or bound.
    """
    sets = _all_sets(listed, room, clock)
    if sets is None:
        return 2
    r, top = listed.columns.shape[0], len(found.losses)
    least = np.full(1 << r, np.inf)
    layers = [first_layer()]
    for blocks in range(2, top):
        t = blocks - 1
        if found.losses[t - 1] < found.losses[t]:  # at most T blocks
            found.losses[t], found.labels[t] = found.losses[t - 1], found.labels[t - 1]
        if blocks > 2:
            more = next_layer(sets.rest, layers[-1], found.losses[t], least, min(_PAIRS, _left(clock)))
            if more is None:
                return blocks
            layers.append(more)
        best, place = np.array([found.losses[t]]), np.array([-1, 0])
        spent, at = clock.part(), 0
        until = spent + (1 - spent) * (_SHARE if blocks < top - 1 else 1.0)
        size = len(layers[-1].sets)
        while at < size and layers[-1].losses[at] < best[0] - slack and clock.part() < until:
            work = min(_CHUNK, _left(clock) / 20)
            at = search_last(sets, layers[-1], at, slack, found.lower[t - 1], work, best, place)
            clock.used += work
            clock.tell(f"sets for {blocks} of {top - 1} steps")
        if place[0] >= 0:
            found.losses[t], found.labels[t] = float(best[0]), _labels(layers, place.tolist(), r)
        open_from = layers[-1].losses[at] if at < size else np.inf
        found.exact[t] = bool(open_from >= best[0] - slack)
        found.lower[t] = max(min(float(best[0]) - slack, float(open_from)) - margin, 0.0)
        if not found.exact[t]:
            return blocks + 1
    return top


def _left(clock: Clock) -> float:
    """Return how much may be looked at, at most, where that is what the clock counts."""
    return np.inf if clock.work is None else max(clock.work - clock.used, 1.0)


def _all_sets(listed: Listed, room: Room, clock: Clock) -> AllSets | None:
    """Return the tables, or nothing if they take too long."""
    r, walk = listed.columns.shape[0], make_walk(listed)
    rest = np.zeros(1 << r)
    while walk.depth[0] >= 0:
        if clock.part() > _WALK:
            return None
        work = min(_CHUNK, _left(clock) / 20)
        clock.used += work - max(walk_sets(listed, room, walk, work, rest), 0.0)
        clock.tell(f"entropies of the 2^{r} sets of positions")
    last, steep = np.zeros(1 << r), np.zeros(1 << r)
    fill_costs(listed, rest, last, steep)
    return AllSets(rest, last, steep)


def _labels(layers: list[Layer], place: list[int], r: int) -> NDArray[np.int64]:
    """Return the block of each representative on the way to a state and a set after it."""
    state, target = place
    labels = np.full(r, len(layers), dtype=np.int64)
    for t in range(len(layers) - 1, -1, -1):
        source = int(layers[t].sets[state])
        labels[[i for i in range(r) if (target & ~source) >> i & 1]] = t
        target = source
        if t > 0:
            (state,) = np.flatnonzero(layers[t - 1].sets == layers[t].before[state])
    return labels

"""Good ordered partitions of many positions, by greedy orders, best cuts and local search.

An order of the representatives has a matrix ``W[a, i] = H(y_i | first a of them)``. Cutting it into blocks is a
shortest path over the cuts, which gives the best cut order for every T at once. Then single moves and swaps between
blocks, as long as they lower the cost. All of this gives partitions, so upper bounds; nothing is claimed of how good
they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.kernels import compiled, refine, start
from theory.bounds.brackets.open_entropies import gains, loss

__all__ = ["Cuts", "best_cuts", "descend", "greedy_order", "order_gains"]

_NOTHING = 1e-12  # bits: less is no improvement


@compiled
def greedy_order(
    listed: Any, room: Any, weight: float, noise: Any, singles: Any, order: Any, table: Any
) -> int:
    """Reveal one representative after the other, the one of the highest score first, until nothing is open.

    The score of i after C is ``(1 + a) H(y_i | y_C) - a H(y_i)``, times one plus its noise.

    Args:
        listed: The distribution.
        room: Working memory.
        weight: a.
        noise: Shape (r,).
        singles: ``H(y_i)``, shape (r,).
        order: Written: all representatives, those that were not needed last; shape (r,).
        table: Written: ``W[a, i]``, shape (r + 1, r), as many rows as are needed.

    Returns:
        How many were needed.
    """
    r = singles.shape[0]
    taken = np.zeros(r, dtype=np.bool_)
    here, cells, size = np.int64(0), start(listed, room), 0
    while True:
        gains(listed, room, here, cells, table[size])
        if cells == 0:
            break
        best, top = np.int64(-1), -np.inf
        for i in range(r):
            if not taken[i] and table[size, i] > 0.0:
                score = (1 + noise[i]) * ((1 + weight) * table[size, i] - weight * singles[i])
                if score > top:
                    best, top = i, score
        if best < 0:
            break
        taken[best] = True
        order[size] = best
        size += 1
        cells = refine(listed, room, here, cells, best)
        here = 1 - here
    at = size
    for i in range(r):
        if not taken[i]:
            order[at] = i
            at += 1
    return size


@compiled
def order_gains(listed: Any, room: Any, order: Any, table: Any) -> int:
    """Write ``W[a, i]`` of a given order into ``table``; return how many representatives distinguish all outcomes.

    Rows after that one are not written: all of them would be zero, as this one is.
    """
    here, cells, size = np.int64(0), start(listed, room), 0
    while True:
        gains(listed, room, here, cells, table[size])
        if cells == 0:
            return size
        cells = refine(listed, room, here, cells, order[size])
        here = 1 - here
        size += 1


@dataclass(frozen=True)
class Cuts:
    """The best cuts of one order.

    Attributes:
        losses: ``L`` for T = 1, 2, ... blocks.
        labels: The block of each representative, one array for each T.
    """

    losses: list[float]
    labels: list[NDArray[np.int64]]


def best_cuts(
    order: NDArray[np.int64], table: NDArray[np.float64], copies: NDArray[np.float64], joint: float, most: int
) -> Cuts:
    """Return the best cuts of an order into 1, ..., ``most`` blocks.

    Args:
        order: The representatives, shape (r,).
        table: ``W[a, i]`` of the first a of them, a = 0..k, shape (k + 1, r).
        copies: Positions that each stands for.
        joint: ``H(Y)``.
        most: The largest T.
    """
    k = len(table) - 1
    sums = np.concatenate([np.zeros((k + 1, 1)), np.cumsum(table[:, order[:k]], axis=1)], axis=1)
    prices = sums - sums[np.arange(k + 1), np.arange(k + 1)][:, None]  # of the block from cut a to cut b
    prices[np.tril_indices(k + 1, -1)] = np.inf
    last = table @ copies - joint
    reach = np.full(k + 1, np.inf)
    reach[0] = 0.0
    found, sources = Cuts([], []), []
    for _ in range(most):
        end = int(np.argmin(reach + last))
        found.losses.append(float(reach[end] + last[end]))
        cuts = [end]
        for before in reversed(sources):
            cuts.append(int(before[cuts[-1]]))
        labels = np.full(len(order), len(cuts) - 1, dtype=np.int64)
        for block, (low, high) in enumerate(zip(cuts[::-1], cuts[::-1][1:], strict=False)):
            labels[order[low:high]] = block
        found.labels.append(labels)
        through = reach[:, None] + prices
        sources.append(np.argmin(through, axis=0))
        reach = np.min(through, axis=0)
    return found


@compiled
def descend(
    listed: Any, room: Any, labels: Any, blocks: int, joint: float, value: float, order: Any, most: int
) -> Any:
    """Move single representatives to other blocks, and swap two, as long as the cost falls.

    Args:
        listed: The distribution.
        room: Working memory.
        labels: The block of each representative; changed in place.
        blocks: T.
        joint: ``H(Y)``.
        value: The cost at first.
        order: In which representatives are tried, shape (r,).
        most: Evaluations at most.

    Returns:
        The cost at the end, and how many evaluations it took.
    """
    r = labels.shape[0]
    prices = np.zeros(r)
    tried, quiet, at = 0, 0, 0
    while quiet < r and tried < most:  # until a whole round changed nothing
        i = order[at]
        at = (at + 1) % r
        quiet += 1
        own = labels[i]
        for t in range(blocks):
            if t != own:
                labels[i] = t
                cost = loss(listed, room, labels, blocks, joint, value - _NOTHING, prices)
                tried += 1
                if cost < value - _NOTHING:
                    value, own, quiet = cost, t, 0
        labels[i] = own
        if own == blocks - 1:
            continue
        for j in range(r):  # a chosen one for any other
            other = labels[j]
            if other != own and tried < most:
                labels[i], labels[j] = other, own
                cost = loss(listed, room, labels, blocks, joint, value - _NOTHING, prices)
                tried += 1
                if cost < value - _NOTHING:
                    value, quiet = cost, 0
                    own = other
                    if own == blocks - 1:
                        break
                else:
                    labels[i], labels[j] = own, other
    return value, tried

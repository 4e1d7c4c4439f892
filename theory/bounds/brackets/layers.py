"""Least losses block by block, over the sets of representatives that can still matter.

A *state* is a set K that t blocks may reveal, with the least price ``D_t(K)`` of doing so. Its loss,
``D_t(K) - H(K)``, is a lower bound of every partition that goes through it, so states that lose as much as the best
partition known are left out. From the states of T - 2 blocks come those of T - 1 one by one, and ``L*_T`` is the
least ``D_{T-1}(K) + F(K) - H``: the last step, which asks for that minimum alone, is a search with bounds of its own
(``docs/brackets.md``, All sets).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.kernels import compiled

__all__ = ["Layer", "first_layer", "next_layer", "search_last"]

_STEEPEST = 8.0  # a lower bound of the price of a bit is cut there, which bounds its error


class Layer(NamedTuple):
    """The states of one number of blocks.

    Attributes:
        sets: Bit masks.
        prices: ``D_t``.
        before: The set one block earlier.
        losses: ``D_t(K) - H(K)``.
    """

    sets: NDArray[np.int32]
    prices: NDArray[np.float64]
    before: NDArray[np.int32]
    losses: NDArray[np.float64]


def first_layer() -> Layer:
    """Return the state of no block."""
    none = np.zeros(1, dtype=np.int32)
    return Layer(none, np.zeros(1), none, np.zeros(1))


def next_layer(
    rest: NDArray[np.float64], layer: Layer, limit: float, least: NDArray[np.float64], work: float
) -> Layer | None:
    """Return the states of one more block whose loss is below a limit, least loss first; ``None`` if out of work.

    Args:
        rest: ``R(C)`` of all sets.
        layer: The states of one block fewer.
        limit: Bits; states of the layer that lose as much are left out too.
        least: Working memory, as large as ``rest``, all infinity; so it is left.
        work: Sets that may be looked at.
    """
    before = np.zeros(len(rest), dtype=np.int32)
    if not _spread(rest, layer, limit, work, least, before):
        least[:] = np.inf
        return None
    sets = np.flatnonzero(least < np.inf).astype(np.int32)
    prices = least[sets]
    losses = prices + rest[sets] - rest[0]
    order = np.argsort(losses, kind="stable")
    least[sets] = np.inf
    return Layer(sets[order], prices[order], before[sets[order]], losses[order])


@compiled
def _spread(rest: Any, layer: Any, limit: float, work: float, least: Any, before: Any) -> bool:
    """Write the least price of each set one block later and where it comes from; return whether all were reached."""
    r, joint = 0, rest[0]
    while 1 << r < rest.shape[0]:
        r += 1
    prices, size = np.zeros(r), r * r + 2
    at, behind, paid = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size)
    for k in range(layer.sets.shape[0]):
        first = layer.sets[k]
        if layer.losses[k] >= limit:
            continue
        for i in range(r):
            prices[i] = rest[first] - rest[first | (1 << i)]
        height = 1
        at[0], behind[0], paid[0] = first, 0, layer.prices[k]
        while height > 0:
            height -= 1
            here, price, begin = at[height], paid[height], behind[height]
            work -= r
            if work < 0:
                return False
            if price < least[here]:
                least[here], before[here] = price, first
            for j in range(begin, r):
                then = here | (1 << j)  # what tells nothing more waits for the last block
                if rest[then] < rest[here] and price + prices[j] + rest[then] - joint < limit:
                    at[height], behind[height], paid[height] = then, j + 1, price + prices[j]
                    height += 1
    return True


@compiled
def search_last(
    sets: Any, layer: Any, begin: int, slack: float, fewer: float, work: float, best: Any, found: Any
) -> int:
    """Search the best last chosen block after each state from ``begin`` on; return the first that was not searched.

    Args:
        sets: The tables of all sets.
        layer: The states of T - 2 blocks, least loss first.
        begin: Where to go on.
        slack: Partitions better than the best one by less are not looked for.
        fewer: A certified lower bound of ``L*_{T-1}``.
        work: Sets that may be looked at.
        best: The loss of the best partition of T blocks, shape (1,); changed in place.
        found: Where a better one was found, its state and its set of T - 1 blocks, shape (2,).
    """
    rest, last, steep = sets.rest, sets.last, sets.steep
    r, joint = 0, rest[0]
    while 1 << r < rest.shape[0]:
        r += 1
    prices, saved, fits, size = np.zeros(r), np.zeros(r), np.zeros(r, np.int64), r * r + 2
    at, free = np.zeros(size, np.int64), np.zeros(size, np.int64)
    paid, kept = np.zeros(size), np.zeros(size)
    for k in range(begin, layer.sets.shape[0]):
        if work <= 0 or layer.losses[k] >= best[0] - slack:
            return k
        first, earlier, later = layer.sets[k], layer.before[k], 0
        for i in range(r):
            prices[i] = rest[first] - rest[first | (1 << i)]
            saved[i] = rest[earlier] - rest[earlier | (1 << i)] - prices[i]
            fits[i] = 0
            if first >> i & 1 == 0 and prices[i] > 0.0:
                later |= 1 << i
        for i in range(r):  # two that tell more of one another than was saved do better one block earlier
            if first == 0 or later >> i & 1 == 0:
                fits[i] = later
                continue
            for j in range(i + 1, r):
                if later >> j & 1:
                    shared = prices[i] + prices[j] - rest[first] + rest[first | (1 << i) | (1 << j)]
                    if shared - slack <= min(saved[i], saved[j]):
                        fits[i] |= 1 << j
                        fits[j] |= 1 << i
        work -= r * r
        height = 1
        at[0], free[0], paid[0], kept[0] = first, later, layer.prices[k] - joint, 0.0
        while height > 0:
            height -= 1
            here, mine, price, keep = at[height], free[height], paid[height], kept[height]
            if price + last[here] < best[0]:
                best[0] = price + last[here]
                found[0], found[1] = k, here
            cut = best[0] - slack
            ratio, after, more = np.inf, 0, 0.0  # of those behind j
            for j in range(r - 1, -1, -1):
                if mine >> j & 1 == 0:
                    continue
                then = here | (1 << j)
                gained, base = rest[here] - rest[then], price + prices[j]
                work -= 1
                if gained <= 0.0 or base + rest[then] >= cut:
                    continue  # told by those before it, or too dear whatever follows
                behind = after & fits[j]
                slope = min(max(ratio, 1.0), max(steep[then], 1.0), _STEEPEST)
                if (
                    base + slope * rest[then] < cut
                    and base + last[then | behind] < cut
                    and (first == 0 or keep + saved[j] + more >= fewer - cut)
                ):
                    at[height], free[height], paid[height], kept[height] = then, behind, base, keep + saved[j]
                    height += 1
                ratio = min(ratio, prices[j] / gained)
                after |= 1 << j
                more += saved[j]
    return layer.sets.shape[0]

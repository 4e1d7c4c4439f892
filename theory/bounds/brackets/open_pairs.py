"""The last chosen block searched whole, by the pairs of outcomes that it leaves together.

After K, let A be added. Then ``F(K + A) >= sum 4 p_a p_b d(a, b) / p(c)`` over the pairs {a, b} of outcomes in a cell c
of K that A does not tell apart, d the number of positions in which they differ (``docs/brackets.md``, B6).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.bounds.brackets.kernels import Room, compiled, refine
from theory.bounds.brackets.open_entropies import tail_cost

__all__ = ["search_pairs"]

_PAIRS = 2048  # that are counted, at most
_DEPTH = 16  # of a block
_WORK = 1e7  # beyond, the search goes on token by token


_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_S1, _S2, _S4, _S8, _S16, _S32 = (np.uint64(1 << k) for k in range(6))
_LOW = np.uint64(127)
_NONE = np.uint64(0)


@compiled
def _ones(x: Any) -> float:
    """Return the number of bits that are set."""
    x = x - ((x >> _S1) & _M1)
    x = (x & _M2) + ((x >> _S2) & _M2)
    x = (x + (x >> _S4)) & _M4
    x = x + (x >> _S8)
    x = x + (x >> _S16)
    x = x + (x >> _S32)
    return float(np.int64(x & _LOW))


@compiled
def search_pairs(
    listed: Any,
    room: Any,
    here: int,
    cells: int,
    prices: Any,
    saved: Any,
    need: float,
    base: float,
    best: float,
    slack: float,
    chosen: Any,
) -> Any:
    """Search all sets A that may be added before the last block; return the least cost and the tokens looked at.

    Args:
        listed: The distribution.
        room: The partition by K in place ``here``; left as it is.
        here: Its place.
        cells: Their number.
        prices: Of those that may be added; infinite for others.
        saved: Price in the block before less price now.
        need: The least sum of ``saved`` of a partition that is better than the best one.
        base: Prices of K less ``H(Y)``.
        best: The cost of the best partition known.
        slack: Sets better by less are not looked for.
        chosen: Written: a set A that attains the returned cost, if it is below ``best``; its size comes first.

    Returns:
        The cost, and the work, which is negative if it was too much to search all.
    """
    order, starts, r = room.orders[here], room.starts[here], prices.shape[0]
    pairs = np.empty((2, _PAIRS), np.uint32)
    light, heavy = np.empty(_PAIRS), np.zeros(_PAIRS)
    size, count, left = 0, np.uint32(2), starts[cells]
    while left > 0 and size < _PAIRS:  # small cells first: their pairs weigh most
        for c in range(cells):
            low, high = starts[c], starts[c + 1]
            if high - low != count:
                continue
            left -= count
            mass = 0.0
            for a in range(low, high):
                mass += listed.weights[order[a]]
            for a in range(low, high):
                for b in range(a + 1, high):
                    if size < _PAIRS:
                        pairs[0, size], pairs[1, size] = order[a], order[b]
                        both = listed.weights[order[a]] * listed.weights[order[b]]
                        light[size] = 4 * listed.scale * both / mass
                        size += 1
        count += 1
    ranked, usable = np.empty(r, np.int64), 0  # those that may be added, the dearest first
    for j in range(r):
        if prices[j] < np.inf:
            k = usable
            while k > 0 and prices[ranked[k - 1]] < prices[j]:
                ranked[k] = ranked[k - 1]
                k -= 1
            ranked[k] = j
            usable += 1
    if usable == 0:
        return best, 1.0
    words = (size + 63) // 64
    same, told = np.zeros((r, words), np.uint64), np.zeros((usable + 1, words), np.uint64)
    for i in range(r):
        column = listed.columns[i]
        for w in range(words):
            bits = _NONE
            for p in range(64 * w, min(64 * w + 64, size)):
                alike = column[pairs[0, p]] == column[pairs[1, p]]
                bits |= np.uint64(alike) << np.uint64(p % 64)
                heavy[p] += listed.copies[i] * (not alike)
            same[i, w] = bits
    weights = np.full((2, words), np.inf)  # the least of 64 pairs stands for all of them
    for p in range(size):
        weights[0, p // 64] = min(weights[0, p // 64], heavy[p] * light[p])
        weights[1, p // 64] = min(weights[1, p // 64], light[p])
    behind, cheapest = np.zeros(usable + 1), prices[ranked[usable - 1]]
    for k in range(usable - 1, -1, -1):  # what is told, and saved at most, by those from k on
        behind[k] = behind[k + 1] + saved[ranked[k]]
        for w in range(words):
            told[k, w] = told[k + 1, w] | ~same[ranked[k], w]
    active, work = np.int64(starts[cells]), float(size * r)
    own = Room(
        np.empty((2, active), np.uint32), np.empty((2, active // 2 + 2), np.uint32),
        room.counts, room.places, room.tokens, room.masses, room.equal,
    )  # fmt: skip
    together = np.zeros((_DEPTH + 1, words), np.uint64)
    paid, kept, upcoming = np.zeros(_DEPTH + 1), np.zeros(_DEPTH + 1), np.zeros(_DEPTH + 1, np.int64)
    for p in range(size):
        together[0, p // 64] |= np.uint64(1) << np.uint64(p % 64)
    paid[0], depth = base, 0
    while depth >= 0:
        if work > _WORK:
            return best, -work
        cut, k = best - slack, upcoming[depth]
        while k < usable and paid[depth] + prices[ranked[k]] >= cut:
            k += 1
        if k == usable or kept[depth] + behind[k] < need:
            depth -= 1
            continue
        j = ranked[k]
        upcoming[depth] = k + 1
        price, keep = paid[depth] + prices[j], kept[depth] + saved[j]
        nearest = k + 1  # of those that can be paid behind it
        while nearest < usable and price + prices[ranked[nearest]] >= cut:
            nearest += 1
        tail, fixed, least = 0.0, 0.0, 0.0
        work += 2 * words
        for w in range(words):
            both = together[depth, w] & same[j, w]
            together[depth + 1, w] = both
            number = _ones(both)
            tail += weights[0, w] * number
            least += weights[1, w] * number
            fixed += weights[0, w] * _ones(both & ~told[nearest, w])
        if price + tail < cut and keep >= need:
            for a in range(active):
                own.orders[0, a] = order[a]
            for c in range(cells + 1):
                own.starts[0, c] = starts[c]
            place, parts = np.int64(0), cells
            for d in range(depth + 1):
                parts = refine(listed, own, place, parts, ranked[upcoming[d] - 1])
                place = 1 - place
            cost = price + tail_cost(listed, own, place, parts, best - price)
            work += active * (depth + 1) + own.starts[place, parts] * r
            if cost < best - 1e-13:
                best, chosen[0] = cost, depth + 1
                for d in range(depth + 1):
                    chosen[d + 1] = ranked[upcoming[d] - 1]
        if nearest < usable and price + max(least, cheapest + fixed) < cut and keep + behind[nearest] >= need:
            if depth + 1 == _DEPTH:
                return best, -work
            depth += 1
            paid[depth], kept[depth], upcoming[depth] = price, keep, nearest
    return best, work

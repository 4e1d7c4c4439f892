"""Least cost of the last chosen block and all after it (bounds B1 to B4).

After the set K is known, let A be added and y = H(A | K) <= min(w(A), R), R = H(Y | K). Then the last block costs at
least ``Phi(y)``, the greatest of

- ``R - y``;
- singles: ``sum_i copies_i (w_i - y)^+``;
- packing: ``sum_G (H(G) - H(K) - y)^+`` over disjoint groups G, the best of some packings;
- distance: ``sum_c kappa_c R_c``, the y bits spent on the cells c of largest kappa.

All are convex and fall with y. They are tabulated here for one K, and minimised over A.
"""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np

from theory.bounds.brackets.kernels import compiled

__all__ = ["KAPPAS", "cells_by_distance", "child_bounds", "sort_singles"]

KAPPAS = 312  # steps of kappa; beyond them the last counts, which is 256
_FINE, _STEP = 64, 0.125  # up to 8 kappa is rounded down to a multiple of 1/8, beyond to a whole number
_PAIRS = 6  # outcomes of a cell up to which all pairs are compared
_LIST = 6  # smallest prices and largest gains that are kept


@compiled
def cells_by_distance(
    listed: Any,
    room: Any,
    here: int,
    cells: int,
    nearest: Any,
    alike: bool,
    out: Any,
    levels: Any,
    shares: Any,
) -> int:
    """Write the values of kappa, largest first, and ``sum R_c`` of the cells with each; return how many there are.

    Args:
        listed: The distribution.
        room: The partition in place ``here``.
        here: Its place.
        cells: Their number.
        nearest: Number of positions in which an outcome differs from the nearest other one, at least; shape (m,).
        alike: Whether all outcomes have one weight.
        out: Working memory, shape (KAPPAS,).
        levels: Written, shape (KAPPAS,).
        shares: Written, shape (KAPPAS,).
    """
    order, starts = room.orders[here], room.starts[here]
    weights, powers, r = listed.weights, listed.powers, listed.columns.shape[0]
    for k in range(out.shape[0]):
        out[k] = 0.0
    for c in range(cells):
        low, high = starts[c], starts[c + 1]
        count = high - low
        mass, rest = 0.0, 0.0
        for j in range(low, high):
            x = weights[order[j]]
            mass += x
            if powers.shape[0] > 0:
                rest -= powers[int(x)]
            else:
                rest -= x * log2(x)
        rest += powers[int(mass)] if powers.shape[0] > 0 else mass * log2(mass)
        distance = np.inf
        if count <= _PAIRS:
            for j in range(low, high):
                one = listed.rows[order[j]]
                for k in range(j + 1, high):
                    other, apart = listed.rows[order[k]], np.uint32(0)
                    for i in range(r):
                        apart += listed.many[i] * (one[i] != other[i])
                    distance = min(distance, float(apart))
        else:
            for j in range(low, high):
                distance = min(distance, nearest[order[j]])
        kappa = distance / log2(count)
        if alike:
            kappa *= 2 * (1 - 1 / count)
        k = int(kappa / _STEP) if kappa < _FINE * _STEP else int(kappa) + _FINE - 8
        k = min(k, out.shape[0] - 1)
        out[k] += rest * listed.scale
    found = 0
    for k in range(out.shape[0] - 1, -1, -1):
        if out[k] > 0.0:
            levels[found] = k * _STEP if k < _FINE else k - _FINE + 8
            shares[found] = out[k]
            found += 1
    return found


@compiled
def sort_singles(gained: Any, copies: Any, sorted_gains: Any, mass: Any, weighted: Any) -> None:
    """Sort gains, largest first, with running sums of copies and of copies times gains."""
    r, gap = gained.shape[0], 1
    while gap < r // 3:
        gap = 3 * gap + 1
    for i in range(r):
        sorted_gains[i], mass[i] = gained[i], copies[i]
    while gap > 0:  # Shell's sort: numba takes two seconds to compile its own
        for i in range(gap, r):
            gain, many, k = sorted_gains[i], mass[i], i
            while k >= gap and sorted_gains[k - gap] < gain:
                sorted_gains[k], mass[k] = sorted_gains[k - gap], mass[k - gap]
                k -= gap
            sorted_gains[k], mass[k] = gain, many
        gap //= 3
    count, total = 0.0, 0.0
    for k in range(r):
        count += mass[k]
        total += mass[k] * sorted_gains[k]
        mass[k], weighted[k] = count, total


@compiled
def _least_rest(
    y: float,
    known: float,
    rest: float,
    sorted_gains: Any,
    mass: Any,
    weighted: Any,
    levels: Any,
    shares: Any,
    packing: Any,
    packing_step: float,
) -> float:
    """Return ``Phi(y)``; ``known`` is H(K), ``rest`` is R."""
    if y >= rest:
        return 0.0
    least = rest - y
    low, high = 0, sorted_gains.shape[0]  # singles: those above y
    while low < high:
        middle = (low + high) // 2
        if sorted_gains[middle] > y:
            low = middle + 1
        else:
            high = middle
    if low > 0:
        least = max(least, weighted[low - 1] - y * mass[low - 1])
    k = int((known + y) / packing_step) + 1
    if k < packing.shape[0]:
        least = max(least, packing[k])
    left, spread = y, 0.0  # distance: from the largest kappa downwards
    for k in range(levels.shape[0]):
        spread += max(shares[k] - left, 0.0) * levels[k]
        left = max(left - shares[k], 0.0)
    return max(least, spread)


@compiled
def child_bounds(
    after: int,
    fresh: bool,
    prices: Any,
    gained: Any,
    saved: Any,
    need: float,
    known: float,
    rest: float,
    sorted_gains: Any,
    mass: Any,
    weighted: Any,
    levels: Any,
    shares: Any,
    packing: Any,
    packing_step: float,
    cap: float,
    out: Any,
    longer: Any,
) -> None:
    """Write, for each representative j that may come next, the least cost of what is added from j on, and of the rest.

    Those added are j and representatives behind it in the fixed order. Infinity marks that nothing below ``cap`` is
    left.

    Args:
        after: Only representatives behind this one are added.
        fresh: Whether they open a block; then what is saved against the block before must reach ``need``.
        prices: What each costs in the block, shape (r,).
        gained: ``H(y_i | y_K)``.
        saved: Price in the block before less price in this one.
        need: The least sum of ``saved`` over the block, where it is fresh.
        known: ``H(Y_K)``.
        rest: R.
        sorted_gains: See :func:`sort_singles`; also ``mass`` and ``weighted``.
        mass: As said.
        weighted: As said.
        levels: Values of kappa, largest first.
        shares: ``sum R_c`` of the cells with each.
        packing: The packing bound at multiples of ``packing_step`` of H.
        packing_step: As said.
        cap: Costs from here on do not matter.
        out: Written, shape (r,).
        longer: Written: the same if more than j is added, shape (r,).
    """
    r = prices.shape[0]
    small, large, saves = np.full(_LIST, np.inf), np.zeros(_LIST), np.zeros(_LIST)
    ratio, cheapest = np.inf, np.inf  # price by bit gained, and by bit saved
    for j in range(r - 1, -1, -1):
        out[j], longer[j] = np.inf, np.inf
        if j <= after or gained[j] <= 0.0:
            continue
        room = cap - prices[j]
        if room > 0:
            best, stop = np.inf, np.inf
            if not fresh or saved[j] >= need:
                stop = _least_rest(
                    gained[j],
                    known,
                    rest,
                    sorted_gains,
                    mass,
                    weighted,
                    levels,
                    shares,
                    packing,
                    packing_step,
                )
            for k in range(j + 1, r):  # one more
                if gained[k] <= 0.0 or (fresh and saved[j] + saved[k] < need):
                    continue
                y = gained[j] + gained[k]
                if prices[k] + max(rest - y, 0.0) < min(best, room):
                    value = prices[k] + _least_rest(
                        y, known, rest, sorted_gains, mass, weighted, levels, shares, packing, packing_step
                    )
                    best = min(best, value)
            # three and more: by their number, and by the price of a bit
            slope = -np.inf
            if ratio < np.inf:
                slope = -ratio * gained[j]
                for k in range(levels.shape[0]):
                    slope += min(levels[k], ratio) * shares[k]
            if fresh and need > saved[j]:
                slope = max(slope, (need - saved[j]) * cheapest)
            price, y, save = small[0], gained[j] + large[0], saved[j] + saves[0]
            for size in range(1, _LIST):
                price += small[size]
                y += large[size]
                save += saves[size]
                if price >= min(best, room):
                    break
                if size == _LIST - 1 or y >= rest:
                    best = min(best, max(price, slope))  # and all larger ones
                    break
                if fresh and save < need:
                    continue
                value = price + _least_rest(
                    y, known, rest, sorted_gains, mass, weighted, levels, shares, packing, packing_step
                )
                best = min(best, max(value, slope))
            longer[j] = prices[j] + best if best < room else np.inf
            best = min(best, stop)
            out[j] = prices[j] + best if best < room else np.inf
        # j may be added behind those before it
        _insert(small, prices[j], False)
        _insert(large, gained[j], True)
        _insert(saves, saved[j], True)
        ratio = min(ratio, prices[j] / gained[j])
        if saved[j] > 0:
            cheapest = min(cheapest, prices[j] / saved[j])


@compiled
def _insert(kept: Any, value: float, descending: bool) -> None:
    """Put a value into a short sorted list, dropping the last."""
    at = kept.shape[0] - 1
    if (value <= kept[at]) if descending else (value >= kept[at]):
        return
    while at > 0 and ((kept[at - 1] < value) if descending else (kept[at - 1] > value)):
        kept[at] = kept[at - 1]
        at -= 1
    kept[at] = value

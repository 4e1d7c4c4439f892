"""Branch and bound over ordered partitions, best first, with the open nodes kept.

A node is a chain of blocks whose last one is still open: representatives are added to a block in a fixed order, so
that no partition occurs twice. Its key is a lower bound of every partition below it. The node of least key is
expanded first, so that at any time the least key of the open nodes, or the best partition found if that is less, is a
lower bound of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.bounds.brackets.kernels import compiled, refine, start
from theory.bounds.brackets.last_block import KAPPAS, cells_by_distance, child_bounds, sort_singles
from theory.bounds.brackets.open_entropies import gains, later_gains, tail_cost
from theory.bounds.brackets.open_pairs import search_pairs
from theory.bounds.brackets.tree import pop, push, write_labels

__all__ = ["CLOSED", "FULL", "STOPPED", "expand"]

# why a search ended: nothing open, out of work, out of memory
CLOSED = 0
STOPPED = 1
FULL = 2


@compiled
def expand(listed: Any, room: Any, problem: Any, tree: Any, work: float) -> int:
    """Expand open nodes, least key first, until none is below the best partition or the work is done.

    Args:
        listed: The distribution; its columns are in the order in which they are added to a block.
        room: Working memory.
        problem: What is searched.
        tree: Nodes; changed in place.
        work: Tokens that may be looked at.

    Returns:
        CLOSED, STOPPED or FULL.
    """
    r = listed.columns.shape[0]
    joint, blocks, error = problem.joint, problem.blocks, problem.error
    # few arrays, filled by loops: each way to make or to fill one takes numba a fifth of a second to compile
    space, wide, path = np.empty((10, r)), np.empty((3, KAPPAS)), np.empty(r + 1, np.int64)
    chosen = np.empty(r + 1, np.int64)
    now, zero, bounds, longer, saved = space[0], space[1], space[2], space[3], space[4]
    sorted_gains, mass, weighted = space[5], space[6], space[7]
    bins, levels, shares = wide[0], wide[1], wide[2]
    for i in range(r):
        zero[i] = 0.0
    while tree.sizes[1] > 0:
        key = tree.keys[0]
        cut = tree.best[0] - problem.slack
        if key >= cut:
            return CLOSED
        if work <= 0:
            return STOPPED
        if tree.sizes[0] + 2 * r >= tree.parents.shape[0]:
            return FULL
        node = pop(tree)
        block, last = np.int64(tree.block[node]), np.int64(tree.added[node])
        depth, at = 0, node
        while tree.parents[at] >= 0:
            path[depth] = at
            depth += 1
            at = tree.parents[at]
        # go down; the gains at the ends of blocks are the prices of the next
        here, cells = np.int64(0), start(listed, room)
        before, prices, opened = zero, zero, 0
        for d in range(depth - 1, -1, -1):
            step = path[d]
            if not tree.ends[node] and tree.block[step] != (
                0 if d == depth - 1 else tree.block[path[d + 1]]
            ):  # opens a block
                closed = 0 if d == depth - 1 else path[d + 1]
                slot = closed % tree.kept.shape[0]
                if tree.owner[slot] != closed:
                    gains(listed, room, here, cells, tree.kept[slot])
                    work -= room.starts[here, cells] * r
                    tree.owner[slot] = closed
                before, prices, opened = prices, space[8 + opened % 2], opened + 1
                for i in range(r):
                    prices[i] = tree.kept[slot, i]
            cells = refine(listed, room, here, cells, np.int64(tree.added[step]))
            here = 1 - here
        active = room.starts[here, cells]
        paid = tree.paid[node]
        base = paid - joint
        work -= 64 + active * depth
        cost, rest, found, spread = base, tree.rest[node], 0, 0.0
        if tree.ends[node]:
            work -= active * r
            cost += tail_cost(listed, room, here, cells, cut + 2 * problem.slack - cost)
        else:
            found = cells_by_distance(
                listed, room, here, cells, problem.nearest, problem.alike, bins, levels, shares
            )
            for k in range(found):
                spread += levels[k] * shares[k]
            if (
                block == blocks - 1 and base + spread >= cut
            ):  # not good as it is: what may be added counts alone
                work -= active * (r - last)
                rest = later_gains(listed, room, here, cells, last + 1, now)
                cost = np.inf
            else:
                work -= active * r
                rest = gains(listed, room, here, cells, now)
                for i in range(r):
                    cost += listed.copies[i] * now[i]
        if cost < tree.best[0] - 1e-13:
            tree.best[0] = cost
            cut = cost - problem.slack
            write_labels(tree, path, depth, blocks)
        if cells == 0 or tree.ends[node]:
            continue
        sort_singles(now, listed.copies, sorted_gains, mass, weighted)
        many, share = levels[:found], shares[:found]
        need = problem.fewer - cut
        known = joint - rest
        first, alone, missing = last, True, need
        if block >= 1:
            for d in range(depth):
                step = path[d]
                if tree.block[step] == block:
                    missing -= before[tree.added[step]] - prices[tree.added[step]]
                    if d > 0:
                        first, alone = tree.added[step], False
        whole, opens = False, block == blocks - 2
        if blocks > 2 and block >= blocks - 2:  # the last chosen block, whole
            earlier, costs = (prices, now) if opens else (before, prices)
            for i in range(r):
                saved[i] = earlier[i] - costs[i]
                usable = now[i] > 0.0 and saved[i] > error and (opens or i > last)
                bounds[i] = costs[i] if usable else np.inf
            cost, used = search_pairs(
                listed, room, here, cells, bounds, saved, need if opens else missing, base, tree.best[0],
                problem.slack, chosen,
            )  # fmt: skip
            if cost < tree.best[0]:
                tree.best[0] = cost
                cut = cost - problem.slack
                write_labels(tree, path, depth, blocks)
                for k in range(chosen[0]):
                    tree.labels[chosen[k + 1]] = blocks - 2
            work -= abs(used)
            whole = used > 0
        if block >= 1 and (opens or not whole):  # one more in the open block
            for i in range(r):
                saved[i] = before[i] - prices[i] if block >= 2 else 0.0
            if block == blocks - 1:
                child_bounds(
                    last, block >= 2, prices, now, saved, missing, known, rest, sorted_gains, mass, weighted,
                    many, share, problem.packing, problem.packing_step, cut - base, bounds, longer,
                )  # fmt: skip
            for j in range(last + 1, r):
                if now[j] <= 0.0:
                    continue
                if block >= 2:
                    gap = saved[j]
                    if gap <= error:
                        continue  # no worse one block earlier
                    shared = prices[j] - now[j]
                    if alone and (
                        gap < shared - 8 * error or before[first] - prices[first] < shared - 8 * error
                    ):
                        continue  # better one block earlier
                bound = base + prices[j] + rest - now[j]
                if block == blocks - 1:
                    bound = max(bound, base + bounds[j])
                bound = max(bound, key)
                if bound < cut:
                    ends = block == blocks - 1 and base + longer[j] >= cut
                    push(tree, bound, node, j, block, paid + prices[j], rest - now[j], ends)
        if block <= blocks - 2 and not whole:  # the next block opens
            fresh = block >= 1
            for i in range(r):
                saved[i] = prices[i] - now[i] if fresh else 0.0
            if block == blocks - 2:
                child_bounds(
                    np.int64(-1), fresh, now, now, saved, need, known, rest, sorted_gains, mass, weighted,
                    many, share, problem.packing, problem.packing_step, cut - base, bounds, longer,
                )  # fmt: skip
            least = rest
            if fresh and need > 0:  # what is saved has its price
                ratio = np.inf
                for j in range(r):
                    if now[j] > 0.0 and saved[j] > error:
                        ratio = min(ratio, now[j] / saved[j])
                least = max(least, need * ratio)
            for j in range(r):
                if now[j] <= 0.0 or (fresh and saved[j] <= error):
                    continue
                bound = base + least
                if block == blocks - 2:
                    bound = max(bound, base + bounds[j])
                bound = max(bound, key)
                if bound < cut:
                    ends = block == blocks - 2 and base + longer[j] >= cut
                    push(tree, bound, node, j, block + 1, paid + now[j], rest - now[j], ends)
    return CLOSED

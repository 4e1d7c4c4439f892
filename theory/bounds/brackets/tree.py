"""Nodes of a search, which are chains of blocks with lower bounds, the open ones in a heap."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.kernels import compiled

__all__ = ["Problem", "Tree", "halves", "make_tree", "pop", "push", "write_labels"]

_SLOTS = 1 << 11  # kept gains of closed chains


class Problem(NamedTuple):
    """The settings of one search.

    Attributes:
        blocks: T, at least 2.
        joint: ``H(Y)``.
        error: A bound on the error of a float entropy.
        slack: Nodes whose key is within so much of the best partition are closed.
        fewer: A certified lower bound of ``L*_{T-1}``.
        nearest: See :func:`~theory.bounds.brackets.last_block.cells_by_distance`.
        alike: Whether all outcomes have one weight.
        packing: See :func:`~theory.bounds.brackets.last_block.child_bounds`.
        packing_step: As said.
    """

    blocks: int
    joint: float
    error: float
    slack: float
    fewer: float
    nearest: NDArray[np.float64]
    alike: bool
    packing: NDArray[np.float64]
    packing_step: float


class Tree(NamedTuple):
    """The nodes, a heap of the open ones by key, and the best partition.

    Attributes:
        parents: The node before, -1 for the root.
        added: The representative that a node adds.
        block: The number of its block, from 1.
        paid: Prices so far.
        rest: ``H(Y | y_K)`` of its set.
        ends: Whether only the node itself can be better, nothing below it.
        keys: The heap: lower bounds of the cost.
        heap: The heap: numbers of nodes.
        sizes: Numbers of nodes and of open ones, shape (2,).
        best: The cost of the best partition, shape (1,).
        labels: Its blocks, 0-based, shape (r,).
        kept: Gains of closed chains, shape (slots, r).
        owner: Whose they are.
    """

    parents: NDArray[np.int32]
    added: NDArray[np.int16]
    block: NDArray[np.int8]
    paid: NDArray[np.float64]
    rest: NDArray[np.float64]
    ends: NDArray[np.bool_]
    keys: NDArray[np.float64]
    heap: NDArray[np.int32]
    sizes: NDArray[np.int64]
    best: NDArray[np.float64]
    labels: NDArray[np.int64]
    kept: NDArray[np.float64]
    owner: NDArray[np.int64]


def make_tree(nodes: int, r: int, joint: float, best: float, labels: NDArray[np.int64]) -> Tree:
    """Return a tree with its root open, and a partition of cost ``best``."""
    tree = Tree(
        parents=np.empty(nodes, dtype=np.int32),  # memory is taken as it is written
        added=np.empty(nodes, dtype=np.int16),
        block=np.empty(nodes, dtype=np.int8),
        paid=np.empty(nodes),
        rest=np.empty(nodes),
        ends=np.empty(nodes, dtype=np.bool_),
        keys=np.empty(nodes),
        heap=np.empty(nodes, dtype=np.int32),
        sizes=np.array([1, 1]),
        best=np.array([best]),
        labels=labels.copy(),
        kept=np.empty((_SLOTS, r)),
        owner=np.full(_SLOTS, -1, dtype=np.int64),
    )
    tree.parents[0], tree.added[0], tree.block[0], tree.paid[0], tree.rest[0] = -1, -1, 0, 0.0, joint
    tree.keys[0], tree.heap[0], tree.ends[0] = 0.0, 0, False
    return tree


def halves(tree: Tree) -> tuple[Tree, Tree]:
    """Return two trees with every other open node each, in the order of their keys."""
    size, count = tree.sizes.tolist()
    nodes, r = max(len(tree.keys) // 2, size + 4 * len(tree.labels) + 8), len(tree.labels)
    order = np.argsort(tree.keys[:count])
    found: list[Tree] = []
    for part in (order[::2], order[1::2]):
        half = make_tree(nodes, r, 0.0, float(tree.best[0]), tree.labels)
        for name in ("parents", "added", "block", "paid", "rest", "ends"):
            getattr(half, name)[:size] = getattr(tree, name)[:size]
        half.keys[: len(part)], half.heap[: len(part)] = tree.keys[part], tree.heap[part]  # sorted: a heap
        half.sizes[:] = size, len(part)
        found.append(half)
    return found[0], found[1]


@compiled
def push(
    tree: Any, key: float, parent: int, added: int, block: int, paid: float, rest: float, ends: bool
) -> None:
    """Add an open node with its key."""
    node, at = tree.sizes[0], tree.sizes[1]
    tree.parents[node], tree.added[node], tree.block[node], tree.ends[node] = parent, added, block, ends
    tree.paid[node], tree.rest[node] = paid, rest
    tree.sizes[0] += 1
    tree.sizes[1] += 1
    keys, heap = tree.keys, tree.heap
    while at > 0:
        above = (at - 1) // 2
        if keys[above] <= key:
            break
        keys[at], heap[at] = keys[above], heap[above]
        at = above
    keys[at], heap[at] = key, node


@compiled
def pop(tree: Any) -> int:
    """Take the open node of least key."""
    keys, heap = tree.keys, tree.heap
    node = heap[0]
    tree.sizes[1] -= 1
    size = tree.sizes[1]
    key, last, at = keys[size], heap[size], 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], heap[at] = keys[below], heap[below]
        at = below
    if size > 0:
        keys[at], heap[at] = key, last
    return node


@compiled
def write_labels(tree: Any, path: Any, depth: int, blocks: int) -> None:
    """Note the blocks of the partition of a path of nodes; what it does not add is in the last block."""
    for i in range(tree.labels.shape[0]):
        tree.labels[i] = blocks - 1
    for d in range(depth):
        tree.labels[tree.added[path[d]]] = tree.block[path[d]] - 1

r"""Rounds that decode a tree-structured distribution without loss, centroids first.

Kawata, Hayakawa, Suzuki 2026. A distribution is *Markov on a tree* (or forest) if the parts that remain when a revealed
position is taken out are independent given it. A *centroid* of a tree of m positions is one without which no part has
more than m/2 positions. Reveal a centroid of every part at once, again and again: two positions of a block lie in
different parts, which are independent given what is revealed, so no block costs anything, and parts of at most ``m``
become parts of at most ``floor(m / 2)``: at most ``floor(log2 n) + 1`` rounds.

A centroid exists: move from any position to the neighbour whose part is larger than m/2 as long as there is one; no
edge is used twice, as its two sides cannot both be larger than m/2.
"""

from __future__ import annotations

from collections.abc import Sequence

from theory.validation import InputError, positive_int

__all__ = ["centroid_blocks", "tree_rounds"]


def tree_rounds(n: int) -> int:
    """Return ``floor(log2 n) + 1``: rounds that decode every distribution that is Markov on a forest of n positions.

    Example:
        >>> [tree_rounds(n) for n in (1, 2, 3, 4, 7, 8)]
        [1, 2, 2, 3, 3, 4]
    """
    return positive_int(n, "n").bit_length()


def centroid_blocks(n: int, edges: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Return at most ``tree_rounds(n)`` blocks without loss for every distribution that is Markov on this forest.

    Args:
        n: The number of positions.
        edges: Pairs of neighbours, without a cycle.

    Example:
        >>> centroid_blocks(7, [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)])  # a binary tree in heap order
        ((0,), (1, 2), (3, 4, 5, 6))
    """
    neighbours = _forest(positive_int(n, "n"), edges)
    blocks: list[tuple[int, ...]] = []
    left = set(range(n))
    while left:
        centroids = [_centroid(part, neighbours) for part in _parts(left, neighbours)]
        blocks.append(tuple(sorted(centroids)))
        left -= set(centroids)
    return tuple(blocks)


def _forest(n: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    neighbours: list[list[int]] = [[] for _ in range(n)]
    joined = list(range(n))
    for a, b in edges:
        if not (0 <= a < n and 0 <= b < n):
            raise InputError(f"an edge must join positions of 0..{n - 1}, got {(a, b)}.")
        ends = [_root(joined, i) for i in (a, b)]
        if ends[0] == ends[1]:
            raise InputError(f"the edge {(a, b)} closes a cycle; give a forest.")
        joined[ends[0]] = ends[1]
        neighbours[a].append(b)
        neighbours[b].append(a)
    return neighbours


def _root(joined: list[int], i: int) -> int:
    while joined[i] != i:
        i = joined[i]
    return i


def _parts(left: set[int], neighbours: list[list[int]]) -> list[list[int]]:
    """Return the connected parts, each ordered so that every position but the first follows a neighbour."""
    seen: set[int] = set()
    parts: list[list[int]] = []
    for start in sorted(left):
        if start in seen:
            continue
        seen.add(start)
        part = [start]
        for i in part:
            new = [j for j in neighbours[i] if j in left and j not in seen]
            seen.update(new)
            part += new
        parts.append(part)
    return parts


def _centroid(part: list[int], neighbours: list[list[int]]) -> int:
    """Return the position whose removal leaves the smallest largest part; the lowest index among equals."""
    place = {i: j for j, i in enumerate(part)}
    below = [1] * len(part)
    largest = [0] * len(part)
    for j in range(len(part) - 1, -1, -1):  # every position after its parent, so children are summed first
        largest[j] = max(largest[j], len(part) - below[j])
        for i in neighbours[part[j]]:
            up = place.get(i, len(part))
            if up < j:
                below[up] += below[j]
                largest[up] = max(largest[up], below[j])
    return min(part, key=lambda i: (largest[place[i]], i))

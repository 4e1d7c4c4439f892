"""Sequences of block sizes by enumeration, without code of the project."""

from collections.abc import Iterator
from itertools import combinations, pairwise


def compositions(n: int, parts: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yield every sequence of positive sizes with sum n, of that many parts if given."""
    for r in range(1, n + 1) if parts is None else (parts,):
        for cuts in combinations(range(1, n), r - 1):
            yield tuple(b - a for a, b in pairwise((0, *cuts, n)))

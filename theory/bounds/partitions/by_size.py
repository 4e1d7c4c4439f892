"""Optimal ordered partitions of laws whose subset entropies depend on the size of the set alone, found by sizes.

With ``h_m`` the entropy of any m positions, a block of s positions after m revealed ones costs ``s (h_{m+1} - h_m)``:
the cost depends on the block sizes alone, and sizes ``s_1, ..., s_T`` stand for ``n! / (s_1! ... s_T!)`` partitions.
O(n^3) exact comparisons instead of 3^n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import comb

import numpy as np

from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import LogNumber

__all__ = ["counts_by_size", "entropies_by_size", "optima_by_size"]


def entropies_by_size(table: EntropyTable) -> tuple[LogNumber, ...] | None:
    """Return ``h_0, ..., h_n`` if every subset entropy depends on the size alone, decided exactly, else ``None``.

    It is also ``None`` for tables whose entries are not all known at once (weights too large to factor).
    """
    sizes = np.bitwise_count(np.arange(1 << table.n))
    firsts = [(1 << j) - 1 for j in range(table.n + 1)]
    if np.any(np.abs(table.h - table.h[firsts][sizes]) > 2 * table.error) or table.rows is None:
        return None
    if table.vectors is not None:
        _, matrix = table.vectors
        equal = all(bool(np.all(matrix[sizes == j] == matrix[firsts[j]])) for j in range(table.n + 1))
    else:
        keys = [table.rows.signature(mask) for mask in firsts]
        equal = all(table.rows.signature(mask) == keys[mask.bit_count()] for mask in range(1 << table.n))
    return tuple(map(table.exact, firsts)) if equal else None


@dataclass(frozen=True)
class _Best:
    """The best chains to a number of positions: what they cost, how many they are, and the last source of one."""

    cost: LogNumber
    ways: int
    source: int


def counts_by_size(entropies: tuple[LogNumber, ...]) -> tuple[int, ...]:
    """Return the number of optimal ordered partitions into T = 1..n blocks.

    Args:
        entropies: ``h_0, ..., h_n``, the entropy of any m positions.

    Example:
        >>> counts_by_size(tuple(LogNumber.rational(h) for h in (0, 1, 2, 2)))  # parity of 3 bits
        (1, 3, 6)
    """
    return tuple(layer[len(entropies) - 1].ways for layer in _layers(entropies))


def optima_by_size(entropies: tuple[LogNumber, ...]) -> list[tuple[LogNumber, tuple[int, ...]]]:
    """Return the least divergence in T = 1..n blocks, and the sizes of the blocks that reach it.

    Args:
        entropies: ``h_0, ..., h_n``, the entropy of any m positions.

    Example:
        >>> [(str(least), sizes) for least, sizes in optima_by_size(tuple(map(LogNumber.rational, (0, 1, 2, 2))))]
        [('log2(2)', (3,)), ('0', (2, 1)), ('0', (1, 1, 1))]
    """
    layers, n = _layers(entropies), len(entropies) - 1
    optima: list[tuple[LogNumber, tuple[int, ...]]] = []
    for steps in range(1, n + 1):
        left, sizes = n, list[int]()
        for layer in reversed(layers[:steps]):
            sizes.append(left - layer[left].source)
            left = layer[left].source
        optima.append((layers[steps - 1][n].cost - entropies[-1], tuple(reversed(sizes))))
    return optima


def _layers(entropies: tuple[LogNumber, ...]) -> list[dict[int, _Best]]:
    """Return for each number of blocks the best chains to every number of positions."""
    n = len(entropies) - 1
    rises = [after - before for before, after in pairwise(entropies)]
    layers = [{0: _Best(LogNumber(), 1, 0)}]
    for _ in range(n):
        now: dict[int, _Best] = {}
        for target in range(1, n + 1):
            for source, best in layers[-1].items():
                if source >= target:
                    continue
                cost, ways = best.cost + (target - source) * rises[source], best.ways * comb(target, source)
                known = now.get(target)
                if known is None or cost < known.cost:
                    now[target] = _Best(cost, ways, source)
                elif cost == known.cost:
                    now[target] = replace(known, ways=known.ways + ways)
        layers.append(now)
    return layers[1:]

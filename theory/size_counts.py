"""Optimal ordered partitions of laws whose subset entropies depend on the size of the set alone, counted by sizes.

With ``h_m`` the entropy of any m positions, a block of s positions after m revealed ones costs ``s (h_{m+1} - h_m)``:
the cost depends on the block sizes alone, and sizes ``s_1, ..., s_T`` stand for ``n! / (s_1! ... s_T!)`` partitions.
O(n^3) exact comparisons instead of 3^n.
"""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np

from theory.entropy_table import EntropyTable
from theory.lognumber import LogNumber

__all__ = ["counts_by_size", "entropies_by_size"]


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


def counts_by_size(entropies: tuple[LogNumber, ...]) -> tuple[int, ...]:
    """Return the number of optimal ordered partitions into T = 1..n blocks.

    Args:
        entropies: ``h_0, ..., h_n``, the entropy of any m positions.

    Example:
        >>> counts_by_size(tuple(LogNumber.rational(h) for h in (0, 1, 2, 2)))  # parity of 3 bits
        (1, 3, 6)
    """
    n = len(entropies) - 1
    rises = [after - before for before, after in pairwise(entropies)]
    before: dict[int, tuple[LogNumber, int]] = {0: (LogNumber(), 1)}
    counts: list[int] = []
    for _ in range(n):
        now: dict[int, tuple[LogNumber, int]] = {}
        for target in range(1, n + 1):
            for source, (cost, ways) in before.items():
                if source >= target:
                    continue
                chain, more = cost + (target - source) * rises[source], ways * comb(target, source)
                if target not in now or chain < now[target][0]:
                    now[target] = chain, more
                elif chain == now[target][0]:
                    now[target] = now[target][0], now[target][1] + more
        counts.append(now[n][1])
        before = now
    return tuple(counts)

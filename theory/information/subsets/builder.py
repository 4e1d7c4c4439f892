"""Construction of the table of all subset entropies.

A sparse pmf is reduced set by set (``theory/information/subsets/sparse.py``), a dense one by matrix products
(``theory/information/subsets/dense.py``), whichever is estimated to be cheaper. An exact table has the same floats, and
keeps the integer masses of the marginals, from which its exact entries are built on demand
(``theory/information/subsets/prime_rows_builder.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.given import PartsLike, as_parts
from theory.distributions.pmf import JointPMF
from theory.information.subsets.dense import dense_error, dense_seconds, dense_subset_entropies
from theory.information.subsets.prime_rows_builder import TOTAL_BITS, Masses
from theory.information.subsets.sparse import dense_is_cheaper, lattice, lattice_seconds
from theory.information.subsets.table import EntropyTable, Parts
from theory.limits import Budget, require_all, require_memory
from theory.numbers.rounding import axis_depth, entropy_error, gamma, pairwise_depth
from theory.validation import InputError

__all__ = ["TableLike", "require_table", "subset_entropies", "table_of"]

TableLike = EntropyTable | PartsLike
_LIMIT = 240  # seconds
_MASSES = 1 << 22  # most different masses kept over all sets: 64 MB


def subset_entropies(source: PartsLike, *, exact: bool | None = None) -> EntropyTable:
    """Return the table of all subset entropies of a pmf, or the weighted mean over contexts.

    Args:
        source: A joint pmf, what :func:`theory.distributions.given.as_pmf` makes one of, or a task with several
            contexts or (weight, pmf) pairs of equal length n, whose tables are averaged; every bound is linear in the
            table, so the mean table gives the expectation over contexts.
        exact: Whether entries are also known exactly; by default if every pmf is exact.

    Raises:
        CostError: If the work or the memory exceeds the limit.

    Example:
        >>> table = subset_entropies([(0, 1), (1, 0)])
        >>> table.h.tolist(), table.exact(3), table.error < 1e-14
        ([0.0, 1.0, 1.0, 1.0], LogNumber('log2(2)'), True)
    """
    given = as_parts(source)
    parts = ((Fraction(1), given),) if isinstance(given, JointPMF) else tuple(given)
    sizes = {part.n for _, part in parts}
    if len(sizes) != 1:
        raise InputError(f"contexts have lengths {sorted(sizes)}; one table needs one length.")
    total = sum((weight for weight, _ in parts), Fraction(0))
    if total != 1:
        raise InputError(f"weights of the contexts must sum to 1, got {total}; divide by the sum first.")
    if any(weight < 0 for weight, _ in parts):
        raise InputError(f"weights of the contexts must be at least 0, got {min(w for w, _ in parts)}.")
    parts = tuple((weight, part) for weight, part in parts if weight)
    if exact and not all(part.is_exact for _, part in parts):
        raise InputError("an exact table needs exact probabilities; write them as fractions.")
    require_table(*(part for _, part in parts))
    if exact is None:
        exact = all(part.is_exact for _, part in parts)
    tables = [(weight, _single_table(part, exact)) for weight, part in parts]
    return tables[0][1] if len(tables) == 1 else _mean(parts, tables, exact)


def table_of(source: TableLike) -> EntropyTable:
    """Return a table as it is, and that of anything else that :func:`subset_entropies` takes."""
    return source if isinstance(source, EntropyTable) else subset_entropies(source)


def require_table(*pmfs: JointPMF) -> None:
    """Raise unless the tables of subset entropies of some distributions are affordable, each by itself."""
    require_all(*(lambda pmf=pmf: _require(pmf) for pmf in pmfs))


def _require(pmf: JointPMF) -> None:
    n, remedy = pmf.n, "use fewer positions or outcomes"
    shape = tuple(len(a) for a in pmf.alphabets)
    budget = Budget(f"the 2^{n} subset entropies of {len(pmf)} outcomes", remedy, limit=_LIMIT)
    require_all(
        lambda: require_memory((1 << n) * 8 * (n + 2), f"the table of 2^{n} subset entropies", remedy=remedy),
        lambda: budget.require(dense_seconds(shape) if dense_is_cheaper(pmf) else lattice_seconds(pmf)),
    )


def _single_table(pmf: JointPMF, exact: bool) -> EntropyTable:
    parts: Parts = ((Fraction(1), pmf),) if exact else ()
    if dense_is_cheaper(pmf):
        shape = tuple(len(a) for a in pmf.alphabets)
        h, error = dense_subset_entropies(pmf.dense()), dense_error(shape, len(pmf))
        return EntropyTable(pmf.n, h, error, parts, (None,) * len(parts))
    if pmf.total is None:
        h = np.zeros(1 << pmf.n)
        for mask, weights in lattice(pmf):
            h[mask] = -np.sum(weights * np.log2(weights))
        return EntropyTable(pmf.n, h + 0.0, _lattice_error(pmf))  # 0, not -0, for a constant set
    h, masses = _counted(pmf, pmf.total, keep=exact)
    return EntropyTable(pmf.n, h + 0.0, _lattice_error(pmf), parts, (masses,) * len(parts))


def _counted(pmf: JointPMF, total: int, *, keep: bool) -> tuple[NDArray[np.float64], Masses | None]:
    """Return the entropies and, if ``keep`` is set and they fit, the masses that they come from."""
    h = np.zeros(1 << pmf.n)
    kept = _Kept(1 << pmf.n, total) if keep else None
    for mask, weights in lattice(pmf):
        values, counts = np.unique(weights, return_counts=True)
        h[mask] = _float_entropy(values, counts, total)
        if kept is not None and not kept.add(mask, values, counts):
            kept = None
    return h, kept.masses() if kept is not None else None


class _Kept:
    """Masses of sets, collected in any order."""

    def __init__(self, sets: int, total: int) -> None:
        one = np.ones(1, dtype=np.int64)
        self.found: list[tuple[NDArray[Any], NDArray[np.int64]]] = [(one, one)] * sets
        self.room = _MASSES if total.bit_length() < TOTAL_BITS else 0
        self.found[0] = (one * total, one) if self.room else (one, one)

    def add(self, mask: int, values: NDArray[Any], counts: NDArray[np.int64]) -> bool:
        """Add the masses of a set; return whether they fit."""
        self.found[mask] = values, counts
        self.room -= len(values)
        return self.room >= 0

    def masses(self) -> Masses:
        values, times = zip(*self.found, strict=True)
        ends = np.append(0, np.cumsum([len(v) for v in values]))
        return Masses(np.concatenate(values).astype(np.int64), np.concatenate(times), ends)


def _lattice_error(pmf: JointPMF) -> float:
    depth = 0 if pmf.is_exact else min(len(pmf) - 1, axis_depth(len(a) for a in pmf.alphabets))
    return entropy_error(len(pmf), cell_depth=depth, sum_depth=pairwise_depth(len(pmf)))


def _float_entropy(values: NDArray[Any], counts: NDArray[np.int64], total: int) -> float:
    probs = np.array([w / total for w in values.tolist()])
    counts, probs = counts[probs > 0], probs[probs > 0]  # terms below 1e-308 do not matter in float64
    return float(-np.sum(counts * probs * np.log2(probs)))


def _mean(parts: Parts, tables: Sequence[tuple[Fraction, EntropyTable]], exact: bool) -> EntropyTable:
    n = tables[0][1].n
    h = sum((float(weight) * table.h for weight, table in tables), np.zeros(1 << n))
    size = sum(float(weight) * float(table.h.max()) for weight, table in tables)
    inherited = sum(float(weight) * table.error for weight, table in tables) * (1 + gamma(len(tables) + 2))
    error = inherited + gamma(len(tables) + 3) * size  # the weight, the product, the additions
    masses = tuple(m for _, table in tables for m in table.masses)
    return EntropyTable(n, h, error, parts if exact else (), masses)

"""The table of all subset entropies ``h(B) = H(y_B)``, B in 0..2^n - 1: the central object of every bound.

``L_T``, ``L*_T``, conditional and dual total correlations are sums of a few entries. Sets are bit masks: bit i
stands for position i. Every subset is grouped from a parent with one more position, so the work is the sum of
the parents' support sizes, not ``2^n N``.

For exact pmfs the table also holds each entropy as an integer vector over primes, ``h(B) = sum_p v_p(B)
log2(p) / D``: two entries are equal iff their vectors are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import comb, lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory._checks import InputError
from theory.dense import dense_cells, dense_subset_entropies
from theory.grouping import group_rows
from theory.limits import require_memory, require_operations
from theory.lognumber import LogNumber, prime_factors
from theory.pmf import JointPMF

__all__ = ["EntropyTable", "subset_entropies"]

_PACKED_BITS = 62
_STEPS = 2 * 10**9  # cells or sorted rows: a few minutes
_EXACT_WEIGHT_BITS = 96  # weights up to this are factored into primes; larger ones leave the table in floats
_EXACT_ENTRIES = 1 << 22  # cells of the prime table: 32 MB
_SMALL_TOTAL_BITS = 50  # |coefficients| <= D log2 D fit int64 with room for sums over blocks
_DENSE_CELLS = 1 << 24  # probabilities: 128 MB
# measured on one 2-core machine; only their ratios matter
_BINARY_CELL_SECONDS, _CELL_SECONDS = 6e-9, 6e-8
_ROW_SECONDS, _SET_SECONDS = 6e-8, 4e-5


@dataclass(frozen=True, eq=False)
class EntropyTable:
    """All subset entropies, in bits.

    Attributes:
        n: Number of positions.
        h: ``H(y_B)`` at index B (a bit mask), float64, shape (2^n,).
        primes: Primes of the exact form; empty for a float table.
        vectors: Integer coefficients, shape (2^n, len(primes)), or ``None`` for a float table.
        denominator: Common denominator of the coefficients.
    """

    n: int
    h: NDArray[np.float64]
    primes: tuple[int, ...] = ()
    vectors: NDArray[Any] | None = None
    denominator: int = 1
    _cache: dict[bytes, LogNumber] = field(default_factory=dict, repr=False)

    @property
    def is_exact(self) -> bool:
        """Whether the entropies are also known as exact vectors."""
        return self.vectors is not None

    def lognumber(self, vector: NDArray[Any]) -> LogNumber:
        """Return the exact number of a combination of rows of ``vectors``."""
        pairs = zip(self.primes, vector.tolist(), strict=True)
        return LogNumber({p: Fraction(int(v), self.denominator) for p, v in pairs if v})

    def exact(self, mask: int) -> LogNumber:
        """Return ``H(y_B)`` exactly."""
        if self.vectors is None:
            raise InputError("this table holds floats only; build it from an exact pmf of moderate size.")
        return self.lognumber(self.vectors[mask])

    def gains(self) -> NDArray[np.float64]:
        """Return ``w[B, i] = H(y_i | y_B) = h(B u i) - h(B)``, zero for i in B; shape (2^n, n)."""
        masks = np.arange(1 << self.n)
        return np.stack([self.h[masks | (1 << i)] - self.h for i in range(self.n)], axis=1)


def subset_entropies(
    pmf: JointPMF | Sequence[tuple[Fraction, JointPMF]], *, exact: bool | None = None
) -> EntropyTable:
    """Return the table of all subset entropies of a pmf, or the weighted mean over contexts.

    Args:
        pmf: A joint pmf, or (weight, pmf) pairs of equal length n whose tables are averaged; every bound is
            linear in the table, so the mean table gives the expectation over contexts.
        exact: Also hold prime vectors; by default when the pmf is exact and the vectors stay small.

    Example:
        >>> table = subset_entropies(JointPMF.uniform([(0, 1), (1, 0)]))
        >>> table.h.tolist(), table.exact(3)
        ([0.0, 1.0, 1.0, 1.0], LogNumber('log2(2)'))
    """
    parts = [(Fraction(1), pmf)] if isinstance(pmf, JointPMF) else list(pmf)
    sizes = {part.n for _, part in parts}
    if len(sizes) != 1:
        raise InputError(f"contexts have lengths {sorted(sizes)}; one table needs one length.")
    n = sizes.pop()
    total = sum((weight for weight, _ in parts), Fraction(0))
    if total != 1:
        raise InputError(f"weights of the contexts must sum to 1, got {total}; divide by the sum first.")
    if any(weight < 0 for weight, _ in parts):
        raise InputError(f"weights of the contexts must be at least 0, got {min(w for w, _ in parts)}.")
    for _, part in parts:
        _require(part)
    if exact is None:
        exact = all(_vectors_are_small(part) for _, part in parts)
    tables = [(weight, _single_table(part, exact)) for weight, part in parts]
    return tables[0][1] if len(tables) == 1 else _mean(n, tables)


def _require(pmf: JointPMF) -> None:
    n, remedy = pmf.n, "use fewer positions or outcomes"
    require_memory((1 << n) * 8 * (n + 2), f"the table of 2^{n} subset entropies", remedy=remedy)
    cells = dense_cells(tuple(len(a) for a in pmf.alphabets))
    what = f"the 2^{n} subset entropies of {len(pmf)} outcomes"
    require_operations(min(cells, _lattice_rows(pmf)), what, limit=_STEPS, remedy=remedy)


def _vectors_are_small(pmf: JointPMF) -> bool:
    if pmf.total is None or pmf.total.bit_length() > _EXACT_WEIGHT_BITS:
        return False
    return (1 << pmf.n) * min(len(pmf), 1 << pmf.n) <= _EXACT_ENTRIES


def _single_table(pmf: JointPMF, exact: bool) -> EntropyTable:
    if not exact and _dense_is_cheaper(pmf):
        return EntropyTable(pmf.n, dense_subset_entropies(pmf.dense()))
    h = np.zeros(1 << pmf.n)
    rows: list[dict[int, int]] = [{} for _ in range(1 << pmf.n)] if exact else []
    for mask, weights in _lattice(pmf):
        if pmf.total is None:
            h[mask] = -np.sum(weights * np.log2(weights))
            continue
        values, counts = np.unique(weights, return_counts=True)
        h[mask] = _float_entropy(values, counts, pmf.total)
        if exact:
            rows[mask] = _prime_vector(values.tolist(), counts.tolist(), pmf.total)
    h += 0.0  # a sure set has entropy 0, not -0
    return _with_vectors(pmf, h, rows) if exact else EntropyTable(pmf.n, h)


def _lattice_rows(pmf: JointPMF) -> int:
    """Return a bound on the rows sorted on the way down the lattice: every set from a parent one larger."""
    sizes = sorted((len(a) for a in pmf.alphabets), reverse=True)
    return sum(comb(pmf.n, j) * min(len(pmf), prod(sizes[: j + 1])) for j in range(pmf.n))


def _dense_is_cheaper(pmf: JointPMF) -> bool:
    """Compare estimated times of the two forms."""
    shape = tuple(len(a) for a in pmf.alphabets)
    if prod(shape) > _DENSE_CELLS:
        return False
    cell = _BINARY_CELL_SECONDS if max(shape) == 2 else _CELL_SECONDS
    return dense_cells(shape) * cell < _lattice_rows(pmf) * _ROW_SECONDS + 2**pmf.n * _SET_SECONDS


def _with_vectors(pmf: JointPMF, h: NDArray[np.float64], rows: Sequence[Mapping[int, int]]) -> EntropyTable:
    assert pmf.total is not None
    primes = tuple(sorted({p for row in rows for p in row}))
    if len(primes) << pmf.n > _EXACT_ENTRIES:  # exact vectors would be longer than any use of them
        return EntropyTable(pmf.n, h)
    column = {p: j for j, p in enumerate(primes)}
    dtype = np.int64 if pmf.total.bit_length() < _SMALL_TOTAL_BITS else object
    vectors = np.zeros((1 << pmf.n, len(primes)), dtype=dtype)
    for mask, row in enumerate(rows):
        for p, v in row.items():
            vectors[mask, column[p]] = v
    return EntropyTable(pmf.n, h, primes, vectors, pmf.total)


def _lattice(pmf: JointPMF) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield every non-empty subset with the weights of its groups, each grouped from its parent."""
    sizes = [len(a) for a in pmf.alphabets]
    widths = [max(1, (size - 1).bit_length()) for size in sizes]
    shifts = np.concatenate([[0], np.cumsum(widths)]).tolist()
    packed = shifts[-1] <= _PACKED_BITS
    keys = (pmf.codes << np.array(shifts[:-1])).sum(axis=1) if packed else np.arange(len(pmf))
    fields = [((1 << w) - 1) << s for w, s in zip(widths, shifts[:-1], strict=True)]

    def descend(
        mask: int, start: int, rows: NDArray[np.int64], weights: NDArray[Any]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        yield mask, weights
        for i in range(start, pmf.n):
            child = mask & ~(1 << i)
            if not child or not mask >> i & 1:
                continue
            kept = [j for j in range(pmf.n) if child >> j & 1]
            if packed:
                sub = keys[rows] & sum(fields[j] for j in kept)
            else:
                sub = group_rows(pmf.codes[rows], sizes, kept).inverse
            order = np.argsort(sub, kind="stable")
            ordered = sub[order]
            starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
            yield from descend(child, i + 1, rows[order[starts]], np.add.reduceat(weights[order], starts))

    yield from descend((1 << pmf.n) - 1, 0, np.arange(len(pmf)), pmf.weights)


def _float_entropy(values: NDArray[Any], counts: NDArray[np.int64], total: int) -> float:
    probs = np.array([w / total for w in values.tolist()])
    counts, probs = counts[probs > 0], probs[probs > 0]  # below 1e-308 a term adds nothing in float64
    return float(-np.sum(counts * probs * np.log2(probs)))


@lru_cache(maxsize=1 << 18)
def _factored(n: int) -> Mapping[int, int]:
    return prime_factors(n)


def _prime_vector(values: Sequence[int], counts: Sequence[int], total: int) -> dict[int, int]:
    """``D h = D log2 D - sum_w count_w w log2 w`` over primes."""
    vector = {p: total * e for p, e in _factored(total).items()}
    for w, count in zip(values, counts, strict=True):
        for p, e in _factored(w).items():
            vector[p] = vector.get(p, 0) - count * w * e
    return {p: v for p, v in vector.items() if v}


def _mean(n: int, tables: Sequence[tuple[Fraction, EntropyTable]]) -> EntropyTable:
    h = sum((float(weight) * table.h for weight, table in tables), np.zeros(1 << n))
    if not all(table.is_exact for _, table in tables):
        return EntropyTable(n, h)
    primes = tuple(sorted({p for _, table in tables for p in table.primes}))
    scales = [weight / table.denominator for weight, table in tables]
    denominator = lcm(*(s.denominator for s in scales))
    vectors = np.zeros((1 << n, len(primes)), dtype=object)
    for scale, (_, table) in zip(scales, tables, strict=True):
        columns = [primes.index(p) for p in table.primes]
        assert table.vectors is not None
        vectors[:, columns] += table.vectors.astype(object) * int(scale * denominator)
    return EntropyTable(n, h, primes, vectors, denominator)

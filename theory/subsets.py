"""The table of all subset entropies ``h(B) = H(y_B)``, B in 0..2^n - 1: the central object of every bound.

``L_T``, ``L*_T``, conditional and dual total correlations are sums of a few entries. Sets are bit masks: bit i
stands for position i. Sparse pmfs are walked down the lattice of subsets (``theory/lattice.py``), dense ones expanded
(``theory/dense.py``), whichever is estimated to be cheaper.

The floats carry a proven bound on their error. For an exact pmf every entry is also known exactly, in one of two
forms. *Vectors*: ``h(B) = sum_p v_p(B) log2(p) / D`` over primes, where the primes are few; two entries are equal iff
their vectors are. *On demand*: entries are built from the pmf when asked for, as a
:class:`~theory.lognumber.LogNumber`, for weights of any size and any number of primes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm, prod
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory._checks import InputError
from theory.coprime import factor_cost
from theory.correlation import entropy, entropy_interval
from theory.dense import dense_cells, dense_error, dense_subset_entropies
from theory.lattice import lattice, lattice_rows
from theory.limits import require_memory, require_operations
from theory.lognumber import LogNumber, extra_precision
from theory.pmf import JointPMF
from theory.prime_rows import EXACT_ENTRIES, FACTOR_BITS, PrimeRows
from theory.rounding import axis_depth, entropy_error, gamma, pairwise_depth, sum_error

__all__ = ["EntropyTable", "subset_entropies"]

_STEPS = 4 * 10**9  # cells or sorted rows: 20 binary positions in 15 s compiled, a few minutes otherwise
_BIG_ROW = 16  # a row of Python integers costs as much as this many of 64 bits
_EXACT_STEPS = 2 * 10**9  # microseconds: half an hour, for few different weights far less
_EXACT_SECONDS = (
    3.0  # estimated; beyond this the vectors are left out if the floats come cheaper without them
)
_DENSE_CELLS = 1 << 24  # probabilities: 128 MB
# measured on one 2-core machine; only their ratios matter
_BINARY_CELL_SECONDS, _CELL_SECONDS = 6e-9, 6e-8
_ROW_SECONDS, _SET_SECONDS = 6e-8, 4e-5

Parts = tuple[tuple[Fraction, JointPMF], ...]


@dataclass(frozen=True, eq=False)
class EntropyTable:
    """All subset entropies, in bits.

    Attributes:
        n: Number of positions.
        h: ``H(y_B)`` at index B (a bit mask), float64, shape (2^n,).
        error: A proven bound on ``|h[B] - H(y_B)|`` for every B (``theory/rounding.py``); for a float pmf it holds
            for every pmf whose probabilities round to the given ones. Zero for a table made from given ``h``.
        primes: Primes of the vectors; empty without vectors.
        vectors: Integer coefficients, shape (2^n, len(primes)), or ``None``.
        denominator: Common denominator of the coefficients.
        parts: The weighted exact pmfs that entries are built from on demand; empty for a float table.
    """

    n: int
    h: NDArray[np.float64]
    primes: tuple[int, ...] = ()
    vectors: NDArray[Any] | None = None
    denominator: int = 1
    error: float = 0.0
    parts: Parts = ()
    _known: dict[int, LogNumber] = field(default_factory=dict, repr=False)

    @property
    def is_exact(self) -> bool:
        """Whether the entropies are also known exactly."""
        return self.vectors is not None or bool(self.parts)

    def lognumber(self, vector: NDArray[Any]) -> LogNumber:
        """Return the exact number of a combination of rows of ``vectors``."""
        pairs = zip(self.primes, vector.tolist(), strict=True)
        return LogNumber({p: Fraction(int(v), self.denominator) for p, v in pairs if v})

    def exact(self, mask: int) -> LogNumber:
        """Return ``H(y_B)`` exactly.

        Raises:
            InputError: For a float table.
        """
        if mask not in self._known:
            if self.vectors is not None:
                self._known[mask] = self.lognumber(self.vectors[mask])
            elif self.parts:
                positions = [i for i in range(self.n) if mask >> i & 1]
                values = [(weight, entropy(pmf, positions)) for weight, pmf in self.parts]
                numbers = [(weight, h) for weight, h in values if isinstance(h, LogNumber)]
                assert len(numbers) == len(values), "entries are built from exact pmfs"
                self._known[mask] = LogNumber.combination(numbers)
            else:
                raise InputError("this table holds floats only; build it from an exact pmf with exact=True.")
        return self._known[mask]

    def require_exact(self, masks: Iterable[int]) -> None:
        """Raise if building these entries on demand, one factorisation for each weight, would take too long."""
        if self.vectors is not None:
            return
        steps = 0
        for mask in masks:
            for _, pmf in self.parts:
                assert pmf.total is not None
                cells = prod(len(a) for i, a in enumerate(pmf.alphabets) if mask >> i & 1)
                steps += min(cells, len(pmf), pmf.total) * factor_cost(pmf.total.bit_length())
        what = "exact entropies (one factorisation for each weight, in microseconds)"
        remedy = "use --float, or exact=False in Python, for floats with a proven error"
        require_operations(steps, what, limit=_EXACT_STEPS, remedy=remedy)

    def cells(self, mask: int) -> tuple[Any, ...]:
        """Return the sorted weights of the marginal on B, of each part: equal cells are equal entropies."""
        positions = [i for i in range(self.n) if mask >> i & 1]
        sorted_weights = [np.sort(pmf.group_weights(pmf.groups(positions))) for _, pmf in self.parts]
        return tuple(tuple(w) if w.dtype == np.dtype(object) else w.tobytes() for w in sorted_weights)

    def interval(self, mask: int, precision: int) -> arb:
        """Return an interval that contains ``H(y_B)`` of exact pmfs, from their weights, without factoring them."""
        positions = [i for i in range(self.n) if mask >> i & 1]
        with extra_precision(precision):
            balls = (
                entropy_interval(pmf, positions, precision) * weight.numerator / weight.denominator
                for weight, pmf in self.parts
            )
            return sum(balls, arb(0))

    def combination(self, coefficients: Mapping[int, int]) -> LogNumber:
        """Return ``sum_B c_B H(y_B)`` exactly.

        Example:
            >>> table = subset_entropies(JointPMF.uniform([(0, 0), (1, 1)]))
            >>> table.combination({0b01: 1, 0b10: 1, 0b11: -1})  # mutual information
            LogNumber('log2(2)')
        """
        return LogNumber.combination((c, self.exact(mask)) for mask, c in coefficients.items() if c)

    @cached_property
    def bound_error(self) -> float:
        """A proven bound on the error of any float ``L_T``: 2n + 1 entries, n differences, 2n additions.

        The gains are at least zero up to ``2 error`` each and sum to at most ``sum_i H(y_i)``, the rest is
        ``H(Y)``; so is the error of ``L*_T``, a minimum over partitions of one number of blocks.
        """
        singles = float(self.h[[1 << i for i in range(self.n)]].sum())
        size = 2 * (singles + float(self.h[-1])) + 4 * self.n * self.error
        return sum_error(2 * self.n + 1, self.error, size)

    def gains(self) -> NDArray[np.float64]:
        """Return ``w[B, i] = H(y_i | y_B) = h(B u i) - h(B)``, zero for i in B; shape (2^n, n)."""
        masks = np.arange(1 << self.n)
        gains = np.empty((1 << self.n, self.n))
        for i in range(self.n):
            gains[:, i] = self.h[masks | (1 << i)] - self.h
        return gains


def subset_entropies(
    pmf: JointPMF | Sequence[tuple[Fraction, JointPMF]], *, exact: bool | None = None
) -> EntropyTable:
    """Return the table of all subset entropies of a pmf, or the weighted mean over contexts.

    Args:
        pmf: A joint pmf, or (weight, pmf) pairs of equal length n whose tables are averaged; every bound is
            linear in the table, so the mean table gives the expectation over contexts.
        exact: Whether entries are known exactly beside their floats; by default when every pmf is exact.

    Raises:
        CostError: If the work or the memory exceeds the limit.

    Example:
        >>> table = subset_entropies(JointPMF.uniform([(0, 1), (1, 0)]))
        >>> table.h.tolist(), table.exact(3), table.error < 1e-14
        ([0.0, 1.0, 1.0, 1.0], LogNumber('log2(2)'), True)
    """
    parts = ((Fraction(1), pmf),) if isinstance(pmf, JointPMF) else tuple(pmf)
    sizes = {part.n for _, part in parts}
    if len(sizes) != 1:
        raise InputError(f"contexts have lengths {sorted(sizes)}; one table needs one length.")
    total = sum((weight for weight, _ in parts), Fraction(0))
    if total != 1:
        raise InputError(f"weights of the contexts must sum to 1, got {total}; divide by the sum first.")
    if any(weight < 0 for weight, _ in parts):
        raise InputError(f"weights of the contexts must be at least 0, got {min(w for w, _ in parts)}.")
    if exact and not all(part.is_exact for _, part in parts):
        raise InputError("an exact table needs exact probabilities; write them as fractions.")
    for _, part in parts:
        _require(part)
    if exact is None:
        exact = all(part.is_exact for _, part in parts)
    tables = [(weight, _single_table(part, exact)) for weight, part in parts]
    return tables[0][1] if len(tables) == 1 else _mean(parts, tables, exact)


def _require(pmf: JointPMF) -> None:
    n, remedy = pmf.n, "use fewer positions or outcomes"
    require_memory((1 << n) * 8 * (n + 2), f"the table of 2^{n} subset entropies", remedy=remedy)
    cells = dense_cells(tuple(len(a) for a in pmf.alphabets))
    what = f"the 2^{n} subset entropies of {len(pmf)} outcomes"
    require_operations(min(cells, _rows(pmf)), what, limit=_STEPS, remedy=remedy)


def _rows(pmf: JointPMF) -> int:
    """Return the rows of the lattice, those of Python integers counted by their cost."""
    return lattice_rows(pmf) * (_BIG_ROW if pmf.weights.dtype == np.dtype(object) else 1)


def _lattice_seconds(pmf: JointPMF) -> float:
    return _rows(pmf) * _ROW_SECONDS + 2**pmf.n * _SET_SECONDS


def _dense_is_cheaper(pmf: JointPMF) -> bool:
    """Compare estimated times of the two forms."""
    shape = tuple(len(a) for a in pmf.alphabets)
    if prod(shape) > _DENSE_CELLS:
        return False
    cell = _BINARY_CELL_SECONDS if max(shape) == 2 else _CELL_SECONDS
    return dense_cells(shape) * cell < _lattice_seconds(pmf)


def _single_table(pmf: JointPMF, exact: bool) -> EntropyTable:
    parts: Parts = ((Fraction(1), pmf),) if exact else ()
    if exact and _vectors_may_be_small(pmf):
        table = _with_vectors(pmf, parts)
        if table is not None:
            return table
    shape = tuple(len(a) for a in pmf.alphabets)
    if _dense_is_cheaper(pmf):
        h, error = dense_subset_entropies(pmf.dense()), dense_error(shape, len(pmf))
        return EntropyTable(pmf.n, h, error=error, parts=parts)
    h = np.zeros(1 << pmf.n)
    for mask, weights in lattice(pmf):
        if pmf.total is None:
            h[mask] = -np.sum(weights * np.log2(weights))
        else:
            h[mask] = _float_entropy(*np.unique(weights, return_counts=True), pmf.total)
    return EntropyTable(pmf.n, h + 0.0, error=_lattice_error(pmf), parts=parts)  # a sure set: 0, not -0


def _with_vectors(pmf: JointPMF, parts: Parts) -> EntropyTable | None:
    """Return the table with vectors, or ``None`` as soon as they grow too large."""
    assert pmf.total is not None
    h, rows = np.zeros(1 << pmf.n), PrimeRows(pmf.total, pmf.n)
    for mask, weights in lattice(pmf):
        values, counts = np.unique(weights, return_counts=True)
        h[mask] = _float_entropy(values, counts, pmf.total)
        rows.add(mask, values.tolist(), counts.tolist())
        if rows.is_too_large:
            return None
    return EntropyTable(pmf.n, h + 0.0, rows.primes(), rows.matrix(), pmf.total, _lattice_error(pmf), parts)


def _lattice_error(pmf: JointPMF) -> float:
    depth = 0 if pmf.is_exact else min(len(pmf) - 1, axis_depth(len(a) for a in pmf.alphabets))
    return entropy_error(len(pmf), cell_depth=depth, sum_depth=pairwise_depth(len(pmf)))


def _float_entropy(values: NDArray[Any], counts: NDArray[np.int64], total: int) -> float:
    probs = np.array([w / total for w in values.tolist()])
    counts, probs = counts[probs > 0], probs[probs > 0]  # below 1e-308 a term adds nothing in float64
    return float(-np.sum(counts * probs * np.log2(probs)))


def _vectors_may_be_small(pmf: JointPMF) -> bool:
    """Guess whether vectors over primes are short enough to be worth it: few distinct weights, a cheap walk."""
    assert pmf.total is not None
    if pmf.total.bit_length() > FACTOR_BITS or len(np.unique(pmf.weights)) > EXACT_ENTRIES >> pmf.n:
        return False
    return _lattice_seconds(pmf) < _EXACT_SECONDS or not _dense_is_cheaper(pmf)


def _mean(parts: Parts, tables: Sequence[tuple[Fraction, EntropyTable]], exact: bool) -> EntropyTable:
    n = tables[0][1].n
    h = sum((float(weight) * table.h for weight, table in tables), np.zeros(1 << n))
    size = sum(float(weight) * float(table.h.max()) for weight, table in tables)
    inherited = sum(float(weight) * table.error for weight, table in tables) * (1 + gamma(len(tables) + 2))
    error = inherited + gamma(len(tables) + 3) * size  # a weight, a product and the additions
    if not exact:
        return EntropyTable(n, h, error=error)
    primes = tuple(sorted({p for _, table in tables for p in table.primes}))
    if len(primes) << n > EXACT_ENTRIES or any(table.vectors is None for _, table in tables):
        return EntropyTable(n, h, error=error, parts=parts)
    scales = [weight / table.denominator for weight, table in tables]
    denominator = lcm(*(s.denominator for s in scales))
    vectors = np.zeros((1 << n, len(primes)), dtype=object)
    for scale, (_, table) in zip(scales, tables, strict=True):
        columns = [primes.index(p) for p in table.primes]
        assert table.vectors is not None
        vectors[:, columns] += table.vectors.astype(object) * int(scale * denominator)
    return EntropyTable(n, h, primes, vectors, denominator, error, parts)

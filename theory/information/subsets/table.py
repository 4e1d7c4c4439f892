"""The table of all subset entropies ``h(B) = H(y_B)``, B in 0..2^n - 1.

``L_T``, ``L*_T``, conditional and dual total correlations are sums of a few entries. Bit i of a set means position i.

The floats carry a proven bound on their error. For an exact pmf every entry is also known exactly. A few entries are
built one by one from the pmf, as a :class:`~theory.numbers.lognumber.LogNumber`, for weights of any size. If many are
needed, all are built at once as integer *rows* over primes, ``h(B) = sum_p v_p(B) log2(p) / D``, in about the time of
the floats (``theory/information/subsets/prime_rows.py``); two entries are equal iff their rows are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from theory.distributions.pmf import JointPMF
from theory.information.measures import entropy, entropy_interval
from theory.information.subsets.prime_rows import PrimeRows, mean_rows
from theory.information.subsets.prime_rows_builder import Masses, prime_rows, rows_seconds
from theory.limits import Budget
from theory.numbers.coprime import factor_cost
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import sum_error
from theory.validation import InputError

__all__ = ["EntropyTable", "Parts", "entropies_by_size"]

_FEW_PRIMES, _MATRIX = 128, 1 << 22  # columns and cells (32 MB) of a matrix of rows
_FEW_WEIGHTS, _CHEAP_SECONDS = 8, 0.1
_ENTRY_SECONDS, _CELL_SECONDS = 1e-4, 2e-7  # for a single entry: overhead, and each outcome
_EXACT = 2000  # seconds: half an hour, far less if few weights are different

Parts = tuple[tuple[Fraction, JointPMF], ...]


@dataclass(frozen=True, eq=False)
class EntropyTable:
    """All subset entropies, in bits.

    Attributes:
        n: Number of positions.
        h: ``H(y_B)`` at index B (a bit mask), float64, shape (2^n,).
        error: A proven bound on ``|h[B] - H(y_B)|`` for every B (``theory/numbers/rounding.py``); for a float pmf it
            holds for every pmf whose probabilities round to the given ones. Zero for a table made from given ``h``.
        parts: The weighted exact pmfs that entries are built from; empty for a float table.
        masses: For each part the masses of its marginals if they were kept, else ``None``.
    """

    n: int
    h: NDArray[np.float64]
    error: float = 0.0
    parts: Parts = ()
    masses: tuple[Masses | None, ...] = field(default=(), repr=False)
    _known: dict[int, LogNumber] = field(default_factory=dict[int, LogNumber], repr=False)

    def __repr__(self) -> str:
        """Return one line."""
        return f"EntropyTable(2^{self.n} sets of {self.n} positions, {'exact' if self.parts else 'float'})"

    @property
    def is_exact(self) -> bool:
        """Whether the entropies are also known exactly."""
        return bool(self.parts)

    @cached_property
    def rows(self) -> PrimeRows | None:
        """All exact entries at once; ``None`` for a float table or where factoring the masses takes too long."""
        rows: list[tuple[Fraction, PrimeRows]] = []
        for (weight, pmf), masses in zip(self.parts, self.masses, strict=True):
            found = prime_rows(pmf, masses)
            if found is None:
                return None
            rows.append((weight, found))
        return mean_rows(rows) if rows else None

    @cached_property
    def vectors(self) -> tuple[tuple[int, ...], NDArray[Any]] | None:
        """Primes and the matrix of rows over them, shape (2^n, primes), if the primes are few, else ``None``."""
        primes = self.rows.used() if self.rows is not None else ()
        if self.rows is None or len(primes) > _FEW_PRIMES or len(primes) << self.n > _MATRIX:
            return None
        return primes, self.rows.matrix(primes)

    @property
    def few_weights(self) -> bool:
        """Whether the rows are cheap or have few primes, and are worth building to decide ties."""
        cheap = self._all_seconds < _CHEAP_SECONDS
        return cheap or all(len(np.unique(pmf.weights)) <= _FEW_WEIGHTS for _, pmf in self.parts)

    @cached_property
    def _all_seconds(self) -> float:
        return sum(rows_seconds(pmf, m) for (_, pmf), m in zip(self.parts, self.masses, strict=True))

    def _many(self, count: int) -> PrimeRows | None:
        """Return all rows if they exist already or are cheaper than ``count`` single entries."""
        if "rows" in self.__dict__:
            return self.rows
        each = sum(_ENTRY_SECONDS + len(pmf) * _CELL_SECONDS for _, pmf in self.parts)
        return self.rows if count * each > self._all_seconds else None

    def exact(self, mask: int) -> LogNumber:
        """Return ``H(y_B)`` exactly.

        Raises:
            InputError: For a float table.
        """
        if not self.parts:
            raise InputError("this table holds floats only; build it from an exact pmf with exact=True.")
        number = self._known.get(mask)
        if number is None:
            rows = self._many(len(self._known) + 1)
            number = self._known[mask] = rows.number(mask) if rows is not None else self._single(mask)
        return number

    def _single(self, mask: int) -> LogNumber:
        positions = [i for i in range(self.n) if mask >> i & 1]
        values = [(weight, entropy(pmf, positions)) for weight, pmf in self.parts]
        numbers = [(weight, h) for weight, h in values if isinstance(h, LogNumber)]
        assert len(numbers) == len(values), "entries are built from exact pmfs"
        return LogNumber.combination(numbers)

    def require_exact(self, masks: Iterable[int]) -> None:
        """Raise if building these entries, one factorisation for each weight, would take too long."""
        wanted = list(masks)
        if self._many(len(wanted)) is not None:
            return
        microseconds = 0
        for mask in wanted:
            for _, pmf in self.parts:
                assert pmf.total is not None
                cells = prod(len(a) for i, a in enumerate(pmf.alphabets) if mask >> i & 1)
                microseconds += min(cells, len(pmf), pmf.total) * factor_cost(pmf.total.bit_length())
        what = "exact entropies (one factorisation for each weight)"
        remedy = "use --float, or exact=False in Python, for floats with a proven error"
        Budget(what, remedy, limit=_EXACT).require(microseconds, 1e-6)

    def cells(self, mask: int) -> Any:
        """Return a key of the entry; equal keys mean equal entropies, and with rows also the converse.

        Without rows it is the sorted weights of the marginal on B of each part. Keys made before ``rows`` are built
        must not be compared with keys made after.
        """
        if "rows" in self.__dict__ and self.rows is not None:
            return self.rows.signature(mask)
        positions = [i for i in range(self.n) if mask >> i & 1]
        sorted_weights = [np.sort(pmf.group_weights(pmf.groups(positions))) for _, pmf in self.parts]
        return tuple(tuple(w) if w.dtype == np.dtype(object) else w.tobytes() for w in sorted_weights)

    def interval(self, mask: int, precision: int) -> arb:
        """Return an interval that contains ``H(y_B)`` of exact pmfs, from their weights, without factoring them."""
        positions = [i for i in range(self.n) if mask >> i & 1]
        with ctx.workprec(precision):
            balls = (
                entropy_interval(pmf, positions, precision) * weight.numerator / weight.denominator
                for weight, pmf in self.parts
            )
            return sum(balls, arb(0))

    def combination(self, coefficients: Mapping[int, int]) -> LogNumber:
        """Return ``sum_B c_B H(y_B)`` exactly.

        Example:
            >>> from theory.information.subsets.builder import subset_entropies
            >>> table = subset_entropies(JointPMF.uniform([(0, 0), (1, 1)]))
            >>> table.combination({0b01: 1, 0b10: 1, 0b11: -1})  # mutual information
            LogNumber('log2(2)')
        """
        return LogNumber.combination((c, self.exact(mask)) for mask, c in coefficients.items() if c)

    @cached_property
    def bound_error(self) -> float:
        """A proven bound on the error of any float ``L_T``: 2n + 1 entries, n differences, 2n additions.

        The gains are at least zero up to ``2 error`` each and sum to at most ``sum_i H(y_i)``; the remaining term is
        ``H(Y)``. The same bound holds for ``L*_T``, a minimum over partitions with one number of blocks.
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

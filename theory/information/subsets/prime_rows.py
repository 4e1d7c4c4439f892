"""Exact subset entropies as integer rows over primes.

``D h(B) = sum_p v_p(B) log2 p``. Logarithms of primes are linearly independent over the rationals, so rows are equal
iff entropies are. Most coefficients are zero, so rows are stored compressed.
``theory/information/subsets/prime_rows_builder.py`` builds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.numbers.lognumber import LogNumber, Row

__all__ = ["Folded", "PrimeRows", "mean_rows", "summed_rows"]


class Folded(NamedTuple):
    """Compressed rows, and the masses beyond the sieve.

    Attributes:
        ends: ``ends[s]`` is where row s ends and row s + 1 begins, shape (sets + 1,), the first is 0.
        columns: Numbers of primes, in any order within a row, shape (E,).
        values: Coefficients, none zero, shape (E,).
        large: Triples (set, mass, times), shape (L, 3).
        fits: Whether the limits of E and L were kept; if not, the other fields are invalid.
    """

    ends: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.int64]
    large: NDArray[np.int64]
    fits: bool


@dataclass(frozen=True, eq=False)
class PrimeRows:
    """Compressed rows of the 2^n sets.

    Attributes:
        primes: The prime of each column.
        ends: Row B is ``ends[B]:ends[B + 1]`` of ``columns`` and ``values``, shape (2^n + 1,).
        columns: The columns of each row, in any order, without repeats.
        values: Coefficients, none zero; int64, or Python integers in an object array.
        denominator: D, common to all rows.
        extra: Further terms of some sets (prime to coefficient), of masses beyond the sieve.
    """

    primes: NDArray[Any]
    ends: NDArray[np.int64]
    columns: NDArray[Any]
    values: NDArray[Any]
    denominator: int
    extra: Mapping[int, Mapping[int, int]] = field(default_factory=dict[int, dict[int, int]])

    def number(self, mask: int) -> LogNumber:
        """Return ``h(B)``; its terms are built on first use."""
        return LogNumber.deferred(self._reader, mask)

    @cached_property
    def _reader(self) -> Row:
        return self._row

    def _row(self, mask: int) -> tuple[list[int], list[int], int]:
        if mask in self.extra:
            terms = self.terms(mask)
            return list(terms), list(terms.values()), self.denominator
        part = slice(self.ends[mask], self.ends[mask + 1])
        return self.primes[self.columns[part]].tolist(), self.values[part].tolist(), self.denominator

    def terms(self, mask: int) -> dict[int, int]:
        """Return prime to coefficient of D h(B), zeros absent."""
        part = slice(self.ends[mask], self.ends[mask + 1])
        terms = dict(zip(self.primes[self.columns[part]].tolist(), self.values[part].tolist(), strict=True))
        for p, v in self.extra.get(mask, {}).items():
            terms[p] = terms.get(p, 0) + v
        return {p: v for p, v in terms.items() if v}

    def signature(self, mask: int) -> Any:
        """Return a key that two sets share iff their entropies are equal."""
        if self.extra or self.values.dtype == np.dtype(object):
            return tuple(sorted(self.terms(mask).items()))
        part = slice(self.ends[mask], self.ends[mask + 1])
        order = np.argsort(self.columns[part])
        return self.columns[part][order].tobytes(), self.values[part][order].tobytes()

    def used(self) -> tuple[int, ...]:
        """Return the primes that occur, ascending."""
        live = np.zeros(len(self.primes), dtype=bool)
        live[self.columns] = True
        plain = self.primes[live].tolist()
        return tuple(sorted({*plain, *(p for terms in self.extra.values() for p in terms)}))

    def matrix(self, primes: Sequence[int]) -> NDArray[Any]:
        """Return the rows as a matrix, shape (2^n, len(primes)); for few primes."""
        place = {p: j for j, p in enumerate(primes)}
        out = np.zeros((len(self.ends) - 1, len(primes)), dtype=self.values.dtype)
        where = np.searchsorted(np.array(primes, dtype=np.int64), self.primes)  # right for primes in use
        out[np.repeat(np.arange(len(out)), np.diff(self.ends)), where[self.columns]] = self.values
        for mask, terms in self.extra.items():
            for p, v in terms.items():
                out[mask, place[p]] += v
        return out

    def sums(self, labels: NDArray[np.int64]) -> list[LogNumber]:
        """Return for each label 0, 1, ... the sum of the entropies of the sets with that label."""
        kinds, width = int(labels.max()) + 1, len(self.primes)
        keys = np.repeat(labels, np.diff(self.ends)) * width + self.columns
        found, places = np.unique(keys, return_inverse=True)
        values = self.values
        if values.dtype == np.dtype(object):
            sums = np.zeros(len(found), dtype=object)
            np.add.at(sums, places, values)
        else:  # two halves of 26 bits, exact in float64
            high, low = values >> 26, values & (1 << 26) - 1
            sums = sum(
                np.bincount(places, weights=half, minlength=len(found)).astype(np.int64).astype(object)
                << shift
                for half, shift in ((high, 26), (low, 0))
            )
        terms: list[dict[int, int]] = [{} for _ in range(kinds)]
        for key, total in zip(found.tolist(), np.asarray(sums).tolist(), strict=True):
            terms[key // width][int(self.primes[key % width])] = total
        for mask, more in self.extra.items():
            for p, v in more.items():
                mine = terms[labels[mask]]
                mine[p] = mine.get(p, 0) + v
        live = [{p: v for p, v in t.items() if v} for t in terms]
        return [LogNumber.over_primes(list(t), list(t.values()), self.denominator) for t in live]


def summed_rows(
    sets: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[Any],
    primes: NDArray[Any],
    count: int,
    denominator: int,
) -> PrimeRows:
    """Return the rows of entries (set, column, value); entries of one set and column are added, zeros dropped."""
    keys = sets * max(len(primes), 1) + columns
    order = np.argsort(keys)
    keys = keys[order]
    starts = (
        np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, dtype=np.int64)
    )
    sums = np.add.reduceat(values[order], starts) if len(keys) else values
    live = np.asarray(sums != 0, dtype=bool)
    keys, sums = keys[starts][live], sums[live]
    sets, columns = np.divmod(keys, max(len(primes), 1))
    return PrimeRows(primes, np.searchsorted(sets, np.arange(count + 1)), columns, sums, denominator)


def mean_rows(parts: Sequence[tuple[Fraction, PrimeRows]]) -> PrimeRows:
    """Return the rows of ``sum_x weight_x h_x(B)``."""
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    scales = [weight / rows.denominator for weight, rows in parts]
    denominator = lcm(*(scale.denominator for scale in scales))
    primes = tuple(sorted({p for _, rows in parts for p in rows.used()}))
    place = {p: j for j, p in enumerate(primes)}
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]] = []
    sets = len(parts[0][1].ends) - 1
    for scale, (_, rows) in zip(scales, parts, strict=True):
        factor = int(scale * denominator)
        where = np.searchsorted(np.array(primes, dtype=np.int64), rows.primes)  # right for primes in use
        label = np.repeat(np.arange(sets), np.diff(rows.ends))
        entries.append((label, where[rows.columns], rows.values.astype(object) * factor))
        more = [(s, place[p], v * factor) for s, terms in rows.extra.items() for p, v in terms.items()]
        if more:
            s, c, v = zip(*more, strict=True)
            entries.append((np.array(s), np.array(c), np.array(v, dtype=object)))
    joined = [np.concatenate(part) for part in zip(*entries, strict=True)]
    return summed_rows(joined[0], joined[1], joined[2], np.array(primes, dtype=np.int64), sets, denominator)

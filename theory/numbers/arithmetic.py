"""One interface for exact rationals, for floats of any array library, and for balls.

Scores, counts, policies and tempering are written once, over arrays. An exact computation runs them on numpy
object arrays of rationals (``fmpq``), a sampler on float arrays of numpy or torch; this module holds the few
operations that differ. The third kind, :data:`theory.numbers.balls.BALLS`, are floats with proven errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.numbers.distinct import distinct_rows
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq

__all__ = [
    "EXACT",
    "FLOAT64",
    "TIE_TOLERANCE",
    "Array",
    "ExactNumbers",
    "FloatNumbers",
    "Number",
    "Numbers",
    "ProvenNumbers",
    "negated",
    "order_codes",
    "sum_by_value",
]

Number = Fraction | float  # a probability or a mean: Fraction when exact, float otherwise
Array = Any  # an array of numpy (any dtype, object included), torch or another array-API library

TIE_TOLERANCE = 1e-9  # floats closer than this count as equal: far above rounding, far below any real gap


_FLOAT_DOUBT = 2.0**-50  # relative error of float(LogNumber): little over half a unit in the last place
_TINY = 1e-300  # where floats lose digits
_HALF_BITS = 31  # two numbers of this size share one int64
_HALF_WORD = 1 << _HALF_BITS
_FEW = 60  # numbers: below this Python's own tables are done before numpy has begun


class Numbers(Protocol):
    """What the policies need of a kind of number."""

    @property
    def xp(self) -> Any:
        """The array namespace."""
        ...

    @property
    def tolerance(self) -> Any:
        """Differences up to this count as ties: zero for exact numbers."""
        ...

    def const(self, value: Fraction | int) -> Any:
        """Return ``value`` as a scalar that combines with the arrays."""
        ...

    def ratio(self, numerator: Array, denominator: Array) -> Array:
        """Return the quotient of two integer arrays."""
        ...

    def entropy(self, probs: Array) -> Array:
        """Return the Shannon entropy along the last axis, in bits."""
        ...

    def floats(self, values: Array) -> Array:
        """Return the values as floats, for scores that are irrational anyway."""
        ...


class ProvenNumbers(Numbers, Protocol):
    """A kind of number in which results are computed: rationals, or balls."""

    def array(self, values: Iterable[Any]) -> NDArray[Any]:
        """Return a flat array of the values as numbers of this kind."""
        ...

    def converted(self, values: Array) -> NDArray[Any]:
        """Return rationals (as balls also other numbers) in this kind; an object that is shared stays shared."""
        ...


@dataclass(frozen=True)
class ExactNumbers:
    """Rationals in numpy object arrays; entropies are :class:`~theory.numbers.lognumber.LogNumber`."""

    xp: Any = np
    tolerance: int = 0

    def const(self, value: Fraction | int) -> fmpq:
        """Return ``value`` as an ``fmpq``."""
        return to_fmpq(value)

    def array(self, values: Iterable[Any]) -> NDArray[Any]:
        """Return a flat array of rationals."""
        return np.fromiter(map(to_fmpq, values), dtype=object)

    def converted(self, values: Array) -> NDArray[Any]:
        """Return the rationals themselves."""
        return np.asarray(values, dtype=object)

    def ratio(self, numerator: Array, denominator: Array) -> Array:
        """Return an object array of ``fmpq``; equal quotients are built once and share one object."""
        top, bottom = np.broadcast_arrays(numerator, denominator)
        if top.size > _FEW and top.dtype == bottom.dtype == np.int64 and int(bottom.max()) < _HALF_WORD:
            keys, index = np.unique((top << _HALF_BITS) | bottom, return_inverse=True)
            pairs = [(key >> _HALF_BITS, key & (_HALF_WORD - 1)) for key in keys.tolist()]
        else:
            listed = list(zip(top.ravel().tolist(), bottom.ravel().tolist(), strict=True))
            pairs = list(dict.fromkeys(listed))
            place = {pair: j for j, pair in enumerate(pairs)}
            index = np.array([place[pair] for pair in listed], dtype=np.int64)
        return np.fromiter((fmpq(*pair) for pair in pairs), dtype=object)[index.reshape(top.shape)]

    def entropy(self, probs: Array) -> Array:
        """Return exact entropies; equal rows are computed once and share one object."""
        rows = probs.reshape(-1, probs.shape[-1])
        first, index = distinct_rows(rows)
        known: dict[tuple[fmpq, ...], LogNumber] = {}
        values = np.empty(len(first), dtype=object)
        for j, row in enumerate(rows[first]):
            key = tuple(sorted(p for p in row if p != 0))
            if key not in known:
                known[key] = -LogNumber.weighted_sum((p, p) for p in key)
            values[j] = known[key]
        return values[index].reshape(probs.shape[:-1])

    def floats(self, values: Array) -> Array:
        """Return the nearest float64 of each value; an object that occurs several times is converted once."""
        if values.dtype != np.dtype(object):
            return values
        first, index = distinct_rows(values.reshape(-1, 1))
        found = [_to_float(value) for value in values.reshape(-1)[first].tolist()]
        return np.array(found, dtype=np.float64)[index].reshape(values.shape)


@dataclass(frozen=True)
class FloatNumbers:
    """Floats of any array-API namespace."""

    xp: Any = np
    tolerance: float = TIE_TOLERANCE

    def const(self, value: Fraction | int) -> float:
        """Return ``value`` as a Python float."""
        return float(value)

    def ratio(self, numerator: Array, denominator: Array) -> Array:
        """Return the float quotient."""
        return numerator / denominator

    def entropy(self, probs: Array) -> Array:
        """Return ``-sum p log2 p`` with ``0 log 0 = 0``."""
        xp = self.xp
        safe = xp.where(probs > 0, probs, xp.ones_like(probs))
        return -xp.sum(probs * xp.log2(safe), axis=-1)

    def floats(self, values: Array) -> Array:
        """Return the values themselves."""
        return values


def sum_by_value(values: Array, amounts: Array) -> list[tuple[Any, Any]]:
    """Return (value, summed amount) pairs of two flat arrays of objects, in the order of their first places.

    Values are compared by identity, which is cheap: arrays of :meth:`ExactNumbers.ratio` share objects. A value may
    therefore come more than once.
    """
    first, index = distinct_rows(values.reshape(-1, 1))
    sums = np.zeros(len(first), dtype=object)
    np.add.at(sums, index, amounts)
    order = np.argsort(first)
    return list(zip(values[first[order]].tolist(), sums[order].tolist(), strict=True))


def order_codes(values: Array) -> tuple[Array, Array]:
    """Return (codes, ascending): the rank of each exact value, equal for equal values, and the value of each rank.

    Only distinct objects are compared, so long arrays of few values take few comparisons.
    """
    first, index = distinct_rows(values.reshape(-1, 1))
    found: list[Any] = values.reshape(-1)[first].tolist()
    ascending: list[Any] = []
    rank = np.empty(len(found), dtype=np.int64)
    for j in _ascending(found):
        if not ascending or found[j] != ascending[-1]:
            ascending.append(found[j])
        rank[j] = len(ascending) - 1
    return rank[index].reshape(values.shape), np.fromiter(ascending, dtype=object)


def _ascending(values: list[Any]) -> list[int]:
    """Return the order of exact values.

    Comparing two logarithms takes an interval of their difference. They are therefore sorted by their floats, and
    compared exactly only where the floats are too close.
    """
    if not any(isinstance(value, LogNumber) for value in values):
        return sorted(
            range(len(values)), key=values.__getitem__
        )  # numpy takes three times as long with objects
    floats = np.array([_to_float(value) for value in values])
    order = np.argsort(floats, kind="stable")
    sizes = np.abs(floats[order])
    apart = np.diff(floats[order]) > _FLOAT_DOUBT * np.maximum(sizes[:-1], sizes[1:]) + _TINY
    groups = np.split(order, np.flatnonzero(apart) + 1)
    return [j for group in groups for j in sorted(group.tolist(), key=values.__getitem__)]


def negated(values: Array) -> Array:
    """Return ``-values``; an object that occurs several times is negated once and stays shared."""
    if values.dtype != np.dtype(object):
        return -values
    first, index = distinct_rows(values.reshape(-1, 1))
    return (-values.reshape(-1)[first])[index].reshape(values.shape)


def _to_float(value: Any) -> float:
    return int(value.p) / int(value.q) if isinstance(value, fmpq) else float(value)


EXACT = ExactNumbers()
FLOAT64 = FloatNumbers()

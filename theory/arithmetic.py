"""Two kinds of numbers behind one interface: exact rationals and floats of any array library.

Scores, counts, policies and tempering are written once, over arrays. An exact computation runs them on numpy
object arrays of rationals (``fmpq``), a sampler on float arrays of numpy or torch; this module holds the few
operations that differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from flint import fmpq

from theory.lognumber import LogNumber

__all__ = [
    "EXACT",
    "FLOAT64",
    "TIE_TOLERANCE",
    "Array",
    "ExactNumbers",
    "FloatNumbers",
    "Numbers",
    "to_fmpq",
    "to_fraction",
]

Array = Any  # an array of numpy (any dtype, object included), torch or another array-API library

TIE_TOLERANCE = 1e-9  # floats closer than this count as equal: far above rounding, far below any real gap


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


@dataclass(frozen=True)
class ExactNumbers:
    """Rationals in numpy object arrays; entropies are :class:`~theory.lognumber.LogNumber`."""

    xp: Any = np
    tolerance: int = 0

    def const(self, value: Fraction | int) -> fmpq:
        """Return ``value`` as an ``fmpq``."""
        return to_fmpq(value)

    def ratio(self, numerator: Array, denominator: Array) -> Array:
        """Return an object array of ``fmpq``, building each distinct quotient once."""
        top, bottom = np.broadcast_arrays(numerator, denominator)
        pairs: dict[tuple[int, int], fmpq] = {}
        out = np.empty(top.shape, dtype=object)
        flat = out.reshape(-1)
        for j, pair in enumerate(zip(top.ravel().tolist(), bottom.ravel().tolist(), strict=True)):
            value = pairs.get(pair)
            if value is None:
                value = pairs[pair] = fmpq(*pair)
            flat[j] = value
        return out

    def entropy(self, probs: Array) -> Array:
        """Return exact entropies; equal rows are computed once."""
        known: dict[tuple[fmpq, ...], LogNumber] = {}
        out = np.empty(probs.shape[:-1], dtype=object)
        for index in np.ndindex(*probs.shape[:-1]):
            row = tuple(sorted(p for p in probs[index] if p != 0))
            if row not in known:
                known[row] = -LogNumber.weighted_sum((p, p) for p in row)
            out[index] = known[row]
        return out


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


EXACT = ExactNumbers()
FLOAT64 = FloatNumbers()


def to_fmpq(value: Any) -> fmpq:
    """Return an exact rational of any kind as ``fmpq``."""
    if isinstance(value, fmpq):
        return value
    fraction = Fraction(value)
    return fmpq(fraction.numerator, fraction.denominator)


def to_fraction(value: Any) -> Fraction:
    """Return an ``fmpq`` (or int) as a ``Fraction``."""
    number = to_fmpq(value)
    return Fraction(int(number.p), int(number.q))

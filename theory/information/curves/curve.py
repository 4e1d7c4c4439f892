"""Mean subset entropies and the information curve.

``h_j`` is the mean entropy of j positions, ``f(j) = h_j - h_{j-1}`` the information profile and ``Z_j = h_1 + h_{j-1} -
h_j`` the information curve. Their use for decoding is in ``theory/bounds/schedules/random_order.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import comb
from typing import Any

import numpy as np

from theory.distributions.distribution import HasContexts
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rounding import gamma, pairwise_depth, sum_error
from theory.validation import InputError

__all__ = ["CurveLike", "InformationCurve", "information_curve"]

_HALF_UNIT = 2.0**-53  # the relative error of one float operation


@dataclass(frozen=True, eq=False)
class InformationCurve:
    """Mean subset entropies and what follows from them.

    Attributes:
        means: ``h_0, ..., h_n`` in bits: all exact (LogNumber) or all floats.
        error: A proven bound on the error of each mean; zero for exact means and for given ones.
    """

    means: tuple[Bits, ...]
    error: float = 0.0

    @property
    def n(self) -> int:
        """The number of positions."""
        return len(self.means) - 1

    @property
    def is_exact(self) -> bool:
        """Whether the numbers are exact."""
        return isinstance(self.means[0], LogNumber)

    @cached_property
    def profile(self) -> tuple[Bits, ...]:
        """``f(1), ..., f(n)``: the mean entropy of a position given j - 1 random others; non-increasing."""
        return tuple(after - before for before, after in zip(self.means, self.means[1:], strict=False))

    @cached_property
    def z(self) -> tuple[Bits, ...]:
        """The information curve ``Z_1, ..., Z_n``."""
        return tuple(self.means[1] - f for f in self.profile)

    @cached_property
    def increments(self) -> tuple[Bits, ...]:
        """``Z_2 - Z_1, ..., Z_n - Z_{n-1}``: mean of ``I(y_i ; y_j | y_S)`` over i, j and S of 0..n-2 positions."""
        return tuple(after - before for before, after in zip(self.z, self.z[1:], strict=False))

    def price(self, sizes: Sequence[int]) -> Bits:
        """Return the expected divergence of blocks of these (unchecked) sizes in random order."""
        starts = accumulate(sizes, initial=0)
        terms = [size * self.profile[start] for size, start in zip(sizes, starts, strict=False)]
        return sum(terms[1:], terms[0]) - self.means[-1]

    def error_of(self, terms: int) -> float:
        """Return a bound on the error of a float combination of means whose coefficients sum to ``terms`` in size.

        ``Z_j``: 4 (``h_1 + h_{j-1} - h_j`` is computed as ``h_1 - (h_j - h_{j-1})``); total correlation: n + 1; dual
        total correlation: 2 n + 1; an expected divergence: 2 n + 1. No mean passes through more than 3 terms roundings,
        and none exceeds ``h_n``.
        """
        if self.is_exact:
            return 0.0
        return sum_error(3 * terms, 0.0, terms * float(self.means[-1])) + terms * self.error * (1 + 1e-9)

    @property
    def total_correlation(self) -> Bits:
        """``C(Y) = sum_j Z_j = n h_1 - h_n``."""
        return self.n * self.means[1] - self.means[-1]

    @property
    def dual_total_correlation(self) -> Bits:
        """``D(Y) = n Z_n - sum_j Z_j = h_n - n f(n)``."""
        return self.means[-1] - self.n * self.profile[-1]

    def floats(self) -> InformationCurve:
        """Return the same curve in float64."""
        if not self.is_exact:
            return self
        means = tuple(map(float, self.means))  # each within one unit in the last place
        return InformationCurve(means, 2 * _HALF_UNIT * max(means))


CurveLike = EntropyTable | JointPMF | Mapping[Any, Any] | HasContexts | Sequence[Any] | InformationCurve


def information_curve(source: CurveLike) -> InformationCurve:
    """Return the information curve of a table of subset entropies or of mean entropies ``h_0, ..., h_n``.

    Args:
        source: A table; a pmf, a mapping to probabilities or a task, whose table is made; or the means, all exact
            (LogNumber, or rational bits) or all floats.

    Raises:
        InputError: If means do not start at 0, or exact ones decrease or are not concave, as no pmf allows.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> parity = JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)])
        >>> [str(z) for z in information_curve(parity).z]
        ['0', '0', 'log2(2)']
        >>> information_curve([0.0, 1.0, 1.0]).total_correlation
        1.0
    """
    if isinstance(source, InformationCurve):
        return source
    thing: Any = source
    if isinstance(thing, (JointPMF, Mapping)) or hasattr(thing, "contexts"):
        thing = subset_entropies(thing)
    if isinstance(thing, EntropyTable):
        means = _means(thing)
        if thing.is_exact:
            return InformationCurve(means)
        # a sum of up to 2^n entries, pairwise, and a division
        roundings = gamma(pairwise_depth(len(thing.h)) + 1) * float(thing.h.max())
        return InformationCurve(means, thing.error * (1 + 1e-9) + roundings)
    given = list(thing)
    exact = not any(isinstance(h, (float, np.floating)) for h in given)
    if not exact and any(isinstance(h, LogNumber) for h in given):
        raise InputError("mean entropies must be all exact or all floats.")
    means = tuple(map(_exact_bits, given)) if exact else tuple(map(float, given))
    if len(means) < 2 or means[0] != 0:
        raise InputError("mean entropies must be h_0 = 0, h_1, ..., h_n with n of at least 1.")
    curve = InformationCurve(means)
    if exact and (curve.profile[-1] < 0 or any(step < 0 for step in curve.increments)):
        raise InputError("mean entropies of a pmf neither decrease nor grow faster with j.")
    return curve


def _exact_bits(value: Any) -> LogNumber:
    return value if isinstance(value, LogNumber) else LogNumber.rational(value)


def _means(table: EntropyTable) -> tuple[Bits, ...]:
    sizes = np.bitwise_count(np.arange(1 << table.n))
    if not table.is_exact:
        return tuple(float(np.ascontiguousarray(table.h[sizes == j]).mean()) for j in range(table.n + 1))
    table.require_exact(range(1 << table.n))
    if table.rows is not None:
        return tuple(
            total / comb(table.n, j) for j, total in enumerate(table.rows.sums(sizes.astype(np.int64)))
        )
    means: list[Bits] = []
    for j in range(table.n + 1):
        masks = np.flatnonzero(sizes == j).tolist()
        means.append(LogNumber.combination((1, table.exact(mask)) for mask in masks) / comb(table.n, j))
    return tuple(means)

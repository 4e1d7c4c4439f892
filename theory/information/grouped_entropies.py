"""Entropies of a listed distribution of any length, by grouping its outcomes.

``H(y_S) = log2 D - (1/D) sum_w w log2 w`` over the weights w of the groups of outcomes that agree on S. A sum of
entropies with whole coefficients is collected by weight, so that each different weight is looked at once, however many
positions there are. Exact weights give an exact number; where factoring them would take too long, a float within one
unit of its last place, from intervals. Float weights give a float with a proven error.

All positions but one: the positions are halved again and again, each half grouped further by the other one, so that
all n groupings take ``n log2 n`` columns and end as soon as the outcomes are distinguished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ulp

import numpy as np
from flint import arb, ctx

from theory.distributions.grouping import Groups, group_rows
from theory.distributions.pmf import JointPMF
from theory.information.measures import Bits, entropy_sum_error
from theory.limits import Budget
from theory.numbers.coprime import factor_cost
from theory.numbers.lognumber import LogNumber

__all__ = ["EntropySum", "GroupedEntropies", "further", "grouped_entropies"]

_EXACT = 10  # seconds of an exact sum at most
_PRECISION = 128


@dataclass(eq=False)
class EntropySum:
    """``sum_j c_j H(y_{S_j})`` of one pmf, with whole coefficients.

    Example:
        >>> pmf = JointPMF.uniform([(0, 0), (1, 1)])
        >>> mutual = EntropySum(pmf)
        >>> for positions, times in (((0,), 1), ((1,), 1), ((0, 1), -1)):
        ...     mutual.add(pmf.groups(positions), times)
        >>> mutual.result()
        (LogNumber('log2(2)'), 0.0)
    """

    pmf: JointPMF
    _logs: Counter[int] = field(default_factory=Counter[int])  # of w log2 w, by weight
    _size: int = 0  # the sum of the coefficients
    _floats: list[float] = field(default_factory=list[float])

    def add(self, groups: Groups, times: int = 1) -> None:
        """Add ``times`` the entropy of the tokens that the outcomes are grouped by."""
        weights = self.pmf.group_weights(groups)
        if self.pmf.total is None:
            one = -float(np.sum(weights * np.log2(weights)))
            self._floats += [one if times > 0 else -one] * abs(times)
            return
        self._size += times
        for weight, count in zip(
            *map(np.ndarray.tolist, np.unique(weights, return_counts=True)), strict=True
        ):
            self._logs[weight] -= times * count

    def result(self) -> tuple[Bits, float]:
        """Return the sum in bits and a bound on its error, zero for an exact number."""
        total = self.pmf.total
        if total is None:
            return float(np.sum(self._floats)), entropy_sum_error(self.pmf, len(self._floats))
        logs = [(weight, times) for weight, times in self._logs.items() if times]
        seconds = (len(logs) + 1) * factor_cost(total.bit_length()) * 1e-6
        if Budget("an exact sum of entropies", "use floats", limit=_EXACT).affords(seconds):
            terms = [(Fraction(weight * times, total), weight) for weight, times in logs]
            return LogNumber.weighted_sum([(self._size, total), *terms]), 0.0
        with ctx.workprec(_PRECISION + total.bit_length()):
            terms = (weight * times * arb(weight).log() for weight, times in logs)
            ball = (self._size * arb(total).log() + sum(terms, arb(0)) / total) / arb(2).log()
            value = float(ball.mid())
            return value, float(ball.rad()) + ulp(value)


@dataclass(frozen=True, kw_only=True)
class GroupedEntropies:
    """Entropies of one pmf in bits, each with a bound on its error (zero for exact numbers).

    Attributes:
        entropy: ``H(Y)``.
        total_correlation: ``sum_i H(y_i) - H(Y)``.
        dual_total_correlation: ``H(Y) - sum_i H(y_i | all others)``.
        positions: ``H(y_i)``, one for each position.
    """

    entropy: tuple[Bits, float]
    total_correlation: tuple[Bits, float]
    dual_total_correlation: tuple[Bits, float]
    positions: tuple[tuple[Bits, float], ...]


def grouped_entropies(pmf: JointPMF) -> GroupedEntropies:
    """Return the entropy, the total and the dual total correlation, and the entropy of each position.

    Example:
        >>> found = grouped_entropies(JointPMF.uniform([(0,) * 100, (1,) * 100]))
        >>> [str(bits) for bits, _ in (found.entropy, found.total_correlation, found.dual_total_correlation)]
        ['log2(2)', '99 log2(2)', 'log2(2)']
    """
    joint, total, dual = EntropySum(pmf), EntropySum(pmf), EntropySum(pmf)
    everything = pmf.groups(range(pmf.n))
    joint.add(everything)
    total.add(everything, -1)
    dual.add(everything, 1 - pmf.n)
    singles: list[tuple[Bits, float]] = []
    for i in range(pmf.n):
        groups, single = pmf.groups([i]), EntropySum(pmf)
        total.add(groups)
        single.add(groups)
        singles.append(single.result())
    identifying = 0
    for groups in _all_but_one(pmf):
        if groups.count == len(pmf):
            identifying += 1
        else:
            dual.add(groups)
    dual.add(everything, identifying)
    return GroupedEntropies(
        entropy=joint.result(),
        total_correlation=total.result(),
        dual_total_correlation=dual.result(),
        positions=tuple(singles),
    )


def further(pmf: JointPMF, groups: Groups, positions: Sequence[int]) -> Groups:
    """Return the groups split by the tokens at further positions.

    Example:
        >>> pmf = JointPMF.uniform([(0, 0), (0, 1), (1, 0)])
        >>> further(pmf, pmf.groups([0]), [1]).count
        3
    """
    if groups.count == len(pmf) or not positions:
        return groups
    columns = np.column_stack([groups.inverse, pmf.codes[:, list(positions)]])
    sizes = [groups.count, *(len(pmf.alphabets[i]) for i in positions)]
    return group_rows(columns, sizes, range(len(sizes)))


def _all_but_one(pmf: JointPMF) -> Iterator[Groups]:
    """Yield for each position the outcomes grouped by all others."""
    todo = [(0, pmf.n, pmf.groups([]))]
    while todo:
        low, high, groups = todo.pop()
        if high - low == 1:
            yield groups
            continue
        middle = (low + high) // 2
        todo.append((low, middle, further(pmf, groups, range(middle, high))))
        todo.append((middle, high, further(pmf, groups, range(low, middle))))

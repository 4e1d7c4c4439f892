"""Output distributions of partitions and mixtures, on the support of the target.

An ordered partition S draws its blocks one after another: ``Q^S(y) = prod_t prod_{i in S_t} P(y_i | y_{S_<t})``. A
decoder that picks S at random emits ``Qbar(y) = sum_S w_S Q^S(y)``.

Float distributions or weights are read as exact numbers and divided by their sum. Each result is then the float nearest
to the true value (:mod:`theory.numbers.balls`): all terms are positive, so 128 bits are enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.partition import Partition, check_partition
from theory.decoding.result import divergence
from theory.distributions.outcomes import Outcome
from theory.distributions.pmf import JointPMF
from theory.distributions.weights import SUM_TOLERANCE
from theory.numbers.arithmetic import EXACT, Number, ProvenNumbers
from theory.numbers.balls import BALLS, ball_precision, public
from theory.numbers.lognumber import Bits
from theory.validation import InputError, exact_fraction

__all__ = ["mixture_distribution", "mixture_kl", "partition_distribution", "weights_at"]


def partition_distribution(pmf: JointPMF, partition: Sequence[Sequence[int]]) -> dict[Outcome, Number]:
    """Return ``Q^S(y)`` of an ordered partition for every y of the support of P; the rest is ``1 - sum``.

    Example:
        >>> partition_distribution(JointPMF.uniform([(0, 0), (0, 1), (1, 0)]), [[0, 1]])
        {(0, 0): Fraction(4, 9), (0, 1): Fraction(2, 9), (1, 0): Fraction(2, 9)}
    """
    return mixture_distribution(pmf, {tuple(map(tuple, partition)): 1})


def mixture_distribution(pmf: JointPMF, weights: Mapping[Partition, Any]) -> dict[Outcome, Number]:
    """Return ``Qbar(y) = sum_S w_S Q^S(y)`` on the support of P.

    Args:
        pmf: The target.
        weights: Ordered partition to weight; the result has Fractions if the pmf and all weights are exact.

    Raises:
        InputError: If a weight is negative, the weights do not sum to one, or a key is not a partition.

    Example:
        >>> pmf = JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1)])
        >>> mixture_distribution(pmf, {((0,), (1, 2)): "1/2", ((1,), (0, 2)): "1/2"})[(0, 0, 0)]
        Fraction(1, 6)
    """
    return dict(zip(pmf.outcomes, map(public, _mixed(pmf, weights).tolist()), strict=True))


def mixture_kl(pmf: JointPMF, weights: Mapping[Partition, Any]) -> Bits:
    """Return ``D(P || Qbar)`` of a mixture of ordered partitions, in bits; exact for exact pmf and weights.

    Example:
        >>> pmf = JointPMF.uniform([(0, 1), (1, 0)])
        >>> mixture_kl(pmf, {((0, 1),): "1/2", ((0,), (1,)): "1/2"})
        LogNumber('2 log2(2) - log2(3)')
    """
    return public(divergence(pmf, _mixed(pmf, weights), _numbers(pmf, weights)))


def weights_at(pmf: JointPMF, positions: Sequence[int]) -> NDArray[Any]:
    """Return the weight of ``y_B`` for each outcome y, shape (N,)."""
    groups = pmf.groups(sorted(positions))  # the order of the groups depends on that of the positions
    return pmf.group_weights(groups)[groups.inverse]


def _numbers(pmf: JointPMF, weights: Mapping[Partition, Any]) -> ProvenNumbers:
    return EXACT if pmf.is_exact and not any(isinstance(w, float) for w in weights.values()) else BALLS


def _mixed(pmf: JointPMF, weights: Mapping[Partition, Any]) -> NDArray[Any]:
    """Return ``Qbar(y)`` for each outcome y, shape (N,): rationals of an exact pmf and weights, else balls."""
    numbers = _numbers(pmf, weights)
    values = [exact_fraction(w, "weight") if numbers is EXACT else float(w) for w in weights.values()]
    if any(not w >= 0 for w in values) or abs(sum(values) - 1) > (0 if numbers is EXACT else SUM_TOLERANCE):
        raise InputError(f"weights must be at least 0 and sum to 1, got {list(map(str, values))}.")
    with ball_precision():
        read, shares = pmf.in_balls(), numbers.array(values)
        parts = [
            _partition_weights(read, check_partition(partition, pmf.n), numbers) for partition in weights
        ]
        return (
            np.add.reduce([w * part for w, part in zip(shares.tolist(), parts, strict=True)]) / shares.sum()
        )


def _partition_weights(pmf: JointPMF, blocks: Partition, numbers: ProvenNumbers) -> NDArray[Any]:
    """Return ``Q^S(y)`` for each outcome y, shape (N,)."""
    factors, revealed = list[NDArray[Any]](), list[int]()
    for block in blocks:
        before = weights_at(pmf, revealed)
        for i in block:
            factors.append(numbers.converted(pmf.numbers.ratio(weights_at(pmf, [*revealed, i]), before)))
        revealed += block
    return np.multiply.reduce(factors)

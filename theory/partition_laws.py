"""Output laws of ordered partitions and of their mixtures, on the support of the target.

An ordered partition S draws its blocks one after another: ``Q^S(y) = prod_t prod_{i in S_t} P(y_i | y_{S_<t})``. A
decoder that picks S at random emits ``Qbar(y) = sum_S w_S Q^S(y)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory._checks import InputError, exact_fraction
from theory.accuracy import forward_kl
from theory.arithmetic import EXACT, FLOAT64, Number, to_fmpq, to_fraction
from theory.bounds import Partition, check_partition
from theory.correlation import Bits
from theory.outcomes import Outcome
from theory.pmf import JointPMF
from theory.weights import SUM_TOLERANCE

__all__ = ["mixture_kl", "mixture_law", "partition_law", "weights_at"]


def partition_law(pmf: JointPMF, partition: Sequence[Sequence[int]]) -> dict[Outcome, Number]:
    """Return ``Q^S(y)`` of an ordered partition for every y of the support of P; the rest is ``1 - sum``.

    Example:
        >>> partition_law(JointPMF.uniform([(0, 0), (0, 1), (1, 0)]), [[0, 1]])
        {(0, 0): Fraction(4, 9), (0, 1): Fraction(2, 9), (1, 0): Fraction(2, 9)}
    """
    return mixture_law(pmf, {tuple(map(tuple, partition)): 1})


def mixture_law(pmf: JointPMF, weights: Mapping[Partition, Any]) -> dict[Outcome, Number]:
    """Return ``Qbar(y) = sum_S w_S Q^S(y)`` on the support of P.

    Args:
        pmf: The target.
        weights: Ordered partition to weight; Fractions come back if the pmf and all weights are exact.

    Raises:
        InputError: If a weight is negative, the weights do not sum to one, or a key is not a partition.

    Example:
        >>> pmf = JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1)])
        >>> mixture_law(pmf, {((0,), (1, 2)): "1/2", ((1,), (0, 2)): "1/2"})[(0, 0, 0)]
        Fraction(1, 6)
    """
    exact = pmf.is_exact and not any(isinstance(w, float) for w in weights.values())
    values = [exact_fraction(w, "weight") if exact else float(w) for w in weights.values()]
    if any(not w >= 0 for w in values) or abs(sum(values) - 1) > (0 if exact else SUM_TOLERANCE):
        raise InputError(f"weights must be at least 0 and sum to 1, got {list(map(str, values))}.")
    law, public = np.zeros(len(pmf), dtype=object if exact else float), to_fraction if exact else float
    for partition, weight in zip(weights, values, strict=True):
        drawn = _chain_law(pmf, check_partition(partition, pmf.n))
        law = law + (to_fmpq(weight) * drawn if exact else float(weight) * drawn.astype(np.float64))
    return dict(zip(pmf.outcomes, map(public, law.tolist()), strict=True))


def mixture_kl(pmf: JointPMF, weights: Mapping[Partition, Any]) -> Bits:
    """Return ``D(P || Qbar)`` of a mixture of ordered partitions, in bits; exact for exact pmf and weights.

    Example:
        >>> pmf = JointPMF.uniform([(0, 1), (1, 0)])
        >>> mixture_kl(pmf, {((0, 1),): "1/2", ((0,), (1,)): "1/2"})
        LogNumber('2 log2(2) - log2(3)')
    """
    return forward_kl(pmf, mixture_law(pmf, weights))


def weights_at(pmf: JointPMF, positions: Sequence[int]) -> NDArray[Any]:
    """Return the weight of ``y_B`` for each outcome y, shape (N,)."""
    groups = pmf.groups(positions)
    return pmf.group_weights(groups)[groups.inverse]


def _chain_law(pmf: JointPMF, blocks: Partition) -> NDArray[Any]:
    """Return ``Q^S(y)`` for each outcome y, shape (N,)."""
    ratio = (EXACT if pmf.is_exact else FLOAT64).ratio
    factors, revealed = list[NDArray[Any]](), list[int]()
    for block in blocks:
        before = weights_at(pmf, revealed)
        factors += [ratio(weights_at(pmf, [*revealed, i]), before) for i in block]
        revealed += block
    return np.multiply.reduce(factors)

r"""Extra loss of a learned model over the ideal one, in fixed blocks.

Theorem 1 of arXiv 2510.04767 says ``D(P || P_theta) >= L_T``. With the model's conditionals ``q_i(. | x_C)`` the
excess is

    D(P || P_theta) - L_T = sum_t E_{x ~ P} sum_{i in S_t} D( P(x_i | x_{S_<t}) || q_i(. | x_{S_<t}) )  >=  0,

zero iff the model is ideal in every context that data reach. Proof: the logarithm of ``P_theta(x)`` is
``sum_t sum_i log2 q_i(x_i | x_{S_<t})``, and given the context the mean of ``log2 P(x_i | .) / q_i(x_i | .)`` is a
divergence; what is left is the divergence of the ideal model, ``L_T``. Unit: bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf, log2
from typing import Any

import numpy as np

from theory.bounds.partitions.partition import check_partition
from theory.bounds.partitions.path_costs import Conditional
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import Bits, LogNumber

__all__ = ["model_excess"]


def model_excess(pmf: JointPMF, conditional: Conditional, blocks: Sequence[Sequence[int]]) -> Bits:
    """Return ``D(P || P_theta) - L_T`` for a model that decodes the ordered blocks.

    Args:
        pmf: The target P.
        conditional: The model: the probability of a token, from (revealed: position to token, position, token).
        blocks: An ordered partition of the positions.

    Returns:
        Exact if P and the model are; infinite if the model excludes a token of the data.

    Example:
        >>> pmf = JointPMF.uniform([(0, 0), (1, 1)])
        >>> model_excess(pmf, lambda revealed, i, token: Fraction(1, 2), [[0], [1]])  # loses one bit
        LogNumber('log2(2)')
    """
    terms: list[tuple[Any, Any]] = []  # (weight, P(x_i | x_C) / q_i)
    shown: list[int] = []
    for block in check_partition(blocks, pmf.n):
        masses: dict[Any, Any] = {}
        for y, p in pmf:
            for key in [(tuple(y[j] for j in shown), i, y[i]) for i in block]:
                masses[key] = masses.get(key, 0) + p
        before: dict[Any, Any] = {}
        for (context, i, _), mass in masses.items():
            if i == block[0]:
                before[context] = before.get(context, 0) + mass
        for (context, i, token), mass in masses.items():
            q = conditional(dict(zip(shown, context, strict=True)), i, token)
            if q == 0:
                return inf
            terms.append((mass, (mass / before[context], q)))
        shown += block
    if any(isinstance(x, (float, np.floating)) for weight, pair in terms for x in (weight, *pair)):
        return float(sum(w * (log2(a) - log2(q)) for w, (a, q) in terms))
    return LogNumber.weighted_sum((w, Fraction(a) / Fraction(q)) for w, (a, q) in terms)

"""The loss of a given ordered partition of any number of positions, from the outcomes alone.

``L_T = sum_t sum_{i in S_t} (h(S_<t u i) - h(S_<t)) - H(Y)``: outcomes are grouped by what is revealed, block after
block, and once more for each position of a block. No table of 2^n sets, so n + T groupings of the outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence

from theory.bounds.partitions.partition import check_partition
from theory.distributions.pmf import JointPMF
from theory.information.grouped_entropies import EntropySum, further
from theory.numbers.lognumber import Bits

__all__ = ["listed_step_bound"]


def listed_step_bound(pmf: JointPMF, partition: Sequence[Sequence[int]]) -> tuple[Bits, float]:
    """Return ``L_T`` of an ordered partition in bits (Theorem 1), and a bound on its error, zero for an exact number.

    Example:
        >>> listed_step_bound(JointPMF.uniform([(0,) * 50, (1,) * 50]), [range(20), range(20, 50)])
        (LogNumber('19 log2(2)'), 0.0)
    """
    loss = EntropySum(pmf)
    revealed = pmf.groups([])
    for block in check_partition(partition, pmf.n):
        if revealed.count < len(pmf):  # else nothing is left to lose
            for i in block:
                loss.add(further(pmf, revealed, [i]))
            loss.add(revealed, -len(block))
        revealed = further(pmf, revealed, block)
    loss.add(revealed, -1)
    return loss.result()

"""Partitions chosen on one half of the samples and priced on the other.

The partition that looks best on some samples looks better there than it is. So one half chooses, by estimates of all
``2^n`` entropies and the programme of Theorem 2, and the other half prices: its intervals hold ``L_T`` of the chosen
partitions, which are fixed before it is looked at. ``L*_T`` is at most that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from theory.bounds.partitions.partition import Partition
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.information.subsets.table import EntropyTable
from theory.sampling.entropy_sums import EntropySum, estimate_sums, subset_values
from theory.sampling.observed import Observed

__all__ = ["ChosenPartitions", "choose_partitions", "loss_factors"]


@dataclass(frozen=True, kw_only=True)
class ChosenPartitions:
    """A partition for each number of steps.

    Attributes:
        partitions: Of 1, ..., n blocks, chosen on the first half.
        losses: ``L_T`` of each, estimated from the second half.
        recommended: The fewest steps whose loss is small enough by the half that chose.
    """

    partitions: tuple[Partition, ...]
    losses: tuple[EntropySum, ...]
    recommended: int


def choose_partitions(seen: Observed, within: float, seed: int) -> ChosenPartitions:
    """Return partitions of 1, ..., n blocks, and the fewest blocks that lose at most ``within`` bits.

    Example:
        >>> seen = Observed.from_rows([("", a, a, b) for a in "ab" for b in "ab"] * 100)
        >>> chosen = choose_partitions(seen, within=0.1, seed=0)
        >>> chosen.recommended, round(chosen.losses[0].estimate.estimate, 1), chosen.losses[2].estimate.high
        (2, 1.0, 0.0)
    """
    first, second = seen.halves(seed)
    table = EntropyTable(n=seen.n, h=subset_values(first, range(1 << seen.n)))
    best = optimal_bounds(table)
    cheap = next(t for t, loss in enumerate(best.values, start=1) if float(loss) <= within)
    losses = estimate_sums(second, [loss_factors(partition) for partition in best.partitions])
    return ChosenPartitions(partitions=best.partitions, losses=losses, recommended=cheap)


def loss_factors(partition: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return the factors of the entropies of sets (bit masks) in ``L_T``, those that are not zero.

    ``L_T = sum_t sum_{i in S_t} [H(y_i, y_{S_<t}) - H(y_{S_<t})] - H(Y)`` (Theorem 1).

    Example:
        >>> loss_factors([[0, 1]]), loss_factors([[0], [1]])
        ({1: 1, 2: 1, 3: -1}, {})
    """
    factors: dict[int, int] = {}
    revealed = 0
    for block in partition:
        for i in block:
            factors[revealed | 1 << i] = factors.get(revealed | 1 << i, 0) + 1
            factors[revealed] = factors.get(revealed, 0) - 1
        revealed |= sum(1 << i for i in block)
    factors[revealed] = factors.get(revealed, 0) - 1
    return {s: a for s, a in factors.items() if s and a}

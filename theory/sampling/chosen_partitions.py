"""Partitions chosen on one half of the samples and priced on the other.

The partition that looks best on some samples looks better there than it is. So one half chooses and the other half
prices: its intervals hold ``L_T`` of the chosen partitions, which are fixed before it is looked at. ``L*_T`` is at most
that. Few positions: the choice is the best by estimates of all ``2^n`` entropies (the programme of Theorem 2). Many:
it is what the search of :mod:`theory.bounds.brackets.bracket` finds for the empirical distribution of that half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from theory.bounds.brackets.bracket import bracket_bounds
from theory.bounds.partitions.partition import Partition
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.information.subsets.table import EntropyTable
from theory.sampling.entropy_sums import EntropySum, estimate_sums, subset_values
from theory.sampling.observed import Observed

__all__ = ["TABLE_POSITIONS", "ChosenPartitions", "choose_partitions", "loss_factors"]

TABLE_POSITIONS = 10
_PROGRAMME = 12  # positions that differ, of whose sets all are looked at
_TABLES = 18  # for the search over all sets
_WORK = 3e8  # tokens that the search looks at: some seconds, and the same choice on every machine


@dataclass(frozen=True, kw_only=True)
class ChosenPartitions:
    """A partition for each number of steps.

    Attributes:
        partitions: Of 1, 2, ... blocks, chosen on the first half: up to n, or to the first that loses nothing there.
        losses: ``L_T`` of each, estimated from the second half.
        recommended: The fewest steps whose loss is small enough by the half that chose; ``None`` where it cannot tell.
    """

    partitions: tuple[Partition, ...]
    losses: tuple[EntropySum, ...]
    recommended: int | None


def choose_partitions(
    seen: Observed,
    within: float,
    seed: int,
    *,
    table: int = TABLE_POSITIONS,
    most: int | None = None,
    say: Callable[[str], None] | None = None,
) -> ChosenPartitions:
    """Return partitions of 1, 2, ... blocks, and the fewest blocks that lose at most ``within`` bits.

    Args:
        seen: The samples.
        within: Bits.
        seed: Of the halves.
        table: Up to so many positions all sets are looked at.
        most: How many partitions of a search are priced, if not all.
        say: Called with a line on the progress of a search.

    Example:
        >>> seen = Observed.from_rows([("", a, a, b) for a in "ab" for b in "ab"] * 100)
        >>> chosen = choose_partitions(seen, within=0.1, seed=0)
        >>> chosen.recommended, round(chosen.losses[0].estimate.estimate, 1), chosen.losses[2].estimate.high
        (2, 1.0, 0.0)
    """
    first, second = seen.halves(seed)
    if seen.n <= table:
        best = optimal_bounds(EntropyTable(n=seen.n, h=subset_values(first, range(1 << seen.n))))
        partitions, known = best.partitions, list(map(float, best.values))
    else:
        partitions = _searched(first, seed, say)[:most]
        estimates = [sums.estimate for sums in estimate_sums(first, list(map(loss_factors, partitions)))]
        known = [inf if one is None else one.estimate for one in estimates]
    losses = estimate_sums(second, [loss_factors(partition) for partition in partitions])
    cheap = next((t for t, loss in enumerate(known, start=1) if loss <= within), None)
    return ChosenPartitions(partitions=partitions, losses=losses, recommended=cheap)


def _searched(seen: Observed, seed: int, say: Callable[[str], None] | None) -> tuple[Partition, ...]:
    """Return good partitions for the empirical distribution, up to the first that loses nothing."""
    found = bracket_bounds(seen.parts(), work=_WORK, seed=seed, programme=_PROGRAMME, tables=_TABLES, say=say)
    last = next((t for t, loss in enumerate(found.upper, start=1) if not loss), seen.n)
    return found.partitions[:last]


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

"""Losses and schedules of distributions too long for tables of all sets of positions.

By outcomes (:func:`bracketed_losses`), an entropy structure, or the formulas of a Markov chain; each returns numbers by
name. From tables there are :func:`~theory.bounds.partitions.contexts.table_losses` and
:func:`~theory.bounds.schedules.wainwright.table_schedule`, sampled ones are in :mod:`theory.sampling.task_estimates`;
:func:`theory.decoding.tasks.route.entropy_route` picks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from math import ulp
from typing import Any

from theory.bounds.block_sizes import OptimalSizes, optimal_sizes, require_sizes
from theory.bounds.brackets.bracket import bracket_bounds
from theory.bounds.partitions.listed import listed_step_bound
from theory.bounds.partitions.markov import (
    approximate_dual,
    approximate_entropy,
    approximate_step_bound,
    markov_optimal_bounds,
)
from theory.bounds.partitions.partition import Blocks, common_blocks
from theory.bounds.schedules.markov import markov_curve
from theory.distributions.contexts import Entries, Parts, error_of_mean, expectation
from theory.distributions.parametric.markov import MarkovDistribution
from theory.information.curves.structures import Structure, interval_curve
from theory.information.grouped_entropies import grouped_entropies
from theory.limits import CostError

__all__ = ["bracketed_losses", "chain_losses", "chain_schedule", "structured_losses", "structured_schedule"]

_UNKNOWN: Entries = {"optimal_bound": (None, 0.0), "optimal_partitions": (None, 0.0)}


def bracketed_losses(
    parts: Parts,
    partition: Blocks,
    *,
    seconds: float = 60.0,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> Entries:
    """Return the numbers of contexts from their outcomes, in time linear in these, with a bracket of each ``L*_T``.

    Args:
        parts: The contexts.
        partition: An ordered partition to price, or ``None``.
        seconds: Of the search for the brackets.
        seed: Of its random orders.
        say: Called with a line on its progress.
    """
    common = common_blocks([pmf.n for _, pmf in parts], partition)
    entropies = [grouped_entropies(pmf) for _, pmf in parts]
    names = ("entropy", "total_correlation", "dual_total_correlation")
    found: Entries = {name: _mean(parts, [getattr(one, name) for one in entropies]) for name in names}
    if partition is not None:
        found["partition_bound"] = _mean(parts, [listed_step_bound(pmf, partition) for _, pmf in parts])
    if not common:
        unknown = ("position_entropies", "optimal_bounds", "optimal_partitions")
        return found | dict.fromkeys(unknown, (None, 0.0))
    singles = [_mean(parts, one) for one in zip(*(e.positions for e in entropies), strict=True)]
    found["position_entropies"] = [bits for bits, _ in singles], max(error for _, error in singles)
    best = bracket_bounds(parts, seconds=seconds, seed=seed, say=say)
    brackets = [
        {"lower": high if sure else low, "upper": high, "exact": sure}
        for low, high, sure in zip(best.lower, best.upper, best.exact, strict=True)
    ]
    return found | {"optimal_bounds": (brackets, best.error), "optimal_partitions": (best.partitions, 0.0)}


def structured_losses(structure: Structure, partition: Blocks) -> Entries:
    """Return the numbers of an entropy structure; ``L*_T`` if entropies depend on the size of a set alone."""
    n = structure.n
    common_blocks([n], partition)
    if structure.symmetric:
        require_sizes(n, intervals=True)  # refuse before the entropies are computed
    entropy = structure.mean({n: Fraction(1)})
    found: Entries = {"entropy": (entropy, 0.0)}
    found["total_correlation"] = structure.mean({1: Fraction(n)}) - entropy, 0.0
    found["dual_total_correlation"] = structure.mean({n - 1: Fraction(n), n: Fraction(1 - n)}), 0.0
    found |= _UNKNOWN
    if structure.symmetric:  # the cost depends on block sizes alone, so the best sizes give Theorem 2
        best = optimal_sizes(interval_curve(structure))
        found |= {"optimal_bound": (best.values, best.error), "optimal_sizes": (best.sizes, 0.0)}
    if partition is not None:
        found["partition_bound"] = structure.bound(partition), 0.0
    return found


def chain_losses(distribution: MarkovDistribution, partition: Blocks) -> Entries:
    """Return the numbers of a Markov chain from its gap entropies; without ``L*_T`` where that takes too long."""
    n = distribution.n
    known = {
        "entropy": approximate_entropy(distribution),
        "total_correlation": approximate_step_bound(distribution, [range(n)]),
        "dual_total_correlation": approximate_dual(distribution),
    }
    found = {name: (x.value, x.error) for name, x in known.items()} | _UNKNOWN
    with suppress(CostError):
        best = markov_optimal_bounds(distribution)
        rest = n - len(best.values)  # zero once the gaps can be bisected
        found["optimal_bound"] = (*best.values, *[0.0] * rest), best.error
        found["optimal_partitions"] = (*best.partitions, *[best.partitions[-1]] * rest), 0.0
    if partition is not None:
        priced = approximate_step_bound(distribution, partition)
        found["partition_bound"] = priced.value, priced.error
    return found


def structured_schedule(structure: Structure) -> Entries:
    """Return the schedule of an entropy structure."""
    require_sizes(structure.n, intervals=True)  # refuse before the curve is computed
    curve = interval_curve(structure)
    best = optimal_sizes(curve)
    return _schedule((curve.z, 0.0), best, best.error)


def chain_schedule(distribution: MarkovDistribution) -> Entries:
    """Return the schedule of a Markov chain, float64 from its gap entropies."""
    require_sizes(distribution.n)
    found = markov_curve(distribution)
    best = optimal_sizes(found.curve)
    return _schedule((found.curve.z, found.z_error), best, found.least_error(best.sizes))


def _schedule(z: tuple[Any, float], best: OptimalSizes, error: float) -> Entries:
    return {"information_curve": z, "optimal_sizes": (best.sizes, 0.0), "expected_kl": (best.values, error)}


def _mean(parts: Parts, values: Sequence[tuple[Any, float]]) -> tuple[Any, float]:
    """Return a mean over contexts and a bound on its error."""
    if len(parts) == 1:
        return values[0]
    weighted = [(weight, bits) for (weight, _), (bits, _) in zip(parts, values, strict=True)]
    mean = expectation(weighted)
    size = (
        sum(float(weight) * abs(float(bits)) for weight, bits in weighted) if isinstance(mean, float) else 0.0
    )
    return mean, error_of_mean(parts, [error for _, error in values], ulp(size) if size else 0.0)

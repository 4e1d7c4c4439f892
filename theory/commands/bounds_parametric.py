"""Results of ``bounds`` and ``schedule`` for parametric distributions too large to list.

Markov chains give float64 by gap entropies, with a proven bound in ``errors`` for every entry
(:mod:`theory.distributions.parametric.markov_errors`). Hidden Markov models and grammars give estimates: a dictionary
with the estimate, its standard error and the ends of an interval of guaranteed coverage. Decodes are in
:mod:`theory.sampling.sampled_decode`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theory.bounds.block_sizes import optimal_sizes, require_sizes
from theory.bounds.partitions.markov import (
    approximate_dual,
    approximate_entropy,
    approximate_step_bound,
    markov_optimal_bounds,
)
from theory.bounds.partitions.partition import check_partition
from theory.bounds.schedules.markov import markov_curve
from theory.commands.answer import NamedTask
from theory.decoding.structured.markov import approximate_accuracy
from theory.decoding.tasks.route import Parametric
from theory.distributions.parametric.markov import MarkovDistribution
from theory.information.curves.curve import information_curve
from theory.limits import CostError
from theory.numbers.rounding import Approximate
from theory.sampling.estimates import (
    estimate_bounds,
    estimate_profiles,
    estimate_sizes,
    estimate_step_bound,
    mean_curve,
    sample_decodes,
)
from theory.sampling.intervals import check_samples, proportion

__all__ = ["large_bounds", "large_schedule"]


def large_bounds(
    task: NamedTask,
    distribution: Parametric,
    partition: Sequence[Sequence[int]] | None,
    *,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """Return entropies and bounds of a large structured distribution."""
    answer: dict[str, Any] = {"task": task.name, "n": distribution.n}
    if partition is not None:
        check_partition(partition, distribution.n)
    if isinstance(distribution, MarkovDistribution):
        return answer | _chain_bounds(distribution, partition)
    rng = np.random.default_rng(seed)
    answer |= {"arithmetic": "estimate", "samples": check_samples(samples), "seed": seed}
    answer |= {
        name: e.as_dict() for name, e in estimate_bounds(distribution, samples=samples, rng=rng).items()
    }
    if partition is not None:
        priced = estimate_step_bound(distribution, partition, samples=samples, rng=rng)
        answer["partition_bound"] = priced.as_dict()
        drawn = sample_decodes(distribution, partition, samples=samples, rng=rng)
        answer["partition_accuracy"] = proportion(int(distribution.contains(drawn).sum()), samples)
    lost = answer["total_correlation"]
    answer["verdict"] = (
        f"one step loses about {lost['estimate']:.3g} bits, at least {lost['low']:.3g} (95 %)."
    )
    return answer


def _chain_bounds(
    distribution: MarkovDistribution, partition: Sequence[Sequence[int]] | None
) -> dict[str, Any]:
    found: dict[str, Approximate] = {
        "entropy": approximate_entropy(distribution),
        "total_correlation": approximate_step_bound(distribution, [range(distribution.n)]),
        "dual_total_correlation": approximate_dual(distribution),
    }
    optimal, errors = _optimal(distribution)
    priced: dict[str, Approximate] = {}
    if partition is not None:
        priced["partition_bound"] = approximate_step_bound(distribution, partition)
        priced["partition_accuracy"] = approximate_accuracy(distribution, partition)
    answer: dict[str, Any] = {"arithmetic": "float64"} | {key: x.value for key, x in found.items()} | optimal
    answer |= {key: x.value for key, x in priced.items()}
    return answer | {"errors": _errors(found) | errors | _errors(priced)}


def _errors(found: dict[str, Approximate]) -> dict[str, float]:
    return {key: x.error for key, x in found.items()}


def _optimal(distribution: MarkovDistribution) -> tuple[dict[str, Any], dict[str, float]]:
    """Return ``L*_T`` for T = 1..n, zero once the gaps can be bisected, and the bound on its error."""
    try:
        best = markov_optimal_bounds(distribution)
    except CostError:
        return {"optimal_bound": None, "optimal_partitions": None}, {}
    rest = distribution.n - len(best.values)
    last = best.partitions[-1]
    partitions = [[list(block) for block in p] for p in (*best.partitions, *[last] * rest)]
    values = [*best.values, *[0.0] * rest]
    return {"optimal_bound": values, "optimal_partitions": partitions}, {"optimal_bound": best.error}


def large_schedule(task: NamedTask, distribution: Parametric, *, samples: int, seed: int) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order of a large structured distribution.

    Hidden Markov models and grammars: the sizes are chosen on one set of samples and priced on another, so that each
    interval of ``expected_kl`` holds the expected divergence of *these* sizes with probability at least 0.95, each T
    by itself. They are the best sizes up to the error of the curve.
    """
    require_sizes(distribution.n)
    answer: dict[str, Any] = {"task": task.name, "n": distribution.n}
    if isinstance(distribution, MarkovDistribution):
        found = markov_curve(distribution)
        best = optimal_sizes(found.curve)
        answer |= {"arithmetic": "float64", "information_curve": list(found.curve.z)}
        answer["optimal_sizes"] = [list(sizes) for sizes in best.sizes]
        answer["expected_kl"] = list(best.values)
        return answer | {
            "errors": {"information_curve": found.z_error, "expected_kl": found.least_error(best.sizes)}
        }
    chosen_on, priced_on = np.random.default_rng(seed).spawn(2)
    seen = estimate_profiles(distribution, samples=check_samples(samples), rng=chosen_on)
    means, errors = mean_curve(seen)
    curve = information_curve(means)
    best = optimal_sizes(curve)
    # new samples, since the price on those that chose the sizes would be too low
    fresh = estimate_profiles(distribution, samples=samples, rng=priced_on)
    answer |= {"arithmetic": "estimate", "samples": samples, "seed": seed}
    answer |= {"mean_entropy_standard_error": errors[1:], "information_curve": list(curve.z)}
    answer["optimal_sizes"] = [list(sizes) for sizes in best.sizes]
    answer["expected_kl"] = [e.as_dict() for e in estimate_sizes(distribution, best.sizes, fresh)]
    return answer

"""Sampled bounds and schedules of a task, with guaranteed intervals.

For hidden Markov models and grammars too large to list, and for random orders of listed distributions of many
positions. Numbers by name; exact counterparts are in :mod:`theory.bounds.partitions.long`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from theory.bounds.block_sizes import optimal_sizes, require_sizes
from theory.bounds.partitions.partition import Blocks, common_blocks
from theory.distributions.contexts import Parts
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.information.curves.curve import information_curve
from theory.sampling.estimates import (
    estimate_bounds,
    estimate_profiles,
    estimate_sizes,
    estimate_step_bound,
    mean_curve,
    sample_decodes,
)
from theory.sampling.intervals import Estimate, check_samples, proportion
from theory.sampling.random_orders import RandomOrders
from theory.validation import InputError

__all__ = ["USUAL", "estimated_losses", "estimated_schedule", "random_order_schedule"]

USUAL = 2000  # samples, where no number is asked for


def estimated_losses(
    distribution: HMMDistribution | GrammarDistribution,
    partition: Blocks,
    *,
    samples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return the entropies, and the loss and accuracy of a given partition, each with its interval."""
    common_blocks([distribution.n], partition)
    own: dict[str, Any] = {"samples": check_samples(samples), "rng": np.random.default_rng(seed)}
    found = {name: e.as_dict() for name, e in estimate_bounds(distribution, **own).items()}
    if partition is not None:
        found["partition_bound"] = estimate_step_bound(distribution, partition, **own).as_dict()
        drawn = sample_decodes(distribution, partition, **own)
        found["partition_accuracy"] = proportion(int(distribution.contains(drawn).sum()), samples)
    return found


def estimated_schedule(
    distribution: HMMDistribution | GrammarDistribution, *, samples: int, seed: int
) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order."""
    require_sizes(distribution.n)
    draw = partial(estimate_profiles, distribution, samples=check_samples(samples))
    return _schedule(
        lambda rng: mean_curve(draw(rng=rng)),
        lambda sizes, rng: estimate_sizes(distribution, sizes, draw(rng=rng)),
        seed,
    )


def random_order_schedule(parts: Parts, *, samples: int | None, seed: int) -> tuple[dict[str, Any], int]:
    """Return the information curve and the best block sizes of listed contexts of many positions, and the samples.

    ``None`` is as many as fit the limit of time, at most ``USUAL``.
    """
    if len({pmf.n for _, pmf in parts}) != 1:
        raise InputError("random orders of contexts of different lengths have no common sizes.")
    require_sizes(parts[0][1].n)
    orders = RandomOrders(parts)
    count = orders.affordable(USUAL) if samples is None else samples
    found = _schedule(
        lambda rng: orders.mean_entropies(count, rng),
        lambda sizes, rng: orders.losses(sizes, count, rng),
        seed,
    )
    return found, count


def _schedule(
    mean_entropies: Callable[[np.random.Generator], tuple[list[float], list[float]]],
    price: Callable[[Sequence[Sequence[int]], np.random.Generator], list[Estimate]],
    seed: int,
) -> dict[str, Any]:
    """Return the best sizes, chosen on one set of samples and priced on another.

    So each interval of ``expected_kl`` holds the expected divergence of *these* sizes with probability at least 0.95,
    each T by itself; they are the best sizes up to the error of the curve.
    """
    chosen_on, priced_on = np.random.default_rng(seed).spawn(2)
    means, errors = mean_entropies(chosen_on)
    curve = information_curve(means)
    sizes = optimal_sizes(curve).sizes
    return {
        "mean_entropy_standard_error": errors[1:],
        "information_curve": curve.z,
        "optimal_sizes": sizes,
        "expected_kl": [e.as_dict() for e in price(sizes, priced_on)],
    }

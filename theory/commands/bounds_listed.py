"""Results of ``bounds`` and ``schedule`` for listed distributions of many positions.

Entropies and the loss of a given partition are exact where probabilities are, in time linear in the outcomes;
``L*_T`` is a certified bracket with a partition that attains its upper end; random orders are sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ulp
from typing import Any

import numpy as np

from theory.bounds.block_sizes import optimal_sizes, require_sizes
from theory.bounds.brackets.bracket import bracket_bounds
from theory.bounds.partitions.listed import listed_step_bound
from theory.commands.verdict import bracket_verdict
from theory.distributions.contexts import expectation
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.grouped_entropies import grouped_entropies
from theory.numbers.lognumber import Bits
from theory.sampling.random_orders import RandomOrders
from theory.validation import InputError

__all__ = ["long_bounds", "long_schedule"]

Parts = Sequence[tuple[Fraction, JointPMF]]


def long_bounds(
    name: str,
    n: int,
    parts: Parts,
    partition: Sequence[Sequence[int]] | None,
    *,
    seconds: float = 60.0,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return entropies, brackets of the least losses, and the loss of a given partition.

    Args:
        name: Of the task.
        n: Its size.
        parts: Its contexts.
        partition: An ordered partition to price, or ``None``.
        seconds: Of the search for the brackets.
        seed: Of its random orders.
        say: Called with a line on its progress.
    """
    same_length = len({pmf.n for _, pmf in parts}) == 1
    if partition is not None and not same_length:
        raise InputError("one partition does not fit contexts of different lengths.")
    found = [grouped_entropies(pmf) for _, pmf in parts]
    weights = [weight for weight, _ in parts]
    answer: dict[str, Any] = {"task": name, "n": n}
    errors: dict[str, float] = {}
    for key in ("entropy", "total_correlation", "dual_total_correlation"):
        answer[key], errors[key] = _mean(weights, [getattr(one, key) for one in found])
    if partition is not None:
        priced = [listed_step_bound(pmf, partition) for _, pmf in parts]
        answer["partition_bound"], errors["partition_bound"] = _mean(weights, priced)
    answer["position_entropies"] = None
    answer["optimal_bounds"] = answer["optimal_partitions"] = None
    if same_length:
        singles = [_mean(weights, one) for one in zip(*(e.positions for e in found), strict=True)]
        answer["position_entropies"] = [bits for bits, _ in singles]
        errors["position_entropies"] = max(error for _, error in singles)
        best = bracket_bounds(parts, seconds=seconds, seed=seed, say=say)
        entries = [
            {"lower": high if sure else low, "upper": high, "exact": sure}
            for low, high, sure in zip(best.lower, best.upper, best.exact, strict=True)
        ]
        answer["optimal_bounds"] = entries
        answer["optimal_partitions"] = [[list(block) for block in p] for p in best.partitions]
        errors["optimal_bounds"] = best.error
        answer["verdict"] = bracket_verdict(entries, best.error)
    kept = {key: error for key, error in errors.items() if error}
    return answer | ({"errors": kept} if kept else {})


def _mean(weights: Sequence[Fraction], values: Sequence[tuple[Bits, float]]) -> tuple[Bits, float]:
    """Return a mean over contexts and a bound on its error."""
    mean = expectation(list(zip(weights, (bits for bits, _ in values), strict=True)))
    inherited = sum(float(weight) * error for weight, (_, error) in zip(weights, values, strict=True))
    if not isinstance(mean, float) or len(values) == 1:
        return mean, inherited
    size = sum(float(weight) * abs(float(bits)) for weight, (bits, _) in zip(weights, values, strict=True))
    return mean, 1.001 * inherited + (len(values) + 3) * ulp(size)


def long_schedule(name: str, n: int, parts: Parts, *, samples: int, seed: int) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order, sampled.

    The sizes are chosen on one set of orders and priced on another, so that each interval of ``expected_kl`` holds the
    expected divergence of *these* sizes with probability at least 0.95, each T by itself.
    """
    if len({pmf.n for _, pmf in parts}) != 1:
        raise InputError("random orders of contexts of different lengths have no common sizes.")
    require_sizes(n)
    orders = RandomOrders(parts)
    chosen_on, priced_on = np.random.default_rng(seed).spawn(2)
    means, errors = orders.mean_entropies(samples, chosen_on)
    curve = information_curve(means)
    best = optimal_sizes(curve)
    return {
        "task": name,
        "n": n,
        "arithmetic": "estimate",
        "samples": samples,
        "seed": seed,
        "mean_entropy_standard_error": errors[1:],
        "information_curve": list(curve.z),
        "optimal_sizes": [list(sizes) for sizes in best.sizes],
        "expected_kl": [e.as_dict() for e in orders.losses(best.sizes, samples, priced_on)],
    }

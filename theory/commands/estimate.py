"""Result of ``python -m theory estimate``, bounds from samples with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.step_bounds import Partition
from theory.limits import require_operations
from theory.sampling.entropy_estimators import ESTIMATORS, estimator, resampled, subset_estimates
from theory.sampling.observed import Observed
from theory.validation import InputError, positive_int

__all__ = ["COVERAGE", "estimate_answer"]

COVERAGE = 0.9  # Good-Turing coverage below this gives a warning
_OPERATIONS = 4 * 10**9  # sums over resampled counts: about a minute
_CURVE_POSITIONS = 10  # the information curve needs all 2^n subsets

Values = Mapping[int, NDArray[np.float64]]


def estimate_answer(
    seen: Observed, partition: Partition | None = None, *, bootstrap: int = 200, seed: int = 0
) -> dict[str, Any]:
    """Return estimates of the entropy, the correlations, ``L_T`` of a partition and the information curve.

    Each is a dictionary with the estimate and the 2.5 % and 97.5 % points of its bootstrap distribution. The interval
    shows how much the estimate varies from sample to sample, not its bias.

    Args:
        seen: The samples.
        partition: An ordered partition to price.
        bootstrap: Number of resamples.
        seed: Their seed.
    """
    n, full = seen.n, (1 << seen.n) - 1
    resamples = positive_int(bootstrap, "bootstrap")
    curve = n <= _CURVE_POSITIONS
    wanted = {full, *(1 << i for i in range(n)), *(full ^ 1 << i for i in range(n))}
    wanted |= set(range(full + 1)) if curve else {0}
    for before, i in _pairs(partition or ()):
        wanted |= {before, before | 1 << i}
    subsets = sorted(wanted)
    require_operations(
        len(subsets) * (resamples + 1) * len(seen.counts),
        f"{resamples} bootstrap samples of {len(subsets)} entropies",
        limit=_OPERATIONS,
        remedy="use fewer with --bootstrap",
    )
    weights = resampled(seen, resamples, np.random.default_rng(seed))
    answer: dict[str, Any] = {"task": seen.name, "n": n, "arithmetic": "estimate", "samples": seen.size}
    answer |= {"distinct": len(seen.counts), "contexts": seen.contexts, "coverage": seen.coverage}
    answer |= {"bootstrap": resamples, "seed": seed, "warnings": _warnings(seen)}
    for name in ESTIMATORS:
        try:
            h = subset_estimates(seen, weights, subsets, estimator(name))
        except InputError as error:
            answer[name] = None
            answer["warnings"].append(str(error))
            continue
        answer[name] = _quantities(h, n, partition, curve)
    return answer


def _quantities(h: Values, n: int, partition: Partition | None, curve: bool) -> dict[str, Any]:
    full = (1 << n) - 1
    singles = sum((h[1 << i] for i in range(n)), np.zeros(1))
    others = sum((h[full ^ 1 << i] for i in range(n)), np.zeros(1))
    out: dict[str, Any] = {"entropy": _interval(h[full])}
    out["total_correlation"] = _interval(singles - h[full])
    out["dual_total_correlation"] = _interval(others - (n - 1) * h[full])
    if partition is not None:
        drawn = sum((h[before | 1 << i] - h[before] for before, i in _pairs(partition)), np.zeros(1))
        out["partition_bound"] = _interval(drawn - h[full])
    if curve:
        means = [np.mean([h[s] for s in range(full + 1) if s.bit_count() == j], axis=0) for j in range(n + 1)]
        out["information_curve"] = [_interval(means[1] + means[j - 1] - means[j]) for j in range(1, n + 1)]
    return out


def _pairs(partition: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return (revealed before, position) for every position of an ordered partition."""
    pairs: list[tuple[int, int]] = []
    revealed = 0
    for block in partition:
        pairs += [(revealed, i) for i in block]
        revealed |= sum(1 << i for i in block)
    return pairs


def _interval(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.quantile(values[1:], [0.025, 0.975]).tolist()
    return {"estimate": float(values[0]), "low": low, "high": high}


def _warnings(seen: Observed) -> list[str]:
    if seen.coverage >= COVERAGE:
        return []
    once = int((seen.counts == 1).sum())
    return [
        f"{once} of {seen.size} samples were seen only once: about {100 * (1 - seen.coverage):.0f} % of the "
        "probability lies on outcomes never seen, so joint entropies are too low and the correlations too high. "
        "Collect more samples, or give the distribution itself."
    ]

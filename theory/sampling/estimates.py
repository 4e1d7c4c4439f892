"""Monte Carlo estimates of bounds, with guaranteed intervals.

They serve distributions whose exact bounds take exponential time. In ``L_T = E_P[ log2 P(y) + sum_t sum_{i in S_t}
H(y_i | y_{S_<t}) ]`` each term of the mean needs one exact conditional per step. It lies between ``-R`` and ``n log2
V``, R the largest surprise ``-log2 P(y)``, so its mean has an interval of guaranteed coverage
(:mod:`theory.sampling.intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.partition import check_partition
from theory.distributions.distribution import Distribution, SampledDistribution
from theory.distributions.outcomes import MASK
from theory.limits import Budget, require_memory
from theory.numbers.arithmetic import FLOAT64
from theory.sampling.intervals import Estimate, estimate_mean

__all__ = [
    "estimate_bounds",
    "estimate_profiles",
    "estimate_sizes",
    "estimate_step_bound",
    "mean_curve",
    "sample_decodes",
]

_CELL = 3e-9  # seconds of a float64 number of marginals
_CELLS = 1 << 22  # such numbers of one batch: 32 MB


def estimate_step_bound(
    distribution: SampledDistribution,
    partition: Sequence[Sequence[int]],
    *,
    samples: int,
    rng: np.random.Generator,
) -> Estimate:
    """Return an unbiased estimate of ``L_T`` of an ordered partition, in bits.

    Example:
        >>> from theory.distributions.parametric.hmm import HMMDistribution
        >>> fair = [["1/2", "1/2"], ["1/2", "1/2"]]
        >>> distribution = HMMDistribution(n=50, initial=["1/2", "1/2"], transition=fair, emission=[[1, 0], [0, 1]])
        >>> estimate_step_bound(distribution, [range(50)], samples=20, rng=np.random.default_rng(0)).estimate
        0.0
    """
    blocks = check_partition(partition, distribution.n)

    def cost(ids: NDArray[np.int64]) -> NDArray[np.float64]:
        revealed = np.full_like(ids, MASK)
        total = distribution.log_prob(ids)
        for block in blocks:
            at = list(block)
            total = total + _entropies(distribution, revealed)[:, at].sum(axis=1)
            revealed[:, at] = ids[:, at]
        return total

    low, high = -distribution.largest_surprise(), distribution.n * log2(len(distribution.tokens))
    return estimate_mean(_over_samples(distribution, cost, samples, rng), low, high).at_least(0.0)


def estimate_bounds(
    distribution: SampledDistribution, *, samples: int, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Return estimates of the entropy, the total and the dual total correlation from one set of samples."""
    n, most, largest = (
        distribution.n,
        distribution.n * log2(len(distribution.tokens)),
        distribution.largest_surprise(),
    )

    def surprise_and_rest(ids: NDArray[np.int64]) -> NDArray[np.float64]:
        without = np.repeat(ids[:, None, :], n, axis=1)
        without[:, np.arange(n), np.arange(n)] = MASK
        entropies = _entropies(distribution, without.reshape(-1, n)).reshape(len(ids), n, n)
        surprise = -distribution.log_prob(ids)
        return np.stack([surprise, surprise - np.einsum("bii->b", entropies)], axis=1)

    columns = _over_samples(distribution, surprise_and_rest, samples, rng, rows_each=n)
    entropy = estimate_mean(columns[:, 0], 0.0, largest)
    singles = float(_entropies(distribution, np.full((1, n), MASK)).sum())  # exact
    return {
        "entropy": entropy,
        "total_correlation": entropy.shifted(singles, -1).at_least(0.0),
        "dual_total_correlation": estimate_mean(columns[:, 1], -most, largest).at_least(0.0),
    }


def estimate_profiles(
    distribution: SampledDistribution, *, samples: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``log2 P(y)``, shape (m,), and entropies along a random order, shape (m, n), for samples ``y ~ P``.

    Each sample has its own random order; entry j is the entropy of the next position given the first j.
    """

    def profile(ids: NDArray[np.int64]) -> NDArray[np.float64]:
        order = rng.permuted(np.tile(np.arange(distribution.n), (len(ids), 1)), axis=1)
        revealed, rows = np.full_like(ids, MASK), np.arange(len(ids))
        out = np.empty((len(ids), distribution.n + 1))
        out[:, distribution.n] = distribution.log_prob(ids)
        for j in range(distribution.n):
            at = order[:, j]
            out[:, j] = _entropies(distribution, revealed)[rows, at]
            revealed[rows, at] = ids[rows, at]
        return out

    seen = _over_samples(distribution, profile, samples, rng)
    return seen[:, -1], seen[:, :-1]


def mean_curve(
    profiles: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[list[float], list[float]]:
    """Return estimates of the mean entropies ``h_0, ..., h_n`` of random subsets, and their standard errors."""
    sums = np.cumsum(profiles[1], axis=1)
    errors = sums.std(axis=0, ddof=1) / sqrt(len(sums))
    return [0.0, *sums.mean(axis=0).tolist()], [0.0, *errors.tolist()]


def estimate_sizes(
    distribution: SampledDistribution,
    sizes: Sequence[Sequence[int]],
    profiles: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> list[Estimate]:
    """Return estimates of the expected divergence of block sizes in random order, one for each sequence of sizes.

    ``E[ log2 P(y) + sum_t s_t H(y_i | y_C) ]``, C the first ``s_1 + ... + s_{t-1}`` positions of a random order and
    i the next: the price of :func:`theory.bounds.schedules.random_order.expected_kl`. On every sample it lies between
    ``-R`` and ``n log2 V``. The sizes must not have been chosen on the same samples.
    """
    log_p, entropies = profiles
    low, high = -distribution.largest_surprise(), distribution.n * log2(len(distribution.tokens))
    out: list[Estimate] = []
    for blocks in sizes:
        starts = np.cumsum([0, *blocks[:-1]])
        out.append(estimate_mean(log_p + entropies[:, starts] @ np.array(blocks), low, high).at_least(0.0))
    return out


def sample_decodes(
    distribution: Distribution,
    blocks: Sequence[Sequence[int]] | Sequence[int],
    *,
    samples: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return samples of the ideal model decoded at temperature 1, token ids of shape (samples, n).

    Args:
        distribution: The target.
        blocks: An ordered partition, or block sizes, with a new random order for each sample.
        samples: Their number.
        rng: Source of randomness.
    """
    sizes = [block for block in blocks if isinstance(block, int)]
    fixed = [] if sizes else [list(block) for block in blocks if not isinstance(block, int)]
    done: list[NDArray[np.int64]] = []
    for size in _batches(samples, distribution):
        ids = np.full((size, distribution.n), MASK)
        order = (
            rng.permuted(np.tile(np.arange(distribution.n), (size, 1)), axis=1)
            if sizes
            else np.tile(np.array([i for block in fixed for i in block]), (size, 1))
        )
        begin = 0
        for count in sizes or [len(block) for block in fixed]:
            at = order[:, begin : begin + count]
            probs = np.take_along_axis(distribution.conditional(ids), at[:, :, None], axis=1)
            edges = np.cumsum(probs, axis=2)
            u = rng.random(at.shape)[:, :, None] * edges[:, :, -1:]
            np.put_along_axis(ids, at, (u >= edges).sum(axis=2), axis=1)
            begin += count
        done.append(ids)
    return np.concatenate(done)


def _entropies(distribution: Distribution, revealed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the entropy of every position given the revealed ones, shape (B, n), a few rows at a time."""
    batches: list[NDArray[np.float64]] = []
    begin = 0
    for size in _batches(len(revealed), distribution):
        batches.append(FLOAT64.entropy(distribution.conditional(revealed[begin : begin + size])))
        begin += size
    return np.concatenate(batches)


def _over_samples(
    distribution: Distribution,
    compute: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    samples: int,
    rng: np.random.Generator,
    rows_each: int = 1,
) -> NDArray[Any]:
    return np.concatenate(
        [compute(distribution.sample(rng, size)) for size in _batches(samples, distribution, rows_each)]
    )


def _batches(samples: int, distribution: Distribution, rows_each: int = 1) -> list[int]:
    cells = distribution.n * len(distribution.tokens) * rows_each
    what, remedy = f"{samples} samples of {distribution.n} positions", "use fewer --samples or a smaller n"
    Budget(what, remedy).require(samples * cells, _CELL)
    require_memory(16 * samples * max(distribution.n, rows_each), what, remedy=remedy)
    most = max(1, _CELLS // cells)
    return [most] * (samples // most) + ([samples % most] if samples % most else [])

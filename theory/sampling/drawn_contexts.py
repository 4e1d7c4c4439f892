"""Sampled runs of a task with several contexts, each drawn by its weight.

Every run first draws its context, so that all runs are independent and alike: a share of them keeps its exact interval,
and a mean keeps the guaranteed one for values in the range of all contexts (:mod:`theory.sampling.intervals`). What
differs between contexts in closed form, such as the steps of a schedule, is averaged exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import SampledDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.sampled_list import SampledContexts
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.runs import Followed, follow_data, sample_runs

__all__ = [
    "OwnRuns",
    "data_runs",
    "largest_surprise",
    "mean_length",
    "mean_steps",
    "most_bits",
    "own_runs",
]


Calls = Mapping[int, int]  # model calls of a run by the number of positions, empty where not known before

_UNKNOWN: Calls = {}


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnRuns:
    """The decoder's own runs over all contexts.

    Attributes:
        valid: Which end in a possible outcome of their context, shape (m,).
        steps: Model calls, shape (m,).
    """

    valid: NDArray[np.bool_]
    steps: NDArray[np.int64]


def own_runs(
    contexts: SampledContexts,
    rule: Policy | Process,
    *,
    samples: int,
    rng: np.random.Generator,
    calls: Calls = _UNKNOWN,
    **settings: Any,
) -> OwnRuns:
    """Return the decoder's own runs.

    Args:
        contexts: (weight, distribution) pairs.
        rule: A policy or a rule with memory.
        samples: How many in all.
        rng: Source of all randomness, of the contexts too.
        calls: The model calls of a run by the number of positions, if known, for the estimate of the cost.
        **settings: As of :func:`theory.sampling.runs.sample_runs`.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.distributions.sampled_list import SampledList
        >>> from theory.policies import parse_policy
        >>> pmfs = JointPMF.uniform(["aa", "bb"]), JointPMF.uniform(["ab"])
        >>> contexts = [(Fraction(1, 2), SampledList(pmf)) for pmf in pmfs]
        >>> runs = own_runs(contexts, parse_policy("topk:k=1"), samples=5, rng=np.random.default_rng(0))
        >>> runs.valid.all(), runs.steps.tolist()
        (np.True_, [2, 2, 2, 2, 2])
    """
    valid: list[NDArray[np.bool_]] = []
    steps: list[NDArray[np.int64]] = []
    for distribution, count in _drawn(contexts, samples, rng):
        runs = sample_runs(
            distribution,
            rule,
            samples=count,
            rng=rng,
            of=samples,
            calls=calls.get(distribution.n),
            **settings,
        )
        whole = (runs.tokens != MASK).all(axis=1)  # some rules leave masks
        whole[whole] = distribution.contains(runs.tokens[whole])
        valid.append(whole)
        steps.append(runs.steps)
    return OwnRuns(valid=np.concatenate(valid), steps=np.concatenate(steps))


def data_runs(
    contexts: SampledContexts,
    rule: Policy | Process,
    *,
    samples: int,
    rng: np.random.Generator,
    calls: Calls = _UNKNOWN,
    **switches: Any,
) -> Followed:
    """Return runs along the data, with the arguments of :func:`own_runs` and those of ``follow_data``."""
    found = [
        follow_data(
            distribution,
            rule,
            samples=count,
            rng=rng,
            of=samples,
            calls=calls.get(distribution.n),
            **switches,
        )
        for distribution, count in _drawn(contexts, samples, rng)
    ]

    def joined(values: Callable[[Followed], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([values(one) for one in found])

    return Followed(
        log_p=joined(lambda one: one.log_p),
        log_q=joined(lambda one: one.log_q),
        expected=joined(lambda one: one.expected),
        steps=joined(lambda one: one.steps),
        tilted=any(one.tilted for one in found),
        certain=all(one.certain for one in found),
    )


def _drawn(
    contexts: SampledContexts, samples: int, rng: np.random.Generator
) -> Iterator[tuple[SampledDistribution, int]]:
    """Yield each context that is drawn, and how often."""
    if len(contexts) == 1:
        yield contexts[0][1], samples
        return
    weights = np.array([float(weight) for weight, _ in contexts])
    counts: list[int] = rng.multinomial(samples, weights / weights.sum()).tolist()
    yield from ((found, count) for (_, found), count in zip(contexts, counts, strict=True) if count)


def mean_steps(contexts: SampledContexts, calls: Calls) -> int | Fraction | None:
    """Return the mean of the model calls, ``None`` where they are not known before a run."""
    if not calls:
        return None
    mean = sum((weight * calls[found.n] for weight, found in contexts), Fraction(0))
    return int(mean) if mean.denominator == 1 else mean


def mean_length(contexts: SampledContexts) -> Fraction:
    """Return the mean number of positions."""
    return sum((weight * found.n for weight, found in contexts), Fraction(0))


def largest_surprise(contexts: SampledContexts) -> float:
    """Return an upper bound of ``-log2 P(y)`` over the outcomes of all contexts."""
    return max(found.largest_surprise() for _, found in contexts)


def most_bits(contexts: SampledContexts) -> float:
    """Return the greatest ``n log2 V`` of a context."""
    return max(found.n * log2(len(found.tokens)) for _, found in contexts)

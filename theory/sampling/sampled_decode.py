"""Decode of any rule by sampled runs, with formulas where a Markov chain has them.

Each entry has its arithmetic: it is ``exact``, ``float64`` (a formula; ``errors`` has a proven bound on its
error) or an ``estimate`` (with an interval of 95 % coverage). Intervals are ``exact`` (Clopper and Pearson),
``bernstein`` (empirical Bernstein, guaranteed at any number of samples, see :mod:`theory.sampling.runs` for the range)
or ``normal`` (1.96 standard errors, only as good as the central limit theorem). Standard errors of ``-log2 a`` and of
quotients follow from those of the shares and means in them, to first order (the delta method).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, log, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.markov import approximate_step_bound
from theory.bounds.schedules.markov import markov_curve
from theory.decoding.structured.markov import approximate_accuracy
from theory.distributions.distribution import SampledDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.sampled_list import SampledContexts
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.drawn_contexts import (
    OwnRuns,
    data_runs,
    largest_surprise,
    mean_length,
    mean_steps,
    most_bits,
    own_runs,
)
from theory.sampling.fixed_schedules import FixedSchedule, fixed_schedule
from theory.sampling.intervals import Estimate, estimate_mean, proportion
from theory.sampling.runs import Followed
from theory.sampling.teacher_forcing import NoPathError
from theory.validation import InputError, positive_int

__all__ = ["Parts", "SampledDecode", "sampled_decode"]

Parts = Mapping[str, tuple[str, Any]]  # an entry to (exact, float64 or estimate; its value)

_NORMAL = 1.959963984540054  # the 97.5 % point of the normal distribution


@dataclass(frozen=True, kw_only=True)
class SampledDecode:
    """A decode of which some entries are estimates.

    Attributes:
        rule: The policy or the rule with memory.
        n: The size of the task.
        entries: ``accuracy``, ``kl``, ``path_kl``, ``steps``, ``steps_under_data`` and ``tokens_per_step``, as far as
            they are known, each with its arithmetic. An estimate is a dictionary with the ends of its interval.
        notes: Why an entry is missing, or what to know of it.
        samples: How many runs of each kind.
        seed: The seed of all randomness.
        switches: Those that are not the default.
        beside: Estimates of entries that are known without runs, where they were asked for.
    """

    rule: Policy | Process
    n: int
    entries: Parts
    notes: Mapping[str, str]
    samples: int
    seed: int
    switches: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict[str, Any])


def sampled_decode(
    distribution: SampledDistribution | SampledContexts,
    rule: Policy | Process,
    *,
    samples: int = 2000,
    seed: int = 0,
    off_support: str = "marginal",
    parts: Parts | None = None,
    constant: bool = False,
    beside: bool = False,
    **switches: Any,
) -> SampledDecode:
    """Return the decode of a distribution by any rule, from runs of its own and runs along the data.

    Args:
        distribution: The distribution, or (weight, distribution) of each context; then each run draws its context.
        rule: A policy or a rule with memory.
        samples: How many runs of each kind: the decoder's own, and those along the data.
        seed: The seed of all randomness.
        off_support: As in :func:`theory.decoding.decoder.decode`.
        parts: Entries known otherwise, each with its arithmetic; they are not sampled.
        constant: Whether ``Q(y) = accuracy P(y)`` on the support, so that ``kl = -log2 accuracy``.
        beside: Whether runs are drawn in any case: what they say of entries known otherwise is in ``beside``.
        **switches: As in :class:`theory.distributions.tempering.Transform`.

    Raises:
        InputError: For switches out of range, or a rule that makes no progress.
        CostError: If the samples would take too long.

    Example:
        >>> from theory.policies import parse_policy
        >>> distribution = MarkovDistribution(n=64, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> found = sampled_decode(distribution, parse_policy("topk:k=2"), samples=50)
        >>> found.entries["path_kl"][1]["estimate"], found.entries["steps"]
        (1.0, ('exact', 32))
    """
    positive_int(samples, "samples")
    contexts = distribution if isinstance(distribution, Sequence) else [(Fraction(1), distribution)]
    n = max(one.n for _, one in contexts)
    transform = Transform(**switches)
    schedules = {one.n: fixed_schedule(rule, one.n) for _, one in contexts}
    known, by_length = schedules[n], {length: one.steps for length, one in schedules.items() if one}
    calls = mean_steps(contexts, by_length if len(by_length) == len(schedules) else {})
    plain = transform.temperature == 1 and not transform.truncates and len(contexts) == 1
    found = dict(parts or {}) | (_formulas(contexts[0][1], known) if plain and known else {})
    own_rng, data_rng = np.random.default_rng(seed).spawn(2)
    common: dict[str, Any] = {"samples": samples, "calls": by_length, **switches}
    sampled: dict[str, tuple[str, Any]] = {}
    if calls is not None:
        certain = ("exact", calls)
        found |= {"steps_under_data": certain} | ({} if off_support == "stop" else {"steps": certain})
    if beside or "accuracy" not in found or "steps" not in found:
        runs = own_runs(contexts, rule, rng=own_rng, off_support=off_support, **common)
        sampled |= _of_runs(n, rule, runs)
        found = sampled | found
    if constant:
        sampled |= {"kl": ("estimate", _bits_of(sampled["accuracy"][1]))} if "accuracy" in sampled else {}
        if "kl" not in found:
            kind, accuracy = found["accuracy"]
            found["kl"] = (kind, _bits_of(accuracy))
    notes: dict[str, str] = {}
    if beside or "path_kl" not in found or "steps_under_data" not in found:
        try:
            done = data_runs(contexts, rule, rng=data_rng, **common)
            along = _along_data(contexts, rule, done, transform)
            sampled = along | sampled
            found = along | found
        except NoPathError as error:
            notes = {"path_kl": f"{error}; the divergence along the path is not defined for such rules"}
            notes["steps_under_data"] = "runs along the data are not defined for such rules"
            found.pop("steps_under_data", None)
    notes = _notes(found, transform) | notes
    length = mean_length(contexts)
    found["tokens_per_step"] = _speed(length, *found["steps"])
    if beside and "steps" in sampled:
        sampled["tokens_per_step"] = _speed(length, *sampled["steps"])
    if calls is not None and off_support != "stop":  # no run says more
        sampled = {key: value for key, value in sampled.items() if key not in _OF_SCHEDULES}
    return SampledDecode(
        rule=rule,
        n=n,
        entries=found,
        notes=notes,
        samples=samples,
        seed=seed,
        switches=switches | ({} if off_support == "marginal" else {"off_support": off_support}),
        beside={
            key: value
            for key, (kind, value) in sampled.items()
            if beside and kind == "estimate" and found.get(key, ("",))[0] != "estimate"
        },
    )


_OF_SCHEDULES = ("steps", "steps_under_data", "tokens_per_step")


def _notes(found: dict[str, tuple[str, Any]], transform: Transform) -> dict[str, str]:
    """Return notes on numbers that need an explanation."""
    notes: dict[str, str] = {}
    if "kl" not in found:
        notes["kl"] = (
            f"not known: {'at most path_kl' if 'path_kl' in found else 'it needs the whole output distribution'}"
        )
    for key, (kind, value) in found.items():
        if key == "path_kl" and kind == "estimate" and transform.truncates:
            notes[key] = "finite in every state met; a token that is never drawn may make it infinite"
        elif isinstance(value, dict) and value.get("interval") == "normal" and not value["standard_error"]:
            notes[key] = "the same on every sample: the normal interval shows no error, which is no proof"
    return notes


def _speed(length: Fraction, kind: str, steps: Any) -> tuple[str, Any]:
    """Return tokens per step, the mean length over the steps."""
    if not isinstance(steps, dict):
        return kind, float(length) / float(steps) if isinstance(steps, float) else float(length / steps)
    n, mean = float(length), steps["estimate"]
    error = {"standard_error": n * steps["standard_error"] / mean**2}
    ends = {"low": n / steps["high"], "high": n / steps["low"]}
    return kind, {"estimate": n / mean, **error, **ends, "interval": steps["interval"]}


def _formulas(distribution: SampledDistribution, known: FixedSchedule) -> dict[str, tuple[str, Any]]:
    """Return the entries that a Markov chain gives without samples."""
    if not isinstance(distribution, MarkovDistribution):
        return {}
    out: dict[str, tuple[str, Any]] = {}
    if known.partition is not None:
        bits = approximate_step_bound(distribution, known.partition)
        out |= {"kl": ("float64", bits), "path_kl": ("float64", bits)}
        with suppress(CostError):  # many tokens: sampled
            out["accuracy"] = ("float64", approximate_accuracy(distribution, known.partition))
    elif known.random:
        out["path_kl"] = ("float64", markov_curve(distribution).expected_kl(known.sizes))
    return out


def _of_runs(n: int, rule: Policy | Process, runs: OwnRuns) -> dict[str, tuple[str, Any]]:
    share = proportion(int(runs.valid.sum()), len(runs.valid))
    return {
        "accuracy": ("estimate", share | {"interval": "exact"}),
        "steps": ("estimate", _mean_steps(n, rule, runs.steps)),
    }


def _bits_of(accuracy: dict[str, Any]) -> dict[str, Any]:
    """Return ``-log2`` of a sampled accuracy, with the interval of the accuracy."""
    ends = {"estimate": "estimate", "low": "high", "high": "low"}  # the more accurate, the fewer bits
    bits: dict[str, Any] = {
        name: abs(log2(accuracy[of])) if accuracy[of] else inf for name, of in ends.items()
    }
    if accuracy["estimate"]:
        bits["standard_error"] = accuracy["standard_error"] / (accuracy["estimate"] * log(2))
    return {**bits, "interval": accuracy["interval"]}


def _along_data(
    contexts: SampledContexts, rule: Policy | Process, done: Followed, transform: Transform
) -> dict[str, tuple[str, Any]]:
    """Return the divergence along the path, and the steps along the data."""
    out: dict[str, tuple[str, Any]] = {
        "steps_under_data": ("estimate", _mean_steps(max(one.n for _, one in contexts), rule, done.steps))
    }
    lost = done.log_p - done.log_q
    # a possible token that is never drawn, in one state of positive probability, proves it
    if bool(np.isinf(done.expected).any()):
        out["path_kl"] = ("exact", inf)
    else:
        out["path_kl"] = ("estimate", _bits(contexts, done, lost, transform))
    # positions never tie; other scores may, in states that no sample reached
    fixed = getattr(rule, "ties", "random") != "random" or getattr(rule, "by", "") == "left_to_right"
    if done.certain and fixed:
        out["kl"] = out["path_kl"]
    return out


def _bits(
    contexts: SampledContexts, done: Followed, lost: NDArray[np.float64], transform: Transform
) -> dict[str, Any]:
    """Return the mean of the differences, with the guaranteed interval of the bounded form if there is one."""
    mean = normal_mean(lost)
    if done.tilted or transform.truncates:
        return mean.at_least(0.0).as_dict() | {"interval": "normal"}
    tau = float(transform.temperature)
    most = max(1.0, 1 / tau) * most_bits(contexts)
    sure = estimate_mean(done.log_p + done.expected, -largest_surprise(contexts), most).at_least(0.0)
    return mean.as_dict() | {"low": sure.low, "high": sure.high, "interval": "bernstein"}


def _mean_steps(n: int, rule: Policy | Process, steps: NDArray[np.int64]) -> dict[str, Any]:
    """Return the mean number of model calls; a policy that takes a position per call needs 1 to n of them."""
    values = steps.astype(np.float64)
    if isinstance(rule, Process) or getattr(rule, "clocked", False):
        return normal_mean(values).at_least(1.0).as_dict() | {"interval": "normal"}
    return estimate_mean(values, 1.0, float(n)).as_dict() | {"interval": "bernstein"}


def normal_mean(values: NDArray[np.float64]) -> Estimate:
    """Return the mean with 1.96 standard errors on both sides: an approximation, not a guarantee.

    Example:
        >>> normal_mean(np.array([1.0, 1.0, 1.0]))
        Estimate(estimate=1.0, standard_error=0.0, low=1.0, high=1.0)
    """
    if len(values) < 2:
        raise InputError(f"an estimate needs at least 2 samples, got {len(values)}.")
    mean, error = float(values.mean()), float(values.std(ddof=1)) / sqrt(len(values))
    return Estimate(
        estimate=mean, standard_error=error, low=mean - _NORMAL * error, high=mean + _NORMAL * error
    )

"""Result of ``decode`` on a parametric distribution too large to list.

``arithmetic`` says of each entry whether it is ``exact``, ``float64`` (a formula; ``errors`` has a proven bound on its
error) or an ``estimate`` (with an interval of 95 % coverage). Intervals are ``exact`` (Clopper and Pearson),
``bernstein`` (empirical Bernstein, guaranteed at any number of samples, see :mod:`theory.sampling.runs` for the range)
or ``normal`` (1.96 standard errors, only as good as the central limit theorem).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from math import inf, log2, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.markov import approximate_step_bound
from theory.bounds.schedules.markov import markov_curve
from theory.decoding.structured.markov import approximate_accuracy
from theory.distributions.distribution import SampledDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.tempering import Transform, settings_of
from theory.limits import CostError
from theory.numbers.rounding import Approximate
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.fixed_schedules import FixedSchedule, fixed_schedule
from theory.sampling.intervals import Estimate, estimate_mean, proportion
from theory.sampling.runs import Followed, Runs, follow_data, sample_runs
from theory.sampling.teacher_forcing import NoPathError
from theory.validation import InputError, positive_int

__all__ = ["Parts", "large_decode"]

Parts = Mapping[str, tuple[str, Any]]  # an entry to (exact, float64 or estimate; its value)

_NORMAL = 1.959963984540054  # the 97.5 % point of the normal distribution
_KEYS = ("accuracy", "kl", "path_kl", "steps", "steps_under_data", "tokens_per_step")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def large_decode(
    task: _Named,
    distribution: SampledDistribution,
    rule: Policy | Process,
    *,
    samples: int = 2000,
    seed: int = 0,
    off_support: str = "marginal",
    parts: Parts | None = None,
    constant: bool = False,
    **switches: Any,
) -> dict[str, Any]:
    """Return the decode of a large structured distribution by any rule.

    Args:
        task: Gives the name.
        distribution: The distribution.
        rule: A policy or a rule with memory.
        samples: How many runs of each kind: the decoder's own, and those along the data.
        seed: The seed of all randomness.
        off_support: As in :func:`theory.decoding.decoder.decode`.
        parts: Entries known otherwise, each with its arithmetic; they are not sampled.
        constant: Whether ``Q(y) = accuracy P(y)`` on the support, so that ``kl = -log2 accuracy``.
        **switches: As in :class:`theory.distributions.tempering.Transform`.

    Raises:
        InputError: For switches out of range, or a rule that makes no progress.
        CostError: If the samples would take too long.

    Example:
        >>> from types import SimpleNamespace
        >>> from theory.policies import parse_policy
        >>> distribution = MarkovDistribution(n=64, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> task = SimpleNamespace(name="copies")
        >>> answer = large_decode(task, distribution, parse_policy("topk:k=2"), samples=50)
        >>> answer["path_kl"]["estimate"], answer["steps"], answer["arithmetic"]["path_kl"]
        (1.0, 32, 'estimate')
    """
    positive_int(samples, "samples")
    transform = Transform(**switches)
    head: dict[str, Any] = {"task": task.name, "n": distribution.n, "policy": str(rule)}
    head |= settings_of(switches)
    head |= {} if off_support == "marginal" else {"off_support": off_support}
    known = fixed_schedule(rule, distribution.n)
    plain = transform.temperature == 1 and not transform.truncates
    found = dict(parts or {}) | (_formulas(distribution, known) if plain and known else {})
    own_rng, data_rng = np.random.default_rng(seed).spawn(2)
    common: dict[str, Any] = {"samples": samples, "calls": known.steps if known else None, **switches}
    if known:
        certain = ("exact", known.steps)
        found |= {"steps_under_data": certain} | ({} if off_support == "stop" else {"steps": certain})
    if "accuracy" not in found or "steps" not in found:
        runs = sample_runs(distribution, rule, rng=own_rng, off_support=off_support, **common)
        found = _of_runs(distribution, rule, runs) | found
    if constant and "kl" not in found:
        kind, accuracy = found["accuracy"]
        found["kl"] = (kind, _bits_of(accuracy))
    notes: dict[str, str] = {}
    if "path_kl" not in found or "steps_under_data" not in found:
        try:
            done = follow_data(distribution, rule, rng=data_rng, **common)
            found = _along_data(distribution, rule, done, transform) | found
        except NoPathError as error:
            notes = {"path_kl": f"{error}; the divergence along the path is not defined for such rules"}
            notes["steps_under_data"] = "runs along the data are not defined for such rules"
            found.pop("steps_under_data", None)
    notes = _notes(found, transform) | notes
    return head | _report(distribution, found, notes, samples, seed)


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


def _report(
    distribution: SampledDistribution,
    found: dict[str, tuple[str, Any]],
    notes: dict[str, str],
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """Return the result in its usual order, with the arithmetic of each entry, and notes on missing ones."""
    kind, steps = found["steps"]
    speed: Any = distribution.n / steps["estimate"] if isinstance(steps, dict) else distribution.n / steps
    if isinstance(steps, dict):
        ends = {"low": distribution.n / steps["high"], "high": distribution.n / steps["low"]}
        speed = {"estimate": speed, **ends, "interval": steps["interval"]}
    found = {**found, "tokens_per_step": (kind, speed)}
    answer: dict[str, Any] = {"arithmetic": {key: found[key][0] for key in _KEYS if key in found}}
    if "estimate" in answer["arithmetic"].values():
        answer |= {"samples": samples, "seed": seed}
    bounded = {key: found[key][1] for key in _KEYS if key in found and isinstance(found[key][1], Approximate)}
    answer |= {key: found[key][1] if key in found else None for key in _KEYS}
    answer |= {key: x.value for key, x in bounded.items()}
    answer |= {"errors": {key: x.error for key, x in bounded.items()}} if bounded else {}
    return answer | ({"notes": notes} if notes else {})


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


def _of_runs(
    distribution: SampledDistribution, rule: Policy | Process, runs: Runs
) -> dict[str, tuple[str, Any]]:
    valid = int(
        distribution.contains(runs.tokens[(runs.tokens != MASK).all(axis=1)]).sum()
    )  # some rules leave masks
    return {
        "accuracy": ("estimate", proportion(valid, len(runs.tokens)) | {"interval": "exact"}),
        "steps": ("estimate", _mean_steps(distribution, rule, runs.steps)),
    }


def _bits_of(accuracy: dict[str, Any]) -> dict[str, Any]:
    """Return ``-log2`` of a sampled accuracy, with the interval of the accuracy."""
    ends = {"estimate": "estimate", "low": "high", "high": "low"}  # the more accurate, the fewer bits
    bits = {name: -log2(accuracy[of]) if accuracy[of] else inf for name, of in ends.items()}
    return {**bits, "interval": accuracy["interval"]}


def _along_data(
    distribution: SampledDistribution, rule: Policy | Process, done: Followed, transform: Transform
) -> dict[str, tuple[str, Any]]:
    """Return the divergence along the path, and the steps along the data."""
    out: dict[str, tuple[str, Any]] = {
        "steps_under_data": ("estimate", _mean_steps(distribution, rule, done.steps))
    }
    lost = done.log_p - done.log_q
    # a possible token that is never drawn, in one state of positive probability, proves it
    if bool(np.isinf(done.expected).any()):
        out["path_kl"] = ("exact", inf)
    else:
        out["path_kl"] = ("estimate", _bits(distribution, done, lost, transform))
    # positions never tie; other scores may, in states that no sample reached
    fixed = getattr(rule, "ties", "random") != "random" or getattr(rule, "by", "") == "left_to_right"
    if done.certain and fixed:
        out["kl"] = out["path_kl"]
    return out


def _bits(
    distribution: SampledDistribution, done: Followed, lost: NDArray[np.float64], transform: Transform
) -> dict[str, Any]:
    """Return the mean of the differences, with the guaranteed interval of the bounded form if there is one."""
    mean = normal_mean(lost)
    if done.tilted or transform.truncates:
        return mean.at_least(0.0).as_dict() | {"interval": "normal"}
    tau = float(transform.temperature)
    most = distribution.n * max(1.0, 1 / tau) * log2(len(distribution.tokens))
    sure = estimate_mean(done.log_p + done.expected, -distribution.largest_surprise(), most).at_least(0.0)
    return mean.as_dict() | {"low": sure.low, "high": sure.high, "interval": "bernstein"}


def _mean_steps(
    distribution: SampledDistribution, rule: Policy | Process, steps: NDArray[np.int64]
) -> dict[str, Any]:
    """Return the mean number of model calls; a policy that takes a position per call needs 1 to n of them."""
    values = steps.astype(np.float64)
    if isinstance(rule, Process) or getattr(rule, "clocked", False):
        return normal_mean(values).at_least(1.0).as_dict() | {"interval": "normal"}
    return estimate_mean(values, 1.0, float(distribution.n)).as_dict() | {"interval": "bernstein"}


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

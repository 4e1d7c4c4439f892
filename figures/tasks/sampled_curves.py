"""Estimated accuracy and KL against speed for a distribution too large to list.

- a, b: accuracy against tokens per step, at temperature 1 and 0; bars are exact 95 % intervals
- c: divergence along the path against steps, at temperature 1, both along runs of the data; bars are 1.96 standard
  errors, the guaranteed intervals are in the table

Every point is the ideal model decoded by one policy: top-k with k tokens per step, the factor rule, or the confidence
Every point is the ideal model decoded by one policy: top-k with k tokens per step, the factor rule, or the confidence
threshold. Points are samples, except where a Markov chain has a formula (at temperature 1: fixed blocks, and the
divergence of random order), which have no bar. For Markov chains c also shows `L*_T`, the least divergence of fixed
blocks, up to rounding, from T = 1 until it is zero; the frontier of adaptive policies needs a distribution that can be
listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

from figures.engine.check import Check, binomial_check, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings, derived_seed
from figures.tasks.policy_families import policies
from figures.tasks.sampled_panels import draw

__all__ = ["bounds_sampled", "certain_sampled", "decode_sampled", "sampled_figure"]

_SERIAL = 20  # runs of one token per step, n model calls each
_ROUNDING = 1e-9  # bits, for sums of a few hundred logarithms
_MOST_STEPS = 32  # most steps of the top-k points, each a model call


def sampled_figure(name: str, distribution: dict[str, Any], digest: str) -> Figure:
    """Return the figure of a distribution given as an entry of a task file."""
    n = int(next(iter(distribution.values()))["length"])
    sizes = sorted({-(-n // steps) for steps in (1, 2, 4, 8, 16, _MOST_STEPS)})
    return Figure(
        name="figure2_task",
        title=f"Accuracy and divergence of parallel decoding, sampled: {name}",
        paper="as Figure 2, for a distribution of your own too large to list",
        about=__doc__,
        seconds=300,
        settings={
            "task": name,
            "distribution": digest,
            "k": sizes,
            "gamma": ["2/5", "1/2", "3/5", "7/10", "4/5"],
            "f": ["1", "2", "4"],
            "samples": 400,
        },
        fast={"k": [sizes[0], sizes[-1]], "gamma": ["1/2"], "f": ["2"], "samples": 60},
        cells=partial(cells, distribution),
        compute=compute,
        draw=draw,
        checks=checks,
        groups={"exact": ("What must hold of every distribution", "Counts equal; bits up to 1e-9.")},
    )


def cells(distribution: dict[str, Any], settings: Settings) -> list[Cell]:
    """Return the cells of the bounds and checks, then one decode for each policy and temperature."""
    seed, samples = settings["seed"], settings["samples"]
    blocks = [spec for family, spec in policies(settings) if family == "left_to_right"]
    given = {
        "distribution": distribution,
        "seed": derived_seed(seed, "certain"),
        "samples": samples,
        "policies": blocks,
    }
    out = [
        Cell(function=bounds_sampled, kwargs={"distribution": distribution}),
        Cell(function=certain_sampled, kwargs=given),
    ]
    for tau in (1, 0):
        for _, spec in policies(settings):
            kwargs = {"distribution": distribution, "policy": spec, "temperature": tau, "samples": samples}
            out.append(
                Cell(function=decode_sampled, kwargs={**kwargs, "seed": derived_seed(seed, spec, tau)})
            )
    return out


def decode_sampled(
    *, distribution: dict[str, Any], policy: str, temperature: int, samples: int, seed: int
) -> dict[str, Any]:
    """Return the result of ``python -m theory decode``; infinity is the text "inf"."""
    from theory import CostError, parse_policy
    from theory.commands.decode_sampled import large_decode
    from theory.distributions.files.task_file import FileTask

    task, rule = FileTask(name="", parts=()), parse_policy(policy)
    try:
        answer = large_decode(
            task, _distribution(distribution), rule, samples=samples, seed=seed, temperature=temperature
        )
    except CostError as error:
        return {"refused": str(error)}
    return {key: "inf" if value == inf else value for key, value in answer.items()}


def bounds_sampled(*, distribution: dict[str, Any]) -> list[float]:
    """Return `L*_T` of a Markov chain for T = 1, 2, ... up to the first zero; nothing for other distributions."""
    from theory.bounds.partitions.markov import markov_optimal_bounds
    from theory.distributions.parametric.markov import MarkovDistribution
    from theory.limits import CostError

    made = _distribution(distribution)
    try:
        return list(markov_optimal_bounds(made).values) if isinstance(made, MarkovDistribution) else []
    except CostError:
        return []


def certain_sampled(
    *, distribution: dict[str, Any], policies: list[str], samples: int, seed: int
) -> dict[str, Any]:
    """Return the loss of one token per step, which is zero, and sampled and exact accuracies of fixed blocks."""
    import numpy as np

    from theory import parse_policy
    from theory.decoding.structured.markov import approximate_accuracy
    from theory.distributions.parametric.markov import MarkovDistribution
    from theory.sampling.fixed_schedules import fixed_schedule
    from theory.sampling.runs import follow_data, sample_runs

    made, rng = _distribution(distribution), np.random.default_rng(seed)
    one = parse_policy("topk:k=1,by=random")
    runs = sample_runs(made, one, samples=_SERIAL, rng=rng)
    along = follow_data(made, one, samples=_SERIAL, rng=rng)
    out: dict[str, Any] = {"valid": int(made.contains(runs.tokens).sum())}
    out["lost"] = float(np.abs(along.log_p - along.log_q).max())
    out["blocks"] = []
    for spec in policies if isinstance(made, MarkovDistribution) else []:
        known = fixed_schedule(parse_policy(spec), made.n)
        assert known is not None
        assert known.partition is not None
        drawn = sample_runs(made, parse_policy(spec), samples=samples, rng=rng).tokens
        # a sum of products may exceed one by a rounding
        exact = min(1.0, approximate_accuracy(made, known.partition).value)
        out["blocks"].append([spec, int(made.contains(drawn).sum()), samples, exact])
    return out


def _distribution(entry: dict[str, Any]) -> Any:
    from theory.distributions.files.parametric_file import read_parametric

    ((kind, data),) = entry.items()
    return read_parametric(kind, data, None, normalise=False)


_COLUMNS = ("tokens_per_step", "steps", "steps_under_data", "accuracy", "path_kl")
_ENDS = ("standard_error", "low", "high")


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row for each policy and temperature, one for each T, and one for each check."""
    bounds, certain, *decodes = results
    found = iter(decodes)
    rows: list[Row] = []
    for tau in (1, 0):
        for family, spec in policies(settings):
            rows.append({"source": "decode", "family": family, "policy": spec, "temperature": tau})
            rows[-1] |= _numbers(next(found))
    for t, bits in enumerate(bounds, start=1):
        rows.append({"source": "bound", "steps_under_data": float(t), "path_kl": bits})
    rows.append(
        {"source": "serial", "samples": _SERIAL, "successes": certain["valid"], "path_kl": certain["lost"]}
    )
    for spec, successes, samples, exact in certain["blocks"]:
        rows.append({"source": "blocks", "policy": spec, "successes": successes, "samples": samples})
        rows[-1]["accuracy"] = exact
    names = ["source", "family", "policy", "temperature", "samples", "successes"]
    names += [f"{name}{end}" for name in _COLUMNS for end in ("", *(f"_{e}" for e in _ENDS))]
    return [{name: row.get(name) for name in (*names, "refused")} for row in rows]


def _numbers(answer: dict[str, Any]) -> Row:
    """Return the result as columns."""
    out: Row = {key: answer.get(key) for key in ("samples", "refused")}
    for name in _COLUMNS:
        value = answer.get(name)
        if isinstance(value, dict):
            out[name] = value["estimate"]
            out |= {f"{name}_{end}": value.get(end) for end in _ENDS}
        else:
            out[name] = value
    return out


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check that one token per step loses nothing, and that fixed blocks of a Markov chain follow the formula."""
    out: list[Check] = []
    for row in rows:
        if row["source"] == "serial":
            out.append(exact_check("topk:k=1: every answer is possible", row["successes"], row["samples"]))
            out.append(exact_check("topk:k=1: P(y) = Q(y) along the data", row["path_kl"] < _ROUNDING, True))
        elif row["source"] == "blocks":
            name = f"{row['policy']}: sampled accuracy"
            out.append(binomial_check(name, row["successes"], row["samples"], row["accuracy"]))
    return out

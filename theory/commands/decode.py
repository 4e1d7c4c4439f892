"""Result of ``parabounds decode``, exact or sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.commands.answer import NamedTask, joined, with_exact
from theory.decoding.call_distribution import StepDistribution
from theory.decoding.tasks.realised import realised_calls
from theory.decoding.tasks.route import structure_of
from theory.distributions.tempering import settings_of
from theory.limits import CostError
from theory.numbers.arithmetic import Number
from theory.numbers.rounding import Approximate
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.decode import decode_task, sampled_beside
from theory.sampling.sampled_decode import SampledDecode

__all__ = ["decode_answer", "sampled_answer"]

_KEYS = ("accuracy", "kl", "path_kl", "steps", "steps_under_data", "tokens_per_step")
_CALLS = ("steps_distribution", "steps_distribution_under_data")


def decode_answer(
    task: NamedTask,
    policy: Policy | Process,
    *,
    samples: int | None = None,
    seed: int = 0,
    **switches: Any,
) -> dict[str, Any]:
    """Return the decode of a task: accuracy, kl, path_kl, steps and the rationals behind them.

    What is sampled (:func:`theory.sampling.decode.decode_task`) says so in ``arithmetic``. A number of ``samples`` that
    is given is always drawn: ``sampled`` has the estimates of entries that are known without runs.
    """
    result = decode_task(task, policy, samples=samples, seed=seed, **switches)
    if isinstance(result, SampledDecode):
        return with_exact(sampled_answer(task.name, result))
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "policy": str(policy)}
    answer |= settings_of(switches) | {key: getattr(result, key) for key in _KEYS}
    calls, structure = result.step_distribution, structure_of(task)
    if calls is None and structure is not None and switches.get("off_support") != "stop":
        calls = _realised_calls(policy, structure.n)
    errors = dict(result.errors)
    if calls is not None:
        answer |= {
            "steps_distribution": _pairs(calls.runs),
            "steps_distribution_under_data": calls.data and _pairs(calls.data),
        }
        floats = [key for key in _CALLS if any(isinstance(p, float) for _, p in answer[key] or ())]
        errors |= {} if calls.error is None else dict.fromkeys(floats, calls.error)
    if errors:
        answer["errors"] = errors
    elif isinstance(result.accuracy, float):
        answer["notes"] = {
            "accuracy": "float64 without a proven bound: the rule gives its own chances as floats"
        }
    if samples is not None:
        answer = joined(answer, _beside(task, policy, samples, seed, switches))
    return with_exact(answer)


def _beside(
    task: NamedTask, policy: Policy | Process, samples: int, seed: int, switches: dict[str, Any]
) -> dict[str, Any]:
    """Return the estimates of sampled runs, to stand beside an exact decode."""
    found = sampled_beside(task, policy, samples=samples, seed=seed, **switches)
    if found is None:
        return {"notes": {"accuracy": "exact; no samples are drawn, since no way to draw them is known here"}}
    estimates = {
        key: found.entries[key][1] for key in _KEYS if found.entries.get(key, ("",))[0] == "estimate"
    }
    return {"samples": samples, "seed": seed, "sampled": estimates}


def sampled_answer(name: str, found: SampledDecode) -> dict[str, Any]:
    """Return a decode with estimates: ``arithmetic`` says which entries are ``exact``, ``float64`` or an ``estimate``.

    Floats have a proven bound in ``errors``. Estimates are dictionaries with the ends of an interval of 95 % coverage.
    """
    answer: dict[str, Any] = {"task": name, "n": found.n, "policy": str(found.rule)}
    answer |= settings_of(found.switches)
    if (off_support := found.switches.get("off_support")) is not None:
        answer["off_support"] = off_support
    known = {key: found.entries[key] for key in _KEYS if key in found.entries}
    answer["arithmetic"] = {key: kind for key, (kind, _) in known.items()}
    if found.beside or "estimate" in answer["arithmetic"].values():
        answer |= {"samples": found.samples, "seed": found.seed}
    answer |= {key: known[key][1] if key in known else None for key in _KEYS}
    bounded = {key: value for key, (_, value) in known.items() if isinstance(value, Approximate)}
    answer |= {key: x.value for key, x in bounded.items()}
    answer |= {"errors": {key: x.error for key, x in bounded.items()}} if bounded else {}
    if found.beside:
        answer["sampled"] = {key: found.beside[key] for key in _KEYS if key in found.beside}
    return answer | ({"notes": dict(found.notes)} if found.notes else {})


def _realised_calls(policy: Policy | Process, n: int) -> StepDistribution | None:
    try:
        return realised_calls(policy, n)
    except CostError:  # the rest of the result is known
        return None


def _pairs(distribution: Mapping[int, Number]) -> list[list[Any]]:
    return [list(pair) for pair in distribution.items()]

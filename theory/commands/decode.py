"""Result of ``parabounds decode``, exact or sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.commands.answer import NamedTask, parametrised, with_exact
from theory.commands.decode_sampled import large_decode
from theory.commands.decode_structured import check_states, sampled_decode
from theory.decoding.call_distribution import StepDistribution
from theory.decoding.structured.dispatch import NotKnownError
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import realised_calls
from theory.decoding.tasks.structure import structure_of
from theory.distributions.distribution import occurring
from theory.distributions.tempering import settings_of
from theory.limits import CostError
from theory.numbers.arithmetic import Number
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.closed_distribution import closed_distribution
from theory.sampling.listed import sampled_list

__all__ = ["decode_answer"]

_CALLS = ("steps_distribution", "steps_distribution_under_data")


def decode_answer(
    task: NamedTask, policy: Policy | Process, *, samples: int = 2000, seed: int = 0, **switches: Any
) -> dict[str, Any]:
    """Return the exact decode of a task: accuracy, kl, path_kl, steps and the rationals behind them.

    Distributions too large to list are decoded by samples (:mod:`theory.commands.decode_sampled`,
    :mod:`theory.commands.decode_structured`), as ``arithmetic`` says.
    """
    if (large := parametrised(task)) is not None:
        return large_decode(task, large, policy, samples=samples, seed=seed, **switches)
    structure = structure_of(task)
    try:
        if structure is not None and closed_distribution(task) is not None:
            check_states(structure.n, policy, switches)
        result = decode_contexts(task, policy, **switches)
    except (NotKnownError, CostError) as error:
        distribution = closed_distribution(task)
        own: dict[str, Any] = {"samples": samples, "seed": seed}
        if distribution is not None:
            answer = sampled_decode(task, distribution, structure, policy, **own, **switches)
        elif (
            isinstance(error, CostError) and (listed := sampled_list(occurring(task.contexts()))) is not None
        ):
            answer = large_decode(task, listed, policy, **own, **switches)
        else:
            raise
        if isinstance(error, CostError):  # an exact decode is known
            answer["notes"] = {"accuracy": f"sampled: {error.advice}", **answer.get("notes", {})}
        return with_exact(answer)
    answer: dict[str, Any] = {
        "task": task.name,
        "n": task.n,
        "policy": str(policy),
        **settings_of(switches),
        "accuracy": result.accuracy,
        "kl": result.kl,
        "path_kl": result.path_kl,
        "steps": result.steps,
        "steps_under_data": result.steps_under_data,
        "tokens_per_step": result.tokens_per_step,
    }
    distribution = result.step_distribution
    if distribution is None and structure is not None and switches.get("off_support") != "stop":
        distribution = _realised_calls(policy, structure.n)
    errors = dict(result.errors)
    if distribution is not None:
        answer |= {
            "steps_distribution": _pairs(distribution.runs),
            "steps_distribution_under_data": distribution.data and _pairs(distribution.data),
        }
        floats = [key for key in _CALLS if any(isinstance(p, float) for _, p in answer[key] or ())]
        errors |= {} if distribution.error is None else dict.fromkeys(floats, distribution.error)
    if errors:
        answer["errors"] = errors
    elif isinstance(result.accuracy, float):
        answer["notes"] = {
            "accuracy": "float64 without a proven bound: the rule gives its own chances as floats"
        }
    return with_exact(answer)


def _realised_calls(policy: Policy | Process, n: int) -> StepDistribution | None:
    try:
        return realised_calls(policy, n)
    except CostError:  # the rest of the result is known
        return None


def _pairs(distribution: Mapping[int, Number]) -> list[list[Any]]:
    return [list(pair) for pair in distribution.items()]

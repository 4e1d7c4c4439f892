"""The answer of ``python -m theory decode``: exact where that is known, else sampled."""

from __future__ import annotations

from typing import Any

from theory.commands.answer import NamedTask, parametrised, with_exact
from theory.commands.decode_sampled import large_decode
from theory.commands.decode_structured import check_states, sampled_decode
from theory.decoding.structured.dispatch import NotKnownError
from theory.decoding.tasks.calls import steps_distribution_answer
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.structure import structure_of
from theory.distributions.tempering import settings_of
from theory.limits import CostError
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.sampling.closed_distribution import closed_distribution

__all__ = ["decode_answer"]


def decode_answer(
    task: NamedTask, policy: Policy | Process, *, samples: int = 2000, seed: int = 0, **switches: Any
) -> dict[str, Any]:
    """Return the exact decode of a task: accuracy, kl, path_kl, steps and the rationals behind them.

    Distributions too large to list are decoded by samples (:mod:`theory.commands.decode_sampled`,
    :mod:`theory.decoding.structured.decode_estimate`), and the answer says so.
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
        if distribution is None:
            raise
        own: dict[str, Any] = {"samples": samples, "seed": seed}
        answer = sampled_decode(task, distribution, structure, policy, **own, **switches)
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
    found = steps_distribution_answer(task, policy, result.step_distribution, **switches)
    errors = {**result.errors, **found.pop("errors", {})}
    if errors:
        answer["errors"] = errors
    elif isinstance(result.accuracy, float):
        answer["notes"] = {
            "accuracy": "float64 without a proven bound: the rule gives its own chances as floats"
        }
    return with_exact(answer | found)

"""Exact decodes of the ideal model that a trained model is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory.decoding.tasks.decode import ExpectedDecode, decode_contexts
from theory.distributions.contexts import chain_of, expectation
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies import Policy
from theory.policies.as_process import as_process
from theory.policies.process import Process

__all__ = ["ExactMeans", "exact_decode", "exact_means"]

MOST_TASKS = 64  # distributions of token blocks in a run
LISTED_LIMIT = 8  # longest output decoded exactly without a lumped chain: seconds
PROCESS_LIMIT = 2_000_000  # marginals of the states of a rule with memory: seconds


@dataclass(frozen=True, kw_only=True)
class ExactMeans:
    """Expectations of the ideal model over the instances of a run: accuracy, path KL in bits, model calls."""

    accuracy: Any
    path_kl: Any
    steps: Any


def exact_means(
    tasks: Sequence[tuple[Fraction, Any]],
    policy: Policy | Process,
    temperature: Fraction,
    switches: Mapping[str, Any] | None = None,
) -> ExactMeans | None:
    """Return the means of :func:`exact_decode` over tasks with their shares; ``None`` if one would take too long.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> exact_means([(Fraction(1), make_task("shuffle", 2))], parse_policy("topk:k=2"), Fraction(1)).accuracy
        Fraction(1, 2)
    """
    found: list[tuple[Fraction, ExpectedDecode]] = []
    if len(tasks) > MOST_TASKS:
        return None
    for share, task in tasks:
        decode = exact_decode(task, policy, temperature, switches)
        if decode is None:
            return None
        found.append((share, decode))
    means = {
        name: expectation([(share, getattr(decode, name)) for share, decode in found])
        for name in ("accuracy", "path_kl", "steps")
    }
    return ExactMeans(**means)


def exact_decode(
    task: Any, policy: Policy | Process, temperature: Fraction, switches: Mapping[str, Any] | None = None
) -> ExpectedDecode | None:
    """Return the exact decode of a task with its ideal model, or ``None`` where it would take too long."""
    chain = chain_of(task)
    distributions = [context.distribution for context in task.contexts()]
    length = max(distribution.n for distribution in distributions) if chain is None else 0
    if length > LISTED_LIMIT:
        return None
    asks = (
        getattr(policy, "asks", False) or as_process(policy, Transform(temperature=temperature)) is not None
    )
    try:
        if (
            asks
            and sum(
                (len(distribution.pmf()) << distribution.n) * distribution.n * len(distribution.tokens)
                for distribution in distributions
            )
            > PROCESS_LIMIT
        ):
            return None
        return decode_contexts(task, policy, temperature=temperature, **(switches or {}))
    except CostError:
        return None

"""Exact decodes of the ideal model that a trained model is compared with."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory.decoding.tasks.decode import ExpectedDecode, decode_contexts
from theory.distributions.contexts import chain_of
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies import Policy
from theory.policies.as_process import as_process
from theory.policies.process import Process

__all__ = ["exact_decode"]

LISTED_LIMIT = 8  # longest output decoded exactly without a lumped chain: seconds
PROCESS_LIMIT = 2_000_000  # marginals of the states of a rule with memory: seconds


def exact_decode(task: Any, policy: Policy | Process, temperature: Fraction) -> ExpectedDecode | None:
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
        return decode_contexts(task, policy, temperature=temperature)
    except CostError:
        return None

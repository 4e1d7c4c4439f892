"""Tasks with probabilities rounded to float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from theory.decoding.tasks.route import large_distribution
from theory.distributions.contexts import GivenTask
from theory.distributions.distribution import ListedDistribution
from theory.validation import InputError

__all__ = ["as_floats", "float_task"]


def float_task(task: Any) -> GivenTask:
    """Return a task with float probabilities, whose results have a bound on their rounding error.

    Weights of contexts stay exact; there is no lumped chain, which would be exact.

    Example:
        >>> from theory.distributions.contexts import listed_task
        >>> from theory.distributions.pmf import JointPMF
        >>> task = float_task(listed_task(JointPMF.uniform(["ab", "ba", "aa"])))
        >>> task.contexts()[0].distribution.pmf().probability("ab")
        0.3333333333333333
    """
    if large_distribution(task) is not None:
        raise InputError(
            f"{task.name} is too large to list; its answers are floats already, leave --float out."
        )
    pmfs = [(context, context.distribution.pmf().rounded()) for context in task.contexts()]
    parts = tuple(replace(context, distribution=ListedDistribution(pmf)) for context, pmf in pmfs)
    return GivenTask(name=task.name, parts=parts, size=task.n)


def as_floats(task: Any, *, wanted: bool = False) -> Any:
    """Return a task with rounded probabilities if that is wanted, or if it was read from a file of floats."""
    by_digits = getattr(task, "floats", False) and large_distribution(task) is None
    return float_task(task) if wanted or by_digits else task

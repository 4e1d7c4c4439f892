"""A task with probabilities rounded to float64."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from theory.decoding.tasks.route import large_distribution
from theory.distributions.distribution import Context, ListedDistribution
from theory.validation import InputError

__all__ = ["FloatTask", "as_floats"]


@dataclass(frozen=True)
class FloatTask:
    """A listed task with float probabilities, whose results have a bound on their rounding error.

    Attributes:
        task: The exact one.

    Example:
        >>> from types import SimpleNamespace
        >>> from theory.distributions.pmf import JointPMF
        >>> contexts = (Context(weight=1, distribution=ListedDistribution(JointPMF.uniform(["ab", "ba", "aa"]))),)
        >>> task = SimpleNamespace(name="pairs", n=2, contexts=lambda: contexts)
        >>> FloatTask(task).contexts()[0].distribution.pmf().probability("ab")
        0.3333333333333333
    """

    task: Any

    @property
    def name(self) -> str:
        """Its name."""
        return self.task.name

    @property
    def n(self) -> int:
        """Its size."""
        return self.task.n

    @cached_property
    def _contexts(self) -> tuple[Context, ...]:
        if large_distribution(self.task) is not None:
            raise InputError(
                f"{self.name} is too large to list; its answers are floats already, leave --float out."
            )
        return tuple(
            replace(c, distribution=ListedDistribution(c.distribution.pmf().rounded()))
            for c in self.task.contexts()
        )

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts; their weights stay exact."""
        return self._contexts


def as_floats(task: Any, *, wanted: bool = False) -> Any:
    """Return a task with rounded probabilities if that is wanted, or if it was read from a file of floats."""
    by_digits = getattr(task, "floats", False) and large_distribution(task) is None
    return FloatTask(task) if wanted or by_digits else task

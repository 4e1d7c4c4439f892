"""Result of ``parabounds policy``, the best policy with at most T steps."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from theory.commands.answer import NamedTask
from theory.distributions.contexts import expectation
from theory.numbers.error_of_means import decode_errors
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.best_policies import best_policies

__all__ = ["policy_answer"]


def policy_answer(task: NamedTask, steps: int | None = None) -> dict[str, Any]:
    r"""Return the loss and the decisions of the best policies of at most so many steps.

    Example:
        >>> from types import SimpleNamespace
        >>> from theory import Context, JointPMF, ListedDistribution
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Delhi"), ("Mexico", "City"), ("Panama", "City")])
        >>> contexts = (Context(weight=Fraction(1), distribution=ListedDistribution(pmf)),)
        >>> task = SimpleNamespace(name="cities", n=2, contexts=lambda: contexts)
        >>> answer = policy_answer(task)
        >>> answer["max_steps"], str(answer["kl"]), answer["accuracy"], answer["policies"][0]["tree"]
        (2, '0', Fraction(1, 1), 'reveal {0}\n  then: reveal {1}')
    """
    most, best = best_policies(task, steps)
    names = ("kl", "accuracy", "steps", "steps_under_data")
    means = {name: expectation([(b.weight, getattr(b.result, name)) for b in best]) for name in names}
    exact = {key: str(value) for key, value in means.items() if isinstance(value, (Fraction, LogNumber))}
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "max_steps": most}
    answer |= means
    errors = decode_errors([(b.weight, b.result) for b in best], means)
    answer |= {"errors": errors} if errors else {}
    answer["policies"] = [
        {"context": b.label, "weight": float(b.weight), "tree": str(b.policy), "decisions": b.policy.rows()}
        for b in best
    ]
    return answer | ({"exact": exact} if exact else {})

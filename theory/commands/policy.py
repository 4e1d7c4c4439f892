"""Result of ``parabounds policy``, the best policy with at most T steps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from theory.commands.answer import NamedTask
from theory.commands.bounds_parametric import large_distribution
from theory.decoding.decoder import decode
from theory.distributions.contexts import expectation
from theory.distributions.distribution import occurring
from theory.numbers.error_of_means import decode_errors
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.policy_table import AdaptivePolicy
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.state_graph import state_graphs
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.validation import InputError, positive_int

__all__ = ["BestPolicy", "best_policies", "policy_answer"]


@dataclass(frozen=True, kw_only=True)
class BestPolicy:
    """The optimal adaptive policy of one context.

    Attributes:
        weight: The weight of the context.
        label: The name of the context, empty for a single one.
        policy: The policy.
        result: Its exact decode.
    """

    weight: Fraction
    label: str
    policy: AdaptivePolicy
    result: Any


def best_policies(task: NamedTask, steps: int | None = None) -> tuple[int, tuple[BestPolicy, ...]]:
    """Return T and, for each context, the policy of at most T steps that attains ``V_T``.

    Args:
        task: The task.
        steps: T; by default the fewest steps that lose nothing in every context.

    Raises:
        InputError: For T above the number of positions, or a distribution too large to list.
        CostError: If the states are too many.
    """
    if large_distribution(task) is not None:
        raise InputError(
            f"the best policy needs a distribution that can be listed, and {task.name} is too large."
        )
    contexts = occurring(task.contexts())
    graphs = state_graphs([context.distribution.pmf() for context in contexts])
    parts = [(context, adaptive_bounds(graph)) for context, graph in zip(contexts, graphs, strict=True)]
    longest = max(context.distribution.n for context, _ in parts)
    fewest = max(serial_depth(graph).worst_case for graph in graphs) if steps is None else steps
    cap = positive_int(fewest, "steps")
    if cap > longest:
        raise InputError(f"steps must be between 1 and {longest}, the number of positions, got {cap}.")
    found: list[BestPolicy] = []
    for context, bounds in parts:
        pmf, policy = context.distribution.pmf(), bounds.policy(min(cap, context.distribution.n))
        result = decode(pmf, policy)
        found.append(BestPolicy(weight=context.weight, label=context.label, policy=policy, result=result))
    return cap, tuple(found)


def policy_answer(task: NamedTask, steps: int, best: tuple[BestPolicy, ...]) -> dict[str, Any]:
    r"""Return the loss and the decisions of the policies.

    Example:
        >>> from types import SimpleNamespace
        >>> from theory import Context, JointPMF, ListedDistribution
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Delhi"), ("Mexico", "City"), ("Panama", "City")])
        >>> contexts = (Context(weight=Fraction(1), distribution=ListedDistribution(pmf)),)
        >>> task = SimpleNamespace(name="cities", n=2, contexts=lambda: contexts)
        >>> answer = policy_answer(task, *best_policies(task))
        >>> answer["max_steps"], str(answer["kl"]), answer["accuracy"], answer["policies"][0]["tree"]
        (2, '0', Fraction(1, 1), 'reveal {0}\n  then: reveal {1}')
    """
    names = ("kl", "accuracy", "steps", "steps_under_data")
    means = {name: expectation([(b.weight, getattr(b.result, name)) for b in best]) for name in names}
    exact = {key: str(value) for key, value in means.items() if isinstance(value, (Fraction, LogNumber))}
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "max_steps": steps}
    answer |= means
    errors = decode_errors([(b.weight, b.result) for b in best], means)
    answer |= {"errors": errors} if errors else {}
    answer["policies"] = [
        {"context": b.label, "weight": float(b.weight), "tree": str(b.policy), "decisions": b.policy.rows()}
        for b in best
    ]
    return answer | ({"exact": exact} if exact else {})

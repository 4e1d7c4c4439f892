"""Several policies on one task, with their distance to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parabounds.results import Result, noted
from theory.commands.rule_points import decode_rows, hull_of
from theory.decoding.tasks.float_task import as_floats
from theory.distributions.tempering import check_temperature
from theory.policies.given import PolicyLike, as_policy
from theory.validation import InputError

__all__ = ["comparison"]


def comparison(
    task: Any,
    policies: Sequence[PolicyLike],
    *,
    temperature: Any = 1,
    report: Callable[[int, int], None] | None = None,
    **switches: Any,
) -> Result:
    """Return the decode of each policy at each temperature.

    ``bits_above`` is the KL divergence above the least of any adaptive policy at the same expected steps along the
    data, ``steps_above`` the expected steps above the least at the same divergence. A policy with random choices may
    lie below: its output distribution is a mixture that no policy which remembers its choices gives.
    """
    if isinstance(policies, str) or not policies:
        raise InputError('compare takes a list of policies, such as ["topk:k=1", "topk:k=2"].')
    taus = temperature if isinstance(temperature, (list, tuple)) else [temperature]
    taus = [check_temperature(tau) for tau in taus]
    rules, rounded = [as_policy(policy) for policy in policies], as_floats(task)
    hull, why = hull_of(rounded)
    rows = decode_rows(
        rounded, [(rule, tau) for rule in rules for tau in taus], hull, report=report, **switches
    )
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "policies": rows, "vertices": hull}
    return Result("compare", noted(answer | ({"notes": {"vertices": why}} if why else {}), task), task)

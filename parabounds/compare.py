"""Several policies on one task, with their distance to the optimum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from parabounds.results import Result, noted
from theory.commands.bounds import bounds_answer
from theory.commands.decode import decode_answer
from theory.commands.frontier_brackets import brackets_of
from theory.commands.rule_points import decode_rows, hull_of
from theory.decoding.tasks.float_task import as_floats
from theory.distributions.tempering import check_temperature
from theory.limits import CostError
from theory.policies.given import PolicyLike, as_policy
from theory.validation import InputError

__all__ = ["comparison"]

_UNKNOWN = "the optimum of all policies is not known here"


def comparison(
    task: Any,
    policies: Sequence[PolicyLike],
    *,
    temperature: Any = 1,
    seconds: float = 60.0,
    say: Callable[[str], None] | None = None,
    report: Callable[[int, int], None] | None = None,
    **switches: Any,
) -> Result:
    """Return the decode of each policy at each temperature.

    ``bits_above`` is the KL divergence above the least of any adaptive policy at the same expected steps along the
    data, ``steps_above`` the expected steps above the least at the same divergence. A policy with random choices may
    lie below: its output distribution is a mixture that no policy which remembers its choices gives. Where the optimum
    is too costly both are intervals, from a certified bracket of it that takes ``seconds`` (``say`` is told how far
    it is), and ``optimum`` is the bracket at the steps of each row.
    """
    if isinstance(policies, str) or not policies:
        raise InputError('compare takes a list of policies, such as ["topk:k=1", "topk:k=2"].')
    taus = temperature if isinstance(temperature, (list, tuple)) else [temperature]
    taus = [check_temperature(tau) for tau in taus]
    rules, rounded = [as_policy(policy) for policy in policies], as_floats(task)
    hull, why = hull_of(rounded)
    brackets = None
    if not hull:
        with suppress(CostError):  # too large even for these
            bounds = bounds_answer(rounded, seconds=seconds, say=say)
            brackets = brackets_of(rounded, bounds)
            kind = "95 % interval" if bounds.get("arithmetic") == "estimate" else "certified bracket"
            why = why.replace(_UNKNOWN, f"{_UNKNOWN}, what stands for it is a {kind}")
    pairs = [(rule, tau) for rule in rules for tau in taus]
    decode = partial(decode_answer, rounded)
    rows = decode_rows(decode, pairs, hull, brackets=brackets, report=report, **switches)
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "policies": rows, "vertices": hull}
    return Result("compare", noted(answer | ({"notes": {"vertices": why}} if why else {}), task), task)

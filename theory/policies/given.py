"""Specifications and objects as policies."""

from __future__ import annotations

from theory.policies.policy import Policy, parse_policy
from theory.policies.process import Process
from theory.validation import InputError, shown

__all__ = ["PolicyLike", "as_policy"]

PolicyLike = Policy | Process | str


def as_policy(rule: PolicyLike) -> Policy | Process:
    """Return a policy or process as it is, and a specification as :func:`theory.policies.policy.parse_policy` reads it.

    Raises:
        InputError: For an unknown specification, or an object that is no rule.

    Example:
        >>> str(as_policy("topk:k=2"))
        'topk:k=2'
        >>> as_policy(2)
        Traceback (most recent call last):
        ...
        theory.validation.InputError: a policy must be a specification such as "topk:k=2", or ...
    """
    if isinstance(rule, str):
        return parse_policy(rule)
    if hasattr(rule, "plan") or isinstance(rule, Process):
        return rule
    raise InputError(
        'a policy must be a specification such as "topk:k=2", or an object with plan(view) or with start, step '
        f"and finished, got {shown(rule)}."
    )

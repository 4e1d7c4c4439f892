"""Unmasking policies, used by the exact decoder and by the samplers."""

from theory.policies.plan import Plan
from theory.policies.policy import Policy, RankedPolicy, parse_policy, register, registered_policies
from theory.policies.ranked import Ranked
from theory.policies.scores import SCORES
from theory.policies.view import View

__all__ = [
    "SCORES",
    "Plan",
    "Policy",
    "Ranked",
    "RankedPolicy",
    "View",
    "parse_policy",
    "register",
    "registered_policies",
]

"""The list of claims, in the order of the page."""

from __future__ import annotations

from figures.claims import accuracy, bounds, policies, released, rules, schedules, scope, squares, topk
from figures.claims.claim import Claim

__all__ = ["CLAIMS"]

_MODULES = (bounds, policies, topk, rules, schedules, released, accuracy, scope, squares)
_ALL = [claim for module in _MODULES for claim in module.ENTRIES]
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _ALL}
assert len(CLAIMS) == len(_ALL), "an id is a duplicate"

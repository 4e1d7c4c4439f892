"""The list of claims, in the order of the page."""

from __future__ import annotations

from figures.claims_list import accuracy, bounds, policies, rules, scope, topk
from figures.claims_list.claim import Claim

__all__ = ["CLAIMS"]

_ALL = [claim for module in (bounds, policies, topk, rules, accuracy, scope) for claim in module.ENTRIES]
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _ALL}
assert len(CLAIMS) == len(_ALL), "an id stands twice"

"""The list of claims, in the order of the pages."""

from __future__ import annotations

from figures.claims import (
    accuracy,
    assumptions,
    bench_lists,
    bench_puzzles,
    bounds,
    oracle,
    policies,
    published_points,
    released,
    rules,
    schedules,
    scope,
    squares,
    tie_noise,
    topk,
    wording,
)
from figures.claims.claim import Claim

__all__ = ["CLAIMS"]

_MODULES = (
    *(bounds, policies, topk, rules, schedules, released, accuracy, scope, squares),
    *(published_points, tie_noise, assumptions, oracle, wording, bench_lists, bench_puzzles),
)
_ALL = [claim for module in _MODULES for claim in module.ENTRIES]
CLAIMS: dict[str, Claim] = {claim.id: claim for claim in _ALL}
assert len(CLAIMS) == len(_ALL), "an id is a duplicate"

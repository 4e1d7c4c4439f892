"""Estimated bounds of samples, with intervals or withheld."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

from theory.bounds.partitions.partition import Partition
from theory.commands.verdict import CHEAP
from theory.decoding.tasks.float_task import float_task
from theory.distributions.contexts import GivenTask
from theory.limits import Budget
from theory.policies import parse_policy
from theory.sampling.chosen_partitions import TABLE_POSITIONS, choose_partitions, loss_factors
from theory.sampling.decode import decode_task
from theory.sampling.entropy_sums import EntropySum, estimate_sums
from theory.sampling.observed import Observed, empirical_task
from theory.sampling.sampled_decode import SampledDecode

__all__ = ["estimate_answer"]

_CELL, _LIMIT = 3e-8, 120  # seconds of a cell that is grouped; at most
_DECODED = ("accuracy", "kl", "steps", "tokens_per_step")


def estimate_answer(
    seen: Observed,
    partition: Partition | None = None,
    *,
    policies: Sequence[str] = (),
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return estimates of the entropy, the correlations, ``L_T`` and the information curve, with 95 % intervals.

    What the samples cannot tell is ``None``, and ``notes`` says how many it would take
    (:mod:`theory.sampling.entropy_sums`).

    Args:
        seen: The samples.
        partition: An ordered partition to price.
        policies: Rules to decode with, as they are written for ``decode``, on the empirical distribution.
        seed: Of the halves of the samples: one chooses partitions, the other prices them.
        say: Called with a line on the progress of a search.
    """
    n, small = seen.n, seen.n <= TABLE_POSITIONS  # the information curve needs all 2^n sets
    what = f"entropies of {len(seen.counts)} distinct samples of {n} positions"
    budget = Budget(what, "use fewer samples", limit=_LIMIT)
    budget.require(len(seen.counts) * n * ((2 << n) if small else 2 * n), _CELL)
    sums = _sums(n) | ({} if partition is None else {"partition_bound": loss_factors(partition)})
    curve = _curve(n) if small else []
    found = estimate_sums(seen, [*sums.values(), *curve])
    answer: dict[str, Any] = {"task": seen.name, "n": n, "arithmetic": "estimate", "samples": seen.size}
    answer |= {"distinct": len(seen.counts), "contexts": seen.contexts, "coverage": seen.coverage}
    lists = {key: [value] for key, value in zip(sums, found, strict=False)}
    answer |= {key: _shown(value) for key, (value,) in lists.items()}
    if small:
        lists["information_curve"] = list(found[len(sums) :])
        answer["information_curve"] = [_shown(value) for value in lists["information_curve"]]
    notes: dict[str, str] = {}
    known = small or found[0].estimate is not None  # else no half has a price
    if seen.size >= 4 and known:  # two in each half
        most = max(2, int(_LIMIT / (_CELL * len(seen.counts) * n * n)))
        chosen = choose_partitions(seen, CHEAP, seed, most=most, say=say)
        lists["optimal_bound"] = list(chosen.losses)
        answer["optimal_bound"] = [_shown(value) for value in chosen.losses]
        answer |= {"optimal_partitions": chosen.partitions, "recommended_steps": chosen.recommended}
        answer["seed"] = seed
        if not small:
            notes["optimal_partitions"] = (
                f"found by a search on one half of the samples, as there are more than {TABLE_POSITIONS} positions: "
                "others may lose less"
            )
    for key, values in lists.items():
        half = key == "optimal_bound"
        if note := _withheld(values, seen.size - seen.size // 2 if half else seen.size, half):
            notes[key] = note
    if policies:
        task = float_task(empirical_task(seen))
        answer["compared"] = [_decoded(task, parse_policy(policy)) for policy in policies]
        notes["compared"] = "of the empirical distribution: an answer that was not seen counts as impossible"
    return answer | ({"notes": notes} if notes else {})


def _decoded(task: GivenTask, rule: Any) -> dict[str, Any]:
    found = decode_task(task, rule)
    if isinstance(found, SampledDecode):
        numbers = {key: found.entries[key][1] if key in found.entries else None for key in _DECODED}
    else:
        numbers = {key: getattr(found, key) for key in _DECODED}
    return {"policy": str(rule), **numbers}


def _sums(n: int) -> dict[str, dict[int, float]]:
    """Return the factors of the entropies of sets in each quantity."""
    full = (1 << n) - 1
    correlation = loss_factors([range(n)])
    dual: dict[int, float] = {full ^ 1 << i: 1 for i in range(n)} if n > 1 else {}
    dual |= {full: 1 - n} if n > 1 else {}
    return {"entropy": {full: 1}, "total_correlation": dict(correlation), "dual_total_correlation": dual}


def _curve(n: int) -> list[dict[int, float]]:
    """Return the factors of ``Z_j = h_1 + h_{j-1} - h_j`` for j = 1..n, ``h_j`` the mean over sets of j positions."""
    by_size = [[s for s in range(1 << n) if s.bit_count() == j] for j in range(n + 1)]
    found: list[dict[int, float]] = []
    for j in range(1, n + 1):
        factors: dict[int, float] = {}
        for size, sign in ((1, 1), (j - 1, 1), (j, -1)):
            for s in by_size[size] if size else ():
                factors[s] = factors.get(s, 0) + sign / comb(n, size)
        found.append({s: a for s, a in factors.items() if a})
    return found


def _shown(value: EntropySum) -> dict[str, float] | None:
    return None if value.estimate is None else value.estimate.as_dict()


def _withheld(values: Sequence[EntropySum], size: int, of_half: bool) -> str:
    """Return why values are withheld, and how many samples they would take; nothing where none is."""
    needed = max(value.needed for value in values)
    if not needed:
        return ""
    once = max(value.once for value in values if value.needed)
    digits = max(0, len(str(needed)) - 2)
    rounded = -(-needed // 10**digits) * 10**digits * (2 if of_half else 1)
    part = (
        f"{once} of {size} samples{' of the second half' if of_half else ''} are the only one of their kind"
    )
    return f"withheld: {part}; it takes at least about {rounded:,} samples"

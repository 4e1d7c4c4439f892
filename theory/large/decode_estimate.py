"""The answer of ``decode`` for random top-k where no polynomial form is known: exact but for a sampled accuracy."""

from __future__ import annotations

from fractions import Fraction
from math import inf, log2
from typing import Any

import numpy as np

from theory._checks import positive_int
from theory.large.entropies import Copies, Structure, expected_kl_of
from theory.large.gaps import Gaps
from theory.large.random_runs import successes_of_random_order
from theory.large.serial import sizes_from_left
from theory.policies.policy import Policy
from theory.policies.topk import TopK
from theory.structured.estimate import proportion

__all__ = ["estimated_decode"]


def estimated_decode(
    task: str, structure: Structure | None, policy: Policy, *, temperature: Any = 1, samples: int, seed: int
) -> dict[str, Any] | None:
    """Return the decode of random top-k on a walk or on one-hot blocks, ``None`` for other rules and laws.

    ``accuracy`` is an estimate with its exact (Clopper-Pearson) interval of 95 %. On one-hot blocks Q is constant on
    the support (:mod:`theory.large.one_hot_random`), so that ``kl = -log2 accuracy`` has the interval of the accuracy;
    on a walk it is not known. ``path_kl`` and steps are exact.

    Example:
        >>> found = estimated_decode("walk", Gaps(100, "walk"), TopK(k=2, by="random"), samples=50, seed=0)
        >>> found["arithmetic"]["accuracy"], found["arithmetic"]["path_kl"], found["steps"]
        ('estimate', 'exact', Fraction(50, 1))
    """
    walk = isinstance(structure, Gaps) and structure.kind == "walk"
    if not (walk or isinstance(structure, Copies)) or not isinstance(policy, TopK):
        return None
    if (
        policy.by != "random"
        or policy.ties != "random"
        or policy.block is not None
        or Fraction(temperature) != 1
    ):
        return None
    assert isinstance(structure, (Gaps, Copies))
    sizes, rng = sizes_from_left(structure.n, policy), np.random.default_rng(seed)
    done = successes_of_random_order(structure, sizes, samples=positive_int(samples, "samples"), rng=rng)
    share = proportion(done, samples)
    steps = Fraction(len(sizes))
    kinds = dict.fromkeys(("path_kl", "steps", "steps_under_data", "tokens_per_step"), "exact")
    answer: dict[str, Any] = {"task": task, "n": structure.n, "policy": str(policy), "temperature": 1.0}
    answer["arithmetic"] = {"accuracy": "estimate", **({} if walk else {"kl": "estimate"}), **kinds}
    answer |= {"samples": samples, "seed": seed, "accuracy": {**share, "interval": "exact"}, "kl": None}
    if not walk:
        bits = {"estimate": "estimate", "low": "high", "high": "low"}  # the more accurate, the fewer bits
        answer["kl"] = {name: _bits(share[of]) for name, of in bits.items()} | {"interval": "exact"}
    answer |= {"path_kl": expected_kl_of(structure, sizes), "steps": steps, "steps_under_data": steps}
    answer["tokens_per_step"] = structure.n / steps
    if walk:
        answer["notes"] = {"kl": "not known: at most path_kl"}
    return answer


def _bits(accuracy: float) -> float:
    return -log2(accuracy) if accuracy else inf

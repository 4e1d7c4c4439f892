"""Top-k rule in a random order that prefers good scores (``alg_temp``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from math import comb, exp, inf, log
from typing import Any, ClassVar

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.numbers.arithmetic import Array
from theory.numbers.balls import BALLS, ball_key
from theory.policies.plan import SetDistribution
from theory.policies.policy import RankedPolicy, register
from theory.policies.ranked import require_sets
from theory.policies.rules.topk import TopK
from theory.policies.view import View
from theory.validation import InputError, exact_fraction

__all__ = ["PlackettLuce", "PlackettLucePlan", "order_logs", "set_distribution"]


@dataclass(frozen=True, eq=False)
class PlackettLucePlan:
    """Draw ``take`` positions without replacement, each time with probability proportional to ``exp(log)``.

    Attributes:
        view: The batch.
        logs: Logarithms of the weights, balls (or floats in a sampler), shape (B, n).
        take: Number of positions, shape (B,).
    """

    view: View
    logs: Array
    take: Array

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the distribution of the set: a sum over the orders in which it can be drawn."""
        place: dict[Any, int] = {}
        distributions: list[SetDistribution] = []
        index = np.zeros(len(self.logs), dtype=np.int64)
        rows = zip(
            self.logs.tolist(), self.view.candidates.tolist(), np.asarray(self.take).tolist(), strict=True
        )
        for j, (row, competes, take) in enumerate(rows):
            listed = [(i, log) for i, log in enumerate(row) if competes[i]]
            key = (take, *((i, ball_key(log)) for i, log in listed))
            if key not in place:
                place[key] = len(distributions)
                distributions.append(set_distribution(dict(listed), take))
            index[j] = place[key]
        return index, distributions

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of positions per row."""
        return np.asarray(self.take, dtype=np.int64)

    def sample(self, uniforms: Array) -> Array:
        """Return a set per row, the ``take`` largest of score plus Gumbel noise."""
        xp = self.view.numbers.xp
        noisy = xp.astype(self.logs, uniforms.dtype) - xp.log(-xp.log(uniforms))
        order = xp.argsort(xp.where(self.view.candidates, -noisy, xp.zeros_like(noisy) + inf), axis=1)
        return (xp.argsort(order, axis=1) < self.take[:, None]) & self.view.candidates


@register("plackett_luce")
@dataclass(frozen=True, kw_only=True)
class PlackettLuce(TopK):
    """Draw k positions one after the other, each with probability proportional to ``exp(score / alg_temp)``.

    Scores as in top-k, with the entropy in nats, as in the code. The probabilities are irrational, so results are
    floats with their errors.

    Source: ``alg_temp`` of Dream (softmax of the scores over ``alg_temp``, then ``multinomial`` without
    replacement). Dream takes the numbers of its own schedule: ``dream:alg_temp=...`` is the released combination.

    Attributes:
        alg_temp: Temperature of the order; towards 0 it is top-k, towards infinity a random order.

    Example:
        >>> sorted((chosen, round(p, 4)) for chosen, p in set_distribution({0: 0.0, 1: 1.0}, 1))
        [(1, 0.2689), (2, 0.7311)]
    """

    example: ClassVar[str] = "plackett_luce:k=2,alg_temp=0.2"
    source: ClassVar[str] = "Dream generation_utils.py, alg_temp"
    release: ClassVar[str] = (
        "the order of DreamLM/Dream fac0a7f with k per step; its schedule: `dream:alg_temp=...`"
    )
    formula: ClassVar[str] = "k draws without replacement, weights exp(score / alg_temp)"
    rational: ClassVar[bool] = False
    lumps: ClassVar[bool] = False
    alg_temp: Fraction

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "alg_temp", exact_fraction(self.alg_temp, "alg_temp"))
        if self.alg_temp <= 0:
            raise InputError(f"alg_temp must be positive, got {self.alg_temp}; use topk for 0.")
        if self.confidence == "sampled":
            raise InputError("plackett_luce knows confidence=max only.")

    def plan(self, view: View) -> PlackettLucePlan:
        """Return the weights and the number to take."""
        view = view.within_blocks(self.block)
        return PlackettLucePlan(view, order_logs(self, view, self.alg_temp), self.count(view, view.masked))


def order_logs(policy: RankedPolicy, view: View, alg_temp: Fraction) -> Array:
    """Return the logarithms of the weights of a policy's scores, balls or in a sampler floats, shape (B, n)."""
    probs, kind = view.reals
    scores = policy.score(replace(view, probs=probs, numbers=kind))
    scores = kind.xp.broadcast_to(scores, view.masked.shape)
    if policy.by == "entropy":
        scores = scores * (arb(2).log() if kind is BALLS else log(2))
    return scores / kind.const(alg_temp)


def set_distribution(logs: Mapping[int, Any], take: int) -> SetDistribution:
    """Return the distribution of the drawn set.

    ``P(S) = sum_{i in S} P(S without i) w_i / w(everything but S without i)``, by size. That weight is summed, since a
    difference of nearly equal numbers would lose all digits.

    Args:
        logs: The logarithm of the weight of each position that competes, balls or floats.
        take: Number of positions.
    """
    if take == 0:
        return ((0, fmpq(1)),)
    count = comb(len(logs), take)
    require_sets(count, f"sets of {take} positions")
    weight = {1 << i: _exp(log) for i, log in _scaled(logs).items()}
    everything = sum(weight)
    distribution: dict[int, Any] = {0: 1}
    for size in range(1, take + 1):
        rest = {chosen: _sum_of(weight, everything ^ chosen) for chosen in distribution}
        distribution = {
            sum(part): sum(
                distribution[sum(part) - bit] * weight[bit] / rest[sum(part) - bit] for bit in part
            )
            for part in combinations(weight, size)
        }
    return tuple(distribution.items())


def _scaled(logs: Mapping[int, Any]) -> dict[int, Any]:
    """Return the logarithms minus about the largest one, so that no weight overflows; balls need no scale."""
    if any(isinstance(log, arb) for log in logs.values()):
        return dict(logs)
    top = max(logs.values())
    return {i: log - top for i, log in logs.items()}


def _exp(value: Any) -> Any:
    return value.exp() if isinstance(value, arb) else exp(value)


def _sum_of(weight: Mapping[int, Any], chosen: int) -> Any:
    return sum(w for bit, w in weight.items() if chosen & bit)

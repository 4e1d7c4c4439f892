"""More selection rules in slow exact arithmetic; see reference_rules for what a rule is and what a form is."""

from fractions import Fraction
from itertools import permutations
from math import exp

from tests.reference.rules import (
    Form,
    Marginal,
    Select,
    add,
    bits,
    group,
    ranking,
    scale,
    score,
    shannon,
    sign,
    sub,
    take_best,
)


def _confidences(marginals: dict[int, Marginal], members) -> dict[int, Form]:
    return {i: bits(max(distribution.values())) for i, distribution in marginals.items() if i in members}


def _prefix(scores: dict[int, Form], m: int, key: dict[int, Form], ties: str):
    """The m best by score, then by smaller key; what is equal in both is tied."""
    order = ranking({i: scale(key[i], -1) for i in scores})
    order = sorted(order, key=lambda i: ranking(scores).index(_first_equal(scores, i)))
    level = {}
    for place, i in enumerate(order):
        same = [j for j in order[:place] if scores[j] == scores[i] and key[j] == key[i]]
        level[i] = bits(-order.index(same[0]) if same else -place)
    return take_best(level, m, ties), order


def _first_equal(scores: dict[int, Form], i: int) -> int:
    return next(j for j in ranking(scores) if scores[j] == scores[i])


def entropy_bounded(gamma, by="confidence", ties="random", block=None) -> Select:
    """The largest prefix with sum H - max H <= gamma."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        scores = {i: score(distribution, i, by) for i, distribution in marginals.items() if i in members}
        entropy = {i: shannon(marginals[i].values()) for i in scores}
        _, order = _prefix(scores, 1, entropy, ties)
        best = 1
        for m in range(1, len(order) + 1):
            largest = ranking({i: entropy[i] for i in order[:m]})[0]
            cost = add(*(entropy[i] for i in order[:m] if i != largest))
            if sign(sub(cost, bits(Fraction(gamma)))) <= 0:
                best = m
        return _prefix(scores, best, entropy, ties)[0]

    return select


def entropy_sum(eta, by="entropy", crossing="drop", ties="random", block=None) -> Select:
    """The largest prefix with sum H <= eta, at least one; one more where the crossing position is kept."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        scores = {i: score(distribution, i, by) for i, distribution in marginals.items() if i in members}
        entropy = {i: shannon(marginals[i].values()) for i in scores}
        _, order = _prefix(scores, 1, entropy, ties)
        fits = [
            m
            for m in range(len(order) + 1)
            if sign(sub(add(*(entropy[i] for i in order[:m])), bits(Fraction(eta)))) <= 0
        ]
        number = max(fits) + (crossing == "keep")
        return _prefix(scores, min(max(1, number), len(order)), entropy, ties)[0]

    return select


def frechet(delta, ties="random", block=None) -> Select:
    """The largest m with max(0, sum c - (m - 1)) - (1 - c_(m)) > delta."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        ordered = sorted(
            (max(distribution.values()) for i, distribution in marginals.items() if i in members),
            reverse=True,
        )
        best = 1
        for m in range(1, len(ordered) + 1):
            lower = max(Fraction(0), sum(ordered[:m]) - (m - 1))
            if lower - (1 - ordered[m - 1]) > Fraction(delta):
                best = m
        return take_best(_confidences(marginals, members), best, ties)

    return select


def dinfer(gamma, slack="1/100000", block=None) -> Select:
    """Every confidence of at least min(gamma, best - slack)."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        c = {i: max(distribution.values()) for i, distribution in marginals.items() if i in members}
        least = min(Fraction(gamma), max(c.values()) - Fraction(slack))
        return {frozenset(i for i, value in c.items() if value >= least): Fraction(1)}

    return select


def floored_threshold(gamma, floor, strict=True, ties="random", block=None) -> Select:
    """All above gamma if there are at least ``floor``, else the ``floor`` best."""

    def select(marginals, masked, n):
        scores = _confidences(marginals, group(masked, n, block))
        limit = bits(Fraction(gamma))
        above = [i for i, value in scores.items() if sign(sub(value, limit)) >= (1 if strict else 0)]
        if len(above) >= floor:
            return {frozenset(above): Fraction(1)}
        return take_best(scores, floor, ties)

    return select


def released_factor(f, ties="random", block=None) -> Select:
    """The loop of the released code, line by line in meaning: index of the first failure, then its correction."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        ordered = sorted(
            (max(distribution.values()) for i, distribution in marginals.items() if i in members),
            reverse=True,
        )
        limits = [1 - Fraction(f) / (m + 1) for m in range(1, len(ordered) + 1)]
        limits[0] = Fraction(-1)
        top = len(ordered) - 1
        for index, value in enumerate(ordered):
            if value < limits[index]:
                top = index
                break
        if top in (0, len(ordered) - 1):
            top += 1
        return take_best(_confidences(marginals, members), top, ties)

    return select


def prefix_factor(f, strict=True, ties="random", block=None) -> Select:
    """Ranks 2, 3, ... while each of them passes."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        ordered = sorted(
            (max(distribution.values()) for i, distribution in marginals.items() if i in members),
            reverse=True,
        )
        m = 1
        while m < len(ordered):
            cost = (m + 2) * (1 - ordered[m])
            if cost > Fraction(f) or (strict and cost == Fraction(f)):
                break
            m += 1
        return take_best(_confidences(marginals, members), m, ties)

    return select


def plackett_luce(weights: list[float], k: int) -> dict[frozenset[int], float]:
    """The distribution of the set of the first k of an order drawn without replacement, by listing the orders."""
    distribution: dict[frozenset[int], float] = {}
    total = sum(map(exp, weights))
    for order in permutations(range(len(weights)), k):
        p, left = 1.0, total
        for i in order:
            p *= exp(weights[i]) / left
            left -= exp(weights[i])
        distribution[frozenset(order)] = distribution.get(frozenset(order), 0.0) + p
    return distribution

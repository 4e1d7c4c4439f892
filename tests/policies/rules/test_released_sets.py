"""Rules of one step against their releases: the chosen set in thousands of random states."""

from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import pairwise, permutations

import numpy as np
import pytest

from tests.helpers.intervals import assert_frequencies
from tests.helpers.policy_views import distributions, exact_view
from tests.reference import released as rel
from tests.reference.rules import shannon, to_float
from theory.policies import parse_policy
from theory.validation import InputError

STATES = 2500
LEVELS = [Fraction(x) for x in ("0.3", "0.4", "1/2", "0.6", "2/3", "3/4", "0.9")]
BUDGETS = [Fraction(x) for x in ("1/3", "1/2", "0.7", "1", "3/2", "2")]
LOW = Fraction(2, 5)


def states(seed, count=STATES):
    """Positions 1 to 8, tokens 2 to 4, small weights: certain tokens, ties and scores at the thresholds are common."""
    rng, total = np.random.default_rng(seed), 0
    while total < count:
        n, width, size = int(rng.integers(1, 9)), int(rng.integers(2, 5)), 50
        weights = rng.integers(0, 7, (size, n, width))
        weights[weights.sum(axis=2) == 0] = 1
        masked = rng.random((size, n)) < 0.8
        masked[~masked.any(axis=1), 0] = True
        rows = [[[Fraction(w, sum(ws)) for w in ws] for ws in row] for row in weights.tolist()]
        yield rows, masked.tolist()
        total += size


def confidences(row, mask):
    return {i: max(distribution) for i, distribution in enumerate(row) if mask[i]}


def entropies(row, mask):
    """In bits, rounded far above the rounding of floats and far below any other difference of these."""
    return {
        i: round(to_float(shannon(p for p in distribution if p)), 9)
        for i, distribution in enumerate(row)
        if mask[i]
    }


def marginals(row, mask):
    return {i: row[i] for i in range(len(row)) if mask[i]}


RULES = {
    "threshold:gamma={},strict=false": (LEVELS, confidences, rel.fast_dllm_threshold),
    "threshold:gamma={}": (LEVELS, confidences, rel.fast_dllm_v2_threshold),
    "factor:f={},variant=released": (BUDGETS, confidences, rel.fast_dllm_factor),
    "factor:f={},strict=false": (BUDGETS, confidences, rel.dllm_factor),
    "dinfer:gamma={}": (LEVELS, confidences, rel.dinfer_threshold),
    "hierarchy:gamma={},ties=all": (LEVELS, confidences, partial(rel.dinfer_hierarchy, low=LOW)),
    # with gamma below low the release takes the best one alone where all are below low
    "hierarchy:gamma={}": (LEVELS[1:], confidences, partial(rel.dinfer_hierarchy, low=LOW, fast=True)),
    "eb:gamma={}": ([Fraction(x) for x in ("0", "0.1", "0.7", "1.3", "2.1")], entropies, rel.uncode_eb),
    # bits; 1 is the entropy of a fair coin
    "threshold:by=entropy,gamma=-{}": (
        [Fraction(x) for x in ("0.7213", "0.9", "1", "1.3706")],
        entropies,
        rel.sglang_entropy_threshold,
    ),
    "mean_field:tau={}": (LEVELS, marginals, rel.mean_field),
    "mean_field:tau={},scaled=false": (LEVELS, marginals, partial(rel.mean_field, scaled=False)),
    "frechet:delta={}": (
        [Fraction(x) for x in ("0", "0.02", "1/4", "1/2")],
        confidences,
        rel.frechet_profile,
    ),
}


@pytest.mark.parametrize("count", [200, pytest.param(STATES, marks=pytest.mark.deep)])
@pytest.mark.parametrize("pattern", RULES)
def test_every_set_is_the_released_one(pattern, count):
    values, read, released = RULES[pattern]
    for j, (rows, masked) in enumerate(states(0, count)):
        value = values[j % len(values)]
        spec = pattern.format(value) + ("" if "ties" in pattern else ",ties=lowest")
        found = distributions(parse_policy(spec), exact_view(rows, masked))
        for row, mask, distribution in zip(rows, masked, found, strict=True):
            scores = read(row, mask)
            expected = released(scores, value)
            if not expected:  # the release takes nothing there, for ever: the best score is the lower bar
                assert max(scores.values()) == LOW
                expected = {rel.ordered(scores)[0]}
            assert distribution == {frozenset(expected): 1}, (spec, row, mask)


SPACED = {
    "threshold:gamma={},strict=false": (LEVELS, confidences, rel.fast_dllm_threshold, False),
    "eb:gamma={}": ([Fraction(x) for x in ("0.1", "0.7", "1.3", "5")], entropies, rel.uncode_eb, True),
}


@pytest.mark.parametrize("count", [500, pytest.param(STATES, marks=pytest.mark.deep)])
@pytest.mark.parametrize("pattern", SPACED)
def test_every_spaced_set_is_the_released_one(pattern, count):
    """By lowest index among equals; and with random ties the mean over all orders of equal positions."""
    values, read, released, ascending = SPACED[pattern]
    changed = 0
    for j, (rows, masked) in enumerate(states(1, count)):
        value, stride, length = values[j % len(values)], (1, 3, 8, 50)[j % 4], len(rows[0])
        block = (None, 3, 5)[j % 3]
        spec = pattern.format(value) + f",spaced={stride}" + (f",block={block}" if block else "")
        view = exact_view(rows, masked)
        lowest = distributions(parse_policy(spec + ",ties=lowest"), view)
        by_chance = distributions(parse_policy(spec), view) if j % 10 == 0 else lowest
        for row, mask, one, several in zip(rows, masked, lowest, by_chance, strict=True):
            first = min(i for i, m in enumerate(mask) if m) // (block or length)
            inside = [m and i // (block or length) == first for i, m in enumerate(mask)]
            scores = read(row, inside)
            take = len(released(scores, value))
            best = {i: (s if ascending else -s) for i, s in scores.items()}
            order = sorted(best, key=lambda i: (best[i], i))[:take]
            size = (len(scores), min(block or length, length), stride)
            expected = rel.dus_spaced(order, *size)
            assert one == {expected: 1}, (spec, row, mask)
            changed += len(expected) < take
            if by_chance is lowest or len(best) > 6:
                continue
            orders = [o for o in permutations(best) if all(best[a] <= best[b] for a, b in pairwise(o))]
            sets = Counter(rel.dus_spaced(order[:take], *size) for order in orders)
            assert several == {s: Fraction(c, len(orders)) for s, c in sets.items()}, (spec, row, mask)
    assert changed > count // 10


@pytest.mark.deep
def test_samples_of_spaced_sets():
    rng = np.random.default_rng(3)
    probs = rng.integers(1, 3, (1, 7, 2))
    row = [[Fraction(w, sum(ws)) for w in ws] for ws in probs[0].tolist()]
    for spec in (
        "threshold:gamma=0.4,spaced=3",
        "threshold:gamma=0.4,spaced=20,ties=lowest",
        "eb:gamma=9,spaced=2",
    ):
        policy, mask = parse_policy(spec), [[True] * 4 + [False] + [True] * 2]
        (exact,) = distributions(policy, exact_view([row], mask))
        view = exact_view([row] * 4000, mask * 4000)
        drawn = np.asarray(policy.plan(view).sample(rng.random((4000, 7))))
        found = Counter(frozenset(np.flatnonzero(chosen).tolist()) for chosen in drawn)
        assert found.keys() <= exact.keys()
        sets = [*exact]
        assert_frequencies([found[s] for s in sets], [float(exact[s]) for s in sets], 4000, spec)


def test_spaced_rules_say_what_they_are():
    assert str(parse_policy("eb:gamma=1,spaced=8")) == "eb:gamma=1,spaced=8"
    assert parse_policy("eb:gamma=1").lumps
    assert not parse_policy("eb:gamma=1,spaced=8").lumps
    for spec, message in (
        ("threshold:gamma=0.9,spaced=8,ties=all", "ties must be random or lowest"),
        ("eb:gamma=1,spaced=-1", "spaced"),
    ):
        with pytest.raises(InputError, match=message):
            parse_policy(spec)

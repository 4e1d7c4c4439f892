"""Rules of one step against their releases: the chosen set in thousands of random states."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from tests.helpers.policy_views import distributions, exact_view
from tests.reference import released as rel
from tests.reference.rules import shannon, to_float
from theory.policies import parse_policy

STATES = 2500
LEVELS = [Fraction(x) for x in ("0.3", "0.4", "1/2", "0.6", "2/3", "3/4", "0.9")]
BUDGETS = [Fraction(x) for x in ("1/3", "1/2", "0.7", "1", "3/2", "2")]
LOW = Fraction(2, 5)


def states(seed):
    """Positions 1 to 8, tokens 2 to 4, small weights: certain tokens, ties and scores at the thresholds are common."""
    rng, total = np.random.default_rng(seed), 0
    while total < STATES:
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
    "frechet:delta={}": (
        [Fraction(x) for x in ("0", "0.02", "1/4", "1/2")],
        confidences,
        rel.frechet_profile,
    ),
}


@pytest.mark.grid(2)
@pytest.mark.parametrize("pattern", RULES)
def test_every_set_is_the_released_one(pattern):
    values, read, released = RULES[pattern]
    for j, (rows, masked) in enumerate(states(0)):
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

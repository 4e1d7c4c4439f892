"""Greedy accuracy over all deterministic tie-breaks, against their enumeration."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.dyadic import both
from tests.helpers.strategies import rules, targets
from tests.reference import definitions as ref
from tests.reference.ties import tie_extremes
from theory.decoding.decoder import decode
from theory.decoding.tie_breaks import tie_interval
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import GREEDY_TIES
from theory.policies import parse_policy


@given(
    target=targets([(1,), (3,), (2, 2), (3, 3), (2, 2, 2), (2, 2, 2, 2)], ("dense", "sparse")),
    rule=st.one_of(rules(), rules(("topk",), by=("random", "confidence"), ties=("random",), blocks=(None,))),
)
def test_tie_interval(target, rule):
    low, high = tie_interval(target.exact, parse_policy(rule.spec))
    assert low == tie_extremes(target.distribution, rule.select, min)
    assert high == tie_extremes(target.distribution, rule.select, max)
    policy = parse_policy(rule.spec)
    for (
        ties
    ) in GREEDY_TIES:  # the lowest token is one of the rules, independent random ties a mixture of them
        assert low <= decode(target.exact, policy, temperature=0, greedy_ties=ties).accuracy <= high
    assert tie_interval(target.floats, policy) == (low, high)  # shares of equal tokens and positions


def test_rules_with_irrational_chances():
    pmf = JointPMF.uniform([(0, 1, 0), (1, 0, 1)])
    even = tie_interval(
        pmf, parse_policy("plackett_luce:k=2,alg_temp=1/3")
    )  # all score 1/2: any two at random
    assert even == pytest.approx((1 / 3, 1), abs=1e-15)
    assert all(isinstance(value, float) for value in even)


@pytest.mark.parametrize("distribution", [ref.uniform([(0, 1, 0), (1, 0, 1)]), ref.repeated_bit(3)])
def test_a_tie_rule_does_not_see_the_chosen_set(distribution):
    # of three bits two pairs cannot both go wrong: every rule is right for at least one of the three sets
    policy = parse_policy("topk:k=2,by=random")
    assert tie_interval(JointPMF.from_mapping(distribution), policy) == (Fraction(1, 3), 1)


def test_float_pmfs_and_irrational_chances():
    exact, floats = both({(0, 0): Fraction(1, 2), (0, 1): Fraction(1, 4), (1, 0): Fraction(1, 4)})
    rule = parse_policy("plackett_luce:k=1,alg_temp=0.5")
    assert tie_interval(floats, rule) == tie_interval(exact, rule)

"""Specifications stand for their rule wherever one is asked for."""

from fractions import Fraction

import pytest

from synthetic import make_task
from theory import InputError, decode_contexts, decode_lumped, parse_policy, tie_interval, tie_interval_lumped
from theory.policies.given import as_policy


def test_lumped_decodes_take_specifications():
    chain = make_task("shuffle", 16).chain()
    spec = "topk:k=2,by=random"
    assert decode_lumped(chain, spec).accuracy == decode_lumped(chain, parse_policy(spec)).accuracy
    assert tie_interval_lumped(chain, spec) == tie_interval_lumped(chain, parse_policy(spec))
    assert decode_contexts(make_task("shuffle", 16), spec).accuracy == Fraction(6435, 32768)


def test_a_rule_is_returned_as_it_is():
    rule = parse_policy("klass:tau=0.6,eps=0.01")
    assert as_policy(rule) is rule
    assert as_policy(" topk:k=2") == parse_policy("topk:k=2")


@pytest.mark.parametrize("wrong", [2, None, object()])
def test_what_is_no_rule_is_one_line(wrong):
    with pytest.raises(InputError, match='a policy must be a specification such as "topk:k=2"'):
        as_policy(wrong)


def test_processes_have_no_tie_interval():
    with pytest.raises(InputError, match="the tie interval is known for policies alone; wino"):
        tie_interval(["ab", "ba"], "wino:tau1=0.6,tau2=0.9")

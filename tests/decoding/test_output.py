"""The whole output distribution against plain recursion over every sequence."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import definitions as ref
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.decoding.process import process_ends
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies import parse_policy
from theory.policies.as_process import SampledConfidence
from theory.validation import InputError

RULES = {
    "topk:k=2,by=random": ref.topk(2, "random"),
    "topk:k=2,by=confidence": ref.topk(2, "confidence"),
    "topk:k=1,by=margin,ties=all": ref.topk(1, "margin", ties="all"),
    "threshold:gamma=0.5": ref.threshold("0.5", "confidence"),
    "factor:f=1": ref.factor(1),
}


@given(
    weights=st.lists(st.integers(0, 3), min_size=12, max_size=12).filter(any),
    spec=st.sampled_from(sorted(RULES)),
    temperature=st.sampled_from([0, 1]),
    greedy_ties=st.sampled_from(["random", "lowest"]),
    off_support=st.sampled_from(["marginal", "uniform"]),
)
def test_output_distribution_is_that_of_the_recursion(weights, spec, temperature, greedy_ties, off_support):
    outcomes = [(a, b, c) for a in (0, 1) for b in (0, 1, 2) for c in (0, 1)]
    pmf = {y: Fraction(w, sum(weights)) for y, w in zip(outcomes, weights, strict=True) if w}
    switches = {"temperature": temperature, "greedy_ties": greedy_ties, "off_support": off_support}
    distribution = output_distribution(JointPMF.from_mapping(pmf), parse_policy(spec), **switches)
    expected = ref.decode(pmf, RULES[spec], **switches).distribution
    assert distribution == {y: q for y, q in expected.items() if q}
    assert sum(distribution.values()) == 1


def test_output_distribution_of_floats_and_of_another_temperature():
    pmf = JointPMF.from_pairs([("a", "b"), ("b", "a"), ("a", "a")], [0.5, 0.3, 0.2])
    policy = parse_policy("topk:k=2")
    distribution = output_distribution(pmf, policy, temperature=0.5)
    assert sum(distribution.values()) == pytest.approx(1, abs=1e-12)
    inside = decode(pmf, policy, temperature=0.5).distribution
    assert all(distribution[y] == pytest.approx(q, abs=1e-15) for y, q in inside.items())
    assert ("b", "b") in distribution


def test_unfinished_answers_have_no_distribution():
    with pytest.raises(InputError, match="unfinished"):
        output_distribution(JointPMF.uniform([(0, 1), (1, 0)]), parse_policy("topk:k=2"), off_support="stop")


def test_long_sequences_are_refused_at_once():
    """2^12 outcomes of 3^12 pairs of position sets, at 2 microseconds."""
    pmf = JointPMF.uniform([(0,) * 12, (1,) * 12])
    with pytest.raises(CostError, match="distribution of 4096 answers would take about 72"):
        output_distribution(pmf, parse_policy("topk:k=6"))


def test_the_ends_of_a_run_say_which_answers_are_possible():
    pmf = JointPMF.uniform([(0, 1), (1, 0)])
    ends, proven = process_ends(pmf, SampledConfidence(parse_policy("topk:k=2")), Transform(), "marginal")
    assert proven
    half = fmpq(1, 2)
    assert ends == {(1, False): half, (1, True): half}  # both at once, each by itself

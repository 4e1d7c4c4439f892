"""Sequence and token error rates: their definitions, and the bounds of each by the other."""

from fractions import Fraction
from math import inf, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.accuracy.divergence import sequence_error_rate, token_error_rate
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import LogNumber
from theory.optima.mixtures.output_distributions import partition_distribution
from theory.policies import parse_policy


@given(target=targets(), data=st.data())
def test_definitions(target, data):
    distribution, n = target.distribution, target.n
    q = partition_distribution(target.exact, data.draw(ordered_partitions(n)))
    parts = [ref.scale(ref.log2_form(q[y]), -p / n) for y, p in distribution.items()]  # E_P[-(1/n) log2 Q(x)]
    rate = token_error_rate(target.exact, q)
    assert same(rate, ref.add(*parts))
    wrong = sequence_error_rate(target.exact, q)
    assert wrong == 1 - sum(q[y] for y in distribution)
    least = token_error_rate(target.exact, distribution)
    assert same(least, ref.scale(ref.entropy(distribution), Fraction(1, n)))
    assert least <= rate
    # SER <= 1 - 2^(H(P) - n log2 TER)
    assert LogNumber.log2(1 - wrong) >= n * (least - rate)
    floats = token_error_rate(target.floats, {y: float(p) for y, p in q.items()})
    assert floats == pytest.approx(float(rate), abs=ROUNDING)


def test_what_a_decoder_gets():
    pmf = JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)])
    policy = parse_policy("topk:k=3")
    distribution, result = output_distribution(pmf, policy), decode(pmf, policy)
    assert sequence_error_rate(pmf, distribution) == 1 - result.accuracy == Fraction(1, 2)
    assert token_error_rate(pmf, distribution) == (2 + result.kl) / 3 == 1


def test_an_outcome_that_is_never_given():
    pmf = JointPMF.from_pairs([("a",), ("b",)], ["3/4", "1/4"])
    assert token_error_rate(pmf, {("a",): Fraction(1)}) == inf
    assert sequence_error_rate(pmf, {("a",): Fraction(1)}) == 0  # accurate nevertheless
    assert sequence_error_rate(pmf, {}) == 1
    assert token_error_rate(pmf, {("a",): 0.5, ("b",): 0.5}) == pytest.approx(-log2(0.5))

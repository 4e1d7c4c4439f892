"""Entropies by grouping outcomes: the definitions, and distributions that no table of subsets holds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.strategies import ordered_partitions, targets
from tests.reference import definitions as ref
from theory.bounds.partitions.listed import listed_step_bound
from theory.distributions.pmf import JointPMF
from theory.information.grouped_entropies import grouped_entropies
from theory.information.measures import conditional_entropy, dual_total_correlation, total_correlation
from theory.limits import allowing
from theory.numbers.lognumber import LogNumber


@given(target=targets())
def test_entropies_are_the_definitions(target):
    found = grouped_entropies(target.exact)
    assert same(found.entropy[0], ref.entropy(target.distribution))
    assert same(found.total_correlation[0], ref.total_correlation(target.distribution))
    assert same(found.dual_total_correlation[0], ref.dual_total_correlation(target.distribution))
    for i, (bits, error) in enumerate(found.positions):
        assert same(bits, ref.entropy(target.distribution, (i,)))
        assert error == 0


@given(target=targets(), data=st.data())
def test_loss_of_a_partition_is_the_definition(target, data):
    partition = data.draw(ordered_partitions(target.n))
    form = ref.step_bound(target.distribution, partition)
    assert same(listed_step_bound(target.exact, partition)[0], form)
    value, error = listed_step_bound(target.floats, partition)
    exact, _ = listed_step_bound(target.exact, partition)
    assert abs(LogNumber.rational(Fraction(value)) - exact) <= Fraction(error)


@given(target=targets())
def test_floats_are_within_their_errors(target):
    pmf = target.exact
    exact, floats = grouped_entropies(pmf), grouped_entropies(target.floats)
    with allowing(Fraction(1, 10**7)):  # too little to factor a weight
        rounded = grouped_entropies(pmf)
    for found in (floats, rounded):
        pairs = [(found.entropy, exact.entropy), (found.total_correlation, exact.total_correlation)]
        pairs += [(found.dual_total_correlation, exact.dual_total_correlation)]
        for (value, error), (truth, _) in [*pairs, *zip(found.positions, exact.positions, strict=True)]:
            assert isinstance(value, float)
            assert abs(LogNumber.rational(Fraction(value)) - truth) <= Fraction(error)


@pytest.mark.parametrize("scale", [1, 10**30], ids=["small", "large"])
def test_two_hundred_outcomes_over_thirty_positions(scale):
    rows = [tuple((j * j * 7 + j * i * (i + 3) + i // 3) % 11 % 2 for i in range(30)) for j in range(200)]
    rows = list(dict.fromkeys(rows))
    pmf = JointPMF.from_weights(rows, [scale * (j % 5 + 1) for j in range(len(rows))])
    found = grouped_entropies(pmf)
    assert found.total_correlation == (total_correlation(pmf), 0.0)
    assert found.dual_total_correlation == (dual_total_correlation(pmf), 0.0)
    blocks = [range(3, 9), range(3), range(9, 30)]
    terms = [
        total_correlation(pmf, list(blocks[0])),
        total_correlation(pmf, list(blocks[1]), list(blocks[0])),
    ]
    terms.append(total_correlation(pmf, list(blocks[2]), list(range(9))))
    assert listed_step_bound(pmf, blocks) == (sum(terms[1:], terms[0]), 0.0)
    assert found.positions[4][0] == conditional_entropy(pmf, [4])

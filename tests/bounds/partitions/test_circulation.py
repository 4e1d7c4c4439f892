"""Costs step by step, and the effect of the order of two tokens: definitions and sums."""

from fractions import Fraction
from itertools import combinations
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bounds.partitions.test_model_excess import random_model
from tests.helpers.comparison import same
from tests.helpers.strategies import ordered_partitions, targets
from tests.reference import definitions as ref
from theory.bounds.partitions.path_costs import circulation, path_cost, pseudo_cost, step_costs
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "skewed", "sparse"))


@given(target=SMALL, data=st.data())
def test_each_step_has_the_block_cost_as_its_mean(target, data):
    distribution, blocks = target.distribution, data.draw(ordered_partitions(target.n))
    costs = {y: step_costs(target.exact, y, blocks) for y in distribution}
    for t, block in enumerate(blocks):
        before = sum(blocks[:t], ())
        mean = sum((p * costs[y][t] for y, p in distribution.items()), LogNumber())
        assert same(mean, ref.block_cost(distribution, block, before))
    for y in distribution:
        assert sum(costs[y], LogNumber()) == path_cost(target.exact, y, blocks)
        for t, block in enumerate(blocks):
            part = ref.condition(distribution, {i: y[i] for i in sum(blocks[:t], ())})
            joint = ref.marginal(part, block)[tuple(y[i] for i in block)]
            for i in block:
                joint /= ref.marginal(part, (i,))[(y[i],)]
            assert same(costs[y][t], ref.log2_form(joint))
    floats = step_costs(target.floats, y, blocks)
    assert [float(cost) for cost in costs[y]] == pytest.approx(list(floats), abs=1e-12)


@given(target=SMALL, data=st.data(), seed=st.integers(0, 10**6))
def test_circulation_is_its_definition_and_zero_for_a_joint_distribution(target, data, seed):
    distribution, model = target.distribution, random_model(target.distribution, seed)
    y = data.draw(st.sampled_from(sorted(distribution, key=repr)))
    for i, j in combinations(range(target.n), 2):
        rest = [k for k in range(target.n) if k not in (i, j)]
        seen = {
            k: y[k] for k in data.draw(st.lists(st.sampled_from(rest), unique=True) if rest else st.just([]))
        }
        one, two = (i, y[i]), (j, y[j])
        assert circulation(target.exact, seen, one, two) == 0
        ahead = model(seen, *one) * model({**seen, i: y[i]}, *two)
        back = model(seen, *two) * model({**seen, j: y[j]}, *one)
        found = circulation(model, seen, one, two)
        assert same(found, ref.log2_form(ahead / back))
        assert circulation(model, seen, two, one) == -found


def test_two_positions_at_once_cost_differs_by_the_circulation():
    """The pseudo-cost of a block taken in two orders differs by what the orders themselves differ by."""
    distribution = {(a, b): Fraction(1, 4) for a in (0, 1) for b in (0, 1)}
    model = random_model(distribution, 3)
    gap = pseudo_cost(model, (0, 1), [[0, 1]]) - pseudo_cost(model, (0, 1), [[1, 0]])
    assert gap == circulation(model, {}, (0, 0), (1, 1))


def test_ends_and_wrong_input():
    def model(seen, i, _token):
        return Fraction(0) if seen.get(0) == 0 and i == 1 else Fraction(1, 2)

    assert circulation(model, {}, (1, 0), (0, 0)) == inf
    assert circulation(model, {}, (0, 0), (1, 0)) == -inf
    pmf = JointPMF.uniform([(0, 0), (1, 1)])
    with pytest.raises(InputError, match="impossible in both orders"):
        circulation(pmf, {}, (0, 0), (1, 1))
    with pytest.raises(InputError, match="two masked positions are needed, got 0 and 0"):
        circulation(pmf, {}, (0, 0), (0, 1))
    with pytest.raises(InputError, match="two masked positions are needed"):
        circulation(pmf, {1: 0}, (0, 0), (1, 0))

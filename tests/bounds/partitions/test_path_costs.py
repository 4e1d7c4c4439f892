"""The pseudo-cost: its definition, the chain rule, and what it is the mean of."""

from fractions import Fraction
from itertools import permutations
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.partitions.path_costs import path_cost, pmf_conditional, pseudo_cost
from theory.bounds.partitions.step_bounds import step_bound
from theory.distributions.pmf import JointPMF
from theory.information.measures import kl_divergence
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.policy_table import path_blocks
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.optima.mixtures.output_distributions import partition_distribution
from theory.validation import InputError

SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "skewed", "sparse"))


def by_definition(distribution: ref.PMF, outcome, blocks):
    """Both sums, each term a conditional probability counted from the outcomes."""

    def asked(given, i):
        fits = {y: p for y, p in distribution.items() if all(y[j] == outcome[j] for j in given)}
        return sum(p for y, p in fits.items() if y[i] == outcome[i]) / sum(fits.values())

    terms, revealed = [], []
    for block in blocks:
        for j, i in enumerate(block):
            terms.append(ref.log2_form(asked([*revealed, *block[:j]], i)))
            terms.append(ref.scale(ref.log2_form(asked(revealed, i)), -1))
        revealed += block
    return ref.add(*terms)


@given(target=SMALL, data=st.data())
def test_definition_and_identity_with_the_path_cost(target, data):
    pmf, blocks = target.exact, data.draw(ordered_partitions(target.n))
    outcome = data.draw(st.sampled_from(sorted(target.distribution, key=repr)))
    found = pseudo_cost(pmf, outcome, blocks)
    assert same(found, by_definition(target.distribution, outcome, blocks))
    assert found == path_cost(pmf, outcome, blocks)
    assert found == LogNumber.log2(
        Fraction(target.distribution[outcome]) / partition_distribution(pmf, blocks)[outcome]
    )
    shuffled = [data.draw(st.permutations(block)) for block in blocks]
    assert pseudo_cost(pmf, outcome, shuffled) == found
    assert float(pseudo_cost(target.floats, outcome, blocks)) == pytest.approx(float(found), abs=ROUNDING)


@given(target=SMALL, data=st.data())
def test_mean_is_the_step_bound(target, data):
    blocks = data.draw(ordered_partitions(target.n))
    mean = sum(
        (p * pseudo_cost(target.exact, y, blocks) for y, p in target.distribution.items()), LogNumber()
    )
    assert mean == step_bound(subset_entropies(target.exact), blocks)


@settings(max_examples=examples(5))
@given(target=SMALL)
def test_mean_along_an_adaptive_policy_is_its_divergence(target):
    pmf = target.exact
    policies = [vertex.policy for vertex in frontier(pmf).vertices]
    policies += [adaptive_bounds(pmf).policy(steps) for steps in range(1, target.n + 1)]
    for policy in policies:
        costs = {y: pseudo_cost(pmf, y, path_blocks(pmf, policy, y)) for y in target.distribution}
        assert sum((p * costs[y] for y, p in target.distribution.items()), LogNumber()) == policy.kl


def test_a_distribution_of_blocks_and_its_divergence():
    pmf = JointPMF.uniform(permutations(range(3)))
    costs = [pseudo_cost(pmf, y, [[0, 2], [1]]) for y in pmf.outcomes]
    assert set(costs) == {LogNumber.log2(Fraction(3, 2))}
    assert kl_divergence(pmf, pmf) == 0


def test_conditionals_of_no_joint_distribution():
    """A model whose two orders disagree: the pseudo-cost depends on the order within the block."""

    def asked(revealed, i, _):
        if not revealed:
            return Fraction(1, 2)
        return Fraction(3, 4) if i == 1 else Fraction(1, 4)

    assert pseudo_cost(asked, (0, 0), [[0, 1]]) == LogNumber.log2(Fraction(3, 2))
    assert pseudo_cost(asked, (0, 0), [[1, 0]]) == LogNumber.log2(Fraction(1, 2))
    assert pseudo_cost(asked, (0, 0), [[0], [1]]) == 0
    assert pseudo_cost(lambda *_: 0.5, (0, 0), [[0, 1]]) == 0.0


def test_impossible_sequences():
    def asked(revealed, i, _):
        return Fraction(int(bool(revealed) or i == 0))

    assert pseudo_cost(asked, (0, 0), [[0, 1]]) == inf
    assert pseudo_cost(lambda revealed, *_: Fraction(not revealed), (0, 0), [[0, 1]]) == -inf
    pmf = JointPMF.uniform([(0, 0), (1, 1)])
    assert pseudo_cost(pmf, (0, 1), [[0, 1]]) == -inf
    with pytest.raises(InputError, match="impossible both"):
        pseudo_cost(pmf, (0, 1), [[0], [1]])
    with pytest.raises(InputError, match="not in the support"):
        path_blocks(pmf, frontier(pmf).vertices[0].policy, (0, 1))
    with pytest.raises(InputError, match="have probability zero"):
        pmf_conditional(pmf)({0: 5}, 1, 0)

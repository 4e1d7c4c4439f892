"""The divergence of a learned model less the step bound, exactly."""

from fractions import Fraction
from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.partitions.model_excess import model_excess
from theory.bounds.partitions.path_costs import pmf_conditional
from theory.bounds.partitions.step_bounds import step_bound
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "skewed", "sparse"))


def random_model(distribution: ref.PMF, seed: int):
    """Conditionals that depend on the context, the position and the token, and are positive."""
    alphabets = [sorted({y[i] for y in distribution}, key=repr) for i in range(ref.length(distribution))]

    def asked(revealed, i, token):
        rng = Random(f"{seed} {sorted(revealed.items(), key=repr)} {i}")
        weights = {v: rng.randint(1, 5) for v in alphabets[i]}
        return Fraction(weights[token], sum(weights.values()))

    return asked


@given(target=SMALL, data=st.data(), seed=st.integers(0, 10**6))
def test_divergence_is_the_step_bound_and_the_excess(target, data, seed):
    blocks, model = data.draw(ordered_partitions(target.n)), random_model(target.distribution, seed)
    q = {}
    for y in target.distribution:
        q[y], before = Fraction(1), {}
        for block in blocks:
            for i in block:
                q[y] *= model(before, i, y[i])
            before = {**before, **{i: y[i] for i in block}}
    excess = model_excess(target.exact, model, blocks)
    assert (
        LogNumber(ref.kl_exact(target.distribution, q))
        == step_bound(subset_entropies(target.exact), blocks) + excess
    )
    assert excess >= 0
    rough = model_excess(target.floats, lambda *asked: float(model(*asked)), blocks)
    assert rough == pytest.approx(float(excess), abs=ROUNDING)


@given(target=SMALL, data=st.data())
def test_the_ideal_model_pays_nothing_more(target, data):
    blocks = data.draw(ordered_partitions(target.n))
    assert model_excess(target.exact, pmf_conditional(target.exact), blocks) == 0


def test_tokens_that_are_ruled_out_and_wrong_input():
    pmf = JointPMF.uniform([(0, 0), (1, 1)])
    assert model_excess(pmf, lambda *asked: Fraction(asked[2] == 0), [[0, 1]]) == inf
    with pytest.raises(InputError, match="position"):
        model_excess(pmf, pmf_conditional(pmf), [[0]])

"""Optimal adaptive policies decode as promised, and no rule lies below the frontier."""

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.adaptive_checks import as_form, check_decodes, matching_selector
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.helpers.tolerance import NEAR_OPTIMAL
from tests.reference import definitions as ref
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.state_graph import state_graph
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import View, parse_policy, registered_policies


class Scattered:
    """An arbitrary deterministic policy: the block is drawn once for every state."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed = n, seed

    def block(self, revealed: tuple[int, ...]) -> tuple[int, ...]:
        masked = [i for i in range(self.n) if revealed[i] == -1]
        rng = Random(f"{self.seed} {revealed}")
        return tuple(rng.sample(masked, rng.randint(1, len(masked))))

    def plan(self, view: View):
        blocks = [sum(1 << i for i in self.block(tuple(row))) for row in view.revealed.tolist()]
        from theory.optima.adaptive.policy_table import Choice

        return Choice(np.array(blocks), self.n)


@given(targets(kinds=("dense", "skewed", "sparse")), st.integers(0, 10**6))
def test_divergence_is_the_expected_cost_along_the_data(target, seed):
    """Theorem 1 of arXiv 2608.25505, for any deterministic policy of the state."""
    policy, pmf = Scattered(target.n, seed), target.exact

    def cost(distribution: ref.PMF, revealed: tuple[int, ...]) -> tuple[ref.Form, Fraction]:
        if -1 not in revealed:
            return {}, Fraction(0)
        block = policy.block(revealed)
        total, steps = ref.total_correlation(distribution, block), Fraction(1)
        for p, part in ref.contexts(distribution, block):
            outcome = next(iter(part))
            after = tuple(
                pmf.alphabets[i].index(outcome[i]) if i in block else code for i, code in enumerate(revealed)
            )
            kl, more = cost(part, after)
            total, steps = ref.add(total, ref.scale(kl, p)), steps + p * more
        return total, steps

    kl, steps = cost(target.distribution, (-1,) * target.n)
    result = decode(pmf, policy)
    assert result.kl == result.path_kl
    assert as_form(result.kl) == tuple(sorted(kl.items()))
    assert result.steps_under_data == steps


@settings(max_examples=examples(4))
@given(targets())
def test_optimal_policies_decode_as_promised(target):
    graph = state_graph(target.exact)
    bounds = adaptive_bounds(graph)
    for t in range(1, target.n + 1):
        policy = bounds.policy(t)
        assert policy.worst_case <= t
        check_decodes(target.exact, policy, bounds.values[t - 1], bounds.steps_under_data[t - 1])
    for vertex in frontier(graph).vertices:
        check_decodes(target.exact, vertex.policy, vertex.kl, vertex.steps_under_data)
        assert vertex.steps == vertex.policy.steps


@pytest.mark.grid(2)
@pytest.mark.parametrize(
    ("name", "n"), [("shuffle", 5), ("shuffle_strict", 4), ("remove_random", 7), ("insert_random", 5)]
)
def test_optimal_policies_of_tasks_decode_as_promised(name, n):
    pmf = make_task(name, n).contexts()[0].distribution.pmf()
    graph = state_graph(pmf)
    for vertex in frontier(graph).vertices:
        check_decodes(pmf, vertex.policy, vertex.kl, vertex.steps_under_data)
    for t, kl in enumerate(adaptive_bounds(graph).values, start=1):
        check_decodes(pmf, policy := adaptive_bounds(graph).policy(t), kl, policy.steps_under_data)


@given(targets(shapes=[(2, 2), (2, 2, 2), (3, 2, 1, 2)], kinds=("dense", "skewed")))
def test_float_policies_decode_as_promised(target):
    for vertex in frontier(target.floats).vertices:
        result = decode(target.floats, vertex.policy)
        assert abs(result.kl - vertex.kl) < NEAR_OPTIMAL
        assert abs(result.steps_under_data - vertex.steps_under_data) < NEAR_OPTIMAL
        assert abs(result.steps - vertex.steps) < NEAR_OPTIMAL


@pytest.mark.grid(1)
@pytest.mark.parametrize("name", ["random", "city_names", "remove_random", "shuffle_strict", "selector"])
def test_every_rule_lies_on_or_above_the_frontier(name):
    sizes = {"shuffle_strict": 4, "remove_random": 5}
    if name == "selector":
        pmf = JointPMF.uniform(matching_selector())
    elif name == "random":
        rng = Random(3)
        pmf = JointPMF.from_weights(list(product((0, 1), repeat=4)), [rng.randint(0, 5) for _ in range(16)])
    else:
        pmf = make_task(name, sizes.get(name)).contexts()[0].distribution.pmf()
    edge = frontier(pmf)
    specs = [cls.example for cls in registered_policies().values()]
    for by in ("confidence", "margin", "entropy", "left_to_right", "random"):
        specs += [f"topk:k={k},by={by}" for k in (1, 2, 3)]
        low = "0" if by in ("confidence", "margin") else "-0.5"
        specs += [f"threshold:gamma={g},by={by}" for g in ("0.4", "0.6", low)]
        specs += [f"factor:f={f},by={by}" for f in ("1.0", "1.5")]
    for spec in [*specs, "topk:k=2,block=2", "topk:k=2,ties=lowest", "threshold:gamma=0.6,ties=all"]:
        result = decode(pmf, parse_policy(spec))
        if isinstance(result.path_kl, float) or result.path_kl is None:
            continue  # no exact value, or a rule to which Theorem 1 does not apply
        assert result.path_kl >= edge.kl_at(result.steps_under_data), spec


def test_a_mixture_can_lie_below_the_frontier():
    """The hull bounds path_kl; the divergence of the mixed distribution of random top-k is smaller."""
    pmf = make_task("replace_random", 3).contexts()[0].distribution.pmf()
    result = decode(pmf, parse_policy("topk:k=2,by=random"))
    bound = frontier(pmf).kl_at(result.steps_under_data)
    assert result.kl == LogNumber.log2(Fraction(9, 8)) < bound == result.path_kl

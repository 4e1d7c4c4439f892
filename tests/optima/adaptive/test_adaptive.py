"""Adaptive optima against the enumeration of every policy; inequalities, invariance, floats, contexts."""

from fractions import Fraction
from itertools import pairwise, permutations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.adaptive_checks import as_form, check_brute_force, hull, matching_selector
from tests.helpers.draws import examples
from tests.helpers.strategies import Target, targets
from tests.helpers.tolerance import NEAR_OPTIMAL
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError, allowing
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive import (
    equivalence_classes as classes,
)
from theory.optima.adaptive import state_graph as graph_module
from theory.optima.adaptive.best_actions import best_weighted, budget_values, weighted_values
from theory.optima.adaptive.canonical_distributions import SmallDistribution, canonical_form
from theory.optima.adaptive.contexts import (
    average_bounds,
    average_depth,
    average_frontier,
)
from theory.optima.adaptive.exact_values import StateValues
from theory.optima.adaptive.frontier import (
    Frontier,
    frontier,
)
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.state_graph import state_graph
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import View
from theory.validation import InputError

HALF = Fraction(1, 2)
BRUTE_SHAPES = [(1,), (3,), (1, 2), (2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 1, 2), (3, 2, 2), (2, 3, 2)]
small_targets = targets(shapes=BRUTE_SHAPES, kinds=("dense", "skewed", "sparse"))


# --- Every deterministic policy, by enumeration --------------------------------------------------------------


@given(small_targets)
@settings(max_examples=examples(8))
def test_optima_are_those_of_all_policies(target):
    check_brute_force(target)


@pytest.mark.grid(2)
@pytest.mark.parametrize("seed", range(4))
def test_optima_of_four_bits(seed):
    rng = Random(seed)
    words = list(product((0, 1), repeat=4))
    support = rng.sample(words, 6)
    weights = [rng.randint(1, 3) for _ in support]
    check_brute_force(Target({y: Fraction(w, sum(weights)) for y, w in zip(support, weights, strict=True)}))


@given(small_targets)
def test_floats_agree_with_exact_numbers(target):
    exact, floats = state_graph(target.exact), state_graph(target.floats)
    for a, b in zip(adaptive_bounds(exact).values, adaptive_bounds(floats).values, strict=True):
        assert abs(float(a) - b) < NEAR_OPTIMAL
    one, two = frontier(exact), frontier(floats)
    for vertex in one.vertices:
        assert abs(float(vertex.kl) - two.kl_at(float(vertex.steps_under_data))) < NEAR_OPTIMAL
    assert serial_depth(floats).worst_case == serial_depth(exact).worst_case


# --- Inequalities and invariance -----------------------------------------------------------------------------


@given(targets())
def test_order_of_the_optima(target):
    bounds, best = adaptive_bounds(target.exact), optimal_bounds(subset_entropies(target.exact, exact=True))
    assert all(a >= b for a, b in pairwise(bounds.values))
    assert all(v <= fixed for v, fixed in zip(bounds.values, best.values, strict=True))
    assert bounds.values[0] == best.values[0]  # one step leaves no choice
    assert bounds.values[-1] == 0
    edge = frontier(target.exact)
    slopes = [(b.kl - a.kl) / (b.steps_under_data - a.steps_under_data) for a, b in pairwise(edge.vertices)]
    assert all(s < 0 for s in slopes)
    assert all(a < b for a, b in pairwise(slopes))
    assert edge.vertices[0].steps_under_data == 1
    assert edge.vertices[-1].kl == 0
    for value, steps in zip(bounds.values, bounds.steps_under_data, strict=True):
        assert value >= edge.kl_at(steps)


@settings(max_examples=examples(4))
@given(targets(shapes=[(2, 2, 2), (2, 3, 2), (2, 2, 2, 2), (3, 2, 1, 2)]), st.randoms(use_true_random=False))
def test_names_do_not_matter(target, rng):
    order = rng.sample(range(target.n), target.n)
    names = [dict(zip(range(3), rng.sample("abc", 3), strict=True)) for _ in order]
    codes, alphabets = target.exact.codes.tolist(), target.exact.alphabets
    renamed = {
        tuple(names[i][row[i]] for i in order): p
        for row, p in zip(codes, target.exact.probabilities, strict=True)
    }
    assert len(alphabets) == target.n
    one, two = state_graph(target.exact), state_graph(JointPMF.from_mapping(renamed))
    assert adaptive_bounds(one).values == adaptive_bounds(two).values
    points = [[(v.steps_under_data, v.kl) for v in frontier(g).vertices] for g in (one, two)]
    assert points[0] == points[1]


@given(targets())
def test_merging_states_changes_nothing(target):
    merged = state_graph(target.exact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classes, "CANONICAL_CELLS", 0)
        listed = state_graph(target.exact)
    assert listed.classes >= merged.classes
    assert adaptive_bounds(listed).values == adaptive_bounds(merged).values


def test_a_form_is_the_same_for_every_naming():
    rng = np.random.default_rng(1)
    for _ in range(50):
        codes = np.unique(rng.integers(0, 3, (6, 3)), axis=0)
        codes = np.stack([np.unique(column, return_inverse=True)[1] for column in codes.T], axis=1)
        weights = rng.integers(1, 4, len(codes))
        order = rng.permutation(3)
        names = [rng.permutation(codes[:, i].max() + 1) for i in order]
        other = np.stack([name[codes[:, i]] for name, i in zip(names, order, strict=True)], axis=1)
        shuffled = rng.permutation(len(codes))
        one, two = SmallDistribution(codes, weights), SmallDistribution(other[shuffled], weights[shuffled])
        assert canonical_form(one)[0] == canonical_form(two)[0]


@pytest.mark.parametrize(
    ("name", "n", "states", "found", "moves"),
    [
        ("shuffle", 6, 13327, 7, 119),
        ("shuffle_strict", 5, 1540, 8, 116),
        ("remove_random", 8, 576, 8, 412),
        ("replace_random", 6, 255, 7, 213),
    ],
)
def test_symmetric_tasks_have_few_kinds(name, n, states, found, moves):
    graph = state_graph(make_task(name, n).contexts()[0].distribution.pmf())
    assert (graph.states.count, graph.classes, len(graph.child)) == (states, found, moves)


# --- Float tables, contexts, reading -------------------------------------------------------------------------


@given(targets(), st.sampled_from([0, Fraction(1, 3), 5]))
def test_float_values_keep_within_the_rounding_bound(target, weight):
    graph = state_graph(target.exact)
    tables, state_values = budget_values(graph, graph.pmf.n), StateValues(graph)
    for t, value in enumerate(adaptive_bounds(graph).values, start=1):
        assert abs(tables[t][graph.root] - float(value)) <= graph.rounding() < 1e-10
    root = best_weighted(state_values, LogNumber.rational(weight)).root
    value = float(root.kl + LogNumber.rational(weight) * root.steps)
    error = abs(weighted_values(graph, float(weight))[graph.root] - value)
    assert error <= graph.rounding(float(weight)) < 1e-10


def test_float_costs_of_a_large_distribution_keep_within_the_bound():
    graph = state_graph(JointPMF.uniform(permutations(range(6))))
    state_values = StateValues(graph)
    errors = [abs(float(state_values.cost(a)) - cost) for a, cost in enumerate(graph.cost.tolist())]
    assert max(errors) <= graph.rounding() < 1e-9


def test_contexts_are_averaged():
    weights = [Fraction(1, 3), Fraction(2, 3)]
    distributions = [JointPMF.uniform(permutations(range(3))), JointPMF.uniform([(0, 0), (1, 1)])]
    parts = list(zip(weights, distributions, strict=True))
    values = [adaptive_bounds(distribution).values for distribution in distributions]
    means = average_bounds(parts)
    assert means[0] == values[0][0] * weights[0] + values[1][0] * weights[1]
    assert means[2] == 0
    assert average_depth(parts).expected == Fraction(3 + 4, 3)
    assert average_depth(parts).worst_case == 3
    edge = average_frontier(parts)
    corners = [
        (
            sum(w * v.steps_under_data for w, v in zip(weights, pair, strict=True)),
            as_form(sum((v.kl * w for w, v in zip(weights, pair, strict=True)), LogNumber())),
            0,
        )
        for pair in product(*(frontier(distribution).vertices for distribution in distributions))
    ]
    assert [(v.steps_under_data, as_form(v.kl)) for v in edge.vertices] == hull(corners)
    assert [len(v.policies) for v in edge.vertices] == [2] * len(edge.vertices)
    for vertex in edge.vertices:
        own = [
            decode(distribution, policy).steps
            for distribution, policy in zip(distributions, vertex.policies, strict=True)
        ]
        assert vertex.steps == weights[0] * own[0] + weights[1] * own[1]
    with pytest.raises(InputError, match="over 2 contexts; use policies"):
        _ = edge.vertices[0].policy


def test_equal_slopes_of_contexts_make_one_edge():
    distribution = JointPMF.uniform([(0, 0), (1, 1)])
    edge = average_frontier([(HALF, distribution), (HALF, distribution)])
    assert [(v.steps_under_data, v.kl) for v in edge.vertices] == [(1, 1), (2, 0)]


def test_rows_and_tree():
    pmf = JointPMF.uniform(matching_selector())
    policy = adaptive_bounds(pmf).policy(3)
    rows = policy.rows()
    assert sum(row["probability"] for row in rows) == pytest.approx(3)
    assert sum(row["probability"] * row["cost"] for row in rows) == 0
    assert rows[0] == {"step": 1, "revealed": {}, "block": [0], "size": 1, "probability": 1.0, "cost": 0.0}
    assert [row["step"] for row in rows] == sorted(row["step"] for row in rows)
    assert policy.describe(1) == "reveal {0}, ..."
    assert policy.describe(2).count("...") == policy.describe(2).count("if y0=")
    strict = frontier(make_task("shuffle_strict", 5).contexts()[0].distribution.pmf()).vertices[3].policy
    assert strict.describe(3).split("\n") == [
        "reveal {0, 1}",
        "  if y0=0 & y1=1: reveal {2}",
        "    if y2=2: reveal {3, 4}",
        "    if y2=3 or y2=4: reveal {3}, ...",
        "  otherwise: reveal {2, 3}",
        "    then: reveal {4}",
    ]


def test_work_is_refused_before_it_starts():
    pmf = JointPMF.uniform(permutations(range(4)))
    with (
        allowing(Fraction(15, 100_000)),
        pytest.raises(CostError, match=r"of 4 positions and 24 outcomes would take about 0.00965 seconds"),
    ):
        state_graph(pmf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph_module, "MOVE_BYTES", 10**9)
        with pytest.raises(CostError, match=r"moves between 209 states would need about .* GiB"):
            state_graph(pmf)


def test_underflowing_ratios_do_no_harm():
    huge = 10**400
    pmf = JointPMF.from_weights([(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0)], [1, huge, 2 * huge, 3])
    bounds = adaptive_bounds(pmf)
    assert bounds.values[0] == total_correlation(pmf)
    assert bounds.values[2] == 0


def test_errors_name_the_number_and_the_remedy():
    with pytest.raises(
        CostError, match=r"adaptive optimum of 17 positions .* seconds, the limit .*; use fewer"
    ):
        adaptive_bounds(JointPMF.uniform([(0,) * 17, (1,) * 17]))
    policy = adaptive_bounds(JointPMF.uniform([(0, 0), (1, 1)])).policy(2)
    bare = View(np.full((1, 2, 2), 0.5), np.ones((1, 2), dtype=bool), numbers=None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs the revealed tokens"):
        policy.plan(bare)
    with pytest.raises(InputError, match="made for 2 positions, got 3"):
        decode(JointPMF.uniform([(0, 0, 0), (1, 1, 1)]), policy)
    with pytest.raises(InputError, match="steps must be between 1 and 2, got 3"):
        adaptive_bounds(JointPMF.uniform([(0, 0), (1, 1)])).policy(3)
    with pytest.raises(InputError, match="at least 1, got 1/2"):
        Frontier(vertices=frontier(JointPMF.uniform([(0, 0), (1, 1)])).vertices).kl_at(HALF)


def test_a_choice_is_read_in_three_ways():
    policy = adaptive_bounds(JointPMF.uniform([(0, 0), (1, 1)])).policy(2)
    revealed = np.array([[-1, -1], [1, -1], [-2, -1]])
    view = View(np.full((3, 2, 2), 0.5), revealed == -1, numbers=None, revealed=revealed)  # type: ignore[arg-type]
    choice = policy.plan(view)
    index, distributions = choice.distribution()
    assert [distributions[j] for j in index] == [((1, 1),), ((2, 1),), ((2, 1),)]
    assert choice.sizes().tolist() == [1, 1, 1]
    assert choice.sample(np.zeros((3, 2))).tolist() == [[True, False], [False, True], [False, True]]

"""Floats of the adaptive optima: within their proven error of the exact optima of the same floats, and consistent."""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.helpers.dyadic import both, dyadic
from tests.helpers.tolerance import USEFUL
from theory.commands.bounds import bounds_answer
from theory.commands.frontier import frontier_answer
from theory.commands.policy import policy_answer
from theory.decoding.decoder import decode
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.contexts import (
    average_depth,
    average_frontier,
)
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds

CLOSE_ENOUGH = 1.2e-9  # bits: an edge is searched to 1e-9


@given(st.sampled_from([(2, 2), (3, 2), (2, 2, 2)]).flatmap(lambda shape: dyadic(shape, 2**12)))
def test_adaptive_bounds_are_within_their_error(distribution):
    exact, floats = both(distribution)
    found, truth = adaptive_bounds(floats), adaptive_bounds(exact)
    assert 0 < found.error < USEFUL
    assert truth.error == 0
    for value, wanted in zip(found.values, truth.values, strict=True):
        assert abs(wanted - Fraction(value)) <= Fraction(found.error)


RARE = {(0, 0, 0): 1_000_000, (0, 0, 1): 7, (1, 1, 1): 7, (1, 0, 0): 7}


def test_one_definition_of_free():
    # V_2 is 7e-11 bits: positive, though only a rare state needs the third step
    exact = serial_depth(JointPMF.from_weights(list(RARE), list(RARE.values())))
    floats = serial_depth(JointPMF.from_mapping({y: w / 1_000_021 for y, w in RARE.items()}))
    assert (exact.expected, exact.worst_case, exact.error) == (Fraction(2_000_056, 1_000_021), 3, 0)
    assert floats.worst_case == 3
    assert abs(exact.expected - Fraction(floats.expected)) <= Fraction(floats.error) < 1e-12


@given(st.sampled_from([(2, 2), (3, 2), (2, 2, 2), (2, 2, 2, 2)]).flatmap(dyadic))
def test_serial_depth_of_floats(distribution):
    exact, floats = (serial_depth(pmf) for pmf in both(distribution))
    assert floats.worst_case == exact.worst_case
    assert abs(exact.expected - Fraction(floats.expected)) <= Fraction(floats.error) < 1e-12
    two = average_depth([(Fraction(1, 3), both(distribution)[1]), (Fraction(2, 3), both(distribution)[1])])
    assert abs(exact.expected - Fraction(two.expected)) <= Fraction(two.error)


CURVES = [(2, 2), (3, 2), (2, 2, 2), (2, 2, 2, 2)]


def on_hull(front, steps):
    """The least KL of a hull with exact corners, to a float."""
    corners = [(Fraction(v.steps_under_data), v.kl) for v in front.vertices]
    for left, right in pairwise(corners):
        if steps <= right[0]:
            share = (steps - left[0]) / (right[0] - left[0])
            return float(left[1] * (1 - share) + right[1] * share)
    return float(corners[-1][1])


@settings(max_examples=examples(5))
@given(
    st.sampled_from(CURVES).flatmap(lambda shape: dyadic(shape, 2**12)),
    st.lists(st.fractions(1, 4), min_size=4, max_size=4),
)
def test_frontiers_are_within_their_error(distribution, places):
    exact, floats = both(distribution)
    truth, found = frontier(exact), frontier(floats)
    assert truth.error == 0
    assert 0 < found.error < CLOSE_ENOUGH
    for steps in (*places, *(v.steps_under_data for v in (*truth.vertices, *found.vertices))):
        error = abs(on_hull(truth, Fraction(steps)) - float(found.kl_at(Fraction(steps))))
        assert error <= found.error + 1e-15  # of the truth as a float
    for vertex, policy in ((v, v.policy) for v in found.vertices):
        true = decode(exact, policy)
        assert abs(true.steps - Fraction(policy.steps)) <= Fraction(policy.steps_error) < Fraction(1, 10**11)
        assert abs(true.steps_under_data - Fraction(vertex.steps_under_data)) <= Fraction(1, 10**11)


@given(
    st.sampled_from(CURVES).flatmap(lambda shape: dyadic(shape, 2**12)),
    st.fractions(0, 3, max_denominator=64),
)
def test_depth_within_is_within_its_error(distribution, epsilon):
    exact, floats = both(distribution)
    truth, found = depth_within(exact, epsilon), depth_within(floats, epsilon)
    error = Fraction(truth.error) + Fraction(found.error)
    assert abs(Fraction(truth.expected) - Fraction(found.expected)) <= error
    assert truth.error < 1e-15
    if isinstance(truth.expected, float):
        front = frontier(exact)
        assert on_hull(front, Fraction(truth.expected)) == pytest.approx(float(epsilon), abs=1e-12)


def test_means_of_frontiers_are_within_their_error():
    distributions = [
        {
            (0, 0, 1): Fraction(1, 8),
            (0, 1, 0): Fraction(3, 8),
            (1, 1, 1): Fraction(1, 4),
            (1, 0, 0): Fraction(1, 4),
        },
        {(0, 0): Fraction(1, 2), (1, 1): Fraction(1, 4), (0, 1): Fraction(1, 4)},
    ]
    shares = [Fraction(1, 3), Fraction(2, 3)]
    exact, floats = (
        average_frontier(
            list(zip(shares, [both(distribution)[j] for distribution in distributions], strict=True))
        )
        for j in (0, 1)
    )
    assert exact.error == 0
    assert 0 < floats.error < CLOSE_ENOUGH
    for tenth in range(10, 31):
        steps = Fraction(tenth, 10)
        assert abs(on_hull(exact, steps) - float(floats.kl_at(steps))) <= floats.error + 1e-15


@pytest.mark.parametrize("exact", [True, False])
def test_answers(exact):
    distribution = {(0, 0, 1): "1/8", (0, 1, 0): "3/8", (1, 1, 1): "1/4", (1, 0, 0): "1/4"}
    pmf, floats = both({y: Fraction(p) for y, p in distribution.items()})
    contexts = (Context(weight=Fraction(1), distribution=ListedDistribution(pmf if exact else floats)),)
    task = SimpleNamespace(name="own", n=3, contexts=lambda: contexts, chain=lambda: None)
    bounds, depth = bounds_answer(task, adaptive=True), frontier_answer(task)
    best = policy_answer(task, 2)
    if exact:
        assert all("errors" not in answer for answer in (bounds, depth, best))
        return
    for value, wanted in zip(bounds["adaptive_bound"], adaptive_bounds(pmf).values, strict=True):
        assert abs(wanted - Fraction(value)) <= Fraction(bounds["errors"]["adaptive_bound"])
    assert 0 < depth["errors"]["vertices"]["kl"] < CLOSE_ENOUGH
    assert 0 < depth["errors"]["vertices"]["steps_of_runs"] < 1e-11
    assert "notes" not in depth
    wanted = serial_depth(pmf).expected
    assert abs(wanted - Fraction(depth["serial_depth"]["expected"])) <= depth["errors"]["serial_depth"]
    assert set(best["errors"]) == {"kl", "accuracy", "steps", "steps_under_data"}
    assert (
        abs(adaptive_bounds(pmf).values[1] - Fraction(best["kl"])) <= Fraction(best["errors"]["kl"]) < 1e-14
    )

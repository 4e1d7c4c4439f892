"""Exact numbers, floats and balls through the same code: the ball holds the exact number, the float is near it."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.helpers.dyadic import both, dyadic
from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers import BALLS, EXACT, FLOAT64
from theory.numbers.balls import ball_precision, to_ball
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import LogNumber

SHAPES = st.sampled_from([(2,), (3, 2), (2, 2, 2), (2, 3, 2)])
CUTS = st.sampled_from([{}, {"top_k": 1}, {"top_p": "0.7"}, {"top_p": "0.9", "top_k": 2, "nucleus": "drop"}])
NARROW = 2.0**-100
NEAR = 1e-12  # a few roundings of numbers of at most 1


def holds(ball, truth):
    """Whether a narrow ball contains a far narrower interval around a rational or a logarithm."""
    assert isinstance(ball, arb)
    with ctx.workprec(400):
        interval = truth.interval(400) if isinstance(truth, LogNumber) else arb(truth)
        inside = ball.contains(interval)
    return inside and float(ball.rad()) <= NARROW * max(1.0, abs(float(ball.mid())))


@given(distribution=SHAPES.flatmap(dyadic), off=st.sampled_from(["marginal", "uniform"]), data=st.data())
def test_models(distribution, off, data):
    exact, floats = both(distribution)
    n = exact.n
    states = data.draw(
        st.lists(st.lists(st.integers(MASK, 2), min_size=n, max_size=n), min_size=1, max_size=4)
    )
    tokens = np.array(states)
    with ball_precision():
        models = [ListedModel.by_token(pmf, off) for pmf in (exact, floats, floats.in_balls())]
        truth, near, balls = (model.marginals(tokens) for model in models)
        mass, _, ball_mass = (model.mass(tokens) for model in models)
    assert [model.numbers for model in models] == [EXACT, FLOAT64, BALLS]
    for p, x, ball in zip(truth.flat, near.flat, balls.flat, strict=True):
        assert holds(ball, p)
        assert abs(x - int(p.p) / int(p.q)) < NEAR
    for weight, ball in zip(mass.tolist(), ball_mass.tolist(), strict=True):
        assert holds(to_ball(ball), fmpq(int(weight), exact.total))
    assert exact.in_balls() is exact


@given(
    distribution=SHAPES.flatmap(dyadic), tau=st.sampled_from(["0", "1", "1/2", "1/3"]), cut=CUTS,
    scored=st.sampled_from(["before", "after"]),
)  # fmt: skip
def test_transforms(distribution, tau, cut, scored):
    exact, floats = both(distribution)
    transform = Transform(temperature=tau, scored=scored, **cut)
    masked = np.full((1, exact.n), MASK)
    with ball_precision():
        probs, near, balls = (
            ListedModel.by_token(pmf).marginals(masked) for pmf in (exact, floats, floats.in_balls())
        )
        for function in (transform.draw, transform.scores_read):
            truth = function(probs, EXACT)
            for found in (function(probs, EXACT, BALLS.converted(probs)), function(near, FLOAT64, balls)):
                assert all(holds(ball, p) for ball, p in zip(found.flat, truth.flat, strict=True))
            rounded = np.abs(function(near, FLOAT64) - EXACT.floats(truth))
            assert rounded.max() < NEAR


@given(st.lists(st.tuples(st.fractions(-9, 9), st.fractions(Fraction(1, 99), 99)), min_size=1, max_size=6))
def test_sums_of_logarithms(pairs):
    exact = [(fmpq(c.numerator, c.denominator), fmpq(a.numerator, a.denominator)) for c, a in pairs]
    assert log_sum(exact) == LogNumber.weighted_sum(pairs)
    assert log_sum(exact, total=fmpq(3)) == LogNumber.weighted_sum(pairs) / 3
    assert holds(log_sum(pairs, BALLS), LogNumber.weighted_sum(pairs))
    assert holds(log_sum(pairs, BALLS, total=fmpq(3)), LogNumber.weighted_sum(pairs) / 3)


@settings(max_examples=examples(25))
@given(distribution=SHAPES.flatmap(dyadic))
def test_ratios_and_entropies(distribution):
    weights = np.array([p.numerator for p in distribution.values()])
    with ball_precision():
        exact, balls = (kind.ratio(weights, np.array(int(weights.sum()))) for kind in (EXACT, BALLS))
        assert all(holds(ball, p) for ball, p in zip(balls, exact, strict=True))
        assert all(holds(ball, p) for ball, p in zip(BALLS.converted(exact), exact, strict=True))
        assert holds(BALLS.entropy(balls[None])[0], EXACT.entropy(exact[None])[0])
        assert BALLS.floats(balls) == pytest.approx(EXACT.floats(exact), abs=NEAR)

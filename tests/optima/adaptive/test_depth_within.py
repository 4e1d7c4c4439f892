"""The fewest steps at a divergence: against the hull of all policies, exact wherever the number is rational."""

from fractions import Fraction
from itertools import pairwise

import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.adaptive_checks import every_policy, hull
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.depth_within import depth_within

SMALL = targets([(1,), (1, 2), (2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "skewed", "sparse"))


def by_definition(points, epsilon):
    """(steps on the hull at epsilon, whether they are rational, the fewest steps in the worst case)."""
    worst = min(w for _, kl, w in points if ref.sign(ref.sub(dict(kl), epsilon)) <= 0)
    corners = [(steps, dict(kl)) for steps, kl in hull(points)]
    if ref.sign(ref.sub(corners[0][1], epsilon)) <= 0:
        return corners[0][0], True, worst
    for (r, k), (s, low) in pairwise(corners):
        if ref.sign(ref.sub(low, epsilon)) <= 0:
            saved, most = ref.sub(k, epsilon), ref.sub(k, low)
            shares = {saved.get(base, Fraction(0)) / c for base, c in most.items()}
            if set(saved) <= set(most) and len(shares) == 1:
                return r + (s - r) * shares.pop(), True, worst
            return float(r) + float(s - r) * ref.to_float(saved) / ref.to_float(most), False, worst
    raise AssertionError("every distribution has a policy without loss")


@given(target=SMALL, share=st.fractions(0, 1, max_denominator=4), bits=st.fractions(0, 2, max_denominator=3))
@settings(max_examples=examples(8))
def test_it_is_read_off_the_hull_of_all_policies(target, share, bits):
    points = every_policy(target.distribution)
    total = ref.total_correlation(target.distribution)
    for epsilon in (ref.scale(total, share), ref.scale({2: Fraction(1)}, bits) if bits else {}):
        steps, rational, worst = by_definition(points, epsilon)
        found = depth_within(target.exact, LogNumber(epsilon))
        assert found.worst_case == worst
        assert isinstance(found.expected, Fraction) == rational
        if rational:
            assert (found.expected, found.error) == (steps, 0)
        else:
            assert 0 < found.error < 1e-14
            assert found.expected == pytest.approx(steps, abs=ROUNDING)
        assert depth_within(target.floats, float(LogNumber(epsilon))).error >= 0


def test_a_rational_share_is_exact():
    equal = JointPMF.uniform([(0, 0), (1, 1)])
    assert depth_within(equal, "1/3").expected == Fraction(5, 3)
    assert depth_within(equal, 0).expected == 2
    assert depth_within(equal, 1).expected == 1
    orders = JointPMF.uniform([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
    middle = (LogNumber.log2(Fraction(9, 2)) + LogNumber.log2(Fraction(3, 2))) / 2
    assert depth_within(orders, middle).expected == Fraction(3, 2)


def test_the_error_is_proven_where_the_share_is_irrational():
    skewed = JointPMF.from_pairs([(0, 0), (0, 1), (1, 1)], ["1/2", "1/3", "1/6"])
    found = depth_within(skewed, "1/10")
    most = LogNumber.weighted_sum([(Fraction(4, 3), 2), (Fraction(1, 2), 3), (Fraction(-5, 6), 5)])
    with ctx.workprec(400):
        steps = 2 - LogNumber.rational(Fraction(1, 10)).interval(400) / most.interval(400)
        assert abs(steps - found.expected) <= found.error < 1e-15


def test_close_to_a_vertex():
    skewed = JointPMF.from_pairs([(0, 0), (0, 1), (1, 1)], ["1/2", "1/3", "1/6"])
    most = depth_within(skewed, 0)
    assert most.expected == 2
    tiny = depth_within(skewed, LogNumber.rational(Fraction(1, 10**40)))  # no float is between it and two
    assert tiny.expected == 2.0
    assert 0 < tiny.error < 1e-15
    total = LogNumber.weighted_sum([(Fraction(4, 3), 2), (Fraction(1, 2), 3), (Fraction(-5, 6), 5)])
    near = depth_within(skewed, total - Fraction(1, 10**60))
    assert near.expected == 1.0
    assert 0 < near.error < 1e-15
    assert near.worst_case == 2

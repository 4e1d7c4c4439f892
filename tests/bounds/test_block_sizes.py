"""The programme over block sizes against all compositions in rationals, for every kind of number."""

from collections import defaultdict
from fractions import Fraction
from itertools import accumulate
from math import factorial, lcm, prod

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.compositions import compositions
from theory.bounds.block_sizes import NEVER, cheapest_paths, optimal_sizes, path_sizes, require_sizes
from theory.bounds.partitions import long
from theory.information.curves.curve import InformationCurve
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import IntervalCurve
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber

# few different values, so that ties are common
PROFILES = st.lists(
    st.sampled_from([Fraction(a, b) for a in range(5) for b in (1, 3, 7)]), min_size=1, max_size=8
)


def least_of_all(profile: list[Fraction]) -> list[tuple[Fraction, set[tuple[int, ...]]]]:
    """For each number of blocks the least cost over all compositions, and the compositions that have it."""
    n, costs = len(profile), defaultdict(list)
    for sizes in compositions(n):
        starts = [sum(sizes[:t]) for t in range(len(sizes))]
        cost = sum((s * profile[m] for s, m in zip(sizes, starts, strict=True)), Fraction(0))
        costs[len(sizes)].append((cost - sum(profile), sizes))
    found = []
    for steps in range(1, n + 1):
        least = min(cost for cost, _ in costs[steps])
        found.append((least, {sizes for cost, sizes in costs[steps] if cost == least}))
    return found


@given(drawn=PROFILES)
def test_every_kind_of_number_finds_the_best_of_all_compositions(drawn):
    profile = sorted(drawn, reverse=True)
    n, truth = len(profile), least_of_all(profile)
    means = list(accumulate(profile, initial=Fraction(0)))

    exact = optimal_sizes([LogNumber.rational(h) for h in means])
    assert list(exact.values) == [least for least, _ in truth]
    assert exact.counts == tuple(len(best) for _, best in truth)
    assert exact.arrangements == tuple(
        sum(factorial(n) // prod(map(factorial, sizes)) for sizes in best) for _, best in truth
    )
    assert exact.error == 0

    unit = 2.0**-52 * float(means[-1])
    floats = optimal_sizes(InformationCurve(tuple(map(float, means)), unit))
    balls = optimal_sizes(IntervalCurve(tuple(arb(h.numerator) / h.denominator for h in means)))
    for found in (floats, balls):
        assert found.counts is found.arrangements is None
        assert found.error < 1e-11
        for value, (least, _) in zip(found.values, truth, strict=True):
            assert abs(Fraction(value) - least) <= Fraction(found.error)

    scale = lcm(*(f.denominator for f in profile))
    costs, before = cheapest_paths(np.array([int(f * scale) for f in profile], dtype=np.int64))
    whole = path_sizes(before)
    assert [Fraction(int(cost), scale) - sum(profile) for cost in costs[1:, n]] == [
        least for least, _ in truth
    ]

    for sizes, (_, best) in zip(zip(exact.sizes, whole, strict=True), truth, strict=True):
        assert set(sizes) <= best


def test_of_equally_good_sizes_the_first_stop_is_taken():
    constant = [LogNumber.log2(3) * j for j in range(6)]  # independent positions: all sizes cost nothing
    assert optimal_sizes(constant).sizes == ((5,), (1, 4), (1, 1, 3), (1, 1, 1, 2), (1, 1, 1, 1, 1))
    assert optimal_sizes(constant).arrangements == (1, 30, 150, 240, 120)  # all surjections


def test_integers_of_the_largest_size_do_not_overflow():
    profile = np.array([(NEVER - 1) // 5] * 5, dtype=np.int64)
    costs, before = cheapest_paths(profile)
    assert set(costs[1:, 5].tolist()) == {(NEVER - 1) // 5 * 5}
    assert costs[3, 2] == NEVER
    assert [len(sizes) for sizes in path_sizes(before)] == [1, 2, 3, 4, 5]


def test_the_limit_depends_on_the_kind_of_number():
    require_sizes(793)
    require_sizes(4641, intervals=True)
    for n, intervals in ((794, False), (4642, True)):
        with pytest.raises(CostError, match=f"the best block sizes of {n} positions"):
            require_sizes(n, intervals=intervals)


def test_the_error_of_floats_is_that_of_three_comparisons_of_means():
    """Each of 2 n + 1 means; what is rounded is far less here."""
    curve = InformationCurve((0.0, 3.0, 5.0, 6.0, 6.5, 6.75), 1e-9)
    means = 3 * 11 * 1e-9
    assert means < optimal_sizes(curve).error < means * 1.001


def test_a_structure_has_the_limit_of_intervals_before_its_curve(monkeypatch):
    class CurveError(Exception):
        """The curve is asked for."""

    def curve(structure):
        raise CurveError(structure.n)

    monkeypatch.setattr(long, "interval_curve", curve)
    with pytest.raises(CurveError, match="4641"):
        long.structured_schedule(Gaps(4641, "walk"))
    with pytest.raises(CostError, match="the best block sizes of 4642 positions"):
        long.structured_schedule(Gaps(4642, "walk"))

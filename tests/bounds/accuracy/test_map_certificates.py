"""MAP certificates: soundness on random distributions, tightness by construction and by linear programming."""

from fractions import Fraction
from itertools import permutations, product
from math import log, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.bounds.accuracy.divergence import total_variation
from theory.bounds.accuracy.map_certificates import (
    certified_prefix,
    frechet_profile,
    mode_gap,
    mode_is_stable,
    mode_is_stable_under,
    threshold_certificate,
    threshold_counterexample,
)
from theory.bounds.accuracy.worst_case import worst_case, worst_gap_by_programme
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.mixtures.output_distributions import partition_distribution
from theory.validation import InputError

PROGRAMME = 1e-6  # a probability: HiGHS meets constraints within 1e-7 each; worst seen 1e-15
CONFIDENCES = st.lists(st.fractions(0, 1, max_denominator=24), min_size=1, max_size=6)


@st.composite
def peaked(draw):
    """A distribution with most of its mass near one outcome: certificates fire on two in five of these."""
    target = draw(
        targets([(2, 2), (3, 2), (2, 2, 2), (3, 2, 2), (2, 2, 2, 2)], kinds=("dense", "sparse", "skewed"))
    )
    peak = draw(st.sampled_from(list(target.distribution)))
    share = draw(
        st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(9, 10)])
    )
    distribution = {y: (1 - share) * p for y, p in target.distribution.items()}
    distribution[peak] += share
    return distribution


@st.composite
def marginal_lists(draw, most=3):
    """Marginals of up to ``most`` positions with up to three tokens; zeros and ties occur."""
    rows = draw(
        st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=3).filter(any), min_size=1, max_size=most)
    )
    return [[Fraction(w, sum(row)) for w in row] for row in rows]


def one_position_distributions(distribution):
    return [
        {v: p for (v,), p in ref.marginal(distribution, (i,)).items()}
        for i in range(ref.length(distribution))
    ]


def product_mode(distribution):
    """The most probable tokens, or None if some position has a tie."""
    modes = []
    for single in one_position_distributions(distribution):
        best = [v for v, p in single.items() if p == max(single.values())]
        modes += best if len(best) == 1 else [None]
    return None if None in modes else tuple(modes)


def unique_mode(distribution):
    best = [y for y, p in distribution.items() if p == max(distribution.values())]
    return best[0] if len(best) == 1 else None


def greedy(distribution, order):
    """One token at a time, each the most probable given those before; a tie or a position left out is None."""
    word = {}
    for i in order:
        single = ref.marginal(ref.condition(distribution, word), (i,))
        best = [v for (v,), p in single.items() if p == max(single.values())]
        if len(best) > 1:
            return None
        word[i] = best[0]
    return tuple(word.get(i) for i in range(ref.length(distribution)))


def confidences(distribution):
    return [max(single.values()) for single in one_position_distributions(distribution)]


def as_lists(distribution):
    return [list(single.values()) for single in one_position_distributions(distribution)]


# --- Soundness ------------------------------------------------------------------------------------------


@given(peaked())
def test_every_certificate_is_sound(distribution):
    pmf, tops, marginals = (
        JointPMF.from_mapping(distribution),
        confidences(distribution),
        as_lists(distribution),
    )
    if len(tops) == 1 or all(len(row) == 1 for row in marginals):
        return
    variation = total_variation(pmf, partition_distribution(pmf, [range(pmf.n)]))
    gap = mode_gap(marginals)
    fired = {
        "threshold": threshold_certificate(tops),
        "frechet": certified_prefix(tops) == len(tops),
        "worst case": worst_case(marginals).certified,
        "stable": mode_is_stable(gap, variation),
        "correlation": mode_is_stable_under(gap, total_correlation(pmf)),
    }
    if any(fired.values()):
        assert product_mode(distribution) == unique_mode(distribution) is not None, fired
        assert all(
            greedy(distribution, order) == product_mode(distribution) for order in permutations(range(pmf.n))
        ), fired
    assert fired["threshold"] <= fired["frechet"] <= fired["worst case"]
    assert fired["correlation"] <= fired["stable"]


def test_every_certificate_fires_somewhere():
    distribution = {
        (0, 0): Fraction(97, 100),
        (0, 1): Fraction(1, 100),
        (1, 0): Fraction(1, 100),
        (1, 1): Fraction(1, 100),
    }
    pmf = JointPMF.from_mapping(distribution)
    assert threshold_certificate(confidences(distribution))
    assert worst_case(as_lists(distribution)).certified
    assert mode_is_stable_under(mode_gap(as_lists(distribution)), total_correlation(pmf))
    spread = [["13/20", "7/40", "7/40"]] * 2  # the failures go to two tokens: whole marginals certify more
    assert worst_case(spread).certified
    assert certified_prefix([row[0] for row in spread]) == 1


def test_without_a_certificate_greedy_choices_may_leave_the_common_mode():
    distribution = {(0, 0, 0): 6, (0, 1, 0): 4, (0, 1, 1): 4, (1, 0, 0): 3, (1, 0, 1): 3}
    distribution = {y: Fraction(w, 20) for y, w in distribution.items()}
    assert product_mode(distribution) == unique_mode(distribution) == (0, 0, 0)
    assert greedy(distribution, (0, 1)) == (0, 1, None)
    assert not worst_case(as_lists(distribution)).certified
    assert not mode_is_stable_under(
        mode_gap(as_lists(distribution)), total_correlation(JointPMF.from_mapping(distribution))
    )


# --- Frechet profile and threshold ----------------------------------------------------------------------


@given(CONFIDENCES)
def test_the_profile_is_as_published(tops):
    ordered = sorted(tops, reverse=True)
    profile = frechet_profile(tops)
    for m, step in enumerate(profile, 1):
        c = ordered[m - 1]
        assert step.lower == max(0, sum(ordered[:m]) - (m - 1))
        assert step.upper == 1 - c
        if step.lower > 0:  # their second form
            assert step.gap == (m + 1) * c - m + sum(x - c for x in ordered[:m])
    gaps = [step.gap for step in profile]
    assert gaps == sorted(gaps, reverse=True)
    assert certified_prefix(tops) == max((m for m, g in enumerate(gaps, 1) if g > 0), default=0)


@given(st.integers(1, 6), st.fractions(0, 1, max_denominator=30), st.fractions(0, 1, max_denominator=8))
def test_equal_confidences_give_the_factor_rule(n, c, delta):
    """G_m > delta iff (m + 1)(1 - c) < 1 - delta: the factor rule with f = 1 - delta."""
    largest = max((m for m in range(1, n + 1) if (m + 1) * (1 - c) < 1 - delta), default=0)
    assert certified_prefix([c] * n, delta) == largest
    assert threshold_certificate([c] * n) == (certified_prefix([c] * n) == n)


@given(peaked())
def test_the_frechet_bounds_hold(distribution):
    tops, mode = confidences(distribution), product_mode(distribution)
    last = frechet_profile(tops)[-1]
    if mode is not None:
        assert distribution.get(mode, 0) >= last.lower
        assert all(p <= last.upper for y, p in distribution.items() if y != mode)


@given(st.integers(2, 7), st.fractions(Fraction(1, 1000), 1, max_denominator=1000))
def test_the_threshold_is_tight(n, eps):
    if (n + 1) * eps <= 1:
        with pytest.raises(InputError, match="eps > 1/\\(n\\+1\\)"):
            threshold_counterexample(n, eps)
        assert threshold_certificate([1 - eps + Fraction(1, 10**9)] * n)
        return
    distribution = dict(threshold_counterexample(n, eps))
    assert sum(distribution.values()) == 1
    assert all(c > 1 - eps for c in confidences(distribution))
    assert product_mode(distribution) == (0,) * n
    assert distribution[(0,) * n] < max(distribution.values())  # all joint modes differ from it


def test_at_the_threshold_itself_the_mode_ties():
    for n in range(2, 7):
        limit = [[Fraction(n, n + 1), Fraction(1, n + 1)]] * n
        case = worst_case(limit)
        assert case.gap == 0
        assert set(dict(case.joint).values()) == {Fraction(1, n + 1)}
        just_above = [[row[0] + Fraction(1, 10**12), row[1] - Fraction(1, 10**12)] for row in limit]
        assert worst_case(just_above).certified


# --- The worst case -------------------------------------------------------------------------------------


@given(marginal_lists(most=4))
def test_the_worst_case_is_attained_by_a_distribution_with_these_marginals(rows):
    case = worst_case(rows)
    distribution = dict(case.joint)
    assert sum(distribution.values()) == 1
    for j, row in enumerate(rows):
        assert {v: p for (v,), p in ref.marginal(distribution, (j,)).items()} == {
            v: p for v, p in enumerate(row) if p
        }
    assert all(row[v] == max(row) for row, v in zip(rows, case.mode, strict=True))
    assert case.rival != case.mode
    assert distribution.get(case.rival, 0) - distribution.get(case.mode, 0) == case.gap
    assert max(
        p for y, p in {**dict.fromkeys([case.rival], Fraction(0)), **distribution}.items() if y != case.mode
    ) >= (distribution.get(case.mode, 0) + case.gap)


@given(marginal_lists())
def test_linear_programming_finds_the_same_worst_case(rows):
    assert worst_gap_by_programme(rows) == pytest.approx(float(worst_case(rows).gap), abs=PROGRAMME)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_linear_programming_confirms_the_threshold(n):
    for shift, certified in ((Fraction(1, 100), True), (Fraction(0), False), (Fraction(-1, 100), False)):
        c = Fraction(n, n + 1) + shift
        gap = worst_gap_by_programme([[c, 1 - c]] * n)
        assert gap == pytest.approx(float(1 - c - max(0, n * c - (n - 1))), abs=PROGRAMME)
        assert (gap < -PROGRAMME) == certified == threshold_certificate([c] * n)


@given(CONFIDENCES.filter(lambda tops: len(tops) > 1 and all(0 < c < 1 for c in tops)))
def test_nothing_weaker_than_the_frechet_gap_certifies_from_confidences_alone(tops):
    """With one heavy second token each, the worst case is U_n - L_n, or a tie or worse where some c_j < 1/2."""
    rows = []
    for c in tops:
        left, row = 1 - c, [c]
        while left > 0:
            row.append(min(left, c))
            left -= row[-1]
        rows.append(row)
    last = frechet_profile(tops)[-1]
    assert worst_case(rows).certified == (last.gap > 0)
    if min(tops) >= Fraction(1, 2):
        assert worst_case(rows).gap == -last.gap


# --- Stability ------------------------------------------------------------------------------------------


@given(marginal_lists(most=4))
def test_the_gap_of_the_product_is_first_minus_second(rows):
    distribution = sorted((prod(p) for p in product(*rows)), reverse=True)
    assert mode_gap(rows) == distribution[0] - distribution[1]


@given(st.fractions(0, 1, max_denominator=60), st.fractions(1, 3, max_denominator=40))
def test_correlation_is_compared_exactly(gap, ratio):
    bits = LogNumber.log2(ratio)
    nats = log(ratio)
    expected = nats < gap**2 / 2  # never this close: the doubles decide
    assert abs(nats - float(gap**2 / 2)) > 1e-12 or nats == 0
    assert mode_is_stable_under(gap, bits) == expected
    assert mode_is_stable_under(gap, float(bits)) == expected


def test_comparisons_of_equals():
    assert not mode_is_stable_under(0, LogNumber())
    assert mode_is_stable_under("1/10", LogNumber())
    assert not mode_is_stable(Fraction(1, 2), Fraction(1, 4))
    assert mode_is_stable(Fraction(1, 2), Fraction(1, 5))
    close = Fraction(1, 10**12)  # ln(1 + x) < x: needs more digits than a double has
    assert mode_is_stable_under(Fraction(1, 5), LogNumber.log2(1 + close) * Fraction(1, 50) / close)
    assert not mode_is_stable_under(Fraction(1, 5), -LogNumber.log2(1 - close) * Fraction(1, 50) / close)


# --- Bad input ------------------------------------------------------------------------------------------


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"between 0 and 1, got 1\.2"):
        frechet_profile([1.2])
    with pytest.raises(InputError, match="position 1 must sum to 1, got 2/3"):
        worst_case([["1/2", "1/2"], ["1/3", "1/3"]])
    with pytest.raises(InputError, match="at least one position"):
        mode_gap([])
    with pytest.raises(InputError, match="one token only"):
        worst_case([[1], [1]])
    with pytest.raises(InputError, match="n >= 2"):
        threshold_counterexample(1, "0.9")
    with pytest.raises(InputError, match="at least one position"):
        threshold_certificate([])
    with pytest.raises(CostError, match="512 linear programmes"):
        worst_gap_by_programme([["1/2", "1/2"]] * 9)

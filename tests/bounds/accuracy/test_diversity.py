"""The diversity frontier: bounds are attained exactly, and nothing exceeds the ceiling."""

from fractions import Fraction
from itertools import permutations, product
from math import log2, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from theory.bounds.accuracy.diversity import (
    _feasible,
    entropy_at_accuracy,
    most_accurate,
    most_accurate_of_any,
)
from theory.bounds.accuracy.diversity_bracket import bracket_accuracy
from theory.bounds.accuracy.diversity_search import Boxes
from theory.bounds.accuracy.one_step import largest_rectangle
from theory.distributions.pmf import JointPMF
from theory.limits import CostError, allowing
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

BITS = [word for word in product((0, 1), repeat=2)]
CITIES = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]


def entropy(distribution):
    return sum(-float(p) * log2(p) for row in distribution for p in row if p)


def accuracy(pmf, distribution):
    places = [{token: j for j, token in enumerate(alphabet)} for alphabet in pmf.alphabets]
    return sum(prod(distribution[i][places[i][t]] for i, t in enumerate(y)) for y in pmf.outcomes)


# --- Any distribution --------------------------------------------------------------------------------------------


@given(
    weights=st.lists(st.integers(0, 5), min_size=3, max_size=6).filter(any),
    valid=st.integers(1, 3),
)
def test_no_distribution_has_more_entropy_at_its_accuracy(weights, valid):
    total = sum(weights)
    distribution = [Fraction(w, total) for w in weights]
    a = sum(distribution[:valid])
    if valid < len(distribution) or a == 1:
        own = LogNumber.weighted_sum((p, 1 / p) for p in distribution if p)
        assert own <= entropy_at_accuracy(valid, len(distribution), a)


@pytest.mark.parametrize(("valid", "total"), [(2, 4), (1, 6), (5, 7), (6, 27)])
def test_flat_distributions_attain_it_and_the_inverse_agrees(valid, total):
    for j in range(9):
        a = Fraction(valid, total) + (1 - Fraction(valid, total)) * Fraction(j, 8)
        flat = [a / valid] * valid + [(1 - a) / (total - valid)] * (total - valid)
        h = LogNumber.weighted_sum((p, 1 / p) for p in flat if p)
        assert entropy_at_accuracy(valid, total, a) == h
        low, high = most_accurate_of_any(valid, total, h)
        assert low <= a <= high
        assert high - low < 1e-9
    assert most_accurate_of_any(valid, total, 0) == (1.0, 1.0)


# --- Product distributions ---------------------------------------------------------------------------------------


def on_a_grid(pmf, h, steps):
    """The best accuracy of the product distributions of two bits or three on a grid whose entropy is h or more."""
    best = 0.0
    for probabilities in product(range(steps + 1), repeat=pmf.n):
        distribution = [(Fraction(k, steps), 1 - Fraction(k, steps)) for k in probabilities]
        if entropy(distribution) >= h - 1e-12:
            best = max(best, float(accuracy(pmf, distribution)))
    return best


@settings(max_examples=examples(4))
@given(
    support=st.lists(st.sampled_from(BITS), min_size=2, unique=True).filter(
        lambda s: all(len({y[i] for y in s}) == 2 for i in range(2))
    ),
    h=st.fractions(0, 2, max_denominator=8),
)
def test_two_bits(support, h):
    pmf = JointPMF.uniform(support)
    point = most_accurate(pmf, h, tolerance=2e-3)
    assert point.accuracy == accuracy(pmf, point.distribution)
    assert all(sum(row) == 1 and min(row) >= 0 for row in point.distribution)
    assert LogNumber.weighted_sum((p, 1 / p) for row in point.distribution for p in row if p) >= point.entropy
    assert point.accuracy <= Fraction(point.ceiling)
    assert point.gap <= 2e-3 + 1e-9
    assert on_a_grid(pmf, float(h), 40) <= min(point.ceiling, float(point.accuracy) + 2e-3)
    assert float(point.accuracy) <= most_accurate_of_any(len(pmf), 4, h)[1]


@pytest.mark.grid(1)
@pytest.mark.parametrize("h", [0.5, 1.0, 1.5, 1.9])
def test_boxes_hold_the_best_accuracy_whatever_is_known(h):
    for valid in ([(0, 1), (1, 0)], [(0, 0), (0, 1), (1, 1)]):
        boxes = Boxes([2, 2], np.array(valid), h)
        best = on_a_grid(JointPMF.uniform(valid), h, 40)
        assert best <= boxes.ceiling(0.0, 1e-3, 4000) <= best + 0.05


def test_two_items_in_any_order_have_a_closed_form():
    # q = (p, 1 - p) and its mirror image: H = 2 H_b(p), Q(V) = p^2 + (1 - p)^2
    for p in (Fraction(1, 10), Fraction(2, 5)):
        h = 2 * LogNumber.weighted_sum((x, 1 / x) for x in (p, 1 - p))
        point = most_accurate(JointPMF.uniform([(0, 1), (1, 0)]), h, tolerance=1e-3)
        truth = p**2 + (1 - p) ** 2
        assert truth <= Fraction(point.ceiling)
        assert abs(point.accuracy - truth) <= Fraction(1, 10**5)


@pytest.mark.grid(1)
@pytest.mark.parametrize(
    ("pmf", "size"),
    [
        (JointPMF.uniform(CITIES), 2),
        (JointPMF.uniform(permutations(range(3))), 1),
        (JointPMF.uniform([(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)]), 4),
    ],
)
def test_accuracy_one_up_to_the_largest_rectangle(pmf, size):
    rectangle = largest_rectangle(pmf)
    assert rectangle.size == size
    point = most_accurate(pmf, rectangle.entropy)
    assert (point.accuracy, point.ceiling) == (1, 1.0)
    assert accuracy(pmf, point.distribution) == 1
    more = most_accurate(pmf, rectangle.entropy + Fraction(1, 4), tolerance=0.02, boxes=20_000)
    assert more.accuracy < 1
    assert more.ceiling < 1


@pytest.mark.deep
def test_other_end_and_stopping_early():
    pmf = JointPMF.uniform(permutations(range(3)))
    flat = most_accurate(pmf, 3 * LogNumber.log2(3))
    assert flat.accuracy == Fraction(6, 27)
    assert all(p == Fraction(1, 3) for row in flat.distribution for p in row)
    early = most_accurate(pmf, 2, boxes=100)
    later = most_accurate(pmf, 2, boxes=1000)
    assert early.accuracy == later.accuracy
    assert float(later.accuracy) < later.ceiling <= early.ceiling <= 1
    rng = np.random.default_rng(1)
    for _ in range(500):
        distribution = rng.dirichlet(np.full(3, 0.5), size=3)
        if entropy(np.maximum(distribution, 1e-300)) >= 2:
            assert accuracy(pmf, distribution) <= later.ceiling


def test_wrong_input():
    pmf = JointPMF.uniform([(0, 1), (1, 0)])
    with pytest.raises(InputError, match="must lie from 0 to 2 bits, got 3"):
        most_accurate(pmf, 3)
    with pytest.raises(InputError, match=r"no distribution on 4 outcomes has Q\(V\) = 2"):
        entropy_at_accuracy(2, 4, 2)
    with pytest.raises(InputError, match="has an entropy of 5 bits"):
        most_accurate_of_any(2, 4, 5)


def short_list_of_many_positions():
    rng = np.random.default_rng(0)
    return [tuple(row) for row in rng.integers(2, size=(11, 30)).tolist()]


@pytest.mark.parametrize("rows", [short_list_of_many_positions(), list(product(range(12), repeat=4))[1:]])
def test_what_is_too_much_is_refused_with_a_limit_that_is_enough(rows):
    pmf = JointPMF.uniform(rows)
    with pytest.raises(CostError, match="the diversity frontier") as refused:
        most_accurate(pmf, 10)
    assert refused.value.factor is not None
    with allowing(refused.value.factor):
        point = most_accurate(
            pmf, sum(LogNumber.log2(len(a)) for a in pmf.alphabets)
        )  # the end, without a search
    assert point.accuracy == Fraction(len(pmf), prod(len(a) for a in pmf.alphabets))


def test_many_positions_have_the_ends_of_their_bracket_at_least():
    pmf = JointPMF.uniform(short_list_of_many_positions())
    low, high = bracket_accuracy(pmf, 10)
    with allowing(2):
        point = most_accurate(pmf, 10, boxes=2)
    # its start is the lower end, in multiples of 2^-24 at each of 30 positions
    assert low - 2.0**-18 <= point.accuracy < point.ceiling <= high


@pytest.mark.parametrize("h", ["1/2", "1"])
def test_two_hundred_boxes_of_two_bits_come_within_a_hundredth(h):
    point = most_accurate([(0, 1), (1, 0)], Fraction(h), boxes=200)
    assert 0 < point.ceiling - float(point.accuracy) < 0.01


@pytest.mark.parametrize("h", [0, Fraction(1, 2), 2])
def test_a_point_without_entropy_is_mixed_until_it_has_enough(h):
    point = np.array([1.0, 0.0, 0.0, 1.0, 0.0])
    rows = _feasible(point, [2, 3], LogNumber.rational(h))
    assert [sum(row) for row in rows] == [1, 1]
    assert entropy(rows) >= h
    share = rows[0][1] * 2  # of the uniform distribution, the same in each row
    assert rows == ((1 - share / 2, share / 2), (share / 3, 1 - 2 * share / 3, share / 3))

"""Accuracy calculus: divergences, floors and ceilings, permanents, rectangles; definition, inequality, known value."""

from fractions import Fraction
from itertools import combinations, pairwise, permutations, product
from math import comb, e, factorial, inf, log, log2, prod, sqrt

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.comparison import same
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.accuracy.divergence import (
    accuracy_excess,
    accuracy_floor,
    forward_kl,
    max_divergence,
    rejection_cost,
    reverse_kl,
    total_variation,
    total_variation_ceiling,
)
from theory.bounds.accuracy.one_step import (
    exactly_one,
    exactly_one_floor,
    largest_rectangle,
    permanent,
    permanent_floor,
)
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import kl_divergence, product_of_marginals, total_correlation
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.mixtures.output_distributions import mixture_kl, partition_distribution
from theory.policies import parse_policy
from theory.validation import InputError

PAIRS = targets([(2,), (2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "sparse", "skewed"))


@st.composite
def output_distributions(draw, distribution):
    """Any distribution on the support of another and one outcome off it; probabilities may be zero."""
    outcomes = [*distribution, "off"]
    counts = draw(st.lists(st.integers(0, 5), min_size=len(outcomes), max_size=len(outcomes)).filter(any))
    return {y: Fraction(c, sum(counts)) for y, c in zip(outcomes, counts, strict=True)}


# --- Divergences ----------------------------------------------------------------------------------------


@given(target=PAIRS, data=st.data())
@settings(max_examples=examples(10))
def test_divergences_are_as_defined(target, data):
    p, q = target.distribution, data.draw(output_distributions(target.distribution))
    floats = {y: float(x) for y, x in q.items()}
    forward = ref.kl_exact(p, q)
    assert same(forward_kl(target.exact, q), forward)
    assert forward_kl(target.exact, floats) == pytest.approx(ref.kl(p, q), abs=ROUNDING)
    backward = ref.kl_exact({y: x for y, x in q.items() if x}, p)
    assert same(reverse_kl(target.exact, q), backward)
    expected = inf if backward is None else ref.to_float(backward)
    assert reverse_kl(target.floats, floats) == pytest.approx(expected, abs=ROUNDING)
    variation = sum(abs(p.get(y, 0) - q[y]) for y in q) / 2
    assert total_variation(target.exact, q) == variation
    assert total_variation(target.exact, floats) == pytest.approx(variation, abs=ROUNDING)
    ratio = inf if any(q[y] == 0 for y in p) else max(p[y] / q[y] for y in p)
    assert rejection_cost(target.exact, q) == ratio
    assert rejection_cost(target.floats, floats) == pytest.approx(ratio)
    assert max_divergence(target.exact, q) == (inf if ratio == inf else LogNumber.log2(ratio))


@given(target=PAIRS, data=st.data())
def test_what_is_not_on_the_support_is_not_read(target, data):
    q = data.draw(output_distributions(target.distribution))
    on = {y: x for y, x in q.items() if y in target.distribution}
    for f in (forward_kl, reverse_kl, total_variation, rejection_cost):
        assert f(target.exact, on) == f(target.exact, q)


@given(target=PAIRS, data=st.data())
def test_inequalities(target, data):
    q = data.draw(output_distributions(target.distribution))
    pmf = target.exact
    accuracy = sum(x for y, x in q.items() if y in target.distribution)
    variation, kl = total_variation(pmf, q), forward_kl(pmf, q)
    assert variation >= 1 - accuracy
    assert float(variation) <= total_variation_ceiling(kl)
    assert max_divergence(pmf, q) >= kl
    assert accuracy >= accuracy_floor(kl)
    assert accuracy == 0 or rejection_cost(pmf, q) * accuracy >= 1
    if kl < inf:  # the floor's identity: KL = log2 1/Q(V) + D(P || Q(.|V))
        inside = {y: x / accuracy for y, x in q.items() if y in target.distribution}
        assert accuracy_excess(pmf, q) == kl + LogNumber.log2(accuracy) >= 0
        assert same(accuracy_excess(pmf, q), ref.kl_exact(target.distribution, inside))
        assert (accuracy_excess(pmf, q) == 0) == (inside == target.distribution)
        assert (max_divergence(pmf, q) == kl) == (inside == target.distribution)
    else:
        assert accuracy_excess(pmf, q) == inf


@given(target=PAIRS, data=st.data())
def test_data_processing(target, data):
    """Merging outcomes never increases a divergence: here to whether y is in a set."""
    q = data.draw(output_distributions(target.distribution))
    part = data.draw(st.sets(st.sampled_from(list(target.distribution)), min_size=1))
    assume(part != set(target.distribution))
    p1, q1 = (sum(distribution[y] for y in part) for distribution in (target.distribution, q))
    coarse = JointPMF.from_pairs([(1,), (0,)], [p1, 1 - p1])
    merged = {(1,): q1, (0,): 1 - q1}  # the outcome off the support joins "not in the set"
    assert forward_kl(coarse, merged) <= forward_kl(target.exact, q)
    assert total_variation(coarse, merged) <= total_variation(target.exact, q)
    assert rejection_cost(coarse, merged) <= rejection_cost(target.exact, q)


@given(target=targets(), data=st.data())
def test_the_floor_holds_for_fixed_partitions(target, data):
    partition = data.draw(ordered_partitions(target.n))
    distribution = partition_distribution(target.exact, partition)
    kl = mixture_kl(target.exact, {partition: 1})
    assert forward_kl(target.exact, distribution) == kl
    assert sum(distribution.values()) >= accuracy_floor(kl)
    assert accuracy_excess(target.exact, distribution) >= 0
    assert float(total_variation(target.exact, distribution)) <= total_variation_ceiling(kl)
    assert accuracy_excess(target.floats, distribution) == pytest.approx(
        float(accuracy_excess(target.exact, distribution)), abs=ROUNDING
    )


@given(target=targets([(2, 2), (3, 2), (2, 2, 2)]))
def test_one_step_against_the_product_of_the_marginals(target):
    distribution = partition_distribution(target.exact, [range(target.n)])
    whole = product_of_marginals(target.exact)
    assert forward_kl(target.exact, dict(whole)) == kl_divergence(target.exact, whole)
    assert forward_kl(target.exact, distribution) == total_correlation(target.exact)


@pytest.mark.parametrize(
    ("name", "n"), [("shuffle", 3), ("shuffle", 4), ("replace_random", 3), ("replace_random", 5)]
)
def test_list_tasks_meet_the_floor_and_the_rejection_cost_exactly(name, n):
    pmf = make_task(name, n).contexts()[0].distribution.pmf()
    one = decode(pmf, parse_policy(f"topk:k={n},by=random"))
    floor = {"shuffle": permanent_floor, "replace_random": exactly_one_floor}[name](n)
    assert one.accuracy == floor == accuracy_floor(one.kl)
    assert accuracy_excess(pmf, one.distribution) == 0
    assert max_divergence(pmf, one.distribution) == one.kl == total_correlation(pmf)
    assert rejection_cost(pmf, one.distribution) == 1 / floor
    assert reverse_kl(pmf, one.distribution) == inf


def test_a_point_mass_is_accurate_and_infinitely_divergent():
    pmf = make_task("shuffle", 3).contexts()[0].distribution.pmf()
    distribution = {(0, 1, 2): Fraction(1)}
    assert sum(distribution.values()) == 1
    assert forward_kl(pmf, distribution) == inf
    assert accuracy_floor(inf) == 0
    assert reverse_kl(pmf, distribution) == LogNumber.log2(6)
    assert total_variation(pmf, distribution) == Fraction(5, 6)


# --- Floors and ceilings as numbers ---------------------------------------------------------------------


@given(st.fractions(Fraction(1, 50), 1, max_denominator=50), st.integers(1, 6))
def test_the_floor_is_rational_where_it_can_be_and_rounded_down_elsewhere(share, root):
    kl = LogNumber.log2(1 / share) / root
    floor = accuracy_floor(kl)
    if isinstance(floor, Fraction):
        assert floor**root == share
    else:
        assert Fraction(floor) ** root < share  # irrational: strictly below
        assert floor == pytest.approx(float(share) ** (1 / root), rel=ROUNDING)
    assert accuracy_floor(float(kl)) == pytest.approx(float(floor), rel=ROUNDING)


@given(st.fractions(0, 12, max_denominator=40))
def test_the_ceiling_is_the_smaller_of_two_rounded_up(kl):
    expected = min(sqrt(kl * log(2) / 2), sqrt(1 - 2 ** -float(kl)))
    for value in (LogNumber.rational(kl), float(kl)):
        ceiling = total_variation_ceiling(value)
        assert ceiling == pytest.approx(expected, rel=ROUNDING)
        assert ceiling >= expected * (1 - 1e-15)
        assert 0 <= ceiling <= 1.5


def test_the_ceiling_of_odd_arguments():
    assert total_variation_ceiling(inf) == 1
    assert total_variation_ceiling(LogNumber()) == total_variation_ceiling(0.0) == 0
    assert 0 < total_variation_ceiling(-1e-15) < 1e-7  # a rounding error below zero counts by its size
    for negative in (-0.5, LogNumber.rational(-1)):
        with pytest.raises(InputError, match="must not be negative"):
            total_variation_ceiling(negative)


# --- Product distributions ---------------------------------------------------------------------------------------

SMALL_SQUARES = st.integers(1, 4).flatmap(
    lambda n: st.lists(
        st.lists(st.fractions(-2, 3, max_denominator=6), min_size=n, max_size=n), min_size=n, max_size=n
    )
)


@given(SMALL_SQUARES)
def test_the_permanent_is_the_sum_over_permutations(matrix):
    n = len(matrix)
    assert permanent(matrix) == sum(prod(matrix[i][s[i]] for i in range(n)) for s in permutations(range(n)))


@given(st.integers(2, 4), st.data())
def test_van_der_waerden(n, data):
    """Doubly stochastic matrices, as mixtures of permutations (Birkhoff): n!/n^n is met by the uniform one only."""
    orders = data.draw(st.lists(st.permutations(range(n)), min_size=1, max_size=5))
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(orders), max_size=len(orders)))
    matrix = [
        [
            Fraction(sum(c for s, c in zip(orders, counts, strict=True) if s[i] == v), sum(counts))
            for v in range(n)
        ]
        for i in range(n)
    ]
    uniform = all(a == Fraction(1, n) for row in matrix for a in row)
    assert permanent(matrix) >= permanent_floor(n)
    assert (permanent(matrix) == permanent_floor(n)) == uniform


@pytest.mark.parametrize("n", range(1, 8))
def test_permanents_of_known_matrices(n):
    assert permanent([[Fraction(1, n)] * n] * n) == permanent_floor(n) == Fraction(factorial(n), n**n)
    assert permanent([[int(i == j) for j in range(n)] for i in range(n)]) == 1
    derangements = sum((-1) ** j * comb(n, j) * factorial(n - j) for j in range(n + 1))
    assert permanent([[int(i != j) for j in range(n)] for i in range(n)]) == derangements


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6).filter(any))
def test_exactly_one_and_its_floor(counts):
    shares = [Fraction(c, sum(counts)) for c in counts]
    n = len(shares)
    slow = sum(p * prod(1 - q for j, q in enumerate(shares) if j != i) for i, p in enumerate(shares))
    assert exactly_one(shares) == slow >= exactly_one_floor(n)
    assert (slow == exactly_one_floor(n)) == (len(set(counts)) == 1)


def test_the_floor_of_replace_random_falls_to_one_over_e():
    values = [exactly_one_floor(n) for n in range(1, 200)]
    assert all(a > b > 1 / e for a, b in pairwise(values))
    assert float(values[-1]) == pytest.approx(1 / e, rel=3e-3)


# --- Rectangles -----------------------------------------------------------------------------------------


def rectangles(distribution):
    """Every rectangle inside the support, from the definition."""
    alphabets = [sorted({y[i] for y in distribution}, key=str) for i in range(ref.length(distribution))]
    sides = [[c for k in range(1, len(a) + 1) for c in combinations(a, k)] for a in alphabets]
    return [choice for choice in product(*sides) if all(y in distribution for y in product(*choice))]


@given(
    target=targets([(2, 2), (3, 2), (3, 3), (2, 2, 2), (2, 3, 3), (2, 2, 2, 2)], kinds=("dense", "sparse"))
)
def test_the_largest_rectangle(target):
    found = largest_rectangle(target.exact)
    assert all(y in target.distribution for y in product(*found.sides))
    assert found.size == max(prod(map(len, sides)) for sides in rectangles(target.distribution))
    assert found.entropy == LogNumber.log2(found.size)


@pytest.mark.parametrize(("name", "n"), [("shuffle", 4), ("replace_random", 5), ("copy", 4)])
def test_rectangles_of_list_tasks_are_points(name, n):
    found = largest_rectangle(make_task(name, n).contexts()[0].distribution.pmf())
    assert (found.size, found.entropy) == (1, 0)


def test_rectangles_of_known_sets():
    cities = largest_rectangle(make_task("city_names").contexts()[0].distribution.pmf())
    assert cities.sides == (
        ("Mexico", "Panama"),
        ("City",),
    )  # one bit without error; New York and New Orleans are equally good
    even = JointPMF.uniform(y for y in product((0, 1), repeat=6) if sum(y) % 2 == 0)
    assert largest_rectangle(even).size == 1
    cube = JointPMF.uniform(product(range(8), repeat=4))
    assert largest_rectangle(cube).size == 8**4
    at_most_two = JointPMF.uniform(y for y in product((0, 1), repeat=6) if sum(y) <= 2)
    assert largest_rectangle(at_most_two).size == 4  # two free positions, the others zero
    blocks = [(a, b) for a in range(3) for b in range(3)] + [(a, b) for a in range(3, 8) for b in range(3, 5)]
    assert largest_rectangle(JointPMF.uniform(blocks)).sides == ((3, 4, 5, 6, 7), (3, 4))


def test_mass_off_the_support_is_infinite_and_rounding_is_not():
    pmf = JointPMF.uniform([(j,) for j in range(10)])
    rounded = {(j,): 0.1 - (j == 0) * 2.0**-52 for j in range(10)}
    assert sum(rounded.values()) != 1
    assert reverse_kl(pmf.rounded(), rounded) == pytest.approx(0, abs=1e-12)
    less = {(j,): Fraction(1, 10) - (j == 0) * Fraction(1, 10**15) for j in range(10)}
    assert reverse_kl(pmf, less) == inf


# --- Bad input ------------------------------------------------------------------------------------------


def test_bad_input_is_named():
    pmf = JointPMF.uniform([(0, 1), (1, 0)])
    with pytest.raises(InputError, match="at least 0, got -1/2"):
        forward_kl(pmf, {(0, 1): Fraction(-1, 2)})
    with pytest.raises(InputError, match="sums to 3/2"):
        total_variation(pmf, {(0, 1): Fraction(1), (1, 0): Fraction(1, 2)})
    with pytest.raises(InputError, match="at least 0, got nan"):
        rejection_cost(pmf, {(0, 1): float("nan")})
    with pytest.raises(InputError, match=r"square matrix, got rows of lengths \[2, 1\]"):
        permanent([[1, 2], [3]])
    with pytest.raises(InputError, match="square matrix"):
        permanent([])
    with pytest.raises(InputError, match="between 0 and 1, got 2"):
        exactly_one([2])
    with pytest.raises(CostError, match="permanent of order 22"):
        permanent([[0] * 22] * 22)
    with pytest.raises(CostError, match="largest rectangle in 4095 outcomes"):
        largest_rectangle(JointPMF.uniform(y for y in product(range(8), repeat=4) if any(y)))


def test_total_variation_and_kl_of_figure_1():
    pmf = make_task("city_names").contexts()[0].distribution.pmf()
    distribution = partition_distribution(pmf, [[0, 1]])
    assert total_variation(pmf, distribution) == Fraction(1, 2)
    assert accuracy_excess(pmf, distribution) == 0
    assert total_variation_ceiling(total_correlation(pmf)) == pytest.approx(
        min(sqrt(log(2) / 2), sqrt(1 / 2))
    )
    assert log2(rejection_cost(pmf, distribution)) == 1


# --- Floats --------------------------------------------------------------------------------------------------


@given(target=targets(), data=st.data())
def test_floats_are_next_to_the_true_values(target, data):
    """Floats are read as the exact numbers that they are; every result is within one unit of its last place."""
    scale = data.draw(st.sampled_from([0.9, 0.3, 1e-3]))
    distribution = {y: float(p) * scale for y, p in target.distribution.items()}
    pmf = target.floats
    own = {y: Fraction(float(p)) for y, p in pmf}
    read = {y: Fraction(q) for y, q in distribution.items()}
    kl = LogNumber.weighted_sum((p, p / read[y]) for y, p in own.items())
    worst = max(p / read[y] for y, p in own.items())
    truth = {
        forward_kl: kl,
        accuracy_excess: kl + LogNumber.log2(sum(read.values())),
        total_variation: sum((max(p - read[y], Fraction(0)) for y, p in own.items()), Fraction(0)),
        rejection_cost: worst,
        max_divergence: LogNumber.log2(worst),
    }
    for function, value in truth.items():
        found = function(pmf, distribution)
        off = LogNumber.rational(Fraction(found)) - value
        assert abs(float(off)) <= abs(found) * 2.0**-52 + 2.0**-100, function


def test_probabilities_near_the_end_of_floats_are_no_infinity():
    pmf = JointPMF.from_mapping({(0,): 0.5, (1,): 0.5})
    for tiny in (1e-320, Fraction(1, 10**400)):
        distribution = {(0,): Fraction(1, 2), (1,): tiny}
        bits = -LogNumber.log2(2 * Fraction(tiny))
        assert forward_kl(pmf, distribution) == pytest.approx(float(bits) / 2, rel=1e-15)
        assert max_divergence(pmf, distribution) == pytest.approx(float(bits), rel=1e-15)
        assert rejection_cost(pmf, distribution) == inf  # beyond the range of floats
    skewed = JointPMF.from_mapping({(0,): 1.0, (1,): 1e-320})
    assert reverse_kl(skewed, {(0,): 0.5, (1,): 0.5}) == pytest.approx(530.5085032126528, rel=1e-15)


@pytest.mark.parametrize("kl", [0.1, 0.3, 1.0, 7.0, 1e-300, 2000.5])
def test_the_floor_of_a_float_is_rounded_downwards(kl):
    floor = accuracy_floor(kl)
    if floor:
        assert LogNumber.log2(Fraction(floor)) <= LogNumber.rational(-Fraction(kl))
    assert floor >= 2.0**-kl * (1 - 2.0**-51)

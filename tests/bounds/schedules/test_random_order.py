"""Random order: information curve, expected divergence, best sizes, schedules; each against its slow definition."""

from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise, permutations, product
from math import comb, floor, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.compositions import compositions
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.bounds.schedules.from_estimates import dtc_schedule, singles_then_rest, tc_schedule
from theory.bounds.schedules.random_order import (
    expected_kl,
    expected_kl_of_distribution,
    lavenant_zanella_kl,
)
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import mean_subset_entropies
from theory.information.curves.curve import InformationCurve, information_curve
from theory.information.measures import dual_total_correlation, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.validation import InputError

ROUNDING = 1e-12  # bits: sums of at most 16 entropies of at most 4 bits each
SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "skewed", "sparse"))


def mean_over_partitions(distribution, cost):
    """The mean of a sum of block costs over all ordered partitions with given block sizes, for each sizes."""
    n = ref.length(distribution)
    price = cache(cost)
    means = {}
    for steps in range(1, n + 1):
        for partition in ref.ordered_partitions(n, steps):
            before = [frozenset(i for b in partition[:t] for i in b) for t in range(steps)]
            value = ref.add(*map(price, partition, before))
            means.setdefault(tuple(map(len, partition)), []).append(value)
    return {sizes: ref.scale(ref.add(*vs), Fraction(1, len(vs))) for sizes, vs in means.items()}


def step(n, k):
    """The extreme curves: mean entropies of an MDS code of dimension k, in units of log2 q."""
    return [min(j, k) for j in range(n + 1)]


# --- Definitions ----------------------------------------------------------------------------------------


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_mean_entropies_and_curve(target):
    n, distribution = target.n, target.distribution
    curve = information_curve(subset_entropies(target.exact))
    floats = information_curve(subset_entropies(target.floats))
    means = []
    for j in range(n + 1):
        forms = [ref.entropy(distribution, s) for s in combinations(range(n), j)]
        means.append(ref.scale(ref.add(*forms), Fraction(1, comb(n, j))))
    assert all(map(same, curve.means, means))
    assert floats.means == pytest.approx([ref.to_float(m) for m in means], abs=ROUNDING)
    assert curve.floats().means == pytest.approx(floats.means, abs=ROUNDING)
    assert all(same(z, ref.sub(ref.add(means[1], means[j]), means[j + 1])) for j, z in enumerate(curve.z))
    assert same(curve.total_correlation, ref.total_correlation(distribution))
    assert same(curve.dual_total_correlation, ref.dual_total_correlation(distribution))
    assert sum(curve.z, LogNumber()) == curve.total_correlation
    assert n * curve.z[-1] - sum(curve.z, LogNumber()) == curve.dual_total_correlation


@given(target=SMALL)
def test_curve_is_the_mean_information_between_a_position_and_others(target):
    n, distribution = target.n, target.distribution
    curve = information_curve(subset_entropies(target.exact))
    for j in range(1, n + 1):
        pairs = [(i, s) for i in range(n) for s in combinations([k for k in range(n) if k != i], j - 1)]
        forms = [
            ref.sub(ref.entropy(distribution, (i,)), ref.conditional_entropy(distribution, (i,), s))
            for i, s in pairs
        ]
        assert same(curve.z[j - 1], ref.scale(ref.add(*forms), Fraction(1, len(pairs))))


@given(target=targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "sparse")))
@settings(max_examples=examples(6))
def test_expected_kl_is_the_mean_over_all_ordered_partitions(target):
    table, floats = subset_entropies(target.exact), subset_entropies(target.floats)
    means = mean_over_partitions(
        target.distribution, lambda block, before: ref.block_cost(target.distribution, block, sorted(before))
    )
    assert sorted(means) == sorted(compositions(target.n))
    for sizes, form in means.items():
        assert same(expected_kl(table, sizes), form)
        assert lavenant_zanella_kl(table, sizes) == expected_kl(table, sizes)
        assert expected_kl(floats, sizes) == pytest.approx(ref.to_float(form), abs=ROUNDING)
        assert lavenant_zanella_kl(floats, sizes) == pytest.approx(ref.to_float(form), abs=ROUNDING)


@given(target=SMALL)
def test_best_sizes_among_all_compositions(target):
    table = subset_entropies(target.exact)
    best, near = optimal_sizes(table), optimal_sizes(subset_entropies(target.floats))
    fixed = optimal_bounds(table).values
    for steps in range(1, target.n + 1):
        values = [expected_kl(table, sizes) for sizes in compositions(target.n) if len(sizes) == steps]
        assert best.values[steps - 1] == min(values) == expected_kl(table, best.sizes[steps - 1])
        assert best.counts[steps - 1] == values.count(min(values))
        assert near.values[steps - 1] == pytest.approx(float(min(values)), abs=ROUNDING)
        assert len(best.sizes[steps - 1]) == len(near.sizes[steps - 1]) == steps
        assert fixed[steps - 1] <= min(values)  # a best fixed partition is no worse than a random one
    assert near.counts is None


@given(target=targets([(2, 2, 2), (2, 2, 2, 2)], kinds=("dense", "sparse")), k=st.integers(1, 4))
def test_random_topk_pays_the_expected_divergence_along_its_path(target, k):
    n = target.n
    sizes = [k] * (n // k) + [n % k] * (n % k > 0)
    result = decode(target.exact, parse_policy(f"topk:k={k},by=random"))
    assert result.path_kl == expected_kl(subset_entropies(target.exact), sizes)
    assert result.kl <= result.path_kl


@given(parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2)])), min_size=2, max_size=3))
@settings(max_examples=examples(8))
def test_contexts_average(parts):
    total = sum(w for w, _ in parts)
    mean = subset_entropies([(Fraction(w, total), target.exact) for w, target in parts])
    for sizes in compositions(3):
        values = [Fraction(w, total) * expected_kl(subset_entropies(t.exact), sizes) for w, t in parts]
        assert expected_kl(mean, sizes) == sum(values, LogNumber())


@given(target=SMALL, data=st.data())
def test_drawn_sizes_cost_the_mean_of_theirs(target, data):
    """Random sizes (arXiv 2602.20126): every ordered partition with its probability."""
    chosen = data.draw(st.lists(st.sampled_from(list(compositions(target.n))), min_size=1, unique=True))
    amounts = [data.draw(st.integers(0, 4)) + (j == 0) for j in range(len(chosen))]
    shares = {sizes: Fraction(a, sum(amounts)) for sizes, a in zip(chosen, amounts, strict=True)}
    means = mean_over_partitions(
        target.distribution, lambda block, before: ref.block_cost(target.distribution, block, sorted(before))
    )
    form = ref.add(*(ref.scale(means[sizes], share) for sizes, share in shares.items()))
    assert same(expected_kl_of_distribution(subset_entropies(target.exact), shares), form)
    floats = expected_kl_of_distribution(subset_entropies(target.floats), shares)
    assert floats == pytest.approx(ref.to_float(form), abs=ROUNDING)


def test_means_of_large_integers_do_not_overflow():
    total = 2**48
    n = 12  # 924 sets of 6 positions, each with the entry 48 * 2^48 at the prime 2: their sum is above 2^63
    pmf = JointPMF.from_weights([(0,) * n, (1,) * n], [1, total - 1])
    table = subset_entropies(pmf, exact=True)
    assert table.rows is not None
    assert table.rows.values.dtype == np.int64
    assert set(information_curve(table).means[1:]) == {table.exact(1)}


@pytest.mark.parametrize("unit", [LogNumber.log2(3), LogNumber.log2(7) / 3, LogNumber.log2(Fraction(5, 4))])
def test_ties_that_floats_do_not_see(unit):
    n = 7  # the profile falls by equal steps, so a cost depends on the sizes in any order
    profile = [(n - j) * unit for j in range(n)]
    means = [sum(profile[:j], LogNumber()) for j in range(n + 1)]
    best = optimal_sizes(means)
    for steps in range(1, n + 1):
        values = [expected_kl(means, sizes) for sizes in compositions(n) if len(sizes) == steps]
        assert best.counts[steps - 1] == values.count(min(values)) == comb(steps, n % steps)


# --- Inequalities and identities ------------------------------------------------------------------------


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_curve_does_not_decrease_and_costs_are_convex(target):
    curve = information_curve(subset_entropies(target.exact))
    assert curve.z[0] == 0
    assert all(rise >= 0 for rise in curve.increments)  # Han
    best = optimal_sizes(curve)
    values = [*best.values, best.values[-1]]
    assert best.values[-1] == 0
    assert best.values[0] == curve.total_correlation
    assert all(a >= b for a, b in pairwise(values))
    assert all(a + c >= 2 * b for a, b, c in zip(values, values[1:], values[2:], strict=False))


@given(target=SMALL, data=st.data())
def test_splitting_a_block_never_costs(target, data):
    curve = information_curve(subset_entropies(target.exact))
    sizes = data.draw(st.sampled_from([s for s in compositions(target.n) if max(s) > 1] or [(1,) * target.n]))
    wide = [i for i, size in enumerate(sizes) if size > 1]
    if wide:
        i = data.draw(st.sampled_from(wide))
        cut = data.draw(st.integers(1, sizes[i] - 1))
        finer = (*sizes[:i], cut, sizes[i] - cut, *sizes[i + 1 :])
        assert expected_kl(curve, finer) <= expected_kl(curve, sizes)


# --- Known values ---------------------------------------------------------------------------------------


def reed_solomon(q, n, k):
    """All polynomials of degree below k over the prime field of q elements, at n points."""
    return JointPMF.uniform(
        tuple(sum(c * x**i for i, c in enumerate(poly)) % q for x in range(n))
        for poly in product(range(q), repeat=k)
    )


@pytest.mark.parametrize(("q", "n", "k"), [(5, 4, 1), (5, 4, 2), (5, 4, 3), (3, 3, 2), (5, 5, 2)])
def test_mds_codes_rise_once(q, n, k):
    curve = information_curve(subset_entropies(reed_solomon(q, n, k)))
    unit = LogNumber.log2(q)
    assert list(curve.z) == [unit * (j > k) for j in range(1, n + 1)]
    assert curve.total_correlation == (n - k) * unit
    assert curve.dual_total_correlation == k * unit
    best = optimal_sizes(curve)
    assert best.values[1] == 0  # at most k single tokens, then the others: two steps
    assert best.values[0] == (n - k) * unit
    assert sum(best.sizes[1]) == n
    assert best.sizes[1][0] <= k


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_repeated_bit_and_parity_mirror_each_other(n):
    repeated = information_curve(subset_entropies(JointPMF.from_mapping(ref.repeated_bit(n))))
    parity = information_curve(subset_entropies(JointPMF.from_mapping(ref.parity(n))))
    assert list(repeated.z) == [0] + [1] * (n - 1)
    assert list(parity.z) == [0] * (n - 1) + [1]
    assert list(repeated.increments) == list(parity.increments)[::-1]
    assert repeated.total_correlation == parity.dual_total_correlation == n - 1
    assert repeated.dual_total_correlation == parity.total_correlation == 1
    # any block after the first position is free, any block before the last
    assert optimal_sizes(repeated).counts == tuple([1] + [comb(n - 2, t - 2) for t in range(2, n + 1)])
    assert optimal_sizes(parity).counts == tuple([1] + [comb(n - 2, t - 2) for t in range(2, n + 1)])


def latin_squares(order):
    rows = list(permutations(range(order)))
    for square in product(rows, repeat=order):
        if all(len(set(column)) == order for column in zip(*square, strict=True)):
            yield tuple(cell for row in square for cell in row)


def test_latin_squares():
    two = information_curve(subset_entropies(JointPMF.uniform(latin_squares(2))))
    assert list(two.z) == [0, 1, 1, 1]
    three = information_curve(subset_entropies(JointPMF.uniform(latin_squares(3)), exact=True))
    one, all_cells = LogNumber.log2(3), LogNumber.log2(12)
    assert three.means[1] == one
    assert three.means[9] == three.means[8] == all_cells
    # the 18 pairs in a line: H(y_j | y_i) = log2 2; the 18 others: the same item in half of the squares, 1/4 each else
    assert 36 * three.means[2] == 18 * (one + 1) + 18 * (one + Fraction(3, 2))
    assert three.total_correlation == 9 * one - all_cells
    assert three.dual_total_correlation == all_cells


@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_exchangeable_tasks_lose_nothing_by_random_order(task, n):
    distribution = ref.shuffle(n) if task == "shuffle" else ref.replace_random(n)
    table = subset_entropies(JointPMF.from_mapping(distribution))
    curve = information_curve(mean_subset_entropies(task, n))
    assert curve.means == information_curve(table).means
    assert optimal_sizes(curve).values == optimal_bounds(table).values


def test_shuffle_curve():
    n = 9
    curve = information_curve(mean_subset_entropies("shuffle", n))
    assert list(curve.z) == [LogNumber.log2(Fraction(n, n - j + 1)) for j in range(1, n + 1)]
    best = optimal_sizes(mean_subset_entropies("shuffle", 20))
    assert best.sizes[9] == (3, 3, 3, 2, 2, 2, 2, 1, 1, 1)
    assert set(best.counts) == {1}
    assert optimal_sizes(mean_subset_entropies("shuffle", 4)).counts == (1, 2, 1, 1)  # (2, 2) and (3, 1)


# --- Schedules ------------------------------------------------------------------------------------------


def as_printed(n, zeta):
    """The TC schedule with the number of shrinking steps that the paper gives, then singles."""
    if zeta >= n + 1:
        return (1,) * n
    rounds = floor(log(n - zeta + 1) / log(1 / (1 - 1 / zeta))) + 2 if zeta > 1 else 1
    done, sizes = 0, []
    for _ in range(rounds):
        sizes.append((n - done) // zeta)
        done += sizes[-1]
    return tuple(size for size in sizes if size) + (1,) * (n - done)


def test_schedules_are_those_of_the_paper():
    for n in [*range(1, 40), 100, 1000]:
        for zeta in [*range(1, 12), 30, n, n + 1, n + 5]:
            schedule = tc_schedule(n, zeta - 1, 1)
            assert schedule.sizes == as_printed(n, zeta)
            assert len(schedule.sizes) <= zeta * (1 + log(n)) < schedule.most_steps
            assert schedule.most_steps == pytest.approx(2 + (1 + log(n)) * zeta)  # as printed
            assert dtc_schedule(n, zeta - 1, 1).sizes == schedule.sizes[::-1]


def test_guarantees_hold_on_the_extreme_curves_and_hence_on_all():
    for n in (1, 2, 3, 7, 20):
        for k in range(1, n):
            curve = information_curve(step(n, k))
            tc, dtc = curve.total_correlation, curve.dual_total_correlation
            for epsilon in (Fraction(1, 7), Fraction(1, 2), 1, 2, 5):
                first, last = tc_schedule(n, tc, epsilon), dtc_schedule(n, dtc, epsilon)
                zeta = 1 + -(-(n - k) // epsilon)
                assert expected_kl(curve, first.sizes) * zeta <= tc  # better than promised
                assert expected_kl(curve, first.sizes) <= first.most_kl == epsilon
                assert expected_kl(curve, last.sizes) <= last.most_kl == epsilon
                assert sum(first.sizes) == sum(last.sizes) == n
                rest = singles_then_rest(n, dtc, epsilon)
                assert expected_kl(curve, rest.sizes) <= rest.most_kl == n * epsilon**2
                assert len(rest.sizes) <= rest.most_steps


@given(target=targets([(2, 2, 2), (2, 2, 2, 2)]), epsilon=st.sampled_from(["1/100", "1/10", "1/2", 1]))
def test_guarantees_hold_for_the_exact_correlations_of_a_pmf(target, epsilon):
    pmf = target.exact
    curve = information_curve(subset_entropies(pmf))
    for schedule in (
        tc_schedule(pmf.n, total_correlation(pmf), epsilon),
        dtc_schedule(pmf.n, dual_total_correlation(pmf), epsilon),
        singles_then_rest(pmf.n, dual_total_correlation(pmf), epsilon),
    ):
        assert expected_kl(curve, schedule.sizes) <= schedule.most_kl
        assert len(schedule.sizes) <= schedule.most_steps


def test_estimates_are_rounded_exactly():
    assert tc_schedule(50, LogNumber.log2(8), 1).sizes == tc_schedule(50, 3, 1).sizes
    above = LogNumber.log2(8) + LogNumber.log2(Fraction(10**30 + 1, 10**30))
    assert tc_schedule(50, above, 1).sizes == tc_schedule(50, 4, 1).sizes
    assert tc_schedule(50, "0.3", "0.1").sizes == tc_schedule(50, 3, 1).sizes  # 0.3 / 0.1 > 3 in floats


# --- Wrong input ----------------------------------------------------------------------------------------

BAD = {
    "sizes": (lambda: expected_kl([0, 1, 1], [1, 2]), r"block sizes must sum to n = 2, got \[1, 2\]"),
    "empty block": (
        lambda: expected_kl([0, 1, 1], [2, 0]),
        "a block size must be a whole number of at least 1",
    ),
    "distribution of sizes": (
        lambda: expected_kl_of_distribution([0, 1, 1], {(2,): "1/2"}),
        "probabilities that sum to 1",
    ),
    "start": (lambda: information_curve([1, 2]), "h_0 = 0"),
    "short": (lambda: information_curve([0]), "n of at least 1"),
    "mixed": (lambda: information_curve([0.0, LogNumber.log2(3)]), "all exact or all floats"),
    "decreasing": (lambda: information_curve([0, 2, 1]), "neither decrease nor grow faster"),
    "convex": (lambda: information_curve([0, 1, 3]), "neither decrease nor grow faster"),
    "long": (lambda: optimal_sizes(np.zeros(1500).tolist()), "the best block sizes of 1499 positions"),
    "epsilon": (lambda: tc_schedule(4, 1, 0), "must be above 0, got 0"),
    "estimate": (lambda: dtc_schedule(4, -1, 1), "estimate must be at least 0, got -1"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    use, message = BAD[name]
    with pytest.raises(InputError, match=message):
        use()


def test_cost_is_refused_and_curves_pass_through():
    with pytest.raises(CostError):
        optimal_sizes([0.0] * 2000)
    curve = information_curve([0.0, 1.0, 1.5])
    assert information_curve(curve) is curve
    assert curve.floats() is curve
    assert isinstance(curve, InformationCurve)

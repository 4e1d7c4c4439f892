"""Plug-in prices and Wainwright's bound: definitions, the sandwich, and what they are above."""

from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.comparison import same
from tests.helpers.compositions import compositions
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.schedules.complexities import path_complexity
from theory.bounds.schedules.random_times import (
    continuous_kl,
    growth,
    growth_complexity,
    one_step_defect,
    ratio_bound,
)
from theory.bounds.schedules.upper_bounds import upper_bounds
from theory.bounds.schedules.wainwright import (
    best_wainwright_bounds,
    cell_complexity,
    even_cells,
    plug_in,
    wainwright_bound,
)
from theory.commands.bounds import schedule_answer
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import mean_subset_entropies
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "sparse"))
LONGER = targets([(2, 2, 2), (3, 1, 2), (2, 2, 2, 2), (2, 3, 1, 2)], kinds=("dense", "skewed", "sparse"))
TIMES = st.fractions(0, 1, max_denominator=6)
INSIDE = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20)
CURVES = [mean_subset_entropies(task, 8) for task in ("shuffle", "replace_random")] + [
    [min(j, k) for j in range(9)] for k in (1, 4, 7)
]
QUADRATURE = 1e-4  # relative: a sum of 20,000 roots, one end of which may have infinite slope


def revealed_pairs(others, p, q):
    """Every A_p inside A_q with its probability: each position is revealed by p, between p and q, or later."""
    for size in range(len(others) + 1):
        for late in combinations(others, size):
            for more in range(size + 1):
                for early in combinations(late, more):
                    weight = p**more * (q - p) ** (size - more) * (1 - q) ** (len(others) - size)
                    yield early, late, weight


@given(target=SMALL, ends=st.tuples(TIMES, TIMES).map(sorted))
def test_plug_in_is_the_mean_divergence_of_the_conditionals(target, ends):
    p, q = ends
    distribution, terms = target.distribution, []
    for i in range(target.n):
        others = [j for j in range(target.n) if j != i]
        for early, late, weight in revealed_pairs(others, p, q):
            for mass, given_late in ref.contexts(distribution, late):
                outcome = next(iter(given_late))
                given_early = ref.condition(distribution, {j: outcome[j] for j in early})
                after, before = (ref.marginal(part, (i,)) for part in (given_late, given_early))
                terms.append(ref.scale(ref.kl_exact(after, before), weight * mass))
    truth = ref.scale(ref.add(*terms), q - p)
    assert same(plug_in(subset_entropies(target.exact), p, q), truth)


@given(target=LONGER, ends=st.tuples(INSIDE, INSIDE).map(sorted).filter(lambda e: e[0] < e[1]))
def test_sandwich(target, ends):
    p, q = ends
    curve = information_curve(subset_entropies(target.exact))
    rho = q * (1 - p) / (p * (1 - q))
    price, complexity = plug_in(curve, p, q), growth_complexity(curve, p, q)
    assert (1 - 1 / rho) * complexity <= price <= (rho - 1) * complexity
    assert one_step_defect(curve, p, q) <= price


@given(target=LONGER, inner=st.lists(INSIDE, max_size=3, unique=True))
def test_plug_in_lies_between_the_divergence_and_the_ratio_bound(target, inner):
    curve = information_curve(subset_entropies(target.exact))
    times = [Fraction(0), *sorted(inner), Fraction(1)]
    assert continuous_kl(curve, times) <= sum((plug_in(curve, p, q) for p, q in pairwise(times)), LogNumber())
    steps = list(pairwise(times))[1:-1]  # the ratio bound has the ends exact
    ends = sum(
        (one_step_defect(curve, *e) for e in {(times[0], times[1]), (times[-2], times[-1])}), LogNumber()
    )
    if inner:
        assert sum((plug_in(curve, p, q) for p, q in steps), ends) <= ratio_bound(curve, times)


@given(target=LONGER)
def test_plug_in_of_block_sizes(target):
    curve = information_curve(subset_entropies(target.exact))
    n = curve.n
    for sizes in compositions(n):
        found = {bound.name: bound.value for bound in upper_bounds(curve, sizes)}
        assert found["exact"] <= found["plug-in"] <= found["largest block"]
        starts = [sum(sizes[:t]) for t in range(len(sizes))]
        prices = [(s - 1) * (curve.z[a + s - 1] - curve.z[a]) for a, s in zip(starts, sizes, strict=True)]
        assert found["plug-in"] == sum(prices, LogNumber())
        inner = [t for t, (a, s) in enumerate(zip(starts, sizes, strict=True)) if a and a + s < n]
        for t in inner:
            a, b = starts[t], starts[t] + sizes[t]
            rises = (Fraction(j * (n - j), n) * curve.increments[j - 1] for j in range(a + 1, b))
            assert prices[t] <= Fraction(n * (b - a), a * (n - b)) * sum(rises, LogNumber())


def spans_and_complexities(curve, cells):
    odds = [float(t / (1 - t)) for t in cells]
    return [
        (log(b / a), float(growth_complexity(curve, p, q)))
        for (a, b), (p, q) in zip(pairwise(odds), pairwise(cells), strict=True)
    ]


@given(target=LONGER, cells=st.lists(INSIDE, min_size=2, max_size=5, unique=True))
def test_complexity_is_its_definition_and_falls_with_refinement(target, cells):
    cells = sorted(cells)
    curve = information_curve(subset_entropies(target.exact))
    found = cell_complexity(curve, cells)
    truth = sum(sqrt(s * h) for s, h in spans_and_complexities(curve, cells)) ** 2
    assert found.value == pytest.approx(truth, rel=1e-9, abs=1e-12)
    assert found.error < 1e-12
    coarse = cell_complexity(curve, [cells[0], cells[-1]])
    assert found.value <= coarse.value + found.error + coarse.error
    floats = information_curve(subset_entropies(target.floats))
    rough = cell_complexity(floats, cells)
    assert abs(rough.value - found.value) <= rough.error + found.error


@pytest.mark.parametrize("n", [3, 10, 50])
def test_even_cells_are_even_in_the_log_odds_as_far_as_short_fractions_can_be(n):
    for k in (1, 2, 5, 8):
        odds = [t / (1 - t) for t in even_cells(n, k)]
        assert (odds[0], odds[-1]) == (Fraction(1, n - 1), n - 1)
        for j, psi in enumerate(odds):
            even, below = float(n - 1) ** (2 * j / k - 1), np.arange(1, 1000 * n + 1)
            nearest = np.abs(np.round(even * below) / below - even).min()
            assert psi.denominator <= 1000 * n
            assert abs(float(psi) - even) == pytest.approx(nearest, rel=0, abs=n * 1e-15)


def test_a_complexity_that_may_be_zero_is_at_most_what_rounding_allows():
    # independent bits in floats: each mean entropy j is off by at most the error e, so a rise by at most 4 e
    n, p, q = 5, Fraction(1, 4), Fraction(3, 4)
    pmf = JointPMF.from_mapping(dict.fromkeys(product((0, 1), repeat=n), 2.0**-n))
    curve = information_curve(subset_entropies(pmf))
    assert curve.error > 0

    def above(k, t):
        return sum(comb(n + 1, j) * t**j * (1 - t) ** (n + 1 - j) for j in range(k, n + 2))

    shares = [Fraction(j * (n - j), n + 1) * (above(j + 1, q) - above(j + 1, p)) for j in range(1, n)]
    most = log(9) * float(sum(shares)) * 4 * curve.error  # (sqrt(S H))^2, where S = ln 9
    found = cell_complexity(curve, [p, q])
    assert found.value - found.error <= 0 <= found.value
    assert found.value + found.error <= 1.1 * most  # two digits


@pytest.mark.parametrize("means", CURVES)
def test_fine_cells_come_close_to_the_path_complexity(means):
    curve = information_curve(means)
    cells = even_cells(8, 64)
    slope = growth(curve).derivative()
    low, high = float(cells[0]), float(cells[-1])
    points = [low + (high - low) * (j + 0.5) / 400 for j in range(400)]
    path = (
        sum(sqrt(float(slope(Fraction(t).limit_denominator(10**6)))) for t in points) * (high - low) / 400
    ) ** 2
    found = cell_complexity(curve, cells).value
    assert path * (1 - QUADRATURE) <= found <= path * 1.01
    assert found <= path_complexity(curve).value
    sizes = [cell_complexity(curve, even_cells(8, k)).value for k in (1, 2, 4, 8)]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("means", CURVES)
def test_rational_times_attain_the_value(means):
    # cells whose odds are powers of 8 and counts 3, 3: the steps of equal span have the odds 1/8, 1/4, ..., 8
    curve = information_curve(means)
    odds = [Fraction(2) ** k for k in range(-3, 4)]
    times = [Fraction(0), *(psi / (1 + psi) for psi in odds), Fraction(1)]
    bound = wainwright_bound(curve, [times[1], times[4], times[-2]], 9)
    if bound.counts == (3, 3):
        assert abs(bound.value.value - float(ratio_bound(curve, times))) <= bound.value.error + 1e-12
    mirrored = wainwright_bound(curve, [times[1], times[-2]], 8)
    assert mirrored.counts == (6,)
    assert abs(mirrored.value.value - float(ratio_bound(curve, times))) <= mirrored.value.error + 1e-12


@settings(max_examples=examples(6))
@given(
    target=targets([(2, 2, 2), (2, 2, 2, 2), (2, 3, 1, 2)], kinds=("dense", "sparse")), k=st.integers(1, 3)
)
def test_best_blocks_cost_less_than_the_bound(target, k):
    curve = information_curve(subset_entropies(target.exact))
    cells, best = even_cells(curve.n, k), optimal_sizes(curve).values
    of_any_cells = best_wainwright_bounds(curve, 3 * curve.n)
    for steps in range(k + 2, 3 * curve.n):
        bound = wainwright_bound(curve, cells, steps)
        assert sum(bound.counts) + 2 <= steps
        assert bound.value.value - bound.value.error <= bound.closed.value + bound.closed.error
        least = best[min(steps, curve.n) - 1]
        assert least <= Fraction(bound.value.value) + Fraction(bound.value.error)
        any_cells = of_any_cells[steps - 1]
        assert any_cells is not None
        assert least <= Fraction(any_cells.value) + Fraction(any_cells.error)
        floats = wainwright_bound(information_curve(subset_entropies(target.floats)), cells, steps)
        assert floats.value.error < 1e-9


@pytest.mark.parametrize("means", CURVES)
def test_bounds_hold_on_curves(means):
    curve = information_curve(means)
    best = optimal_sizes(curve).values
    for steps, found in list(enumerate(best_wainwright_bounds(curve, 8), start=1))[2:]:
        assert found is not None
        assert best[steps - 1] <= Fraction(found.value) + Fraction(found.error)
    tight = wainwright_bound(curve, even_cells(8, 4), 200)
    assert tight.closed.value <= 1.2 * tight.value.value + 1e-12


@pytest.mark.parametrize(("name", "n"), [("shuffle", 6), ("markov_chain", 5), ("parity", 2)])
def test_answer_of_the_schedule(name, n):
    answer = schedule_answer(make_task(name, n))
    bounds = answer["wainwright_bound"]
    assert bounds[:2] == [None, None]
    for bound, least in list(zip(bounds, answer["expected_kl"], strict=True))[2:]:
        assert least <= LogNumber.rational(Fraction(bound))


def test_short_sequences_and_wrong_input():
    assert best_wainwright_bounds([0, 1, 1], 2) == [None, None]
    assert best_wainwright_bounds([0, 1, 1, 1], 2) == [None, None]
    with pytest.raises(InputError, match="need at least 4 steps, got 3"):
        wainwright_bound([0, 1, 1, 1], ["1/4", "1/2", "3/4"], 3)
    with pytest.raises(InputError, match=r"must increase within \(0, 1\)"):
        cell_complexity([0, 1, 1, 1], [0, "1/2"])
    with pytest.raises(InputError, match="n of at least 3, got 2"):
        even_cells(2, 1)
    with pytest.raises(InputError, match="forward in time"):
        plug_in([0, 1, 1], "1/2", "1/4")
    assert cell_complexity([0, 1, 2, 3], ["1/4", "3/4"]).value == 0  # independent tokens

"""Errors of float results are proven bounds and not too large: against exact numbers of the same pmf."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import members
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import USEFUL
from tests.reference import definitions as ref
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.bounds.schedules.random_order import expected_kl
from theory.commands.bounds import bounds_answer
from theory.distributions.contexts import GivenTask
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.measures import (
    conditional_entropy,
    dual_total_correlation,
    entropy,
    entropy_sum_error,
    kl_divergence,
    kl_error,
    total_correlation,
)
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.dense import dense_error, dense_subset_entropies
from theory.numbers.compiled import has_compiler
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import entropy_error, gamma, pairwise_depth

compiled_too = pytest.mark.parametrize("compiled", [False, True] if has_compiler() else [False])


def within(value, truth: LogNumber, error: float) -> bool:
    """|value - truth| <= error, decided exactly."""
    assert isinstance(value, float)
    return abs(truth - Fraction(value)) <= Fraction(error)


# Probabilities from 1 down to 2^-40, sums that cancel nothing but lose digits at every size.
uneven = st.integers(0, 40).flatmap(lambda b: st.integers(0, 2**b))


@st.composite
def uneven_pmfs(draw, shapes=((2, 2), (2, 2, 2), (3, 2, 2), (4, 3), (2, 2, 2, 2, 2))):
    """An exact pmf and the same in floats, each probability correctly rounded."""
    shape = draw(st.sampled_from(shapes))
    words = list(product(*map(range, shape)))
    weights = draw(st.lists(uneven, min_size=len(words), max_size=len(words)).filter(any))
    distribution = {y: Fraction(w, sum(weights)) for y, w in zip(words, weights, strict=True) if w}
    return JointPMF.from_mapping(distribution), JointPMF.from_mapping(
        {y: float(p) for y, p in distribution.items()}
    )


@given(pair=uneven_pmfs(), dense=st.booleans(), data=st.data())
@settings(max_examples=examples(5))
def test_tables_and_bounds(pair, dense, data):
    exact, floats = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.information.subsets.builder.dense_is_cheaper", lambda _: dense)
        tables = [subset_entropies(floats), subset_entropies(exact, exact=False)]
    truth = subset_entropies(exact)
    partition = data.draw(ordered_partitions(exact.n))
    best = optimal_bounds(truth)
    for table in (*tables, truth):
        assert table.error < USEFUL
        for mask in range(1 << exact.n):
            assert within(float(table.h[mask]), truth.exact(mask), table.error)
    for table in tables:
        assert within(step_bound(table, partition), step_bound(truth, partition), table.bound_error)
        found = optimal_bounds(table)
        assert found.error == table.bound_error < USEFUL
        for steps, (value, least) in enumerate(zip(found.values, best.values, strict=True), start=1):
            assert within(value, least, found.error)
            cost = step_bound(truth, found.partitions[steps - 1])
            assert cost - least <= Fraction(2 * (steps + 1) * found.error)


@given(pair=uneven_pmfs(), data=st.data())
def test_correlations(pair, data):
    exact, floats = pair
    n = exact.n
    positions = members(n, data.draw(st.integers(1, (1 << n) - 1)))
    rest = [i for i in range(n) if i not in positions]
    m = len(positions)
    for measure, terms in (
        (lambda p: entropy(p, positions), 1),
        (lambda p: conditional_entropy(p, positions, rest), 2),
        (lambda p: total_correlation(p, positions), m + 1),
        (lambda p: total_correlation(p, positions, rest), 2 * m + 2),
        (lambda p: dual_total_correlation(p, positions), 2 * m + 1),
    ):
        assert within(float(measure(floats)), measure(exact), entropy_sum_error(floats, terms))
        assert entropy_sum_error(floats, terms) < USEFUL
        assert entropy_sum_error(exact, terms) == 0


@given(pair=st.sampled_from([(2, 2), (3, 2)]).flatmap(lambda s: st.tuples(*[uneven_pmfs((s,))] * 2)))
def test_divergence(pair):
    (p, p_floats), (q, q_floats) = pair
    truth = kl_divergence(p, q)
    for one, two in ((p_floats, q_floats), (p_floats, q), (p, q_floats)):
        if isinstance(truth, float):
            assert kl_divergence(one, two) == truth
        else:
            assert within(kl_divergence(one, two), truth, kl_error(one, two))
            assert kl_error(one, two) < USEFUL
    assert kl_error(p, q) == 0


@given(pair=uneven_pmfs(), data=st.data())
@settings(max_examples=examples(6))
def test_curves(pair, data):
    exact, floats = pair
    curve, truth, n = information_curve(subset_entropies(floats)), subset_entropies(exact), exact.n
    other = information_curve(truth)
    for source in (curve, other.floats()):
        assert source.error < USEFUL
        for value, mean in zip(source.means, other.means, strict=True):
            assert within(value, mean, source.error)
        for value, z in zip(source.z, other.z, strict=True):
            assert within(value, z, source.error_of(4))
        assert within(source.total_correlation, other.total_correlation, source.error_of(n + 1))
        assert within(source.dual_total_correlation, other.dual_total_correlation, source.error_of(2 * n + 1))
        sizes = [len(block) for block in data.draw(ordered_partitions(n))]
        assert within(expected_kl(source, sizes), expected_kl(other, sizes), source.error_of(2 * n + 1))
        found = optimal_sizes(source)
        for value, least in zip(found.values, optimal_sizes(other).values, strict=True):
            assert within(value, least, found.error)
        assert found.error < USEFUL
    assert other.error == other.error_of(9) == optimal_sizes(other).error == 0


@given(parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2)])), min_size=2, max_size=4))
def test_means_over_contexts(parts):
    total = sum(w for w, _ in parts)
    table = subset_entropies([(Fraction(w, total), t.floats) for w, t in parts])
    truth = subset_entropies([(Fraction(w, total), t.exact) for w, t in parts])
    for mask in range(8):
        assert within(float(table.h[mask]), truth.exact(mask), table.error)
        assert within(float(truth.h[mask]), truth.exact(mask), truth.error)
    assert table.error < USEFUL


def test_the_error_of_a_curve_covers_its_own_roundings():
    """A mean is a sum of up to 2^n entries, added pairwise, and one division."""
    table = subset_entropies(JointPMF.from_weights(list(product((0, 1), repeat=4)), range(1, 17)).rounded())
    passed, unit = pairwise_depth(16) + 1, Fraction(1, 2**53)
    roundings = passed * unit / (1 - passed * unit) * Fraction(float(table.h.max()))
    assert Fraction(information_curve(table).error) - Fraction(table.error) >= roundings


# --- Dense forms ----------------------------------------------------------------------------------------


@pytest.mark.grid(1)
@compiled_too
@given(
    pair=uneven_pmfs(((2,), (3, 1, 2), (2, 4, 3), (2, 2, 2, 2), (1, 1))), size=st.sampled_from([1, 8, 10**6])
)
def test_dense_forms(compiled, pair, size):
    exact, floats = pair
    table = floats.dense()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.information.subsets.dense.SLICE", size)
        h = dense_subset_entropies(table, compiled=compiled)
        error = dense_error(table.shape, len(floats), compiled=compiled)
    truth = subset_entropies(exact)
    assert error < USEFUL
    assert all(within(float(value), truth.exact(mask), error) for mask, value in enumerate(h))


@compiled_too
def test_ten_thousand_cells(compiled):
    # dyadic probabilities: the float pmf is the exact one; blocks of the compiled sum are full
    rng = np.random.default_rng(1)
    shape = (3, 2, 5, 1, 4, 3, 2, 14)
    weights = rng.multinomial(2**30, rng.dirichlet(np.full(int(np.prod(shape)), 0.3)))
    cells = (weights / 2**30).reshape(shape)
    h = dense_subset_entropies(cells, compiled=compiled)
    error = dense_error(shape, cells.size, compiled=compiled)
    for mask in (1, 0b10110001, 0b01111111, 0b11111111):
        kept = cells.sum(axis=tuple(i for i in range(8) if not mask >> i & 1))
        counts = (kept * 2**30).astype(int)
        truth = 30 - LogNumber.weighted_sum((Fraction(c, 2**30), c) for c in counts[counts > 0].tolist())
        assert within(float(h[mask]), truth, error)
    assert error < USEFUL / 100


@pytest.mark.skipif(not has_compiler(), reason="numba is absent")
def test_the_compiled_logarithm_is_within_four_units():
    from theory.information.subsets.dense_kernel import BLOCK, compiled_kernels

    _, terms = compiled_kernels()

    def minus_x_log_x(x):
        out = []
        for part in np.split(x, range(BLOCK, x.size, BLOCK)):
            share = np.empty(BLOCK)
            terms(part, part.view(np.int64), 0, part.size, np.empty(BLOCK, np.int64), np.empty(BLOCK), share)
            out += share[: part.size].tolist()
        return out

    rng = np.random.default_rng(2)
    near_one = 1 - 2.0 ** -np.arange(1, 54)
    half = np.sqrt(0.5) * (1 + np.arange(-40, 41) * 2.0**-45)
    x = np.concatenate(
        [
            rng.random(3000),
            2.0 ** -rng.uniform(0, 1000, 2000),
            near_one,
            half,
            2.0 ** -np.arange(60),
            [1.5, 1e-300],
        ]
    )
    before = ctx.prec
    ctx.prec = 200
    try:
        for value, result in zip(x.tolist(), minus_x_log_x(x), strict=True):
            truth = -arb(value) * arb(value).log() / arb(2).log()
            assert bool(abs(arb(result) - truth) <= abs(truth) * 9 * arb(2) ** -53)  # 8 and the product
    finally:
        ctx.prec = before
    assert minus_x_log_x(np.array([0.0, 1.0, 0.5])) == [0.0, 0.0, 0.5]
    assert 0 <= minus_x_log_x(np.array([5e-324]))[0] < 1e-304


# --- The formulas ---------------------------------------------------------------------------------------


@given(k=st.integers(0, 10**9))
def test_gamma_is_rounded_upwards(k):
    u = Fraction(1, 2**53)
    assert k * u / (1 - k * u) <= Fraction(gamma(k)) <= (k * u / (1 - k * u)) * (1 + 8 * u)


@pytest.mark.parametrize("terms", [1, 2, 7, 8, 127, 128, 129, 1000, 10**6])
def test_numpy_sums_are_no_deeper_than_assumed(terms):
    # 1 + many halves of a unit: a deep sum loses all of them, an error of (terms - 1) u; ours obeys the bound
    values = np.full(terms, 2.0**-53)
    values[0] = 1.0
    truth = 1 + (terms - 1) * Fraction(1, 2**53)
    assert abs(Fraction(float(values.sum())) - truth) <= Fraction(gamma(pairwise_depth(terms))) * truth
    assert pairwise_depth(terms) <= terms - 1


def test_the_bound_is_useful_at_the_largest_sizes():
    assert dense_error((2,) * 20, 1 << 20, compiled=True) < USEFUL / 100
    assert dense_error((2,) * 20, 1 << 20, compiled=False) < USEFUL / 50
    assert entropy_error(362880, cell_depth=0, sum_depth=pairwise_depth(362880)) < USEFUL / 1000
    shuffle = JointPMF.from_mapping({y: 1 / 5040 for y in ref.shuffle(7)})
    assert subset_entropies(shuffle).error < USEFUL / 1000


def test_nothing_is_clipped():
    # products of marginals: C = 0, some float sums round below zero and stay there, inside their error
    rng = np.random.default_rng(3)
    values: list[float] = []
    for _ in range(50):
        floats = JointPMF.from_dense(np.outer(rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(4))))
        values.append(float(total_correlation(floats)))
        assert abs(values[-1]) <= entropy_sum_error(floats, 3)
    assert min(values) < 0


def test_the_answer_of_the_command_carries_the_bound():
    words = {(0, 0): 0.3, (1, 1): 0.3, (0, 1): 0.4}
    exact = {word: Fraction(p) / sum(map(Fraction, words.values())) for word, p in words.items()}
    answers = []
    for distribution in (words, exact):
        context = Context(
            weight=Fraction(1), distribution=ListedDistribution(JointPMF.from_mapping(distribution))
        )
        answers.append(bounds_answer(GivenTask(name="floats", parts=(context,))))
    floats, truth = answers
    assert "errors" not in truth
    means = {"entropy", "total_correlation", "dual_total_correlation"}
    assert set(floats["errors"]) == {*means, "optimal_bound"}
    for key in means:
        assert 0 < floats["errors"][key] < USEFUL
        # the floats sum to one only up to a rounding, which the tables take as given
        assert abs(floats[key] - float(truth[key])) <= floats["errors"][key] + 1e-15


@settings(max_examples=examples(4))
@given(data=st.data(), count=st.integers(2, 4))
def test_means_over_float_contexts_keep_their_errors_entry_by_entry(data, count):
    """Dyadic probabilities are floats without rounding, so that the exact answer is the truth."""
    words, parts = [*product((0, 1), repeat=3)], []
    amounts = [data.draw(st.integers(1, 7)) for _ in range(count)]
    for amount in amounts:
        cuts = sorted(data.draw(st.lists(st.integers(0, 64), min_size=7, max_size=7)))
        distribution = {
            y: Fraction(b - a, 64) for y, a, b in zip(words, [0, *cuts], [*cuts, 64], strict=True) if b > a
        }
        parts.append((Fraction(amount, sum(amounts)), distribution))
    answers = []
    for kind in (float, Fraction):
        distributions = [
            (w, JointPMF.from_mapping({y: kind(p) for y, p in distribution.items()}))
            for w, distribution in parts
        ]
        contexts = tuple(Context(weight=w, distribution=ListedDistribution(pmf)) for w, pmf in distributions)
        answers.append(bounds_answer(GivenTask(name="contexts", parts=contexts), "0|1,2"))
    floats, truth = answers
    single = {"entropy", "total_correlation", "dual_total_correlation", "partition_bound"}
    lists = {"optimal_bound", "optimal_bound_by_context"}
    assert set(floats["errors"]) == single | lists
    for key in single:
        assert within(floats[key], truth[key], floats["errors"][key])
    for key in lists:
        assert all(within(v, t, floats["errors"][key]) for v, t in zip(floats[key], truth[key], strict=True))
    assert max(floats["errors"].values()) < USEFUL

"""Entropy, total and dual total correlation, KL divergence: definition, inequality, invariance, published number."""

from fractions import Fraction
from itertools import combinations, permutations
from math import factorial, isinf
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import close, members, same
from tests.helpers.draws import examples
from tests.helpers.strategies import subsets, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.distributions.pmf import JointPMF
from theory.information.measures import (
    conditional_entropy,
    dual_total_correlation,
    entropy,
    kl_divergence,
    kl_error,
    total_correlation,
)
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.dense import dense_subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

# --- Definitions ----------------------------------------------------------------------------------------


@given(target=targets(), data=st.data())
def test_entropy(target, data):
    positions = data.draw(subsets(target.n))
    form = ref.entropy(target.distribution, positions)
    assert same(entropy(target.exact, positions), form)
    assert close(entropy(target.floats, positions), form)
    assert same(entropy(target.exact), ref.entropy(target.distribution))


@given(target=targets(), data=st.data())
def test_conditional_entropy_is_the_mean_over_realised_values(target, data):
    positions, given_ = data.draw(subsets(target.n)), data.draw(subsets(target.n))
    form = ref.conditional_entropy(target.distribution, positions, given_)
    assert same(conditional_entropy(target.exact, positions, given_), form)
    assert close(conditional_entropy(target.floats, positions, given_), form)


@given(target=targets(), data=st.data())
def test_total_correlation(target, data):
    both = data.draw(subsets(target.n))
    cut = data.draw(st.integers(0, len(both)))
    block, given_ = both[:cut], both[cut:]
    form = ref.total_correlation(target.distribution, block, given_)
    assert same(total_correlation(target.exact, block, given_), form)
    assert close(float(total_correlation(target.floats, block, given_)), form)
    rest = [i for i in range(target.n) if i not in given_]
    assert same(
        total_correlation(target.exact, given=given_),
        ref.total_correlation(target.distribution, rest, given_),
    )


@given(target=targets(), data=st.data())
def test_total_correlation_is_the_divergence_from_the_product_of_the_marginals(target, data):
    block = data.draw(subsets(target.n, smallest=1))
    assert same(total_correlation(target.exact, block), ref.block_cost(target.distribution, block, ()))


@given(target=targets(), data=st.data())
def test_dual_total_correlation(target, data):
    block = data.draw(subsets(target.n))
    form = ref.dual_total_correlation(target.distribution, block)
    assert same(dual_total_correlation(target.exact, block), form)
    assert close(float(dual_total_correlation(target.floats, block)), form)
    assert same(dual_total_correlation(target.exact), ref.dual_total_correlation(target.distribution))


@given(pair=st.sampled_from([(2, 2), (3, 2), (2, 3, 3)]).flatmap(lambda s: st.tuples(*[targets([s])] * 2)))
def test_kl_divergence(pair):
    p, q = pair
    form = ref.kl_exact(p.distribution, q.distribution)
    assert same(kl_divergence(p.exact, q.exact), form)
    for one, two in [(p.floats, q.floats), (p.exact, q.floats), (p.floats, q.exact)]:
        value = kl_divergence(one, two)
        assert isinf(value) if form is None else close(value, form)


@given(target=targets())
@settings(max_examples=examples(8))
def test_every_subset_entropy(target):
    table = subset_entropies(target.exact)
    floats = subset_entropies(target.floats)
    inexact = subset_entropies(target.exact, exact=False)
    assert (table.is_exact, floats.is_exact, inexact.is_exact) == (True, False, False)
    for mask in range(1 << target.n):
        positions = members(target.n, mask)
        form = ref.entropy(target.distribution, positions)
        assert same(table.exact(mask), form)
        assert same(entropy(target.exact, positions), form)
        for h in (table.h, floats.h, inexact.h):
            assert h[mask] == pytest.approx(ref.to_float(form), abs=ROUNDING)
        for i in range(target.n):
            gain = (
                0
                if mask >> i & 1
                else ref.to_float(ref.conditional_entropy(target.distribution, [i], positions))
            )
            assert table.gains()[mask, i] == pytest.approx(gain, abs=ROUNDING)


@given(target=targets(), size=st.sampled_from([1, 4, 30, 10**6]), cheaper=st.booleans())
def test_dense_and_sparse_tables_agree(target, size, cheaper):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "theory.information.subsets.dense.SLICE", size
        )  # tables of every size are cut into slices
        patch.setattr("theory.information.subsets.builder.dense_is_cheaper", lambda _: cheaper)
        table = subset_entropies(target.floats)
        h = dense_subset_entropies(target.floats.dense())
    truth = [
        ref.to_float(ref.entropy(target.distribution, members(target.n, mask)))
        for mask in range(1 << target.n)
    ]
    assert table.h.tolist() == pytest.approx(truth, abs=ROUNDING)
    assert not (np.signbit(table.h) & (table.h == 0)).any()  # 0, not -0, for a constant set
    assert h.tolist() == pytest.approx(truth, abs=ROUNDING)


def test_table_of_outcomes_that_do_not_fit_a_word():
    rng = Random(5)
    n, width = 8, 300  # 9 bits for each position
    rows = {tuple(rng.randrange(width) for _ in range(n)) for _ in range(200)}
    rows |= {(*row[:4], *other[4:]) for row, other in zip(sorted(rows), sorted(rows)[1:], strict=False)}
    pmf = JointPMF.from_weights(sorted(rows), [rng.randrange(1, 5) for _ in rows])
    table = subset_entropies(pmf)
    for mask in range(1 << n):
        assert table.exact(mask) == entropy(pmf, members(n, mask))


def test_table_of_weights_beyond_64_bits():
    words = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)]
    weights = [3**40, 5**30, 7**25, 11**20]
    distribution = {y: Fraction(w, sum(weights)) for y, w in zip(words, weights, strict=True)}
    pmf = JointPMF.from_mapping(distribution)
    table = subset_entropies(pmf)
    for mask in range(1, 8):
        p = ref.marginal(distribution, members(3, mask)).values()
        assert table.h[mask] == pytest.approx(float(-sum(float(x) * np.log2(float(x)) for x in p)))
        assert (
            entropy(pmf, members(3, mask)).interval(64).overlaps(entropy(pmf, members(3, mask)).interval(200))
        )
        assert table.exact(mask) == entropy(pmf, members(3, mask))


@given(parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2), (3, 1, 2)])), min_size=1, max_size=3))
def test_the_mean_over_contexts(parts):
    total = sum(w for w, _ in parts)
    weighted = [(Fraction(w, total), target) for w, target in parts]
    table = subset_entropies([(w, target.exact) for w, target in weighted])
    floats = subset_entropies([(w, target.floats) for w, target in weighted])
    for mask in range(8):
        forms = [ref.scale(ref.entropy(target.distribution, members(3, mask)), w) for w, target in weighted]
        mean = ref.add(*forms)
        assert same(table.exact(mask), mean)
        assert table.h[mask] == pytest.approx(ref.to_float(mean), abs=ROUNDING)
        assert floats.h[mask] == pytest.approx(ref.to_float(mean), abs=ROUNDING)


# --- Inequalities, exact --------------------------------------------------------------------------------


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_entropy_is_a_polymatroid(target):
    h = [subset_entropies(target.exact).exact(mask) for mask in range(1 << target.n)]
    assert h[0] == 0
    for a in range(1 << target.n):
        for i in range(target.n):
            assert h[a] <= h[a | 1 << i]  # monotone
        for b in range(a):
            assert h[a] + h[b] >= h[a | b] + h[a & b]  # submodular


@given(target=targets([(2, 2, 2, 2), (2, 3, 2), (3, 1, 2)], kinds=("dense", "skewed", "sparse")))
def test_han_and_shearer(target):
    n, pmf = target.n, target.exact
    zero = LogNumber()
    mean = [
        sum((entropy(pmf, s) for s in combinations(range(n), k)), zero) / len([*combinations(range(n), k)])
        for k in range(n + 1)
    ]
    for k in range(1, n):
        assert mean[k] / k >= mean[k + 1] / (k + 1)  # Han
        assert mean[k] - mean[k - 1] >= mean[k + 1] - mean[k]  # the information curve does not decrease
        cover = sum((entropy(pmf, s) for s in combinations(range(n), k)), zero)
        times = len([s for s in combinations(range(n), k) if 0 in s])
        assert cover >= times * entropy(pmf)  # Shearer: every position covered `times` times


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_bounds_on_the_correlations(target):
    n, pmf = target.n, target.exact
    singles = [entropy(pmf, [i]) for i in range(n)]
    tc, dtc, h = total_correlation(pmf), dual_total_correlation(pmf), entropy(pmf)
    assert tc >= 0
    assert dtc >= 0
    assert tc == sum(singles, LogNumber()) - h
    assert tc <= sum(singles, LogNumber()) - max(singles)
    assert dtc <= h
    others = [[j for j in range(n) if j != i] for i in range(n)]
    shared = [singles[i] - conditional_entropy(pmf, [i], others[i]) for i in range(n)]
    assert tc + dtc == sum(shared, LogNumber())
    assert tc <= (n - 1) * dtc or n == 1
    assert dtc <= (n - 1) * tc or n == 1


@given(target=targets(kinds=("dense", "skewed", "sparse")), data=st.data())
def test_chain_rule_of_the_total_correlation(target, data):
    order = data.draw(st.permutations(range(target.n)))
    cut = data.draw(st.integers(0, target.n))
    a, b = order[:cut], order[cut:]
    pmf = target.exact
    between = entropy(pmf, a) + entropy(pmf, b) - entropy(pmf)
    assert total_correlation(pmf) == total_correlation(pmf, a) + total_correlation(pmf, b) + between


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_divergence_from_itself_is_zero_and_from_uniform_is_the_missing_entropy(target):
    pmf = target.exact
    assert kl_divergence(pmf, pmf) == 0
    flat = JointPMF.uniform(target.distribution)
    assert kl_divergence(pmf, flat) == LogNumber.log2(len(pmf)) - entropy(pmf) >= 0


# --- Invariance -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tiny", [1e-320, 1e-308, 5e-324, Fraction(1, 10**400)])
def test_divergence_near_the_end_of_floats(tiny):
    p = JointPMF.from_mapping({(0,): 0.5, (1,): 0.5})
    q = JointPMF.from_mapping({(0,): 1 - tiny if isinstance(tiny, Fraction) else 1.0, (1,): tiny})
    truth = -LogNumber.log2(4 * Fraction(tiny)) / 2
    for other in (q, JointPMF.from_mapping({(0,): 1.0, (1,): 1e-320})):
        error = kl_error(p, other)
        assert 0 < error < 1e-12
        if other is q:
            assert abs(kl_divergence(p, other) - float(truth)) <= error
        assert kl_divergence(other, p) == pytest.approx(1.0)


@given(target=targets(), data=st.data())
def test_permuting_positions(target, data):
    order = data.draw(st.permutations(range(target.n)))
    moved = JointPMF.from_mapping({tuple(y[i] for i in order): p for y, p in target.distribution.items()})
    assert total_correlation(moved) == total_correlation(target.exact)
    assert dual_total_correlation(moved) == dual_total_correlation(target.exact)
    block = data.draw(subsets(target.n))
    assert entropy(moved, [order.index(i) for i in block]) == entropy(target.exact, block)


@given(target=targets([(2, 2), (2, 2, 2), (3, 2)]), other=targets([(1,), (2,), (2, 2)]))
def test_independent_parts_add(target, other):
    joint = {y + z: p * q for y, p in target.distribution.items() for z, q in other.distribution.items()}
    pmf = JointPMF.from_mapping(joint)
    for measure in (entropy, total_correlation, dual_total_correlation):
        assert measure(pmf) == measure(target.exact) + measure(other.exact)


# --- Published and known values -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_known_tasks(n):
    log2 = LogNumber.log2
    shuffle = JointPMF.uniform(permutations(range(n)))
    assert total_correlation(shuffle) == n * log2(n) - log2(factorial(n))
    assert entropy(shuffle) == log2(factorial(n))
    assert dual_total_correlation(shuffle) == (log2(factorial(n)) if n > 1 else 0)
    replace = JointPMF.from_mapping(ref.replace_random(n))
    assert total_correlation(replace) == (n - 1) * (log2(n) - log2(n - 1)) if n > 1 else True
    assert dual_total_correlation(replace) == log2(n)
    if n > 1:
        parity, repeated = ref.parity(n), ref.repeated_bit(n)
        assert (total_correlation(JointPMF.from_mapping(parity))) == 1
        assert (dual_total_correlation(JointPMF.from_mapping(parity))) == n - 1
        assert (total_correlation(JointPMF.from_mapping(repeated))) == n - 1
        assert (dual_total_correlation(JointPMF.from_mapping(repeated))) == 1


def test_figure_1():
    cities = JointPMF.from_mapping(ref.city_names())
    assert total_correlation(cities) == 1
    assert float(total_correlation(cities)) == 1.0
    assert float(total_correlation(JointPMF.uniform(permutations("ABC")))) == pytest.approx(2.17, abs=0.005)
    assert float(total_correlation(JointPMF.from_mapping(ref.replace_random(3)))) == pytest.approx(
        1.17, abs=0.005
    )


def test_a_deterministic_answer_has_nothing_to_correlate():
    word = JointPMF.uniform([range(12)])
    assert entropy(word) == total_correlation(word) == dual_total_correlation(word) == 0
    assert total_correlation(word, [3, 5], [0]) == 0


def test_the_smallest_gap_is_seen():
    # two fair bits, equal a little too often: C > 0, far below what float64 resolves
    bias = Fraction(1, 10**12)
    pmf = JointPMF.from_mapping(
        {
            (0, 0): Fraction(1, 4) + bias,
            (1, 1): Fraction(1, 4) + bias,
            (0, 1): Fraction(1, 4) - bias,
            (1, 0): Fraction(1, 4) - bias,
        }
    )
    c = total_correlation(pmf)
    assert c > 0
    assert float(c) == pytest.approx(8e-24 / 0.6931471805599453, rel=1e-9)


# --- Wrong input ----------------------------------------------------------------------------------------

PMF = JointPMF.uniform([(0, 0, 1), (0, 1, 0), (1, 1, 1)])
BAD = {
    "outside": (lambda: entropy(PMF, [3]), r"position 3 is outside 0\.\.2"),
    "negative": (lambda: total_correlation(PMF, [-1, 0]), r"position -1 is outside 0\.\.2"),
    "given outside": (lambda: conditional_entropy(PMF, [0], [7]), r"position 7 is outside 0\.\.2"),
    "twice": (lambda: entropy(PMF, [1, 1]), r"\[1, 1\] contain one twice"),
    "twice in a block": (lambda: total_correlation(PMF, [1, 1]), "twice"),
    "twice in a block given one": (lambda: total_correlation(PMF, [1, 1], [0]), "twice"),
    "twice given one": (lambda: conditional_entropy(PMF, [1, 1], [0]), "twice"),
    "twice in the dual": (lambda: dual_total_correlation(PMF, [1, 1]), "twice"),
    "twice given": (lambda: total_correlation(PMF, [0], [1, 1]), "twice"),
    "in both": (lambda: total_correlation(PMF, [0, 1], [1, 2]), r"\[1\] are in the block and in the given"),
    "lengths": (lambda: kl_divergence(PMF, PMF.marginal([0, 1])), "the pmfs have 3 and 2 positions"),
    "no context": (lambda: subset_entropies([]), "at least one outcome"),
    "context lengths": (
        lambda: subset_entropies([(Fraction(1, 2), PMF), (Fraction(1, 2), PMF.marginal([0]))]),
        r"contexts have lengths \[1, 3\]; one table needs one length",
    ),
    "context weights": (
        lambda: subset_entropies([(Fraction(1, 2), PMF), (Fraction(1, 3), PMF)]),
        "sum to 1, got .*5/6",
    ),
    "one context weight": (lambda: subset_entropies([(Fraction(1, 2), PMF)]), "sum to 1, got .*1/2"),
    "negative context weight": (
        lambda: subset_entropies([(Fraction(3, 2), PMF), (Fraction(-1, 2), PMF)]),
        "negative|at least 0|sum to 1",
    ),
    "exact entry of a float table": (
        lambda: subset_entropies(PMF, exact=False).exact(1),
        "this table holds floats only",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    use, message = BAD[name]
    with pytest.raises(InputError, match=message):
        use()

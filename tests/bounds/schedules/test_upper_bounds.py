"""Upper bounds of the expected divergence: above the exact value, defined as stated, constants the best possible."""

from fractions import Fraction
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.compositions import compositions
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.helpers.tolerance import USEFUL
from tests.reference import definitions as ref
from theory.bounds.schedules.largest_gain import mean_gain_error
from theory.bounds.schedules.random_order import expected_kl, lavenant_zanella_kl
from theory.bounds.schedules.upper_bounds import best_constant, confidence_bound, entropy_bound, upper_bounds
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import mean_subset_entropies
from theory.information.curves.curve import information_curve
from theory.information.measures import conditional_entropy, entropy, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

ROUNDING = 1e-12  # bits: sums of at most 16 entropies of at most 4 bits each
BINARY = targets([(2, 2), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "sparse"))
PRIMES = targets(kinds=("dense", "skewed", "sparse"))
ALWAYS = [
    "exact",
    "largest block",
    "information profile",
    "Li-Cai",
    "total correlation",
    "dual total correlation",
    "growth complexity",
    "Wainwright",
]


def values(source, sizes):
    return {bound.name: bound.value for bound in upper_bounds(source, sizes)}


def step(n, k):
    """Mean entropies of an MDS code of dimension k, in units of log2 q: its curve has one rise, from k to k + 1."""
    return [min(j, k) for j in range(n + 1)]


# --- Inequalities, exact --------------------------------------------------------------------------------


@given(target=PRIMES)
def test_every_bound_is_above_the_exact_value(target):
    pmf = target.exact
    for sizes in compositions(target.n):
        bounds = upper_bounds(pmf, sizes)
        names = [bound.name for bound in bounds]
        assert names[: len(ALWAYS)] == ALWAYS
        assert "entropy" in names
        assert ("confidence" in names) == (len(sizes) == 1)
        assert ("singles then rest" in names) == (len(sizes) > 1 and set(sizes[:-1]) == {1})
        assert all(bounds[0].value <= bound.value for bound in bounds)
        assert all(bound.source for bound in bounds)


@settings(max_examples=examples(4))
@given(target=PRIMES)
def test_floats_agree(target):
    weights = {
        y: Fraction(float(p)) for y, p in target.distribution.items()
    }  # the floats as the numbers that they are
    scaled = {y: p / sum(weights.values()) for y, p in weights.items()}
    read = {sizes: values(JointPMF.from_mapping(scaled), sizes) for sizes in compositions(target.n)}
    for sizes in compositions(target.n):
        exact, floats = values(target.exact, sizes), values(target.floats, sizes)
        assert exact.keys() == floats.keys()
        for name, value in floats.items():
            assert isinstance(value, float)
            assert value == pytest.approx(float(exact[name]), abs=ROUNDING, rel=ROUNDING)
        for bound in upper_bounds(target.floats, sizes):
            off = LogNumber.rational(Fraction(bound.value)) - read[sizes][bound.name]
            assert abs(float(off)) <= bound.error < USEFUL, bound
        assert all(bound.error == 0 for bound in upper_bounds(target.exact, sizes))


@given(target=PRIMES)
def test_order_of_the_bounds(target):
    pmf = target.exact
    curve = information_curve(subset_entropies(pmf))
    for sizes in compositions(target.n):
        found = values(curve, sizes)
        assert found["information profile"] == found["largest block"] <= found["Li-Cai"]
        assert found["total correlation"] <= curve.total_correlation  # never worse than one step
        assert found["exact"] == lavenant_zanella_kl(curve, sizes)
        if "singles then rest" in found:
            assert found["dual total correlation"] <= found["singles then rest"]
        if len(sizes) <= 2:
            assert found["Wainwright"] == found["exact"]  # no inner block
    for size in range(1, target.n + 1):
        one_each = (1,) * (target.n - size) + (size,)
        power = 2 ** next(k for k in range(5) if 2**k >= size)
        others = [[j for j in range(target.n) if j != i] for i in range(target.n)]
        shared = [entropy(pmf, [i]) - conditional_entropy(pmf, [i], rest) for i, rest in enumerate(others)]
        li_cai = Fraction(power - 1, target.n) * sum(shared, LogNumber())  # as printed: sum of I(y_i ; y_-i)
        assert values(curve, one_each)["Li-Cai"] == li_cai


# --- Best constants -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_constants_are_attained_by_mds_curves(n):
    for sizes in compositions(n):
        worst = {}
        for k in range(1, n):
            found = values(step(n, k), sizes)
            for name in ("largest block", "total correlation", "dual total correlation", "growth complexity"):
                slack = found[name] - found["exact"]
                assert slack >= 0
                worst[name] = min(slack, worst.get(name, slack))
        if max(sizes) > 1:
            assert set(worst.values()) == {LogNumber()}


def test_constants_in_closed_form():
    n = 7
    for sizes in compositions(n):
        blocks = [(sum(sizes[:i]), size) for i, size in enumerate(sizes) if size > 1]
        tc, dtc = best_constant(sizes, lambda k: n - k + 1), best_constant(sizes, lambda k: k - 1)
        assert tc == max((Fraction(s - 1, n - a - 1) for a, s in blocks), default=0) <= 1
        assert dtc == max((Fraction(s - 1, a + 1) for a, s in blocks), default=0)
        assert best_constant(sizes, lambda _: 1) == max(sizes) - 1
    assert best_constant([7], lambda k: k - 1) == 6  # TC <= (n - 1) DTC


def test_wainwright_is_the_ratio_times_the_complexity_of_each_inner_block():
    curve = information_curve(mean_subset_entropies("shuffle", 6))
    n, (a, b) = 6, (1, 4)
    complexity = sum(
        (Fraction(j * (n - j), n) * curve.increments[j - 1] for j in range(a + 1, b)), LogNumber()
    )
    ratio = Fraction(b, n - b) / Fraction(a, n - a) - 1
    last = expected_kl(curve, (1, 3, 2)) - expected_kl(curve, (1, 3, 1, 1))
    assert values(curve, (1, 3, 2))["Wainwright"] == ratio * complexity + last


# --- The entropy bound and the confidence bound -----------------------------------------------------------


def largest(forms):
    best = forms[0]
    for form in forms[1:]:
        best = form if ref.sign(ref.sub(form, best)) > 0 else best
    return best


@pytest.mark.parametrize("sizes", [(4,), (2, 2), (1, 2, 1), (1, 1, 1, 1)])
def test_the_error_of_the_entropy_bound_counts_its_terms(sizes):
    # s H(y | C) is s times a difference of two means, in all 2 n; the largest is one mean for each block
    rows = [(a, b, a ^ b, a & b) for a in (0, 1) for b in (0, 1)]
    table = subset_entropies(JointPMF.from_weights(rows, [1, 2, 3, 5]).rounded())
    n, curve = table.n, information_curve(table)
    terms = 2 * n + len(sizes) + n + 8  # the last n + 8: products, and a sum over n
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    bound = sum(mean_gain_error(table, start) for start in starts) + curve.error_of(terms)
    assert 0 < entropy_bound(table, sizes).error == pytest.approx(bound, rel=1e-9, abs=0)


@settings(max_examples=examples(5))
@given(target=BINARY)
def test_entropy_bound_is_the_mean_over_all_ordered_partitions(target):
    distribution, n = target.distribution, target.n
    table, floats = subset_entropies(target.exact), subset_entropies(target.floats)
    means = {}
    for steps in range(1, n + 1):
        for partition in ref.ordered_partitions(n, steps):
            total = {}
            for t, block in enumerate(partition):
                before = [i for b in partition[:t] for i in b]
                singles = [ref.conditional_entropy(distribution, (i,), before) for i in block]
                total = ref.add(total, ref.sub(ref.add(*singles), largest(singles)))
            means.setdefault(tuple(map(len, partition)), []).append(total)
    for sizes, forms in means.items():
        mean = ref.scale(ref.add(*forms), Fraction(1, len(forms)))
        value = entropy_bound(table, sizes).value
        assert isinstance(value, LogNumber)
        assert value.terms == mean
        assert entropy_bound(floats, sizes).value == pytest.approx(ref.to_float(mean), abs=ROUNDING)


@given(target=targets(), extra=st.integers(0, 3))
def test_confidence_bound(target, extra):
    pmf, n = target.exact, target.n
    tokens = max(map(len, pmf.alphabets)) + extra
    bound = confidence_bound(pmf, vocabulary=tokens)
    doubt = max(1 - max(ref.marginal(target.distribution, (i,)).values()) for i in range(n))
    spread = [1 - doubt] + ([doubt / (tokens - 1)] * (tokens - 1) if doubt else [])
    assert bound.value.terms == ref.scale(ref.shannon(spread), n - 1)
    assert bound.value >= confidence_bound(pmf).value >= total_correlation(pmf)
    singles = [entropy(pmf, [i]) for i in range(n)]
    assert bound.value >= sum(singles, LogNumber()) - max(singles)
    floats = confidence_bound(target.floats, vocabulary=tokens).value
    assert floats == pytest.approx(float(bound.value), abs=ROUNDING)


def test_confidence_bound_as_printed():
    pmf = JointPMF.from_pairs([(0, 0, 0), (1, 1, 1), (2, 1, 0)], ["9/10", "1/20", "1/20"])
    e, n, tokens = 0.1, 3, 3
    nats = (n - 1) * (-e * log(e) - (1 - e) * log(1 - e) + e * log(tokens - 1))
    assert float(confidence_bound(pmf).value) * log(2) == pytest.approx(nats, abs=ROUNDING)
    assert confidence_bound(JointPMF.uniform([("a", "b")])).value == 0


# --- Known values ---------------------------------------------------------------------------------------


def test_repeated_bit_and_parity():
    n = 5
    repeated = subset_entropies(JointPMF.from_mapping(ref.repeated_bit(n)))
    parity = subset_entropies(JointPMF.from_mapping(ref.parity(n)))
    one_step = values(repeated, (n,))
    assert one_step["exact"] == one_step["total correlation"] == one_step["largest block"] == n - 1
    assert one_step["dual total correlation"] == one_step["entropy"] == n - 1
    assert one_step["Li-Cai"] == 7
    assert values(parity, (n,))["exact"] == 1
    assert values(parity, (n,))["entropy"] == n - 1  # it ignores dependence between tokens
    assert values(parity, (1,) * n)["largest block"] == 0


# --- Wrong input ----------------------------------------------------------------------------------------


def test_wrong_input():
    pmf = JointPMF.uniform([(0, 0), (1, 1)])
    with pytest.raises(InputError, match="vocabulary must be at least 2, the tokens at one position; got 1"):
        confidence_bound(pmf, vocabulary=1)
    with pytest.raises(InputError, match="block sizes must sum to n = 2"):
        upper_bounds(pmf, [1])
    wide = EntropyTable(22, subset_entropies(pmf).h)
    with pytest.raises(CostError, match="the entropy bound would take about"):
        entropy_bound(wide, [11, 11])

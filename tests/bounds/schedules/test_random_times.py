"""Random times: growth, one-step defect, UGC and effective total correlation, each against its definition."""

from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, e, exp, factorial, log

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from tests.helpers.tolerance import USEFUL
from tests.reference import definitions as ref
from theory.bounds.schedules.complexities import (
    effective_total_correlation,
    path_complexity,
    scale_complexity,
)
from theory.bounds.schedules.random_order import expected_kl
from theory.bounds.schedules.random_times import (
    Bernstein,
    cardinality_complexity,
    continuous_kl,
    growth,
    growth_complexity,
    growth_error,
    one_step_defect,
    pair_information,
    ratio_bound,
)
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import mean_subset_entropies
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

ROUNDING = 1e-12  # relative or bits: float sums of at most 16 entropies
QUADRATURE = 1e-9  # relative: mpmath at its default 15 digits over one kink
SMALL = targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2)], kinds=("dense", "sparse"))
TIMES = st.fractions(0, 1, max_denominator=5)


def step(n, k):
    """Mean entropies of an MDS code of dimension k, in units of log2 q: the extreme curves."""
    return [min(j, k) for j in range(n + 1)]


def random_sets(positions, t):
    """Every subset with its probability when each position is in it with probability t."""
    for size in range(len(positions) + 1):
        for chosen in combinations(positions, size):
            yield chosen, t**size * (1 - t) ** (len(positions) - size)


def mean(pairs):
    return ref.add(*(ref.scale(form, weight) for form, weight in pairs if weight))


def information(distribution, i, given):
    return ref.sub(ref.entropy(distribution, (i,)), ref.conditional_entropy(distribution, (i,), given))


# --- Definitions ----------------------------------------------------------------------------------------


@given(target=SMALL, t=TIMES)
def test_growth_is_the_mean_information_at_density_t(target, t):
    distribution, n = target.distribution, target.n
    table = subset_entropies(target.exact)
    others = [[j for j in range(n) if j != i] for i in range(n)]
    form = mean((information(distribution, i, a), w) for i in range(n) for a, w in random_sets(others[i], t))
    assert same(growth(table)(t), form)
    assert growth(subset_entropies(target.floats))(t) == pytest.approx(ref.to_float(form), abs=ROUNDING)


@given(target=SMALL, t=TIMES)
def test_antiderivative_is_the_mean_total_correlation(target, t):
    distribution = target.distribution
    form = mean((ref.total_correlation(distribution, a), w) for a, w in random_sets(range(target.n), t))
    assert same(growth(subset_entropies(target.exact)).antiderivative()(t), form)


def pairs_of(distribution, t):
    n = ref.length(distribution)
    for i, j in product(range(n), repeat=2):
        if i != j:
            for a, w in random_sets([k for k in range(n) if k not in (i, j)], t):
                after = ref.conditional_entropy(distribution, (i,), (j, *a))
                yield ref.sub(ref.conditional_entropy(distribution, (i,), a), after), w


@given(target=SMALL, t=TIMES)
@settings(max_examples=examples(8))
def test_derivative_and_pair_information(target, t):
    curve = information_curve(subset_entropies(target.exact))
    form = mean(pairs_of(target.distribution, t))
    assert same(growth(curve).derivative()(t), form)
    assert pair_information(curve, t) == t**2 * growth(curve).derivative()(t)
    assert all(c >= 0 for c in growth(curve).derivative().coefficients)


MASK = "masked"


def masked_distribution(distribution, p):
    """The distribution of y with each token masked with probability 1 - p."""
    out = {}
    for y, weight in distribution.items():
        for kept, w in random_sets(range(len(y)), p):
            seen = tuple(token if i in kept else MASK for i, token in enumerate(y))
            out[seen] = out.get(seen, 0) + weight * w
    return {y: w for y, w in out.items() if w}


@given(
    target=targets([(2, 2), (2, 2, 2)], kinds=("dense", "sparse")),
    p=st.sampled_from([Fraction(1, 2), Fraction(2, 3)]),
)
def test_pair_information_of_masked_tokens(target, p):
    distribution, n = masked_distribution(target.distribution, p), target.n
    forms = []
    for i, j in product(range(n), repeat=2):
        if i != j:
            rest = tuple(k for k in range(n) if k not in (i, j))
            before, after = (
                ref.conditional_entropy(distribution, (i,), given) for given in (rest, (j, *rest))
            )
            forms.append(ref.sub(before, after))
    assert same(pair_information(subset_entropies(target.exact), p), ref.add(*forms))


@settings(max_examples=examples(6))
@given(target=SMALL, ends=st.tuples(TIMES, TIMES).map(sorted))
def test_one_step_defect_is_the_mean_block_cost(target, ends):
    distribution, n, (p, q) = target.distribution, target.n, ends
    table = subset_entropies(target.exact)
    costs = []
    for before, w in random_sets(range(n), p):
        rest = [i for i in range(n) if i not in before]
        for block, v in random_sets(rest, (q - p) / (1 - p) if p < 1 else Fraction(0)):
            costs.append((ref.block_cost(distribution, block, before) if len(block) > 1 else {}, w * v))
    assert same(one_step_defect(table, p, q), mean(costs))


@given(target=SMALL, inner=st.sets(TIMES.filter(lambda t: 0 < t < 1), max_size=3))
def test_random_times_average_random_sizes(target, inner):
    curve, n = information_curve(subset_entropies(target.exact)), target.n
    times = [0, *sorted(inner), 1]
    gaps = [Fraction(b) - Fraction(a) for a, b in pairwise(times)]
    total = LogNumber()
    for sizes in product(range(n + 1), repeat=len(gaps)):
        if sum(sizes) == n:
            weight = Fraction(factorial(n))
            for gap, size in zip(gaps, sizes, strict=True):
                weight *= gap**size / Fraction(factorial(size))
            total += weight * expected_kl(curve, [s for s in sizes if s])
    assert continuous_kl(curve, times) == total


def monomials(curve):
    """The coefficients of h' in powers of t."""
    n = curve.n
    powers = [LogNumber()] * (n - 1)
    for j, rise in enumerate(curve.increments):
        for k in range(j, n - 1):
            sign = (-1) ** (k - j)
            powers[k] += sign * n * (n - 1) * comb(n - 2, j) * comb(n - 2 - j, k - j) * rise
    return powers


def integral(curve, factor, p, q):
    """Integral of (sum_i factor_i t^i) h'(t) over [p, q]."""
    total = LogNumber()
    for k, a in enumerate(monomials(curve)):
        for i, f in enumerate(factor):
            total += f * (Fraction(q) ** (k + i + 1) - Fraction(p) ** (k + i + 1)) / (k + i + 1) * a
    return total


@given(target=targets(kinds=("dense", "skewed", "sparse")), ends=st.tuples(TIMES, TIMES).map(sorted))
def test_integrals(target, ends):
    curve, (p, q) = information_curve(subset_entropies(target.exact)), ends
    assert one_step_defect(curve, p, q) == integral(curve, (q, -1), p, q)
    assert growth_complexity(curve, p, q) == integral(curve, (0, 1, -1), p, q)
    assert growth(curve)(q) - growth(curve)(p) == integral(curve, (1,), p, q)
    assert curve.dual_total_correlation == integral(curve, (0, 1), 0, 1)
    assert curve.total_correlation == integral(curve, (1, -1), 0, 1)
    assert growth(curve)(1) == curve.total_correlation + curve.dual_total_correlation
    assert growth(curve)(0) == 0
    n = curve.n
    assert cardinality_complexity(curve) * n == growth_complexity(curve) * (n + 1)


@given(target=targets(kinds=("dense", "skewed", "sparse")), ends=st.tuples(TIMES, TIMES).map(sorted))
def test_floats_keep_their_error(target, ends):
    """The floats of the pmf are read as the numbers that they are, divided by their sum."""
    weights = {y: Fraction(float(p)) for y, p in target.distribution.items()}
    read = JointPMF.from_mapping({y: p / sum(weights.values()) for y, p in weights.items()})
    exact, floats = subset_entropies(read), subset_entropies(target.floats)
    error, (p, q) = growth_error(floats), ends
    assert growth_error(exact) == 0 <= error < USEFUL
    for number in (
        lambda source: growth(source)(q),
        lambda source: growth(source).derivative()(q),
        lambda source: growth(source).antiderivative()(q),
        lambda source: one_step_defect(source, p, q),
        lambda source: growth_complexity(source, p, q),
        cardinality_complexity,
        lambda source: pair_information(source, q),
    ):
        off = LogNumber.rational(Fraction(float(number(floats)))) - number(exact)
        assert abs(float(off)) <= error


# --- Inequalities ---------------------------------------------------------------------------------------


@given(
    target=targets(kinds=("dense", "skewed", "sparse")),
    inner=st.sets(TIMES.filter(lambda t: 0 < t < 1), max_size=4),
)
@settings(max_examples=examples(10))
def test_ratio_bound_and_refinement(target, inner):
    curve = information_curve(subset_entropies(target.exact))
    times = [0, *sorted(inner), 1]
    exact = continuous_kl(curve, times)
    assert 0 <= exact <= ratio_bound(curve, times)
    printed = LogNumber()
    for p, q in pairwise(map(Fraction, times)):
        if p == 0 or q == 1:
            printed += integral(curve, (q, -1), p, q)
        else:
            ratio = (q / (1 - q)) / (p / (1 - p))
            printed += (ratio - 1) * integral(curve, (0, 1, -1), p, q)
    assert ratio_bound(curve, times) == printed
    assert exact <= continuous_kl(curve, [0, 1]) == curve.total_correlation
    floats = subset_entropies(target.floats)
    assert continuous_kl(floats, times) == pytest.approx(float(exact), abs=ROUNDING)
    assert ratio_bound(floats, times) == pytest.approx(float(ratio_bound(curve, times)), abs=100 * ROUNDING)


@given(target=targets(kinds=("dense", "skewed", "sparse")))
def test_effective_total_correlation_between_its_neighbours(target):
    curve = information_curve(subset_entropies(target.exact))
    d, h = effective_total_correlation(curve).value, float(growth_complexity(curve))
    slack = ROUNDING * (1 + d)
    assert (1 - 1 / e) * d <= h + slack
    assert h <= d + slack
    assert d <= min(float(curve.total_correlation), float(curve.dual_total_correlation)) + slack
    numbers = (effective_total_correlation, path_complexity, scale_complexity)
    for number in numbers if curve.n > 1 else numbers[:2]:
        one, other = number(curve), number(subset_entropies(target.floats))
        assert abs(one.value - other.value) <= one.error + other.error
        assert one.error <= 1e-14 * (1 + one.value)


# --- Mirror, numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 6])
def test_mirror(n):
    for k in range(1, n):
        one, other = step(n, k), step(n, n - k)  # dual codes
        a, b = information_curve(one), information_curve(other)
        assert list(a.increments) == list(b.increments)[::-1]
        assert a.total_correlation == b.dual_total_correlation
        assert growth_complexity(one) == growth_complexity(other) == Fraction(k * (n - k), n + 1)
        assert growth_complexity(one, 0, "1/3") == growth_complexity(other, "2/3", 1)
        assert path_complexity(one).value == pytest.approx(path_complexity(other).value, rel=ROUNDING)


@pytest.mark.parametrize("n", [2, 3, 6, 40])
def test_repeated_bit_and_parity(n):
    for k in (1, n - 1):
        curve = step(n, k)
        assert growth_complexity(curve) == Fraction(n - 1, n + 1)
        scale = scale_complexity(curve)
        assert scale.value == pytest.approx(2 * log(n - 1) * (n - 1) / (n + 1), rel=ROUNDING)
        path = path_complexity(curve)  # int sqrt(n (n-1) t^(n-2)) dt
        assert abs(Fraction(path.value) - Fraction(4 * (n - 1), n)) <= Fraction(path.error) < 1e-15
    assert growth(step(n, 1))("1/3") == n * (1 - Fraction(2, 3) ** (n - 1))
    parity = (1 - exp(-n)) * (n - 1) / n  # n (n - 1) int min(1, -ln p) p^(n-1) dp
    assert effective_total_correlation(step(n, n - 1)).value == pytest.approx(parity, rel=ROUNDING)


@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_effective_total_correlation_by_quadrature(task):
    n = 7
    curve = information_curve(mean_subset_entropies(task, n))
    powers = [float(a) for a in monomials(curve)]

    def integrand(p):
        return min(1, -mpmath.log(p)) * p * mpmath.polyval(powers[::-1], p)

    value = mpmath.quad(integrand, [0, mpmath.exp(-1), 1])
    assert effective_total_correlation(curve).value == pytest.approx(float(value), rel=QUADRATURE)
    root = mpmath.quad(lambda p: mpmath.sqrt(mpmath.polyval(powers[::-1], p)), mpmath.linspace(0, 1, 9))
    assert path_complexity(curve).value == pytest.approx(
        float(root) ** 2, rel=1e-6
    )  # end points are not smooth


def test_steps_of_equal_path_length_cost_half_the_path_complexity():
    # parity: sqrt(h') ~ t^((n-2)/2), so equal lengths are t_j = (j/K)^(2/n)
    n, steps = 4, 400
    times = [Fraction(round((j / steps) ** (2 / n) * 10**9), 10**9) for j in range(steps + 1)]
    cost = float(continuous_kl(information_curve(step(n, n - 1)), times))
    assert 2 * steps * cost == pytest.approx(path_complexity(step(n, n - 1)).value, rel=0.01)


@pytest.mark.deep
def test_large_curves_stay_accurate():
    n = 300
    exact = information_curve(mean_subset_entropies("shuffle", n))
    d = effective_total_correlation(exact).value
    h = float(growth_complexity(exact))
    assert (1 - 1 / e) * d < h < d
    path, rough = path_complexity(exact), path_complexity(exact.floats())
    assert path.error < 1e-15 * path.value
    assert abs(path.value - rough.value) <= path.error + rough.error < 1e-4 * path.value
    assert growth_complexity(exact.floats()) == pytest.approx(h, rel=1e-9)  # increments lose digits


def test_bernstein():
    line = Bernstein((LogNumber(), LogNumber.log2(3)))
    assert line("1/4") == LogNumber.log2(3) / 4
    assert line.derivative().coefficients == (LogNumber.log2(3),)
    assert line.derivative().derivative()("1/2") == 0
    assert line.antiderivative()(1) == LogNumber.log2(3) / 2
    assert path_complexity([0, 1]).value == effective_total_correlation([0, 1]).value == 0
    assert growth_complexity([0, 1]) == 0
    assert path_complexity([0.0, 1.0, 1.0]).value == pytest.approx(2.0)


# --- Wrong input ----------------------------------------------------------------------------------------

BAD = {
    "time": (lambda: growth([0, 1, 1])(2), r"a time must lie in \[0, 1\], got 2"),
    "backwards": (lambda: one_step_defect([0, 1, 1], "1/2", "1/3"), "must go forward in time"),
    "grid": (lambda: continuous_kl([0, 1, 1], [0, "1/2"]), "times must increase from 0 to 1"),
    "order": (lambda: ratio_bound([0, 1, 1], [0, "1/2", "1/2", 1]), "times must increase from 0 to 1"),
    "sizes": (lambda: cardinality_complexity([0, 1, 1], 2, 1), "0 <= a <= b <= 2, got a = 2, b = 1"),
    "one": (lambda: scale_complexity([0, 1]), "needs at least 2 positions"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    use, message = BAD[name]
    with pytest.raises(InputError, match=message):
        use()


def test_cost_is_refused():
    with pytest.raises(CostError, match="effective total correlation"):
        effective_total_correlation([0.0] * 2000)

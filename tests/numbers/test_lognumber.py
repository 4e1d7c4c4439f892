"""LogNumber: sums of rational multiples of logarithms, compared with integer arithmetic and with mpmath."""

import copy
import pickle
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import inf, log2, prod, ulp

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.reference import definitions as ref
from theory.numbers.coprime import factored, prime_factors
from theory.numbers.lognumber import LogNumber

ZERO = LogNumber()
# Primes on both sides of every size at which the program factors in another way.
PRIMES = [2, 3, 5, 7, 97, 2003, 65537, 2**31 - 1, 2**45 - 55, 2**45 - 69, 2**61 - 1, 2**70 - 35, 2**70 - 71]
PRIMES += [2**89 - 1, 2**96 - 17, 2**107 - 1, 2**127 - 1]

small_rationals = st.fractions(-5, 5, max_denominator=12)
arguments = st.fractions(Fraction(1, 50), 50, max_denominator=50)
terms = st.lists(st.tuples(small_rationals, arguments), max_size=4)
numbers = terms.map(LogNumber.weighted_sum)
composites = st.lists(st.sampled_from(PRIMES), min_size=1, max_size=4).map(prod)


def exact_value(pairs, digits: int = 120):
    """sum c log2 a by mpmath."""
    with mpmath.workdps(digits):
        logs = [mpmath.mpf(c.numerator) / c.denominator * mpmath.log(_mpf(a), 2) for c, a in pairs]
        return mpmath.fsum(logs)


def _mpf(a: Fraction):
    return mpmath.mpf(Fraction(a).numerator) / Fraction(a).denominator


def test_the_primes_are_prime():
    assert all(sympy.isprime(p) for p in PRIMES)


# --- Arithmetic -----------------------------------------------------------------------------------------


@given(a=numbers, b=numbers, c=numbers, r=small_rationals, s=small_rationals)
def test_vector_space_over_the_rationals(a, b, c, r, s):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + ZERO == a + 0 == 0 + a == a
    assert a - a == ZERO == 0
    assert a - b == a + -b == -(b - a)
    assert (a + b) * r == r * a + r * b
    assert a * (r + s) == a * r + a * s
    assert (a * r) * s == a * (r * s)
    assert a * 0 == 0
    assert a * 1 == a
    if r:
        assert a * r / r == a
        assert a / r == a * (1 / r)


@given(x=arguments, y=arguments, k=st.integers(-6, 6))
def test_logarithm_of_products_and_powers(x, y, k):
    assert LogNumber.log2(x * y) == LogNumber.log2(x) + LogNumber.log2(y)
    assert LogNumber.log2(x / y) == LogNumber.log2(x) - LogNumber.log2(y)
    assert LogNumber.log2(x**k) == k * LogNumber.log2(x)


@given(pairs=terms)
def test_terms_are_those_of_the_reference(pairs):
    number = LogNumber.weighted_sum(pairs)
    assert number.terms == ref.add(*(ref.scale(ref.log2_form(a), c) for c, a in pairs))
    assert list(number.terms) == sorted(number.terms)
    assert LogNumber(number.terms) == number
    assert bool(number) == bool(number.terms) == (number != 0)


def test_terms_are_a_copy():
    number = LogNumber.log2(6)
    number.terms.clear()
    assert number == LogNumber.log2(6)


@given(r=small_rationals, a=numbers)
def test_rationals_are_included(r, a):
    assert LogNumber.rational(r) == r == LogNumber.log2(2) * r
    assert a + r == r + a == a + LogNumber.rational(r)
    assert r - a == -(a - r)


# --- Zero is decided ------------------------------------------------------------------------------------

ZEROS = {
    "6 = 2 * 3": LogNumber.log2(6) - LogNumber.log2(2) - LogNumber.log2(3),
    "1": LogNumber.log2(1),
    "1024": LogNumber.log2(1024) - 10,
    "9/8": LogNumber.log2(Fraction(9, 8)) - 2 * LogNumber.log2(3) + 3,
    "composite bases": LogNumber({6: 2, 4: -1, 9: -1}),
    "powers": LogNumber.log2(3**300) / 300 - LogNumber.log2(3**7) / 7,
    "one sixth": sum([LogNumber.log2(5) * Fraction(1, 6)] * 6, ZERO) - LogNumber.log2(5),
}


@pytest.mark.parametrize("name", ZEROS)
def test_exact_zero(name):
    zero = ZEROS[name]
    assert zero == 0
    assert zero == ZERO
    assert not zero
    assert (zero.sign(), float(zero), str(zero), zero.terms) == (0, 0.0, "0", {})
    assert hash(zero) == hash(ZERO) == hash(0)


@given(factors=st.lists(st.sampled_from(PRIMES), min_size=1, max_size=6), cut=st.integers(0, 6))
def test_log_of_a_product_of_large_primes(factors, cut):
    whole = LogNumber.log2(prod(factors))
    apart = sum(map(LogNumber.log2, factors), ZERO)
    halves = LogNumber.log2(prod(factors[:cut])) + LogNumber.log2(prod(factors[cut:]))
    assert whole - apart == 0
    assert apart - whole == 0
    assert whole == halves
    assert halves == apart
    assert hash(whole) == hash(halves) == hash(apart)
    assert hash(whole / 6) == hash(apart / 6)


@given(x=composites, y=composites, z=composites, r=small_rationals)
def test_composite_bases_are_refined_until_they_are_coprime(x, y, z, r):
    left = LogNumber({x * y: r}) + LogNumber({y * z: 1}) - LogNumber.log2(z)
    right = LogNumber.log2(x) * r + LogNumber.log2(y) * (r + 1)
    assert left == right
    assert LogNumber.log2(Fraction(x * y, y * z)) == LogNumber.log2(x) - LogNumber.log2(z)
    assert LogNumber.log2(x**2 * y) - 2 * LogNumber.log2(x) == LogNumber.log2(y)


@pytest.mark.parametrize("p", [2**61 - 1, 2**61 - 31, 2**89 - 1])
def test_a_composite_base_hashes_like_its_factors(p):
    q = 2**70 - 35
    assert LogNumber.log2(p * q) == LogNumber.log2(p) + LogNumber.log2(q)
    assert hash(LogNumber.log2(p * q)) == hash(LogNumber.log2(p) + LogNumber.log2(q))
    assert (
        len({LogNumber.log2(p**2 * q) / 3, LogNumber.log2(p) * Fraction(2, 3) + LogNumber.log2(q) / 3}) == 1
    )


def test_two_large_primes_behind_a_power_of_two():
    p, q = 2**45 - 55, 2**45 - 69  # the cofactor p q has 90 bits and must not be taken for a prime
    assert LogNumber.log2(2**60 * p * q) == 60 + LogNumber.log2(p) + LogNumber.log2(q)


# --- Order ----------------------------------------------------------------------------------------------


@given(powers=st.lists(st.tuples(st.integers(-40, 40), st.integers(1, 60)), max_size=5))
def test_sign_is_that_of_the_integers(powers):
    number = LogNumber.weighted_sum(powers)
    over = prod(a**c for c, a in powers if c > 0)
    under = prod(a**-c for c, a in powers if c < 0)
    assert number.sign() == (over > under) - (over < under)
    assert (number > 0, number < 0, number == 0) == (over > under, over < under, over == under)


@pytest.mark.parametrize("m", [2, 12, 53, 306, 665, 15601, 190537])  # from convergents of log2 3
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_powers_of_two_beside_powers_of_three(m, off):
    k = round(m * log2(3)) + off
    number = LogNumber({3: m, 2: -k})
    truth = 1 if 3**m > 2**k else -1
    assert number.sign() == truth
    assert ((LogNumber.log2(3) * m > k), (LogNumber.log2(3) * m < k)) == (truth > 0, truth < 0)


def test_signs_far_below_double_precision():
    big = 10**80
    tiny = LogNumber.log2(Fraction(big + 1, big))  # about 1.4e-80
    assert tiny > 0 > -tiny
    assert LogNumber.log2(big + 1) > LogNumber.log2(big)
    assert float(tiny) == pytest.approx(1 / big / 0.6931471805599453)
    close = LogNumber.log2(3) - Fraction(float(LogNumber.log2(3)))  # the rounding error of one float
    assert close != 0
    assert abs(float(close)) < ulp(1.0)


@given(values=st.lists(numbers, min_size=2, max_size=5), r=small_rationals)
def test_total_order(values, r):
    ranked = sorted(values)
    for low, high in pairwise(ranked):
        assert low <= high
        assert high >= low
        assert not high < low
        assert (low == high) == (not low < high) == (not high > low)
    assert (ranked[0] < r) == (r > ranked[0])
    assert (ranked[0] <= r) == (r >= ranked[0]) == (LogNumber.rational(r) >= ranked[0])
    assert (min(values), max(values)) == (ranked[0], ranked[-1])


def test_infinity_is_above_every_number():
    # kl is either a LogNumber or math.inf: the two must be comparable
    number = LogNumber.log2(3)
    assert number != inf
    assert number < inf
    assert inf > number
    assert not number > inf
    assert number > -inf
    assert min(number, inf) is number


# --- Float, hash ----------------------------------------------------------------------------------------


@given(pairs=terms)
def test_float_is_within_one_ulp(pairs):
    value = exact_value(pairs)
    got = float(LogNumber.weighted_sum(pairs))
    assert abs(mpmath.mpf(got) - value) <= ulp(float(value)) or abs(value) < mpmath.mpf(10) ** -100


@pytest.mark.parametrize("m", [53, 306, 665, 15601, 190537])
def test_float_survives_cancellation(m):
    pairs = [(m, Fraction(3)), (-round(m * log2(3)), Fraction(2))]
    value = exact_value(pairs)
    got = float(LogNumber.weighted_sum(pairs))
    assert abs(mpmath.mpf(got) - value) <= ulp(float(value))


@given(r=st.fractions(-(10**12), 10**12))
def test_float_of_a_rational(r):
    assert float(LogNumber.rational(r)) == float(r)


@given(a=numbers, b=numbers, k=st.integers(2, 9))
def test_equal_numbers_have_equal_hashes(a, b, k):
    assert hash(a) == hash(LogNumber(a.terms))
    assert hash(a + b) == hash(b + a)
    assert hash(sum([a / k] * k, ZERO)) == hash(a)
    assert len({a, a + b - b, a * 2 / 2}) == 1


@pytest.mark.parametrize(
    "r", [0, 1, -3, Fraction(1, 2), Fraction(1, 3), Fraction(-22, 7), 2**60 + 1, 2**70 + 1]
)
def test_a_rational_hashes_like_the_number_it_equals(r):
    assert LogNumber.rational(r) == r
    assert hash(LogNumber.rational(r)) == hash(r)
    assert len({LogNumber.rational(r), r}) == 1


def test_float_of_a_number_beyond_floats():
    assert float(LogNumber({2: 10**308})) == 1e308
    for number in (LogNumber({2: 10**400}), LogNumber({3: -(10**400)})):
        with pytest.raises(OverflowError, match="too large to convert to float"):
            float(number)
        assert (number > 0) is (number == LogNumber({2: 10**400}))


def test_deferred_terms_are_built_once_when_they_are_used():
    calls = []

    def row(key):
        calls.append(key)
        return [2, 7], [3, -2], 6

    number = LogNumber.deferred(row, 5)
    assert not calls
    assert number == LogNumber({2: Fraction(1, 2), 7: Fraction(-1, 3)})
    assert number.sign() == -1
    assert calls == [5]
    assert pickle.loads(pickle.dumps(LogNumber.deferred(row, 6))) == number == copy.deepcopy(number)


@pytest.mark.parametrize("power", [2, 3, 4, 6, 12, 35, 127])
@pytest.mark.parametrize(
    "root", [2**89 - 1, 17393 * 163517, 17393**2 * (2**61 - 1), (2**127 - 1) * (2**107 - 1)]
)
def test_log_of_a_large_power(root, power):
    assert LogNumber.log2(root**power) == power * LogNumber.log2(root)
    assert LogNumber.log2(root**power).terms == (power * LogNumber.log2(root)).terms


# --- Text -----------------------------------------------------------------------------------------------

FORMS = [
    (LogNumber(), "0", "0"),
    (LogNumber.log2(3), "log2(3)", r"\log_2 3"),
    (-LogNumber.log2(3), "-log2(3)", r"-\log_2 3"),
    (LogNumber.rational(1), "log2(2)", r"\log_2 2"),
    (LogNumber.log2(Fraction(9, 8)), "-3 log2(2) + 2 log2(3)", r"-3\log_2 2 + 2\log_2 3"),
    (LogNumber.log2(Fraction(256, 27)), "8 log2(2) - 3 log2(3)", r"8\log_2 2 - 3\log_2 3"),
    (
        LogNumber({2: Fraction(-1, 2), 5: Fraction(7, 3)}),
        "-1/2 log2(2) + 7/3 log2(5)",
        r"-\tfrac{1}{2}\log_2 2 + \tfrac{7}{3}\log_2 5",
    ),
]


@pytest.mark.parametrize(("number", "text", "latex"), FORMS)
def test_text(number, text, latex):
    assert str(number) == text
    assert repr(number) == f"LogNumber({text!r})"
    assert number.latex() == latex


@settings(max_examples=examples(5))
@given(pairs=terms)
def test_sympy_expression_has_the_same_value(pairs):
    number = LogNumber.weighted_sum(pairs)
    expression = number.sympy()
    forms = [sympy.Rational(r.numerator, r.denominator) * sympy.log(b, 2) for b, r in number.terms.items()]
    assert expression == 0 if not forms else (expression - sum(forms)).equals(0)
    assert float(sympy.N(expression, 40)) == pytest.approx(float(number), rel=1e-15)


# --- Wrong input ----------------------------------------------------------------------------------------

BAD = {
    "base 1": (lambda: LogNumber({1: 1}), ValueError, "integer of at least 2, got 1"),
    "base 0": (lambda: LogNumber({0: 1}), ValueError, "integer of at least 2, got 0"),
    "base -3": (lambda: LogNumber({-3: 1}), ValueError, "integer of at least 2, got -3"),
    "base 2.5": (lambda: LogNumber({2.5: 1}), ValueError, "integer of at least 2, got 2.5"),
    "log of 0": (lambda: LogNumber.log2(0), ValueError, "positive number, got 0"),
    "log of -1/2": (lambda: LogNumber.log2(Fraction(-1, 2)), ValueError, "positive number, got -1/2"),
    "sum with log of 0": (lambda: LogNumber.weighted_sum([(1, 0)]), ValueError, "positive"),
    "sum with log of -1": (lambda: LogNumber.weighted_sum([(1, -1)]), ValueError, "positive"),
    "product": (lambda: LogNumber.log2(3) * LogNumber.log2(3), TypeError, "Rational|unsupported operand"),
    "text": (lambda: LogNumber.log2(3) + "1", TypeError, "unsupported operand"),
    "order with text": (lambda: LogNumber.log2(3) < "1", TypeError, "not supported between"),
    "division by zero": (lambda: LogNumber.log2(3) / 0, ZeroDivisionError, "division|zero"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    make, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        make()


def test_sum_of_many_terms_is_one_number():
    harmonic = reduce(lambda total, k: total + LogNumber.log2(k) / k, range(1, 60), ZERO)
    assert float(harmonic) == pytest.approx(sum(log2(k) / k for k in range(1, 60)), abs=1e-13)


def test_a_prime_that_the_factoriser_lists_twice():
    """flint 3 factors 17393^4 * 163517 as 17393, 163517, 17393^3."""
    n = 17393**4 * 163517
    assert prime_factors(n) == {17393: 4, 163517: 1}
    assert LogNumber.log2(n) == 4 * LogNumber.log2(17393) + LogNumber.log2(163517)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([2, 3, 101, 17389, 17393, 163517, 2**31 - 1, 2**45 - 55]), st.integers(1, 5)
        ),
        max_size=5,
    )
)
def test_log_of_a_product_of_powers(powers):
    n, total = 1, LogNumber()
    for p, e in powers:
        n *= p**e
        total = total + e * LogNumber.log2(p)
    assert LogNumber.log2(n) == total
    assert hash(LogNumber.log2(n)) == hash(total)


def test_a_float_is_compared_as_the_number_that_it_holds():
    near = float(LogNumber.log2(3))
    assert (LogNumber.log2(3) < near) != (LogNumber.log2(3) > near)  # log2 3 is irrational
    assert LogNumber.log2(3) != near
    assert LogNumber.log2(3) < 1.6
    assert LogNumber.log2(3) > 1.5
    assert LogNumber.log2(2) == 1.0
    assert LogNumber.log2(2) <= 1.0 <= LogNumber.log2(2)
    assert hash(LogNumber.log2(2)) == hash(1.0)
    assert LogNumber.log2(3) < inf
    with pytest.raises(TypeError):
        LogNumber.log2(3) < float("nan")  # noqa: B015
    with pytest.raises(TypeError):
        LogNumber.log2(3) + 1.0  # exact and rounded numbers are not added


@pytest.mark.parametrize("k", [5, 7, 11, 13])
def test_powers_of_the_first_prime_that_is_not_tried_are_found(k):
    assert factored(17393**k) == {17393: k}  # it has 15 bits, and the power fewer than 15 k

"""Limits and growth of closed forms: by sympy, by an explicit bound, by an asymptote."""

from fractions import Fraction
from math import e, factorial, log, log2

import mpmath
import pytest
import sympy

from tests.helpers.closed_form_targets import FORMS, GAMMAS, at
from theory.information.closed_forms import closed_form, evaluate

BY_SYMPY = {
    ("replace_random", "entropy"),
    ("replace_random", "total_correlation"),
    ("replace_random", "dual_total_correlation"),
    ("replace_random", "mean_subset_entropy"),
    ("replace_random", "information_curve"),
    ("replace_random", "accuracy one step tau=1"),
    ("shuffle", "entropy"),
    ("shuffle", "total_correlation"),
    ("shuffle", "dual_total_correlation"),
    ("shuffle", "mean_subset_entropy"),
    ("shuffle", "information_curve"),
    ("shuffle", "step_bound topk"),
    ("shuffle", "accuracy one step"),
    ("shuffle_strict", "entropy"),
    ("shuffle_strict", "dual_total_correlation"),
    ("insert_random", "entropy"),
    ("insert_random", "dual_total_correlation"),
    ("insert_random", "accuracy one step tau=0"),
    ("remove_random", "entropy"),
    ("remove_random", "dual_total_correlation"),
}


def bound_of_step_bound(n: int, k: int) -> float:
    return (k - 1) * log2(e * n) / n


def bound_of_replace_failure(n: int, k: int) -> float:
    return ((k - 1) / 2 * (1 + log(n) + 2 * k) + k) / (n + k)


def bound_of_shuffle_accuracy(n: int, k: int) -> float:
    return (e * k / (n + k)) ** (1 / k)


# |form - limit| is at most this, for k >= 2 and n >= 6; each is proved in docs/closed_forms.md
BY_BOUND = {
    ("replace_random", "step_bound topk"): bound_of_step_bound,
    ("replace_random", "step_bound topk remainder=first"): bound_of_step_bound,
    ("replace_random", "accuracy topk tau=1"): bound_of_replace_failure,
    ("replace_random", "accuracy topk tau=1 remainder=first"): bound_of_replace_failure,
    ("shuffle", "accuracy topk"): bound_of_shuffle_accuracy,
    ("shuffle", "accuracy topk remainder=first"): bound_of_shuffle_accuracy,
    ("insert_random", "step_bound outside-in pairs"): lambda n, _: bound_of_step_bound(n + 1, 2),
    ("insert_random", "accuracy topk k=2 by=confidence tau=1"): lambda n, _: bound_of_replace_failure(
        n + 1, 2
    ),
    ("remove_random", "accuracy topk k=2 by=confidence tau=1"): lambda n, _: (log(n) / 2 + 1) / (n + 2),
}


def strict_excess(n: int) -> float:
    """What excluding the identity adds to C, at most."""
    return (1 / (factorial(n) - 1) + n * (n - 1) / (factorial(n) - 1) ** 2) / log(2)


def insertion_error(positions: int) -> float:
    return (log(positions) / 6 + 0.25 * 2 + 1 / (360 * positions**2)) / (positions * log(2))


# |form - asymptote| in bits, or |form / asymptote - 1| of an accuracy, is at most this for n >= 6
BY_ASYMPTOTE = {
    ("shuffle", "total_correlation"): lambda n, _: 1 / (12 * n * log(2)),
    ("shuffle", "step_bound k=2"): lambda n, _: 4 / (12 * n * log(2)),
    ("shuffle", "step_bound topk"): lambda n, k: k * k / (12 * n * log(2)),
    ("shuffle", "accuracy topk k=2"): lambda n, _: 2 / (3 * n),
    ("shuffle", "accuracy one step"): lambda n, _: 1 / (6 * n),
    ("shuffle_strict", "total_correlation"): lambda n, _: 1 / (12 * n * log(2)) + strict_excess(n),
    ("shuffle_strict", "accuracy one step tau=1"): lambda n, _: 1 / (6 * n) + 4 / factorial(n - 1),
    ("insert_random", "total_correlation"): lambda n, _: insertion_error(n + 1),
    ("insert_random", "accuracy one step tau=1"): lambda n, _: 1 / (6 * n),
    ("remove_random", "total_correlation"): lambda n, _: insertion_error(n),
    ("remove_random", "dual_total_correlation"): lambda n, _: 2.000001 / n,
    ("remove_random", "accuracy one step tau=1"): lambda n, _: 1 / (6 * n),
}


def test_every_limit_is_verified_somewhere():
    limits = {
        name for name, form in FORMS.items() if form.limit is not None and not form.expression.is_number
    }
    thresholds = {name for name in limits if "threshold" in name[1]}
    assert limits == BY_SYMPY | BY_BOUND.keys() | BY_ASYMPTOTE.keys() | thresholds
    assert BY_ASYMPTOTE.keys() == {name for name, form in FORMS.items() if form.asymptote is not None}
    assert all(f.limit in (None, f.expression) for f in FORMS.values() if f.expression.is_number)


@pytest.mark.grid(every=7)
@pytest.mark.parametrize("name", sorted(BY_SYMPY), ids=": ".join)
def test_limit_by_sympy(name):
    form = FORMS[name]
    (n,) = (symbol for symbol in form.expression.free_symbols if symbol.name == "n")
    expression, limit = (at(x, k=2, j=3) for x in (form.expression, form.limit))
    assert sympy.limit(expression, n, sympy.oo) == limit


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("name", sorted(BY_BOUND), ids=": ".join)
def test_limit_by_an_explicit_bound(name):
    form, bound = FORMS[name], BY_BOUND[name]
    for k in (2, 3) if "k" in form.parameters else (2,):
        limit = float(at(form.limit, k=k))
        for n in (6, 7, 8, 20, 61, 120):
            given = {"n": n, "k": k} if "k" in form.parameters else {"n": n}
            assert abs(float(evaluate(form, **given)) - limit) <= bound(n, k)
        assert bound(10**9, k) < 0.01


@pytest.mark.parametrize("n", [6, 12, 42, pytest.param(150, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", sorted(BY_ASYMPTOTE), ids=": ".join)
def test_growth_with_an_explicit_error(name, n):
    form, bound = FORMS[name], BY_ASYMPTOTE[name]
    for k in (2, 3) if "k" in form.parameters else (2,):
        given = {"n": n, "k": k} if "k" in form.parameters else {"n": n}
        value, asymptote = evaluate(form, **given), at(form.asymptote, **given)
        if form.unit == "bits":
            error = abs(float(value) - float(asymptote))
        else:
            error = abs(float(sympy.Rational(value.numerator, value.denominator) / asymptote) - 1)
        assert error <= bound(n, k) + 1e-12  # rounding of numbers up to 3000


@pytest.mark.parametrize("name", sorted(BY_ASYMPTOTE), ids=": ".join)
def test_growth_has_the_stated_limit(name):
    form = FORMS[name]
    for k in (2, 3) if "k" in form.parameters else (2,):
        (symbol,) = at(form.asymptote, k=k).free_symbols
        assert sympy.limit(at(form.asymptote, k=k), symbol, sympy.oo) == at(form.limit, k=k)


@pytest.mark.parametrize(
    "name", sorted(name for name in FORMS if "accuracy threshold" in name[1]), ids=": ".join
)
def test_threshold_limits(name):
    form = FORMS[name]
    for gamma in GAMMAS:
        limit, value = at(form.limit, gamma=gamma), evaluate(form, n=60, gamma=gamma)
        if limit == sympy.exp(-1):  # all at once for every n > 1 / (1 - gamma)
            assert value == evaluate(closed_form("replace_random", "accuracy one step tau=1"), n=60)
        elif form.task == "shuffle" and gamma <= 0:
            assert value == evaluate(closed_form("shuffle", "accuracy one step"), n=60)
        else:  # reached at finite n
            assert value == Fraction(str(limit))


def test_expansion_of_insert_random():
    form = closed_form("insert_random", "total_correlation")
    for size in (50, 200):  # positions
        with mpmath.workdps(40):
            value = mpmath.mpf(evaluate(form, n=size - 1).interval(200).str(40, radius=False))
            small = 2 * mpmath.log(mpmath.glaisher) + mpmath.log(size) / 6
            expansion = (mpmath.mpf(size) / 2 - small / size) / mpmath.log(2)
            next_term = 1 / (360 * size**3 * mpmath.log(2))
            assert 0.9999 * next_term < expansion - value < next_term

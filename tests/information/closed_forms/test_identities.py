"""Identities between closed forms, what their conditions exclude, and their exact evaluation."""

from fractions import Fraction
from itertools import product
from math import comb, exp, factorial, inf, isnan

import mpmath
import pytest
import sympy
from flint import ctx

from tests.helpers.closed_form_targets import (
    FORMS,
    IDS,
    at,
    cases,
    product_targets,
    size_by_left,
    table,
)
from tests.helpers.compositions import compositions
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import step_bound
from theory.decoding.decoder import decode
from theory.information.closed_forms import (
    ClosedForm,
    closed_form,
    evaluate,
    evaluate_float,
    mean_subset_entropies,
)
from theory.information.closed_forms.exact import exact_value
from theory.numbers.lognumber import LogNumber
from theory.policies import SCORES, parse_policy
from theory.validation import InputError

HALF = Fraction(1, 2)


# --- Identities between forms, and what the conditions exclude -----------------------------------------------


def values_of(task: str, quantity: str, **values):
    return evaluate(closed_form(task, quantity), **values)


def test_shuffle_accuracy_is_two_to_minus_the_bound():
    for sizes in compositions(7):
        accuracy = values_of("shuffle", "accuracy sizes", sizes=sizes)
        assert LogNumber.log2(accuracy) == -values_of("shuffle", "step_bound", sizes=sizes)


@pytest.mark.parametrize(
    ("task", "given", "n"),
    [("replace_random", "", 9), ("sudoku_4", "", None), ("sudoku_4", " given=first_row", None)]
    + [("latin_square", given, n) for n in (2, 3, 4) for given in ("", " given=first_row")],
)
def test_one_step_accuracy_is_two_to_minus_the_correlation(task, given, n):
    size = {} if n is None else {"n": n}
    accuracy = values_of(task, f"accuracy one step tau=1{given}", **size)
    assert LogNumber.log2(accuracy) == -values_of(task, f"total_correlation{given}", **size)


def test_insertion_and_removal_are_one_calculation():
    for n in (2, 3, 10):
        inserted = values_of("insert_random", "total_correlation", n=n - 1)
        assert values_of("remove_random", "total_correlation", n=n) == inserted - LogNumber.log2(n)
        inserted = values_of("insert_random", "accuracy one step tau=1", n=n - 1)
        assert values_of("remove_random", "accuracy one step tau=1", n=n) == n * inserted
    for n in (3, 4, 10):  # and neither accuracy is its lower bound 2^-C
        for task in ("insert_random", "remove_random"):
            accuracy = LogNumber.log2(values_of(task, "accuracy one step tau=1", n=n))
            assert accuracy > -values_of(task, "total_correlation", n=n)


@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_information_curve_sums_to_the_correlations(task):
    for n in (1, 2, 5, 9):
        h = mean_subset_entropies(task, n)
        curve = [values_of(task, "information_curve", n=n, j=j) for j in range(1, n + 1)]
        assert curve == [h[1] + h[j - 1] - h[j] for j in range(1, n + 1)]
        total = values_of(task, "total_correlation", n=n)
        assert sum(curve, LogNumber()) == total
        assert curve[-1] * n - total == values_of(task, "dual_total_correlation", n=n)
        assert (h[0], h[-1]) == (0, values_of(task, "entropy", n=n))


@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_bound_holds_for_every_ordered_partition(task):
    for steps in (1, 2, 3, 4):
        for partition in ref.ordered_partitions(4, steps):
            sizes = tuple(map(len, partition))
            assert step_bound(table(task, 4), partition) == values_of(task, "step_bound", sizes=sizes)


@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_bound_is_the_divergence_of_the_decoder(task):
    ((_, pmf),) = product_targets(task, 4)
    for k in (1, 2, 3, 4):
        bound = values_of(task, "step_bound topk" if task != "shuffle" else "step_bound", **sized(task, 4, k))
        ordered = decode(pmf, parse_policy(f"topk:k={k},by=left_to_right"))
        mixed = decode(pmf, parse_policy(f"topk:k={k},by=random"))
        assert ordered.kl == ordered.path_kl == mixed.path_kl == bound
        assert mixed.kl == bound if task == "shuffle" or k in (1, 4) else mixed.kl < bound


def sized(task: str, n: int, k: int) -> dict:
    return {"sizes": (*[k] * (n // k), *[n % k] * (n % k > 0))} if task == "shuffle" else {"n": n, "k": k}


@pytest.mark.parametrize("by", sorted(SCORES))
@pytest.mark.parametrize("ties", ["random", "lowest"])
def test_topk_accuracy_does_not_depend_on_score_or_score_ties(by, ties):
    for remainder in ("last", "first"):  # sizes 3, 1 and 2, 2
        policy = parse_policy(f"topk:k=3,by={by},ties={ties},remainder={remainder}")
        suffix = " remainder=first" if remainder == "first" else ""
        for task, tau in product(("shuffle", "replace_random"), (0, 1)):
            ((_, pmf),) = product_targets(task, 4)
            named = f"accuracy topk{f' tau={tau}' if task != 'shuffle' else ''}{suffix}"
            assert decode(pmf, policy, temperature=tau).accuracy == values_of(task, named, n=4, k=3)


def test_shuffle_accuracy_at_another_temperature():
    ((_, pmf),) = product_targets("shuffle", 4)
    accuracy = decode(pmf, parse_policy("topk:k=2"), temperature=HALF).accuracy
    assert accuracy == pytest.approx(3 / 8, abs=1e-12)  # floats, a dozen products


def test_what_the_conditions_on_ties_exclude():
    ((_, shuffled),), ((_, replaced),) = product_targets("shuffle", 4), product_targets("replace_random", 4)
    pairs, all_ties = parse_policy("topk:k=2"), parse_policy("threshold:gamma=0.9,ties=all")
    assert decode(shuffled, pairs, temperature=0, greedy_ties="lowest").accuracy == 0
    assert decode(replaced, pairs, temperature=0, greedy_ties="lowest").accuracy == 0
    one_shot = decode(shuffled, all_ties)
    assert (one_shot.accuracy, one_shot.steps) == (values_of("shuffle", "accuracy one step", n=4), 1)


def test_greedy_removal_is_right_and_far_from_the_distribution():
    for n in (3, 4, 5):
        ((_, pmf),) = product_targets("remove_random", n)
        result = decode(pmf, parse_policy(f"topk:k={n}"), temperature=0)
        assert (result.accuracy, result.kl) == (1, inf)
        assert sum(q > 0 for q in result.distribution.values()) == (1 if n % 2 else 2)  # always a middle item


# --- The evaluator and the registry --------------------------------------------------------------------------


def sympy_value(form: ClosedForm, values: dict) -> float:
    sizes = values.get("sizes", ())
    numbers = {"s": sizes, "m": sorted(size_by_left(sizes), reverse=True)}
    given = {key: value for key, value in values.items() if key != "sizes"}
    expression = at(form.expression, T=len(sizes), **given).doit()
    for atom in expression.atoms(sympy.Indexed):
        number = numbers[str(atom.base)][int(atom.indices[0]) - 1]
        expression = expression.xreplace({atom: sympy.Integer(number)})
    return float(sympy.N(expression, 30))


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("form", FORMS.values(), ids=IDS)
def test_exact_value_is_what_sympy_means(form):
    interior = [values for _, values in cases(form, 4) if not values.get("sizes") or values["sizes"][-1] > 1]
    pairs = [(sympy_value(form, values), float(evaluate(form, **values))) for values in interior[-2:]]
    defined = [pair for pair in pairs if not isnan(pair[0])]  # sympy: 0 log 0 is nan
    assert defined
    for value, expected in defined:
        assert value == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_logarithms_are_exact_or_refused():
    n = sympy.Symbol("n")
    one = {"n": Fraction(1)}
    assert exact_value((n - 1) * sympy.log(n - 1) / sympy.log(2), one) == 0  # 0 log 0
    assert exact_value(sympy.log(n - 1) * sympy.log(3 * n - 2), one) == 0  # log 0 times log 1
    with pytest.raises(ArithmeticError, match="log 0"):
        exact_value(sympy.log(n - 1) / sympy.log(2), one)
    with pytest.raises(ValueError, match=r"divide its logarithms by log\(2\)"):
        exact_value(sympy.log(n + 2), one)
    with pytest.raises(ValueError, match="mixes rationals and logarithms"):
        exact_value(sympy.log(n + 2) + n, one)
    with pytest.raises(TypeError, match="no exact value of sin"):
        exact_value(sympy.sin(n), one)
    with pytest.raises(ValueError, match="must be rational"):
        exact_value(sympy.floor(sympy.log(n + 2)), one)


def test_large_values_stay_exact():
    n = 1000
    value = values_of("shuffle", "total_correlation", n=n)
    assert 2 ** (LogNumber.log2(Fraction(n**n, factorial(n))) - value).sign() == 1
    assert values_of("replace_random", "accuracy topk tau=0", n=10**6 + 1, k=10) == 1
    assert values_of("shuffle", "accuracy threshold", n=10**9, gamma="0.3") == Fraction(2, 9)
    assert values_of("shuffle", "mean_subset_entropy", n=30, j=2) == LogNumber.log2(2 * comb(30, 2))
    assert float(values_of("shuffle", "accuracy one step", n=100)) == pytest.approx(
        exp(-97.0) * 1.25, rel=0.01
    )


def test_errors_name_the_parameter():
    form = closed_form("shuffle", "accuracy topk")
    with pytest.raises(InputError, match="accuracy topk of shuffle needs k"):
        evaluate(form, n=4)
    with pytest.raises(InputError, match="has no parameter 'gamma'; it takes k, n"):
        evaluate(form, n=4, k=2, gamma=1)
    with pytest.raises(InputError, match="k must be a whole number of at least 1, got 0"):
        evaluate(form, n=4, k=0)
    with pytest.raises(InputError, match="j must be a whole number of at least 0, got -1"):
        values_of("shuffle", "mean_subset_entropy", n=4, j=-1)
    with pytest.raises(InputError, match=r"holds for: n even.*; got n = 5\."):
        values_of("shuffle", "accuracy topk k=2", n=5)
    with pytest.raises(InputError, match=r"sizes must sum to n = 5, got \[2, 2\]"):
        values_of("shuffle", "step_bound", n=5, sizes=(2, 2))
    with pytest.raises(InputError, match="needs sizes"):
        values_of("shuffle", "step_bound", n=5)
    with pytest.raises(InputError, match="holds for: 0 <= j <= n; got n = 3, j = 4"):
        values_of("shuffle", "mean_subset_entropy", n=3, j=4)
    with pytest.raises(InputError, match="unknown task with closed forms 'parity'; known: city_names, copy"):
        closed_form("parity", "entropy")
    with pytest.raises(InputError, match="unknown closed form of copy 'accuracy topk'"):
        closed_form("copy", "accuracy topk")
    assert evaluate(closed_form("copy", "accuracy"), n=5) == 1


def test_floats_keep_their_error():
    for name, form in FORMS.items():
        for _, values in [*cases(form, 3 if form.task != "sudoku_4" else 4)][::-2]:
            exact, found = evaluate(form, **values), evaluate_float(form, **values)
            off = exact - Fraction(found.value)
            with ctx.workprec(200):
                far = off.interval(200) if isinstance(off, LogNumber) else off
                assert abs(far) <= found.error + 1e-40, (name, values)
            assert found.error <= max(1e-15 * abs(found.value), 1e-30), (name, values)


def test_a_million_positions():
    """Against logarithms of the Gamma function and powers by mpmath, which shares no code with the balls."""
    n = 10**6
    with mpmath.workdps(60):
        log = mpmath.log
        orders = mpmath.loggamma(n + 1)
        wanted = {
            ("shuffle", "total_correlation"): (n * log(n) - orders) / log(2),
            ("shuffle", "step_bound topk"): (n * log(4) + 4 * mpmath.loggamma(n // 4 + 1) - orders) / log(2),
            ("shuffle", "accuracy topk k=2"): mpmath.exp(
                orders - 2 * mpmath.loggamma(n // 2 + 1) - n * log(2)
            ),
            ("shuffle_strict", "entropy"): orders / log(2),  # less the identity: 10^-5565708 of a bit
            ("replace_random", "total_correlation"): (n - 1) * log(mpmath.mpf(n) / (n - 1)) / log(2),
            ("replace_random", "accuracy one step tau=1"): (1 - mpmath.mpf(1) / n) ** (n - 1),
            ("insert_random", "accuracy one step tau=1"): mpmath.mpf(0),  # (2/e)^n
        }
        for (task, quantity), value in wanted.items():
            form = closed_form(task, quantity)
            found = evaluate_float(form, n=n, **({"k": 4} if "k" in form.parameters else {}))
            assert abs(value - found.value) <= found.error <= max(1e-15 * found.value, 1e-300), quantity

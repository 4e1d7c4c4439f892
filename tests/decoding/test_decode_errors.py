"""Every float of a decode carries a proven error: balls against exact rationals, and against 60 digits from scratch."""

from collections import defaultdict
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import inf, prod

import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.draws import examples
from tests.helpers.dyadic import both, dyadic
from tests.helpers.strategies import rules, targets
from tests.reference import definitions as ref
from theory.commands.decode import decode_answer
from theory.commands.rules import realised_answer
from theory.decoding.decoder import decode, step_distribution
from theory.decoding.lumped import decode_lumped
from theory.decoding.output import output_distribution
from theory.decoding.structured.dispatch import decode_structured
from theory.decoding.tasks.best_setting import best_setting
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import realised_on
from theory.decoding.tasks.route import structure_of
from theory.distributions import tempering as temper
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import numbers_of_powers, stays_rational
from theory.numbers import BALLS, EXACT
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.policies.policy import registered_policies

NAMES = ("accuracy", "kl", "path_kl", "steps", "steps_under_data")
SMALL_ERROR = 1e-13  # bits or probabilities: n <= 8, values up to 20; worst seen 2e-15
DIGITS = 60


@pytest.fixture
def balls(monkeypatch):
    """Make the decoder treat every temperature but 0 and 1 as irrational."""
    monkeypatch.setattr(temper, "POWER_BITS", 0)


def forced(function):
    """The result with balls where rationals would do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temper, "POWER_BITS", 0)
        return function()


def check(result, truth, names=NAMES, most=SMALL_ERROR):
    """Every float is within its error of the truth, which is small; what is exact is equal."""
    for name in names:
        value, wanted = getattr(result, name), getattr(truth, name)
        if value is None or value == inf or not isinstance(value, float):
            assert value == wanted, name
            assert name not in result.errors
            continue
        error = result.errors[name]
        assert 0 <= error <= most, name
        assert abs(wanted - Fraction(value)) <= Fraction(error), name


# --- 1/tau whole: rationals --------------------------------------------------------------------------------------


def test_one_over_a_whole_number_is_exact():
    answer = decode_answer(make_task("shuffle", 4), parse_policy("topk:k=2"), temperature="0.5")
    assert answer["accuracy"] == Fraction(3, 8)
    assert answer["exact"]["accuracy"] == "3/8"
    assert "errors" not in answer
    pmf = JointPMF.from_pairs([("a",), ("b",)], ["2/3", "1/3"])
    assert decode(pmf, parse_policy("topk:k=1"), temperature="1/3").distribution == {
        ("a",): Fraction(8, 9),
        ("b",): Fraction(1, 9),
    }


@given(target=targets([(1,), (3,), (2, 2), (3, 2), (2, 2, 2)], kinds=("dense", "sparse")), rule=rules(),
       m=st.integers(2, 4))  # fmt: skip
def test_whole_powers_are_the_definition(target, rule, m):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ref, "temper", lambda distribution, *_: _powers(distribution, m))
        truth = ref.decode(target.distribution, rule.select, 1)  # the reference is exact at temperature 1
    result = decode(target.exact, parse_policy(rule.spec), temperature=Fraction(1, m))
    assert result.errors == {}
    assert result.accuracy == truth.accuracy
    assert result.distribution == {y: truth.distribution.get(y, 0) for y in target.distribution}
    assert (result.steps, result.steps_under_data) == (truth.steps, truth.steps_under_data)
    for name in ("kl", "path_kl"):
        form, value = getattr(truth, f"{name}_exact"), getattr(result, name)
        assert value == (inf if form is None else LogNumber.weighted_sum((r, b) for b, r in form.items()))


def _powers(distribution, m):
    total = sum(p**m for p in distribution.values())
    return {v: p**m / total for v, p in distribution.items()}


@pytest.mark.parametrize(
    ("tau", "bits", "exact"),
    [
        *(("1", 10**6, True), ("0", 10**6, True), ("1/2", 32, True), ("1/2", 33, False), ("1/64", 1, True)),
        *(("1/65", 1, False), ("2", 1, False), ("2/3", 1, False), ("3/2", 1, False)),
    ],
)
def test_what_stays_rational(tau, bits, exact):
    assert stays_rational(Fraction(tau), bits) == exact
    assert numbers_of_powers(Fraction(tau), bits) is (EXACT if exact else BALLS)


def test_powers_too_large_become_balls_and_agree():
    distribution = {(0,): Fraction(2**30 + 3, 2**40), (1,): 1 - Fraction(2**30 + 3, 2**40)}
    result = decode(JointPMF.from_mapping(distribution), parse_policy("topk:k=1"), temperature="1/2")
    assert isinstance(result.kl, float)
    powers = _powers({v: p for (v,), p in distribution.items()}, 2)
    truth = LogNumber.weighted_sum((p, p / powers[v]) for (v,), p in distribution.items())
    assert abs(truth - Fraction(result.kl)) <= Fraction(result.errors["kl"]) < Fraction(1, 10**14)


# --- Balls against rationals -------------------------------------------------------------------------------------


@given(
    target=targets(), rule=rules(), m=st.integers(2, 3), off=st.sampled_from(["marginal", "uniform", "stop"])
)
def test_balls_hold_the_exact_values(target, rule, m, off):
    policy, switches = parse_policy(rule.spec), {"temperature": Fraction(1, m), "off_support": off}
    found = forced(lambda: decode(target.exact, policy, **switches))
    assert isinstance(found.accuracy, float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temper, "POWER_BITS", 1000)
        check(found, decode(target.exact, policy, **switches))


CUTS = [{"top_k": 1}, {"top_p": "0.7"}, {"top_p": "0.7", "nucleus": "drop"}, {"top_p": "0.9", "top_k": 2}]


@given(target=targets(kinds=("dense", "sparse")), rule=rules(), cut=st.sampled_from(CUTS))
def test_balls_of_truncated_draws(target, rule, cut):
    policy = parse_policy(rule.spec)
    exact = decode(target.exact, policy, temperature="1/2", **cut)
    check(forced(lambda: decode(target.exact, policy, temperature="1/2", **cut)), exact)


PROCESSES = (
    "topk:k=2,confidence=sampled",
    "threshold:gamma=0.6,confidence=sampled",
    "remdm:steps=2,eta=0.3",
    "remdm_llada:steps=2,extra=1",
    "wino:tau1=0.6,tau2=0.9",
    "rcr:steps=2",
    "remdm:steps=2,eta=0.3,variant=loop",
    "klass:tau=0.6,eps=0.1",
    "slowfast",
)


@given(
    distribution=st.sampled_from([(3,), (2, 2), (3, 2), (2, 2, 2), (2, 3, 2)]).flatmap(dyadic),
    rule=rules(),
    tau=st.sampled_from([0, 1, "1/2"]),
    ties=st.sampled_from(["random", "lowest"]),
)
def test_float_pmfs_that_are_exact(distribution, rule, tau, ties):
    exact, floats = both(distribution)
    switches = {"temperature": tau, "greedy_ties": ties}
    result = decode(floats, parse_policy(rule.spec), **switches)
    assert set(result.errors) == {name for name in NAMES if getattr(result, name) != inf}
    check(result, decode(exact, parse_policy(rule.spec), **switches))


@pytest.mark.grid(every=4)
@pytest.mark.parametrize("spec", PROCESSES)
@pytest.mark.parametrize("off_support", ["marginal", "uniform", "stop"])
def test_processes(spec, off_support):
    distribution = {(0, 0, 1): "3/8", (0, 1, 0): "1/4", (1, 1, 1): "1/4", (1, 0, 0): "1/8"}
    exact, floats = both({y: Fraction(p) for y, p in distribution.items()})
    rule = parse_policy(spec)
    for tau in ("1", "1/2"):
        switches = {"temperature": tau, "off_support": off_support}
        truth = decode(exact, rule, **switches)
        assert truth.errors == {}
        check(decode(floats, rule, **switches), truth)
        if tau == "1/2":
            check(forced(lambda: decode(exact, rule, **switches)), truth)  # noqa: B023


@pytest.mark.parametrize("spec", [rule.example for rule in registered_policies().values()])
def test_every_rule_reads_scores_that_are_floats(spec):
    exact, floats = both(
        {(0, 0): Fraction(1, 2), (0, 1): Fraction(1, 8), (1, 0): Fraction(1, 8), (2, 1): Fraction(1, 4)}
    )
    one, two = (decode(pmf, parse_policy(spec), temperature="0.7", scored="after") for pmf in (exact, floats))
    for name in NAMES:
        value, other = getattr(one, name), getattr(two, name)
        if value is None or other == inf:
            assert value == other
        else:
            # a rule that writes probabilities of its own has no proven errors for a float pmf
            errors = [found.errors.get(name, SMALL_ERROR) for found in (one, two)]
            assert abs(Fraction(value) - Fraction(other)) <= sum(map(Fraction, errors)) <= 2 * SMALL_ERROR


def within(found, truth):
    """Each float of a distribution is off by its error at most, and that is small."""
    assert set(truth) >= set(found)
    assert found.error < 1e-15
    for y, q in found.items():
        assert abs(truth[y] - Fraction(q)) <= Fraction(found.error)


def test_distributions_of_processes_have_errors():
    exact, floats = both({(0, 0): Fraction(3, 8), (0, 1): Fraction(1, 4), (1, 0): Fraction(3, 8)})
    for spec in ("wino:tau1=0.6,tau2=0.9", "topk:k=2,confidence=sampled"):
        truth = output_distribution(exact, parse_policy(spec), temperature="1/2")
        assert truth.error == 0
        within(output_distribution(floats, parse_policy(spec), temperature="1/2"), truth)


@given(distribution=dyadic((2, 3, 2)), off=st.sampled_from(["marginal", "uniform"]))
@settings(max_examples=examples(6))
def test_whole_output_distributions_and_step_distributions(distribution, off):
    exact, floats = both(distribution)
    policy = parse_policy("threshold:gamma=0.6")
    truth = output_distribution(exact, policy, off_support=off, temperature="1/2")
    steps = step_distribution(exact, policy, off_support=off, temperature="1/2")
    for pmf in (floats, exact):
        found = forced(lambda: output_distribution(pmf, policy, off_support=off, temperature="1/2"))  # noqa: B023
        within(found, truth)
        within(forced(lambda: decode(pmf, policy, off_support=off, temperature="1/2")).distribution, truth)  # noqa: B023
        calls = forced(lambda: step_distribution(pmf, policy, off_support=off, temperature="1/2"))  # noqa: B023
        assert 0 < calls.error < 1e-15 or all(p == 1 for p in calls.runs.values())
        assert set(calls.runs) == set(steps.runs)
        for r, p in steps.runs.items():
            assert abs(p - Fraction(calls.runs[r])) <= Fraction(calls.error)


def test_the_precision_of_balls_does_not_leak():
    before = ctx.prec
    decode(JointPMF.uniform([(0, 1), (1, 0)]), parse_policy("topk:k=1"), temperature="0.7")
    decode(JointPMF.uniform([(0, 1), (1, 0)]), parse_policy("topk:k=1,confidence=sampled"), temperature="0.7")
    decode_lumped(make_task("shuffle", 4).chain(), parse_policy("topk:k=1"), temperature="0.7")
    assert ctx.prec == before


# --- Against sixty digits from scratch ---------------------------------------------------------------------------


def _log2(x: Fraction) -> Fraction:
    return Fraction((Decimal(x.numerator) / Decimal(x.denominator)).ln() / Decimal(2).ln())


def _tempered(distribution, tau):
    """``p^(1/tau)``, to sixty digits, over their sum."""
    powers = {}
    for v, p in distribution.items():
        ratio = Decimal(p.numerator) / Decimal(p.denominator)
        powers[v] = Fraction(ratio ** (Decimal(tau.denominator) / Decimal(tau.numerator)))
    return {v: p / sum(powers.values()) for v, p in powers.items()}


class Truth:
    """The decode by its definition, to sixty digits: off the support the marginals given X.

    ``scored`` is the distribution whose marginals the rule compares: for floats the rational distribution that they
    round.
    """

    def __init__(self, distribution, scored, select, tau):
        n = len(next(iter(distribution)))
        own, data = defaultdict(Fraction, {(None,) * n: Fraction(1)}), defaultdict(Fraction)
        data[(None,) * n] = Fraction(1)
        self.steps = self.steps_under_data = self.path_kl = Fraction(0)
        for left in range(n, 0, -1):
            for state in [s for s in {*own, *data} if s.count(None) == left]:
                mine, theirs = own.pop(state, Fraction(0)), data.pop(state, Fraction(0))
                self.steps, self.steps_under_data = self.steps + mine, self.steps_under_data + theirs
                masked = tuple(i for i in range(n) if state[i] is None)
                given_ = {i: v for i, v in enumerate(state) if v is not None}
                here = ref.condition(distribution, given_) or distribution
                seen = ref.condition(scored, given_) or scored
                single = {i: {v: p for (v,), p in ref.marginal(here, (i,)).items()} for i in masked}
                q = {i: _tempered(single[i], tau) for i in masked}
                view = {i: {v: p for (v,), p in ref.marginal(seen, (i,)).items()} for i in masked}
                for chosen, chance in select(view, masked, n).items():
                    spots = sorted(chosen)
                    for draw in product(*(q[i] for i in spots)):
                        after = list(state)
                        for i, v in zip(spots, draw, strict=True):
                            after[i] = v
                        weight = prod((q[i][v] for i, v in zip(spots, draw, strict=True)), start=chance)
                        own[tuple(after)] += mine * weight
                        true = theirs and ref.marginal(here, spots).get(draw, Fraction(0))
                        if true:
                            data[tuple(after)] += theirs * chance * true
                            self.path_kl += theirs * chance * true * _log2(true * chance / weight)
        self.accuracy = sum(own[y] for y in distribution)
        self.kl = sum(p * _log2(p / own[y]) for y, p in distribution.items())


@given(
    target=targets([(2,), (2, 2), (3, 2), (2, 2, 2)], kinds=("dense", "sparse")),
    rule=rules(),
    tau=st.sampled_from([Fraction(2), Fraction(3, 2), Fraction(7, 10), Fraction(1, 3)]),
    floats=st.booleans(),
)
def test_sixty_digits(target, rule, tau, floats):
    distribution, pmf = target.distribution, target.exact
    if floats:
        pmf, rounded = target.floats, {y: Fraction(float(p)) for y, p in distribution.items()}
        distribution = {y: p / sum(rounded.values()) for y, p in rounded.items()}
    with localcontext() as context:
        context.prec = DIGITS
        truth = Truth(distribution, target.distribution, rule.select, tau)
    result = decode(pmf, parse_policy(rule.spec), temperature=tau)
    for name in NAMES:
        value, wanted = getattr(result, name), getattr(truth, name)
        if not isinstance(value, float):  # tau = 1/3
            assert abs(float(value - wanted)) < 1e-15 if name not in ("kl", "path_kl") else True
            continue
        # 1e-50 for the digits of the truth
        assert abs(wanted - Fraction(value)) <= Fraction(result.errors[name]) + Fraction(1, 10**50), name
        assert result.errors[name] < SMALL_ERROR


# --- Lumped, large, and averaged ---------------------------------------------------------------------------------

LUMPED = [("shuffle", 5), ("replace_random", 5), ("parity", 4), ("copy", 3), ("reed_solomon", 4)]


@pytest.mark.grid(every=8)
@pytest.mark.parametrize(("name", "n"), LUMPED)
def test_lumped(name, n):
    task = make_task(name, n)
    for spec in ("topk:k=2,by=random", "topk:k=2", "threshold:gamma=0.45", "topk:k=2,by=left_to_right"):
        policy, chain = parse_policy(spec), task.chain()
        exact = decode_lumped(chain, policy, temperature="1/2")
        assert exact.errors == {}
        assert exact.accuracy == decode_contexts(task, policy, temperature="1/2", lumped=False).accuracy
        check(forced(lambda: decode_lumped(chain, policy, temperature="1/2")), exact)  # noqa: B023
        for tau in ("2", "0.7"):
            one, other = decode_lumped(chain, policy, temperature=tau), decode_contexts(
                task, policy, temperature=tau, lumped=False
            )  # fmt: skip
            for field in NAMES:
                if (value := getattr(one, field)) is not None:
                    off = one.errors.get(field, 0.0) + other.errors[field]
                    assert abs(Fraction(float(value)) - Fraction(getattr(other, field))) <= Fraction(off) + (
                        0 if isinstance(value, (float, Fraction)) else Fraction(1, 2**50)
                    )


STRUCTURED = [
    ("insert_random", 5),
    ("remove_random", 6),
    ("bernoulli_walk", 6),
    ("one_hot_blocks:block=3", 6),
]


@pytest.mark.parametrize(("name", "n"), STRUCTURED)
def test_large(name, n):
    structure = structure_of(make_task(name, n))
    for spec in ("topk:k=2,by=left_to_right", "topk:k=9"):
        policy = parse_policy(spec)
        exact = decode_structured(structure, policy, temperature="1/2")
        assert exact.errors == {}
        names = NAMES if exact.kl is not None else tuple(set(NAMES) - {"kl"})
        check(forced(lambda: decode_structured(structure, policy, temperature="1/2")), exact, names)  # noqa: B023


def test_means_over_contexts():
    task = make_task("replace_random", 4)
    exact = decode_contexts(task, parse_policy("threshold:gamma=0.7"), temperature="1/2", lumped=False)
    found = forced(
        lambda: decode_contexts(task, parse_policy("threshold:gamma=0.7"), temperature="1/2", lumped=False)
    )
    check(found, exact, (*NAMES, "tokens_per_step"))


def test_answers_carry_errors(balls):  # noqa: ARG001
    answer = decode_answer(make_task("shuffle", 4), parse_policy("topk:k=2"), temperature="1/2")
    assert set(answer["errors"]) == {
        *NAMES,
        "tokens_per_step",
        "steps_distribution",
        "steps_distribution_under_data",
    }
    assert (
        abs(Fraction(3, 8) - Fraction(answer["accuracy"])) <= Fraction(answer["errors"]["accuracy"]) < 1e-15
    )
    assert "exact" not in answer


def test_the_best_setting_carries_errors():
    task = make_task("insert_index", 3)
    settings = [parse_policy(f"threshold:gamma={gamma},confidence=sampled") for gamma in ("0.4", "0.7")]
    for made in (task, make_task("replace_random", 3)):
        truth = best_setting(made, settings, temperature="1/2")
        assert truth.errors == {}
        found = forced(lambda: best_setting(made, settings, temperature="1/2"))  # noqa: B023
        check(found, truth, names=("accuracy", "steps"))
        assert isinstance(found.steps, float)


def test_realised_carries_errors(balls):  # noqa: ARG001
    task, rule = make_task("replace_random", 4), "threshold:gamma=0.6,confidence=sampled"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temper, "POWER_BITS", 64)
        exact = realised_on(task, parse_policy(rule), temperature="1/2")
    found = realised_on(task, parse_policy(rule), temperature="1/2")
    assert exact.errors == {}
    for size, wanted in zip(found.sizes, exact.sizes, strict=True):
        assert abs(wanted - Fraction(size)) <= Fraction(found.errors["tokens_per_call"]) < 1e-14
    assert abs(exact.calls - Fraction(found.calls)) <= Fraction(found.errors["model_calls"]) < 1e-14
    answer = realised_answer(rule, 4, task=lambda n: make_task("replace_random", n), temperature="1/2")
    assert set(answer["errors"]) == {"accuracy", "kl", "tokens_per_call", "model_calls"}

"""Rules beyond the paper's three: distributions of the set against slow references, published schedules."""

from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise, product
from math import log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.policy_views import batches, distributions, exact_view, expected, float_view
from tests.helpers.tolerance import ROUNDING
from tests.reference import counts as ref
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy, registered_policies
from theory.policies.rules.fixed_order import bisection_rounds, dilated_rounds
from theory.policies.rules.plackett_luce import set_distribution
from theory.policies.rules.scheduled import DLLM, Dream, LLaDA, MaskGIT
from theory.validation import InputError


class Pair:
    """A specification and the reference it must agree with."""

    def __init__(self, spec, select):
        self.spec, self.select = spec, select

    def __repr__(self):
        return self.spec


BUDGETS = ("0", "0.1", "1/2", "1", "3/2", "2", "5")
BLOCKS = (None, 1, 2, 3)
TIES = ("random", "lowest", "all")


@st.composite
def pairs(draw):
    name = draw(
        st.sampled_from(["eb", "entropy_sum", "frechet", "dinfer", "threshold", "released", "prefix"])
    )
    ties, block = draw(st.sampled_from(TIES)), draw(st.sampled_from(BLOCKS))
    shared = f",ties={ties}" + (f",block={block}" if block else "")
    by = draw(st.sampled_from(["confidence", "margin", "entropy", "left_to_right"]))
    budget = draw(st.sampled_from(BUDGETS))
    strict = draw(st.booleans())
    if name == "eb":
        return Pair(f"eb:gamma={budget},by={by}{shared}", ref.entropy_bounded(budget, by, ties, block))
    if name == "entropy_sum":
        crossing = draw(st.sampled_from(["drop", "keep"]))
        select = ref.entropy_sum(budget, by, crossing, ties, block)
        return Pair(f"entropy_sum:eta={budget},by={by},crossing={crossing}{shared}", select)
    if name in ("frechet", "dinfer"):
        budget = min(budget, "1", key=Fraction)
    if name == "frechet":
        return Pair(f"frechet:delta={budget}{shared}", ref.frechet(budget, ties, block))
    if name == "dinfer":
        end = f",block={block}" if block else ""
        return Pair(f"dinfer:gamma={budget}{end}", ref.dinfer(budget, block=block))
    if name == "threshold":
        floor, gamma = draw(st.integers(1, 4)), draw(st.sampled_from(["0", "1/3", "1/2", "2/3", "0.9", "1"]))
        select = ref.floored_threshold(gamma, floor, strict, ties, block)
        return Pair(f"threshold:gamma={gamma},floor={floor},strict={str(strict).lower()}{shared}", select)
    f = draw(st.sampled_from(["1/3", "1/2", "2/3", "1", "4/3", "2"]))
    if name == "released":
        return Pair(f"factor:f={f},variant=released{shared}", ref.released_factor(f, ties, block))
    spec = f"factor:f={f},strict={str(strict).lower()}{shared}"  # the largest rank ends the first run that passes
    return Pair(spec, ref.prefix_factor(f, strict, ties, block))


@given(batch=batches(), pair=pairs())
def test_distribution_of_the_chosen_set(batch, pair):
    rows, masked = batch
    truth = expected(pair, rows, masked)
    policy = parse_policy(pair.spec)
    assert distributions(policy, exact_view(rows, masked)) == truth
    assert distributions(policy, float_view(rows, masked)) == truth


def test_eb_ranks_by_entropy_as_every_release_does():
    # confidences .52 > .5, entropies 1.76 > 1 bits; a budget of 1 bit takes both
    rows = [[[Fraction(w, 100) for w in ws] for ws in ((52, 16, 16, 16), (50, 50, 0, 0))]]
    masked = [[True, True]]
    first = {"eb:gamma=0.1": {1}, "eb:gamma=0.1,by=confidence": {0}, "eb:gamma=1": {0, 1}}
    for spec, chosen in first.items():
        assert distributions(parse_policy(spec), exact_view(rows, masked)) == [{frozenset(chosen): 1}]
    assert str(parse_policy("eb:gamma=0.1,by=entropy")) == "eb:gamma=1/10"


# -- schedules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "masked", "sizes"),
    [
        (LLaDA(steps=10), 10, (1,) * 10),
        (LLaDA(steps=4), 10, (3, 3, 2, 2)),
        (Dream(steps=10), 10, (0, 1, 1, 1, 1, 1, 1, 1, 1, 2)),
        (Dream(steps=10, eps=0), 10, (1, 0, 1, 1, 1, 1, 1, 1, 1, 2)),
        (Dream(steps=5), 10, (1, 2, 2, 2, 3)),
        (Dream(steps=5, eps=0), 10, (1, 2, 2, 2, 3)),
        (Dream(steps=2), 4, (1, 3)),
        (Dream(steps=2, eps=0), 4, (2, 2)),
        (Dream(steps=32), 32, (0, *(1,) * 30, 2)),
        (Dream(steps=32, eps=0), 32, (1, 1, 1, 1, 0, *(1,) * 26, 2)),
        (Dream(steps=16), 32, (1, *(2,) * 14, 3)),
        (Dream(steps=16, eps=0), 32, (2, 1, *(2,) * 13, 3)),
        (MaskGIT(steps=10), 10, (1, 1, 1, 1, 1, 1, 1, 2, 1, 0)),
        (MaskGIT(steps=5), 10, (2, 2, 2, 3, 1)),
        (DLLM(steps=4), 10, (2, 3, 2, 3)),
    ],
)
def test_sizes_of_released_schedules(schedule, masked, sizes):
    # computed by hand or by the released code, for masked positions and steps as listed
    assert schedule.sizes(masked) == sizes


@pytest.mark.parametrize("rule", [DLLM, Dream, LLaDA, MaskGIT])
def test_sizes_of_schedules_sum_to_what_is_masked(rule):
    for steps, masked in product(range(1, 9), range(9)):
        sizes = rule(steps=steps).sizes(masked)
        assert sum(sizes) == masked
        assert min(sizes) >= 0


def test_editing_has_the_settings_of_its_release():
    # LLaDA2.1 in ZHZisZZ/dllm: threshold 0.95, editing threshold 0.9, 16 rounds after the last mask
    assert parse_policy("editing") == parse_policy("editing:gamma=0.95,edit=0.9,post=16,floor=1")


def test_how_many_schedules_of_dream_differ_from_equal_steps():
    # every pair of up to 64 positions and a number of steps that divides it
    every = [(m, s) for m in range(1, 65) for s in range(1, m + 1) if m % s == 0]
    assert len(every) == 280
    for eps, differ in ((Fraction(1, 1000), 216), (0, 184)):
        assert sum(Dream(steps=s, eps=eps).sizes(m) != (m // s,) * s for m, s in every) == differ
    assert sum(MaskGIT(steps=s).sizes(m) != (m // s,) * s for m, s in every) == 106
    assert all(DLLM(steps=s).sizes(m) == LLaDA(steps=s).sizes(m) == (m // s,) * s for m, s in every)


@pytest.mark.parametrize("rule", [DLLM, Dream, LLaDA, MaskGIT])
def test_idle_calls_are_those_that_take_nothing(rule):
    # the last call takes what is left, so that it is never idle
    for steps, n in product((1, 2, 5, 10), (1, 2, 4, 10)):
        policy = rule(steps=steps)
        rows = [[[Fraction(1, 2)] * 2] * n]
        view = exact_view(rows, [[True] * n])
        taken = [int(policy.plan(replace(view, step=call)).sizes()[0]) for call in range(steps)]
        for call in range(steps):
            idle = next(j for j, size in enumerate(taken[call:]) if size)
            assert policy.idle_calls(replace(view, step=call)) == idle


@pytest.mark.parametrize("name", ["llada", "dream", "maskgit", "dllm"])
@pytest.mark.parametrize(
    ("steps", "block"), [(1, None), (2, None), (3, None), (6, None), (1, 2), (2, 2), (3, 3)]
)
def test_a_schedule_is_decoded_with_the_sizes_it_states(name, steps, block):
    distribution = make_task("shuffle", 4).contexts()[0].distribution.pmf()
    policy = parse_policy(f"{name}:steps={steps}" + (f",block={block}" if block else ""))
    result = decode(distribution, policy)
    groups = [4] if block is None else [min(block, 4 - start) for start in range(0, 4, block)]
    sizes = [size for group in groups for size in policy.sizes(group)]
    left, accuracy = 4, Fraction(1)
    for size in sizes:
        accuracy *= prod((Fraction(left - j, left) for j in range(size)), start=Fraction(1))
        left -= size
    assert result.accuracy == accuracy
    # calls after the last token are not counted; blocks wait for their time
    assert result.steps == result.steps_under_data == len("".join(map(str, sizes)).rstrip("0"))


def test_one_token_a_step_of_dream_is_wrong_half_of_the_time_on_shuffle():
    distribution = make_task("shuffle", 5).contexts()[0].distribution.pmf()
    assert decode(distribution, parse_policy("dream:steps=5")).accuracy == Fraction(1, 2)


@pytest.mark.parametrize("eps", [0, Fraction(1, 10)])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_ancestral_positions_pick_their_step_independently(steps, eps):
    n = 3
    distribution = make_task("replace_random", n).contexts()[0].distribution.pmf()
    grid = [1 - Fraction(j, steps) * (1 - Fraction(eps)) for j in range(steps)] + [Fraction(0)]
    share = [t - s for t, s in pairwise(grid)]
    accuracy = steps_taken = Fraction(0)
    for picks in product(range(steps), repeat=n):
        p = prod((share[j] for j in picks), start=Fraction(1))
        blocks = [tuple(i for i in range(n) if picks[i] == j) for j in range(steps)]
        spec = "sizes:sizes=" + "+".join(str(len(b)) for b in blocks if b)
        accuracy += (
            p * decode(distribution, parse_policy(spec)).accuracy
        )  # exchangeable: only the numbers matter
        steps_taken += p * (max(picks) + 1)
    result = decode(distribution, parse_policy(f"ancestral:steps={steps},eps={eps}"))
    assert (result.accuracy, result.steps) == (accuracy, steps_taken)


def test_explicit_sizes():
    distribution = make_task("shuffle", 4).contexts()[0].distribution.pmf()
    assert decode(distribution, parse_policy("sizes:sizes=3+1")).accuracy == Fraction(4 * 3 * 2, 4**3)
    assert decode(distribution, parse_policy("sizes:sizes=1")).steps == 4
    assert decode(distribution, parse_policy("sizes:sizes=1+9")).steps == 2
    with pytest.raises(InputError, match=r"sizes must look like 3\+2\+1, got '3\+0'"):
        parse_policy("sizes:sizes=3+0")


# -- orders ----------------------------------------------------------------------------------------------------


def test_dilated_rounds():
    # blocks of 8: {0, 4}, {2, 6}, the odd ones; and a length that is no power
    assert dilated_rounds(8, 2) == (0, 2, 1, 2, 0, 2, 1, 2)
    assert dilated_rounds(9, 3) == (0, 1, 1, 0, 1, 1, 0, 1, 1)
    assert dilated_rounds(1, 2) == (0,)


@pytest.mark.parametrize("order", [1, 2])
def test_bisection_is_exact_for_markov_chains_in_few_steps(order):
    # y_t is the sum of the last `order` tokens plus a fair bit, modulo 3
    words = []
    for start in product(range(3), repeat=order):
        for noise in product(range(2), repeat=7 - order):
            word = list(start)
            for bit in noise:
                word.append((sum(word[-order:]) + bit) % 3)
            words.append(tuple(word))
    result = decode(JointPMF.uniform(words), parse_policy(f"bisection:order={order}"))
    cells = -(-7 // order)
    assert result.kl == 0
    assert result.steps <= order * cells.bit_length()
    assert max(bisection_rounds(7, order)) + 1 == result.steps


@given(
    weights=st.lists(st.floats(-3, 3), min_size=1, max_size=5),
    k=st.integers(1, 5),
)
def test_plackett_luce_is_the_distribution_of_draws_without_replacement(weights, k):
    k = min(k, len(weights))
    truth = ref.plackett_luce(weights, k)
    found = {
        frozenset(i for i in range(len(weights)) if mask >> i & 1): p
        for mask, p in set_distribution(dict(enumerate(weights)), k)
    }
    assert set(found) == set(truth)
    assert all(abs(found[s] - p) <= ROUNDING for s, p in truth.items())


def test_a_call_that_draws_nothing_leaves_all_masks():
    assert set_distribution({0: 0.0, 1: 1.0}, 0) == ((0, 1),)
    # Dream's sizes of two positions in five calls: four idle ones, then both
    pmf = JointPMF.uniform([(0, 0), (1, 1)])
    view = float_view([[[0.5, 0.5], [0.5, 0.5]]], [[True, True]])
    for call, chosen in ((0, 0b00), (3, 0b00), (4, 0b11)):
        plan = parse_policy("dream:steps=5,alg_temp=1").plan(replace(view, step=call))
        index, found = plan.distribution()
        assert [(mask, float(p)) for mask, p in found[index[0]]] == [(chosen, 1)]
    assert decode(pmf, parse_policy("dream:steps=5,alg_temp=1")).steps == 5


def test_the_order_temperature_weighs_scores():
    # confidences 3/4 and 1/2: weights exp(3/4 / t) and exp(1/2 / t)
    view = float_view([[[0.75, 0.25], [0.5, 0.5]]], [[True, True]])
    index, found = parse_policy("plackett_luce:k=1,alg_temp=1/2").plan(view).distribution()
    share = dict(found[index[0]])
    assert abs(log(share[1] / share[2]) - 0.5) <= ROUNDING


@pytest.mark.parametrize("by", ["confidence", "margin", "entropy", "left_to_right"])
def test_a_very_cold_order_still_draws_a_position_that_competes(by):
    # logarithms of weights down to -2 * 10^12
    view = float_view([[[0.25] * 4] * 3], [[False, False, True]])
    plan = parse_policy(f"plackett_luce:k=1,alg_temp=1/{10**12},by={by}").plan(view)
    assert np.asarray(plan.sample(np.full((1, 3), 0.5))).tolist() == [[False, False, True]]


def test_random_order_with_a_temperature_is_random_order():
    distribution = make_task("replace_random", 4).contexts()[0].distribution.pmf()
    exact = decode(distribution, parse_policy("topk:k=2,by=random"))
    drawn = decode(distribution, parse_policy("plackett_luce:k=2,by=random,alg_temp=1"))
    assert isinstance(drawn.accuracy, float)
    assert abs(drawn.accuracy - float(exact.accuracy)) <= ROUNDING
    assert abs(drawn.kl - float(exact.kl)) <= ROUNDING


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("eb:gamma=-1", "gamma must be at least 0, got -1"),
        ("eb:gamma=1,by=random", "which by=random does not give"),
        ("entropy_sum:eta=-1", "eta must be at least 0"),
        ("entropy_sum:eta=1,crossing=both", "unknown crossing 'both'; known: drop, keep"),
        ("frechet:delta=-1", "delta must be between 0 and 1, got -1"),
        ("frechet:by=entropy", "frechet reads confidences, got by=entropy"),
        ("factor:f=1,variant=fixed", "unknown variant 'fixed'; known: paper, released"),
        ("factor:f=1,variant=prefix", "variant=prefix never differed from variant=paper, the default"),
        ("dinfer:gamma=0.9,slack=-1", "slack must be between 0 and 1, got -1"),
        ("dream:steps=0", "steps must be a whole number of at least 1"),
        ("dream:steps=4,eps=1", "eps must be at least 0 and below 1, got 1"),
        ("ancestral:steps=2,eps=-1", "eps must be at least 0 and below 1"),
        ("dus:base=1", "base must be at least 2, got 1"),
        ("dus:ties=random", "dus depends on positions alone"),
        ("dus:floor=2", r"floor must be between 0 and 1, got 2"),
        ("plackett_luce:k=1,alg_temp=0", "alg_temp must be positive, got 0; use topk for 0"),
        ("topk:k=2,by=margin,confidence=sampled", "confidence=sampled needs by=confidence, got by=margin"),
    ],
)
def test_wrong_parameters(spec, message):
    with pytest.raises(InputError, match=message):
        parse_policy(spec)


@pytest.mark.parametrize("name", sorted(registered_policies()))
def test_parameters_are_given_by_name(name):
    rule = registered_policies()[name]
    assert [f.name for f in fields(rule) if not f.kw_only] == []
    with pytest.raises(TypeError, match="positional"):
        rule(1)


# parameters that scores or probabilities are compared with, and those without an upper limit
SHARES = {
    "gamma",
    "slack",
    "low",
    "high",
    "tau",
    "tau1",
    "tau2",
    "delta",
    "eps",
    "eta",
    "beta",
    "t_on",
    "t_off",
    "alpha_on",
    "held",
    "floor",
    "lowest",
    "weight",
    "edit",
    "threshold",
}
OPEN = {"alpha", "boost", "budget", "f", "alg_temp", "variance", "early", "mid", "late", "temp"}
# parameters in bits, or with another limit, under the same name
OPEN_IN = {("eb", "gamma"), ("entropy_sum", "eta"), ("klass", "eps"), ("p2", "eta")}
LIMITED = {("pc", "lam")}


def numeric_parameters():
    for name, cls in registered_policies().items():
        for f in fields(cls):
            if str(f.type).partition(" ")[0] in ("Fraction", "int"):
                yield name, f.name, f.type


def with_value(name, key, value):
    """The example of a rule with one parameter set."""
    head, _, rest = registered_policies()[name].example.partition(":")
    given = dict(part.split("=") for part in rest.split(",") if part) | {key: value}
    return head + ":" + ",".join(f"{k}={v}" for k, v in given.items())


@pytest.mark.parametrize(("name", "key", "kind"), [*numeric_parameters()])
def test_every_number_of_every_rule_has_a_range(name, key, kind):
    """One line with the rule, the parameter, its range and the value."""
    wrong = ["-1", "-1/2"] if kind.startswith("Fraction") else ["-1", "0.5"]
    where = (name, key)
    if kind.startswith("Fraction") and where not in LIMITED:
        assert (key in SHARES) != (key in OPEN), where  # a new parameter is put in one of the lists
    if kind.startswith("Fraction") and key in SHARES and where not in OPEN_IN:
        wrong += ["2", "1.0001"]
    for value in wrong:
        with pytest.raises(InputError) as error:
            parse_policy(with_value(name, key, value))
        text = str(error.value)
        assert f"policy '{name}': " in text
        assert key in text
        assert value in text or str(Fraction(value)) in text
        assert "\n" not in text


@pytest.mark.parametrize(
    "spec",
    [
        "threshold:gamma=1",  # never passes: one at a time
        "threshold:gamma=0,strict=false",
        "threshold:gamma=1,by=margin",
        "threshold:gamma=0.9,by=entropy",  # ParallelBench: always one
        "threshold:gamma=-2,by=entropy",  # at most two bits
        "threshold:gamma=-3,by=left_to_right",
        "hierarchy:gamma=1,low=0",
        "dinfer:gamma=1,slack=1",
        "dinfer:gamma=-1,slack=2,by=entropy",
        "frechet:delta=0",
        "frechet:delta=1",
        "klass:tau=1,eps=2",
        "wino:tau1=0,tau2=1",
        "slowfast:low=0,high=1",
        "lopa:gamma=1,k=1",
        "eb:gamma=4",
        "eb:gamma=4,spaced=0",
        "factor:f=12",
    ],
)
def test_legal_settings_are_taken(spec):
    assert str(parse_policy(str(parse_policy(spec)))) == str(parse_policy(spec))

"""Rules with irrational probabilities: their floats have proven errors, against sixty digits."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import permutations, product
from math import prod
from typing import ClassVar

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.draws import examples
from tests.helpers.dyadic import both, dyadic
from tests.reference import definitions as ref
from tests.reference import processes as rp
from tests.reference import remasking as slow
from theory.commands.decode import decode_answer
from theory.decoding.decoder import decode
from theory.numbers.arithmetic import EXACT
from theory.numbers.balls import BALLS
from theory.policies import parse_policy
from theory.policies.policy import Rule
from theory.policies.set_distributions import usable_distributions
from theory.policies.view import View
from theory.validation import InputError

DIGITS = 60
LEFT_OVER = Fraction(1, 10**50)  # of the digits of the truth
SMALL_ERROR = 1e-14  # n <= 3; worst seen 1e-15

LAWS = st.sampled_from([(2, 2), (3, 2), (2, 2, 2)]).flatmap(dyadic)


def decimal(x) -> Decimal:
    x = Fraction(x)
    return Decimal(x.numerator) / Decimal(x.denominator)


def log2(x) -> Fraction:
    return Fraction(decimal(x).ln() / Decimal(2).ln())


def divergence(distribution, own) -> Fraction:
    return sum(p * log2(p / own[y]) for y, p in distribution.items())


def check(result, name, wanted):
    value, error = getattr(result, name), result.errors[name]
    assert isinstance(value, float)
    assert abs(wanted - Fraction(value)) <= Fraction(error) + LEFT_OVER, name
    assert error <= SMALL_ERROR, name


# --- Plackett-Luce -----------------------------------------------------------------------------------------------

SCORES = {
    "confidence": lambda distribution: decimal(max(distribution.values())),
    "margin": lambda distribution: decimal(
        max(distribution.values()) - (sorted(distribution.values())[-2] if len(distribution) > 1 else 0)
    ),
    "entropy": lambda distribution: sum(
        decimal(p) * decimal(p).ln() for p in distribution.values()
    ),  # in nats
    "random": lambda distribution: Decimal(0),  # noqa: ARG005
}


def plackett_luce(distribution, by, k, temperature):
    """The distribution of the answers: at every state the orders of the masked positions, by their weights."""
    n, here = ref.length(distribution), {(None,) * ref.length(distribution): Fraction(1)}
    for left in range(n, 0, -k):
        take, after = min(k, left), {}
        for state, weight in here.items():
            given_ = {i: v for i, v in enumerate(state) if v is not None}
            seen = ref.condition(distribution, given_) or distribution
            masked = [i for i in range(n) if state[i] is None]
            single = {i: {v: p for (v,), p in ref.marginal(seen, (i,)).items()} for i in masked}
            weights = {i: (SCORES[by](single[i]) / decimal(temperature)).exp() for i in masked}
            for order in permutations(masked, take):
                chance, rest = Decimal(1), sum(weights.values())
                for i in order:
                    chance, rest = chance * weights[i] / rest, rest - weights[i]
                for draw in product(*(single[i].items() for i in order)):
                    new = list(state)
                    for i, (v, _) in zip(order, draw, strict=True):
                        new[i] = v
                    p = weight * Fraction(chance) * prod(q for _, q in draw)
                    after[tuple(new)] = after.get(tuple(new), 0) + p
        here = after
    return here


@given(
    distribution=LAWS,
    by=st.sampled_from(sorted(SCORES)),
    k=st.sampled_from([1, 2]),
    temperature=st.sampled_from(["1/5", "1", "7/2"]),
    floats=st.booleans(),
)
def test_plackett_luce(distribution, by, k, temperature, floats):
    with localcontext() as context:
        context.prec = DIGITS
        own = plackett_luce(distribution, by, k, Fraction(temperature))
        wanted = {"accuracy": sum(own[y] for y in distribution), "kl": divergence(distribution, own)}
    policy = parse_policy(f"plackett_luce:k={k},alg_temp={temperature},by={by}")
    result = decode(both(distribution)[floats], policy)
    for name, value in wanted.items():
        check(result, name, value)
    assert result.path_kl >= result.kl - result.errors["kl"] - result.errors["path_kl"]


@pytest.mark.parametrize("by", ["confidence", "margin", "entropy"])
@pytest.mark.parametrize("floats", [False, True])
def test_a_cold_order_is_top_k(by, floats):
    distribution = {
        (0, 0, 0): Fraction(1, 8),
        (0, 1, 2): Fraction(3, 8),
        (1, 1, 2): Fraction(1, 4),
        (1, 0, 1): Fraction(1, 4),
    }
    exact, cold = both(distribution)[0], parse_policy(f"plackett_luce:k=1,by={by},alg_temp=1/100000")
    result = decode(both(distribution)[floats], cold)  # weights differ by factors beyond 10^1000
    truth = decode(exact, parse_policy(f"topk:k=1,by={by}"))
    for name in ("accuracy", "kl", "steps"):
        assert abs(getattr(result, name) - float(getattr(truth, name))) <= 1e-15 + result.errors[name]
        assert result.errors[name] < SMALL_ERROR


def test_scores_after_the_transform():
    # truncated to one token the marginals are sure, and all positions score 1: the order is random
    distribution = {(0, 0): Fraction(1, 2), (0, 1): Fraction(1, 8), (1, 0): Fraction(3, 8)}
    policy, switches = parse_policy("plackett_luce:k=1,alg_temp=1/10"), {"top_k": 1, "scored": "after"}
    for pmf in both(distribution):
        result = decode(pmf, policy, **switches)
        plain = decode(both(distribution)[0], parse_policy("topk:k=1,by=random"), **switches)
        assert result.accuracy == plain.accuracy == 1
        assert "accuracy" in result.errors


# --- Credit ------------------------------------------------------------------------------------------------------


@given(
    distribution=LAWS,
    gamma=st.sampled_from(["0.5", "0.6", "0.9"]),
    alpha=st.sampled_from(["0", "0.7", "2"]),
    boost=st.sampled_from(["0.2", "1"]),
    top=st.sampled_from(["all", "lowest"]),
    block=st.sampled_from([None, 2]),
    floats=st.booleans(),
)
def test_credit(distribution, gamma, alpha, boost, top, block, floats):
    keys = {"gamma": gamma, "alpha": alpha, "boost": boost, "top": top}
    with localcontext() as context:
        context.prec = DIGITS
        own, steps = rp.distribution_and_steps(distribution, rp.Credit(**keys, block=block, real=decimal))
        wanted = {
            "accuracy": sum(own[y] for y in distribution),
            "kl": divergence(distribution, own),
            "steps": steps,
        }
    spec = ",".join(f"{name}={value}" for name, value in keys.items()) + (f",block={block}" if block else "")
    result = decode(both(distribution)[floats], parse_policy(f"credit:{spec}"))
    for name, value in wanted.items():
        check(result, name, value)


# --- ReMDM, conf -------------------------------------------------------------------------------------------------


@settings(max_examples=examples(5))
@given(
    distribution=st.sampled_from([(2, 2), (3, 2)]).flatmap(dyadic),
    steps=st.sampled_from([2, 3]),
    eta=st.sampled_from(["1", "1/3"]),
    block=st.sampled_from([None, 1]),
    floats=st.booleans(),
)
def test_remdm_conf(distribution, steps, eta, block, floats):
    with localcontext() as context:
        context.prec = DIGITS
        rule = slow.remdm(
            steps, eta, "conf", Fraction(1, 8), "sample", block, exp=lambda x: Fraction(decimal(x).exp())
        )
        truth = slow.run(distribution, rule)
        wanted = {
            "accuracy": sum(truth.distribution[y] for y in distribution),
            "kl": divergence(distribution, truth.distribution),
            "steps": Fraction(truth.steps),
        }
    spec = f"remdm:steps={steps},eta={eta},variant=conf,eps=1/8,final=sample" + (
        f",block={block}" if block else ""
    )
    result = decode(both(distribution)[floats], parse_policy(spec))
    for name, value in wanted.items():
        check(result, name, value)


# --- Floats without a proven error -------------------------------------------------------------------------------


class Whole:
    """Everything at once, with a float probability."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def distribution(self):
        return np.zeros(self.rows, dtype=np.int64), [((3, 1.0),)]

    def sizes(self):
        return np.full(self.rows, 2)

    def sample(self, uniforms):
        return uniforms >= 0


@dataclass(frozen=True, kw_only=True)
class Unproven(Rule):
    """A user-defined rule whose probabilities are floats."""

    rational: ClassVar[bool] = False

    def plan(self, view: View):
        return Whole(len(view.masked))


def test_floats_of_a_rule_of_ones_own_prove_nothing():
    result = decode(both({(0, 1): Fraction(1, 2), (1, 0): Fraction(1, 2)})[0], Unproven())
    assert result.accuracy == 0.5
    assert result.errors == {}
    assert result.distribution.error is None
    answer = decode_answer(make_task("shuffle", 2), Unproven())
    assert "errors" not in answer
    assert "without a proven bound" in answer["notes"]["accuracy"]


def test_a_rational_rule_must_give_rationals():
    class Careless(Unproven):
        rational: ClassVar[bool] = True

    with pytest.raises(
        InputError, match="chances that are no rationals; return Fractions, or say rational = False"
    ):
        decode(both({(0, 1): Fraction(1, 2), (1, 0): Fraction(1, 2)})[0], Careless())


def test_balls_are_no_rationals_either():
    halves = [((1, arb(1) / 2), (2, arb(1) / 2))]
    with pytest.raises(InputError, match="no rationals"):
        usable_distributions(halves, EXACT)
    found, proven = usable_distributions(halves, BALLS)
    assert proven
    assert [(chosen, float(p)) for chosen, p in found[0]] == [(1, 0.5), (2, 0.5)]


def test_answers_say_how_exact_they_are():
    answer = decode_answer(make_task("shuffle", 3), parse_policy("plackett_luce:k=2,alg_temp=1/3"))
    assert 0 < answer["errors"]["kl"] < SMALL_ERROR
    assert "notes" not in answer
    assert "notes" not in decode_answer(make_task("shuffle", 3), parse_policy("topk:k=2"))

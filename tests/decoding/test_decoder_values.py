"""The exact decoder: invariance, published and known values, valid sets, wrong input."""

from contextlib import suppress
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial, inf, isinf, perm, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.decoder_targets import FEW, TASKS, temperatures
from tests.helpers.strategies import rules, targets
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import step_bound
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import kl_divergence
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.validation import InputError

HALF = Fraction(1, 2)

# --- Invariance ----------------------------------------------------------------------------------------------


@given(target=targets(kinds=FEW), rule=rules(), tau=temperatures, data=st.data())
def test_relabelling_tokens(target, rule, tau, data):
    maps = []
    for i in range(target.n):
        tokens = sorted({y[i] for y in target.distribution}, key=str)
        maps.append(dict(zip(tokens, data.draw(st.permutations(["p", "q", "r"])), strict=False)))

    def rename(y):
        return tuple(m[v] for m, v in zip(maps, y, strict=True))

    policy = parse_policy(rule.spec)
    before = decode(target.exact, policy, temperature=tau)
    after = decode(
        JointPMF.from_mapping({rename(y): p for y, p in target.distribution.items()}), policy, temperature=tau
    )
    assert after.distribution == {rename(y): q for y, q in before.distribution.items()}
    for name in ("accuracy", "kl", "path_kl", "steps", "steps_under_data"):
        assert getattr(after, name) == getattr(before, name)


@given(
    target=targets(kinds=FEW),
    rule=rules(by=("confidence", "margin", "entropy", "random"), ties=("random", "all"), blocks=(None,)),
    tau=temperatures,
    data=st.data(),
)
def test_permuting_positions(target, rule, tau, data):
    order = data.draw(st.permutations(range(target.n)))
    moved = JointPMF.from_mapping({tuple(y[i] for i in order): p for y, p in target.distribution.items()})
    policy = parse_policy(rule.spec)
    before, after = decode(target.exact, policy, temperature=tau), decode(moved, policy, temperature=tau)
    assert after.distribution == {tuple(y[i] for i in order): q for y, q in before.distribution.items()}
    for name in ("accuracy", "kl", "path_kl", "steps", "steps_under_data"):
        assert getattr(after, name) == getattr(before, name)


def test_greedy_ties_lowest_is_the_lowest_token():
    pmf = JointPMF.uniform([("a", "d"), ("b", "c")])
    result = decode(pmf, parse_policy("topk:k=2"), temperature=0, greedy_ties="lowest")
    assert result.accuracy == 0  # a and c: no outcome
    assert result.kl == result.path_kl == inf
    one = decode(pmf, parse_policy("topk:k=1,by=left_to_right"), temperature=0, greedy_ties="lowest")
    assert one.distribution == {("a", "d"): 1, ("b", "c"): 0}


# --- Published and known values ------------------------------------------------------------------------------


@pytest.mark.grid(6)
@pytest.mark.parametrize("by", ["random", "confidence"])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_shuffle_top_k(n, by):
    pmf = JointPMF.uniform(permutations(range(n)))
    for k in range(1, n + 1):
        sizes = [k] * (n // k) + [n % k] * (n % k > 0)
        left = [n - k * t for t in range(len(sizes))]
        for tau in (0, 1):  # all marginals are uniform: greedy with random ties draws the same
            result = decode(pmf, parse_policy(f"topk:k={k},by={by}"), temperature=tau)
            assert result.accuracy == prod(
                Fraction(perm(m, s), m**s) for m, s in zip(left, sizes, strict=True)
            )
            assert result.kl == -LogNumber.log2(result.accuracy)
            assert result.steps == len(sizes)
    assert result.accuracy == Fraction(factorial(n), n**n)


@pytest.mark.grid(3)
@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_replace_random(n):
    pmf = JointPMF.from_mapping(ref.replace_random(n))
    one_step = decode(pmf, parse_policy(f"topk:k={n}"))
    assert one_step.accuracy == Fraction(n - 1, n) ** (n - 1)
    for k in range(1, n + 1):
        greedy = decode(pmf, parse_policy(f"topk:k={k},by=random"), temperature=0)
        last = n % k or k
        assert greedy.accuracy == (1 if last == 1 else HALF if last == 2 else 0)
    edge = Fraction(n - 1, n)
    for gamma, accuracy in [(edge, 1), (edge - Fraction(1, 1000), 0), (Fraction(1), 1)]:
        assert decode(pmf, parse_policy(f"threshold:gamma={gamma}"), temperature=0).accuracy == accuracy


def test_published_examples():
    cities = JointPMF.from_mapping(ref.city_names())
    assert decode(cities, parse_policy("topk:k=2,by=random")).accuracy == HALF
    assert decode(cities, parse_policy("topk:k=2,by=random")).kl == 1
    shuffle = JointPMF.uniform(permutations(range(4)))
    assert decode(shuffle, parse_policy("topk:k=2,by=random")).accuracy == Fraction(3, 8)  # 3!! / 4!!
    assert decode(shuffle, parse_policy("threshold:gamma=0.5")).steps == 4


def test_shuffle_of_six_in_pairs():
    result = decode(JointPMF.uniform(permutations(range(6))), parse_policy("topk:k=2,by=random"))
    assert result.accuracy == Fraction(15, 48)  # 5!! / 6!!
    assert result.kl == result.path_kl == LogNumber.log2(Fraction(48, 15))


def test_a_mixture_of_orders_beats_every_order():
    pmf = JointPMF.from_mapping(ref.replace_random(4))
    result = decode(pmf, parse_policy("topk:k=2,by=random"))
    assert result.kl < result.path_kl == step_bound(subset_entropies(pmf), [(0, 1), (2, 3)])


def test_kl_is_the_divergence_from_the_distribution():
    pmf = JointPMF.from_mapping(ref.replace_random(3))
    result = decode(pmf, parse_policy("topk:k=2,by=random"))
    rest = {**result.distribution, (9, 9, 9): 1 - result.accuracy}
    assert kl_divergence(pmf, JointPMF.from_mapping(rest)) == result.kl


def test_steps_of_own_runs_and_under_data_differ():
    pmf = JointPMF.from_mapping(TASKS["cities"])
    policy = parse_policy("topk:k=2,ties=all,block=2")
    assert decode(pmf, policy).steps == decode(pmf, policy).steps_under_data == 1
    pmf = JointPMF.uniform([(0, 1, 0, 0), (1, 0, 1, 1)])
    policy = parse_policy("threshold:gamma=0.5,strict=false,block=2")
    result = decode(pmf, policy)
    assert (result.steps, result.steps_under_data) == (2, 2)


def test_many_positions():
    word = JointPMF.uniform([range(70)])
    for spec, steps in [
        ("topk:k=1,by=left_to_right", 70),
        ("topk:k=3,ties=lowest", 24),
        ("threshold:gamma=0.9", 1),
    ]:
        result = decode(word, parse_policy(spec))
        assert (result.accuracy, result.steps, result.steps_under_data) == (1, steps, steps)
        assert result.kl == result.path_kl == 0
    bit = JointPMF.uniform([(0,) * 70, (1,) * 70])
    result = decode(bit, parse_policy("topk:k=2,by=left_to_right"))
    assert (result.accuracy, result.path_kl) == (HALF, 1)
    assert result.steps == result.steps_under_data == 35
    assert len(list(combinations(range(70), 2))) == 2415  # sets of two: far fewer than 2^70


def test_weights_beyond_64_bits():
    distribution = {(0, 0): 3**50, (0, 1): 5**40, (1, 1): 7**30}
    total = sum(distribution.values())
    distribution = {y: Fraction(w, total) for y, w in distribution.items()}
    result = decode(JointPMF.from_mapping(distribution), parse_policy("topk:k=2"))
    first, second = ref.marginal(distribution, [0]), ref.marginal(distribution, [1])
    assert result.distribution == {y: first[y[:1]] * second[y[1:]] for y in distribution}


# --- The valid set -------------------------------------------------------------------------------------------


def test_accuracy_on_a_part_of_the_support():
    pmf = JointPMF.uniform(permutations(range(3)))
    policy = parse_policy("topk:k=3")
    whole = decode(pmf, policy).accuracy
    kept = [(0, 1, 2), (1, 0, 2)]
    assert decode(pmf, policy, valid=kept).accuracy == whole / 3
    assert decode(pmf, policy, valid=iter(kept)).accuracy == whole / 3
    assert decode(pmf, policy, valid=[list(y) for y in kept]).accuracy == whole / 3
    assert decode(pmf, policy, valid=lambda y: y[2] == 2).accuracy == whole / 3
    assert decode(pmf, policy, valid=[]).accuracy == 0
    assert decode(pmf, policy, valid=[]).kl == decode(pmf, policy).kl


@pytest.mark.parametrize("collect", [list, iter, set])
def test_a_valid_set_beyond_the_support_is_refused(collect):
    pmf = JointPMF.uniform([(0, 1), (1, 0)])
    with pytest.raises(InputError, match="valid set must be a part of the support"):
        decode(pmf, parse_policy("topk:k=2"), valid=collect([(0, 1), (0, 0)]))


# --- Wrong input ---------------------------------------------------------------------------------------------


BAD = {
    "negative temperature": ({"temperature": -1}, "temperature must be at least 0, got -1"),
    "nan temperature": ({"temperature": float("nan")}, "temperature must be finite, got nan"),
    "infinite temperature": ({"temperature": inf}, "temperature must be finite, got inf"),
    "temperature in words": ({"temperature": "warm"}, "temperature must be a finite number.*got 'warm'"),
    "no temperature": ({"temperature": None}, "temperature must be a finite number.*got None"),
    "greedy ties": ({"greedy_ties": "first"}, "unknown greedy_ties 'first'; known: lowest, random"),
    "off support": ({"off_support": "crash"}, "unknown off_support 'crash'; known: marginal, stop, uniform"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    given_, message = BAD[name]
    with pytest.raises(InputError, match=message):
        decode(JointPMF.uniform([(0, 1), (1, 0)]), parse_policy("topk:k=1"), **given_)


@pytest.mark.parametrize("tau", ["1e-400", "1e400"])
def test_extreme_temperatures(tau):
    # far below and far above every float: practically greedy and uniform, or refused, but never a traceback
    pmf = JointPMF.from_pairs([("a",), ("b",)], [Fraction(3, 4), Fraction(1, 4)])
    with suppress(InputError):
        result = decode(pmf, parse_policy("topk:k=1"), temperature=tau)
        assert result.distribution[("a",)] == pytest.approx(1.0 if tau == "1e-400" else 0.5)


def test_too_many_sets_are_refused_before_they_are_listed():
    # 40 equal scores, 20 places: 1.4e11 sets
    with pytest.raises(CostError):
        decode(JointPMF.uniform([range(40)]), parse_policy("topk:k=20"))


def test_infinite_kl_is_a_float():
    pmf = JointPMF.from_pairs([("a",), ("b",)], [Fraction(3, 4), Fraction(1, 4)])
    for form in (pmf, JointPMF.from_pairs(pmf.outcomes, pmf.floats().tolist())):
        result = decode(form, parse_policy("topk:k=1"), temperature=0)
        assert isinf(result.kl)
        assert isinf(result.path_kl)

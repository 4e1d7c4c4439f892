"""Unmasking policies: the distribution of the chosen set against the reference rules, specifications, errors."""

from collections import Counter
from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.helpers.draws import examples
from tests.helpers.policy_views import batches, distributions, exact_view, expected, float_view
from tests.helpers.strategies import rules
from tests.helpers.tolerance import FAMILY_WISE
from tests.reference import definitions as ref
from tests.reference import rules as reference_rules
from theory.policies import SCORES, parse_policy, registered_policies
from theory.policies.process import Process
from theory.policies.ranked import Ranked
from theory.policies.rules.factor import Factor
from theory.policies.rules.info_gain import WinnerPlan
from theory.policies.rules.threshold import Threshold
from theory.policies.rules.topk import TopK
from theory.validation import InputError

HALF = Fraction(1, 2)


EXAMPLES = {
    "ancestral": "ancestral:steps=2",
    "bisection": "bisection:order=1",
    "credit": "credit:gamma=0.9",
    "demask": "demask:budget=0.3",
    "dinfer": "dinfer:gamma=0.9",
    "dllm": "dllm:steps=2",
    "dream": "dream:steps=2",
    "dus": "dus:base=2",
    "eb": "eb:gamma=0.1",
    "editing": "editing",
    "entropy_sum": "entropy_sum:eta=1",
    "factor": "factor:f=1.0",
    "frechet": "frechet:delta=1/4",
    "hierarchy": "hierarchy:gamma=0.9",
    "info_gain": "info_gain:candidates=8",
    "klass": "klass:tau=0.6,eps=0.01",
    "llada": "llada:steps=2",
    "lopa": "lopa:gamma=0.9,k=2",
    "maskgit": "maskgit:steps=2",
    "mean_field": "mean_field:tau=0.9",
    "p2": "p2:steps=3",
    "pc": "pc:k=2",
    "plackett_luce": "plackett_luce:k=2,alg_temp=0.2",
    "prophet": "prophet:steps=3",
    "rcr": "rcr:steps=2",
    "remdm": "remdm:steps=2,eta=1/5,variant=rescale",
    "remdm_llada": "remdm_llada:steps=2,extra=1",
    "saber": "saber",
    "sizes": "sizes:sizes=2+1",
    "slowfast": "slowfast:explore=3",
    "threshold": "threshold:gamma=0.9",
    "topk": "topk:k=2",
    "wino": "wino",
}


# --- The distribution of the set --------------------------------------------------------------------------------------


@given(batch=batches(), rule=rules())
def test_distribution_of_the_chosen_set(batch, rule):
    rows, masked = batch
    policy = parse_policy(rule.spec)
    truth = expected(rule, rows, masked)
    assert distributions(policy, exact_view(rows, masked)) == truth
    assert distributions(policy, float_view(rows, masked)) == truth
    sizes = policy.plan(exact_view(rows, masked)).sizes()
    assert all(
        {len(chosen) for chosen in distribution} == {int(size)}
        for distribution, size in zip(truth, sizes, strict=True)
    )


@given(batch=batches(st.integers(1, 10**6)), rule=rules())
def test_distribution_of_the_chosen_set_without_ties(batch, rule):
    rows, masked = batch
    assert distributions(parse_policy(rule.spec), exact_view(rows, masked)) == expected(rule, rows, masked)


@given(batch=batches(), rule=rules(), data=st.data())
def test_revealed_positions_are_ignored(batch, rule, data):
    rows, masked = batch
    policy = parse_policy(rule.spec)
    truth = distributions(policy, exact_view(rows, masked))
    width = len(rows[0][0])
    fill = data.draw(st.sampled_from([[Fraction(0)] * width, [Fraction(1)] + [Fraction(0)] * (width - 1)]))
    hidden = [
        [p if m else fill for p, m in zip(r, ms, strict=True)] for r, ms in zip(rows, masked, strict=True)
    ]
    assert distributions(policy, exact_view(hidden, masked)) == truth
    assert distributions(policy, float_view(hidden, masked)) == truth


@given(batch=batches(), rule=rules())
def test_rows_do_not_influence_each_other(batch, rule):
    rows, masked = batch
    policy = parse_policy(rule.spec)
    one_by_one = [distributions(policy, exact_view([r], [m]))[0] for r, m in zip(rows, masked, strict=True)]
    assert distributions(policy, exact_view(rows, masked)) == one_by_one


@given(batch=batches(), rule=rules(), data=st.data())
def test_the_order_of_tokens_does_not_matter(batch, rule, data):
    rows, masked = batch
    order = data.draw(st.permutations(range(len(rows[0][0]))))
    turned = [[[p[v] for v in order] for p in row] for row in rows]
    policy = parse_policy(rule.spec)
    assert distributions(policy, exact_view(turned, masked)) == distributions(
        policy, exact_view(rows, masked)
    )


@given(
    batch=batches(),
    rule=rules(by=("confidence", "margin", "entropy", "random"), ties=("random", "all"), blocks=(None,)),
    data=st.data(),
)
def test_a_rule_that_knows_no_positions_commutes_with_their_permutations(batch, rule, data):
    rows, masked = batch
    order = data.draw(st.permutations(range(len(rows[0]))))
    policy = parse_policy(rule.spec)
    moved_rows, moved_masks = [[r[i] for i in order] for r in rows], [[m[i] for i in order] for m in masked]
    moved = distributions(policy, exact_view(moved_rows, moved_masks))
    back = [
        {frozenset(order[i] for i in chosen): p for chosen, p in distribution.items()}
        for distribution in moved
    ]
    assert back == distributions(policy, exact_view(rows, masked))


@given(batch=batches(), rule=rules())
@settings(max_examples=examples(8))
def test_samples_follow_the_distribution(batch, rule):
    rows, masked = ([r[0]] for r in batch)
    policy = parse_policy(rule.spec)
    (distribution,) = distributions(policy, exact_view(rows, masked))
    size, n = 2000, len(rows[0])
    uniforms = np.random.default_rng(1).random((size, n))
    chosen = policy.plan(float_view(rows * size, masked * size)).sample(uniforms)
    counts = Counter(frozenset(np.flatnonzero(row).tolist()) for row in chosen)
    assert set(counts) <= set(distribution)
    for positions, p in distribution.items():
        test = stats.binomtest(counts[positions], size, float(p))
        assert test.pvalue > FAMILY_WISE / (40 * 20)


@pytest.mark.parametrize("u", [0.0, 0.3, 0.4, 0.6, 0.7, 0.99])
def test_the_winner_of_two_equal_draws_is_the_third_its_number_falls_in(u):
    view = float_view([[[0.5, 0.5]] * 3], [[True] * 3])
    sets, values = [(0,), (1,), (2,)], np.array([[0.0, 1.0, 2.0]])
    base = np.array([[True, False, False]])  # the worst set, against one drawn uniformly
    plan = WinnerPlan(view, base, np.zeros((1, 3)), np.array([False]), sets, values, 1)
    assert plan.sample(np.array([[u, 0.5, 0.5]])).tolist() == [[int(3 * u) == i for i in range(3)]]


# --- Scores --------------------------------------------------------------------------------------------------


@given(batch=batches())
def test_scores(batch):
    rows, masked = batch
    for by, score in SCORES.items():
        exact, floats = score(exact_view(rows, masked)), score(float_view(rows, masked))
        assert exact.shape == floats.shape == np.shape(masked)
        for b, i in np.ndindex(*np.shape(masked)):
            form = reference_rules.score({v: p for v, p in enumerate(rows[b][i]) if p}, i, by)
            value = exact[b, i]
            assert getattr(value, "terms", None) == form or Fraction(str(value)) == form.get(2, 0)
            assert floats[b, i] == pytest.approx(ref.to_float(form), abs=1e-14)


def test_the_set_of_scores_is_pinned():
    assert sorted(SCORES) == ["confidence", "entropy", "left_to_right", "margin", "random"]
    assert sorted(SCORES) == sorted(reference_rules.SCORES)


# --- Hand-computed cases -------------------------------------------------------------------------------------


FIVE = [
    [HALF, HALF, 0, 0],
    [Fraction(3, 5), Fraction(3, 10), Fraction(1, 10), 0],
    [HALF, Fraction(1, 4), Fraction(1, 4), 0],
    [1, 0, 0, 0],
    [Fraction(1, 4)] * 4,
]


CASES = {
    "topk:k=1": {(3,): 1},
    "topk:k=3": {(0, 1, 3): HALF, (1, 2, 3): HALF},
    "topk:k=3,ties=lowest": {(0, 1, 3): 1},
    "topk:k=3,ties=all": {(0, 1, 2, 3): 1},
    "topk:k=3,by=margin": {(1, 2, 3): 1},
    "topk:k=2,by=entropy": {(0, 3): 1},
    "topk:k=2,by=left_to_right": {(0, 1): 1},
    "topk:k=1,by=random": {(i,): Fraction(1, 5) for i in range(5)},
    "topk:k=1,by=random,ties=lowest": {(0,): 1},
    "topk:k=1,by=random,ties=all": {(0, 1, 2, 3, 4): 1},
    "topk:k=1,block=2": {(1,): 1},
    "topk:k=9,block=3": {(0, 1, 2): 1},
    "topk:k=4": {(0, 1, 2, 3): 1},
    "topk:k=4,remainder=first,ties=lowest": {(0, 1, 3): 1},  # five in two steps: three, then two
    "threshold:gamma=0.5": {(1, 3): 1},
    "threshold:gamma=0.5,strict=false": {(0, 1, 2, 3): 1},
    "threshold:gamma=1": {(3,): 1},
    "threshold:gamma=1,strict=false": {(3,): 1},
    "threshold:gamma=-1,by=entropy,strict=false": {(0, 3): 1},
    "threshold:gamma=0,by=random": {(i,): Fraction(1, 5) for i in range(5)},
    "threshold:gamma=0,by=random,strict=false": {(0, 1, 2, 3, 4): 1},
    "threshold:gamma=0.9,block=2": {(1,): 1},
    # (m + 1)(1 - c_(m)) = 0, 6/5, 2, 5/2, 9/2
    "factor:f=1": {(3,): 1},
    "factor:f=6/5": {(3,): 1},
    "factor:f=6/5,strict=false": {(1, 3): 1},
    "factor:f=2.1": {(0, 1, 3): HALF, (1, 2, 3): HALF},
    "factor:f=5": {(0, 1, 2, 3, 4): 1},
    "factor:f=1/100": {(3,): 1},
}


@pytest.mark.parametrize("spec", CASES)
@pytest.mark.parametrize("view", [exact_view, float_view])
def test_known_sets(spec, view):
    (distribution,) = distributions(parse_policy(spec), view([FIVE], [[True] * 5]))
    assert {tuple(sorted(chosen)): p for chosen, p in distribution.items()} == CASES[spec]


@pytest.mark.parametrize(("n", "block"), [(4, None), (10, None), (7, 3), (6, 2), (5, 8)])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("remainder", ["last", "first"])
def test_sizes_of_a_whole_decode(n, block, k, remainder):
    masked, sizes = [True] * n, []
    policy = TopK(k=k, by="left_to_right", remainder=remainder, block=block)
    while any(masked):
        (distribution,) = distributions(policy, exact_view([[[1]] * n], [masked]))
        ((chosen, _),) = distribution.items()
        sizes.append(len(chosen))
        masked = [m and i not in chosen for i, m in enumerate(masked)]
    wanted = []
    for size in [min(block or n, n - start) for start in range(0, n, block or n)]:
        steps = -(-size // k)
        if remainder == "first":
            wanted += [size // steps + (t < size % steps) for t in range(steps)]
        else:
            wanted += [k] * (size // k) + [size % k] * (size % k > 0)
    assert sizes == wanted


def test_floats_within_the_tolerance_tie_and_others_do_not():
    near, far = 0.6 + 1e-12, 0.6 + 1e-6
    for last, wanted in [(near, {(0,): HALF, (1,): HALF}), (far, {(1,): 1})]:
        (distribution,) = distributions(
            TopK(k=1), float_view([[[0.6, 0.4], [last, 1 - last]]], [[True, True]])
        )
        assert {tuple(chosen): p for chosen, p in distribution.items()} == wanted
    third = [1 / 3] * 3
    assert (
        len(
            distributions(
                Threshold(gamma=Fraction(1, 3), strict=False), float_view([[third] * 2], [[True] * 2])
            )[0]
        )
        == 1
    )
    assert (
        len(distributions(Threshold(gamma=Fraction(1, 3)), float_view([[third] * 2], [[True] * 2]))[0]) == 2
    )


def test_exact_numbers_tie_only_when_equal():
    eps = Fraction(1, 10**30)
    rows = [[[HALF, HALF], [HALF + eps, HALF - eps]]]
    assert distributions(TopK(k=1), exact_view(rows, [[True, True]])) == [{frozenset({1}): 1}]
    assert distributions(TopK(k=1, by="margin"), exact_view(rows, [[True, True]])) == [{frozenset({1}): 1}]
    assert distributions(TopK(k=1, by="entropy"), exact_view(rows, [[True, True]])) == [{frozenset({1}): 1}]
    assert distributions(Threshold(gamma=HALF), exact_view(rows, [[True, True]])) == [{frozenset({1}): 1}]


def test_entropies_that_agree_in_value_tie():
    # H(1/2, 1/8 x 4) = 2 bits = H(1/4 x 4), from different numbers
    rows = [[[HALF, *[Fraction(1, 8)] * 4], [*[Fraction(1, 4)] * 4, 0]]]
    assert len(distributions(TopK(k=1, by="entropy"), exact_view(rows, [[True, True]]))[0]) == 2


def test_every_masked_subset_gets_a_part_of_itself():
    rng = Random(3)
    rows = [[[Fraction(w, 6) for w in rng.choice([(1, 2, 3), (2, 2, 2), (6, 0, 0)])] for _ in range(4)]] * 15
    masked = [list(m) for m in product([False, True], repeat=4) if any(m)]
    memoryless = [s for s in EXAMPLES.values() if hasattr(made := parse_policy(s), "plan") and not made.asks]
    memoryless = [s for s in memoryless if not isinstance(parse_policy(s), Process)]
    for name, block in product(memoryless, ("", ",block=2", ",block=3")):
        idle = parse_policy(name).clocked  # a rule that goes by the clock may wait
        for distribution, mask in zip(
            distributions(parse_policy(name + block), exact_view(rows, masked)), masked, strict=True
        ):
            assert all((chosen or idle) and all(mask[i] for i in chosen) for chosen in distribution)


def test_a_count_out_of_range_is_refused():
    view = float_view([[[1.0], [1.0]]], [[True, False]])
    for take in (0, 2):
        plan = Ranked(view, np.zeros((1, 2)), np.array([take]), "random")
        with pytest.raises(InputError, match=f"between 1 and 1 positions here, got {take}"):
            plan.distribution()
        with pytest.raises(InputError, match=f"between 1 and 1 positions here, got {take}"):
            plan.sizes()


# --- Specifications ------------------------------------------------------------------------------------------


def test_the_registry_is_pinned():
    assert list(registered_policies()) == sorted(EXAMPLES)
    for name, cls in registered_policies().items():
        assert (cls.name, cls.example) == (name, EXAMPLES[name])
        assert isinstance(parse_policy(cls.example), cls)


@settings(max_examples=examples(50))
@given(rule=rules())
def test_a_specification_survives_the_round_trip(rule):
    policy = parse_policy(rule.spec)
    assert parse_policy(str(policy)) == policy
    assert str(parse_policy(str(policy))) == str(policy)
    assert hash(parse_policy(str(policy))) == hash(policy)


EQUAL = [
    ("topk:k=2", TopK(k=2)),
    (" topk:k=2 ", TopK(k=2)),
    ("topk:by=random,k=2", TopK(k=2, by="random")),
    ("topk: k=2, by=random", TopK(k=2, by="random")),
    ("topk:k=2,block=4,ties=all,remainder=first", TopK(k=2, block=4, ties="all", remainder="first")),
    ("threshold:gamma=0.9", Threshold(gamma=Fraction(9, 10))),
    ("threshold:gamma=9/10", Threshold(gamma="0.90")),
    ("threshold:gamma=.9", Threshold(gamma=0.9)),
    ("threshold:gamma=9e-1,strict=FALSE", Threshold(gamma=0.9, strict=False)),
    ("factor:f=1", Factor(f=1.0)),
    ("factor:f=1.0,strict=true", Factor(f=1)),
]


@pytest.mark.parametrize(("spec", "policy"), EQUAL)
def test_specifications(spec, policy):
    assert parse_policy(spec) == policy


def test_text_of_a_policy():
    assert str(TopK(k=2)) == "topk:k=2"
    assert str(Threshold(gamma=0.9, strict=False, block=4)) == "threshold:gamma=9/10,block=4,strict=false"


BAD = {
    "": "unknown policy ''; known: .*factor, .*threshold, topk",
    "top": "unknown policy 'top'; known: .*factor, .*threshold, topk",
    "TopK:k=2": "unknown policy 'TopK'",
    "topk": "policy 'topk' needs 'k', for example topk:k=2",
    "topk:": "policy 'topk' needs 'k'",
    "topk:by=random": "policy 'topk' needs 'k'",
    "threshold": "policy 'threshold' needs 'gamma', for example threshold:gamma=0.9",
    "factor": "policy 'factor' needs 'f', for example factor:f=1.0",
    "topk:k": r"'k' must have the form key=value",
    "topk:k=": r"'k=' must have the form key=value",
    "topk:2": r"'2' must have the form key=value",
    "topk:k=2,k=3": "'k' is given twice",
    "topk:k=2,size=3": "policy 'topk' has no key 'size'; known: block, by, confidence, k, remainder, ties",
    "topk:k=2,strict=false": "policy 'topk' has no key 'strict'",
    "topk:k=2,name=x": "has no key 'name'",
    "topk:k=0": "k must be a whole number of at least 1, got '0'",
    "topk:k=-1": "k must be a whole number of at least 1, got '-1'",
    "topk:k=1.5": "k must be a whole number of at least 1, got '1.5'",
    "topk:k=two": "k must be a whole number of at least 1, got 'two'",
    "topk:k=2,block=0": "block must be a whole number of at least 1, got '0'",
    "topk:k=2,block=none": "block must be .*got 'none'",
    "topk:k=2,by=best": "unknown score 'best'; known: confidence, entropy, left_to_right, margin, random",
    "topk:k=2,ties=first": "unknown ties 'first'; known: all, lowest, random",
    "topk:k=2,remainder=middle": "unknown remainder 'middle'; known: first, last",
    "threshold:gamma=high": "gamma must be a finite number.*got 'high'",
    "threshold:gamma=nan": "gamma must be a finite number.*got 'nan'",
    "threshold:gamma=inf": "gamma must be a finite number.*got 'inf'",
    "threshold:gamma=1/0": "gamma must be a finite number.*got '1/0'",
    "threshold:gamma=0.9,strict=maybe": "unknown value of strict 'maybe'; known: false, true",
    "factor:f=0": "f must be positive, got 0",
    "factor:f=-1": "f must be positive, got -1",
    "factor:f=nan": "f must be a finite number.*got 'nan'",
    "random:k=2": "unknown policy 'random'",
}


@pytest.mark.parametrize("spec", BAD)
def test_wrong_specifications(spec):
    with pytest.raises(InputError, match=BAD[spec]):
        parse_policy(spec)


@pytest.mark.parametrize("spec", ["topk:k=1e30", "topk:k=1e30,remainder=first", "topk:k=2,block=1e30"])
def test_sizes_beyond_every_sequence_take_all(spec):
    # a block beyond the end is the whole sequence: the two best are 1 and 3
    whole = {frozenset(range(5)): 1} if spec.startswith("topk:k=1e30") else {frozenset({1, 3}): 1}
    assert distributions(parse_policy(spec), exact_view([FIVE], [[True] * 5])) == [whole]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TopK(k=0), "k must be a whole number of at least 1, got 0"),
        (lambda: TopK(k=2, by="size"), "unknown score 'size'"),
        (lambda: TopK(k=2, ties="some"), "unknown ties 'some'"),
        (lambda: Threshold(gamma=float("nan")), "gamma must be a finite number.*got nan"),
        (lambda: Threshold(gamma=0.5, strict="no"), "strict"),
        (lambda: Factor(f=-0.5), "f must be positive, got -1/2"),
    ],
)
def test_wrong_parameters(make, message):
    with pytest.raises(InputError, match=message):
        make()

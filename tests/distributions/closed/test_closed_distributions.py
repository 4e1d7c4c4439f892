"""Laws in closed form equal listed laws on every state, runs on them exact decodes; answers say what they are."""

from fractions import Fraction
from itertools import product
from math import comb, log2

import numpy as np
import pytest

from synthetic import make_task
from synthetic.laws import Arrangements
from tests.helpers.intervals import assert_frequencies, assert_mean
from theory.commands.decode import decode_answer
from theory.commands.decode_structured import _constant, sampled_decode
from theory.decoding.decoder import decode
from theory.distributions.closed.bernoulli_walk import WalkLaw
from theory.distributions.closed.codes import ParityLaw, RepeatedLaw, SureLaw
from theory.distributions.closed.hidden_place import PlaceLaw
from theory.distributions.closed.one_hot_blocks import BlocksLaw
from theory.distributions.closed.reed_solomon import ReedSolomonLaw
from theory.distributions.distribution import MASK
from theory.distributions.parametric.batched_model import LawModel
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies import parse_policy
from theory.sampling.closed_distribution import closed_law
from theory.sampling.runs import follow_data, sample_runs
from theory.sampling.teacher_forcing import NoPathError


def _renamed(task, law):
    """The outcomes of the task as ids of its law, shape (N, n): the meaning of ids is written out here."""
    rows = [tuple(y) for y in task.contexts()[0].law.pmf().outcomes]
    names = {
        "insert_random": lambda p, y: 2 if y == task.n else y - p + 1,  # before, own, new
        "remove_random": lambda p, y: y - p,  # own, next
        "replace_random": lambda _, y: int(y == task.n),
        "copy": lambda p, y: y - p,
        "insert_index": lambda *_: 0,
    }
    name = names.get(task.name, lambda _, y: y)
    assert len(rows) == len(set(rows))
    return np.array([[name(p, y) for p, y in enumerate(row)] for row in rows]).reshape(len(rows), law.n)


CASES = [
    ("one_hot_blocks:block=2", 4),
    ("one_hot_blocks:block=3", 6),
    ("one_hot_blocks:block=2", 6),
    ("one_hot_blocks:block=5", 5),
    ("bernoulli_walk", 2),
    ("bernoulli_walk", 5),
    ("insert_random", 1),
    ("insert_random", 4),
    ("remove_random", 2),
    ("remove_random", 6),
    ("replace_random", 1),
    ("replace_random", 5),
    ("parity", 2),
    ("parity", 5),
    ("repeated_bit", 2),
    ("repeated_bit", 5),
    ("reed_solomon", 2),
    ("reed_solomon", 4),
    ("reed_solomon:dimension=1", 3),
    ("reed_solomon:dimension=2,order=5", 3),
    ("reed_solomon:dimension=3", 3),
    ("shuffle", 4),
    ("shuffle_strict", 4),
    ("copy", 3),
    ("insert_index", 3),
]


def _case(name, n):
    task = make_task(name, n)
    law = closed_law(task)
    assert law is not None
    return task, law, _renamed(task, law)


def _states(law):
    return np.array(list(product(range(-1, len(law.tokens)), repeat=law.n)))


def _counts(law, outcomes, states):
    """How many outcomes agree with each state and show v at i: shape (B, n, V)."""
    agree = ((states[:, None] == MASK) | (states[:, None] == outcomes[None])).all(axis=2)
    shown = np.eye(len(law.tokens), dtype=int)[outcomes]
    return np.einsum("bo,oiv->biv", agree.astype(int), shown)


@pytest.mark.parametrize(("name", "n"), CASES)
def test_marginals_equal_the_listed_law_on_every_state(name, n):
    _, law, outcomes = _case(name, n)
    states = _states(law)
    counts = _counts(law, outcomes, states)
    total = counts.sum(axis=2, keepdims=True)
    start = _counts(law, outcomes, np.full((1, law.n), MASK)) / len(outcomes)
    expected = np.where(total > 0, counts / np.maximum(total, 1), start)
    assert abs(law.conditional(states) - expected).max() < 1e-15
    model = LawModel(law)
    impossible = (total[:, 0, 0] == 0).tolist()
    assert model.impossible(states, law.conditional(states)).tolist() == impossible


@pytest.mark.parametrize(("name", "n"), CASES)
def test_outcomes_equal_the_listed_law(name, n):
    _, law, outcomes = _case(name, n)
    rows = _states(law)
    known = set(map(tuple, outcomes.tolist()))
    possible = np.array([tuple(row) in known for row in rows.tolist()])
    assert law.contains(rows).tolist() == possible.tolist()
    bits = law.log_prob(rows)
    assert bits[possible].tolist() == pytest.approx([-log2(len(outcomes))] * len(outcomes), abs=1e-12)
    assert (bits[~possible] == -np.inf).all()
    assert law.largest_surprise() == pytest.approx(log2(len(outcomes)), abs=1e-12)
    listed = law.pmf()
    assert (len(listed), listed.n) == (len(outcomes), law.n)
    drawn = law.sample(np.random.default_rng(n), 20_000)
    assert law.contains(drawn).all()
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert_frequencies(counts, np.full(len(outcomes), 1 / len(outcomes)), 20_000, (name, n))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_left_out_positions(name, n):
    _, law, outcomes = _case(name, n)
    states = _states(law)
    expected = np.zeros((len(states), law.n, len(law.tokens)))
    start = _counts(law, outcomes, np.full((1, law.n), MASK))[0] / len(outcomes)
    for i in range(law.n):
        without = states.copy()
        without[:, i] = MASK
        counts = _counts(law, outcomes, without)[:, i]
        total = counts.sum(axis=1, keepdims=True)
        expected[:, i] = np.where(total > 0, counts / np.maximum(total, 1), start[i])
    assert abs(LawModel(law).left_out(states) - expected).max() < 1e-15


@pytest.mark.parametrize(("name", "n"), CASES)
def test_how_often_tokens_occur(name, n):
    task, law, outcomes = _case(name, n)
    rows = [tuple(y) for y in task.contexts()[0].law.pmf().outcomes]
    flat = [token for row in rows for token in row]
    background = LawModel(law).background()
    for ids, row in zip(outcomes, rows, strict=True):
        for i, token in enumerate(row):
            assert background[i, ids[i]] == pytest.approx(flat.count(token) / len(flat), abs=1e-15)


@pytest.mark.parametrize(
    "law", [BlocksLaw(block=2, copies=2), WalkLaw(3), PlaceLaw(3, "insert"), ParityLaw(3)]
)
def test_unknown_ids_are_impossible(law):
    for bad in (-2, len(law.tokens)):
        state = np.array([[bad, *[MASK] * (law.n - 1)]])
        start = law.conditional(np.full((1, law.n), MASK))
        assert np.array_equal(law.conditional(state), start)
        assert not law.contains(np.array([[bad] * law.n])).any()


def test_long_walks_are_exact_to_the_last_digits():
    n, rng = 900, np.random.default_rng(1)
    law = WalkLaw(n)
    y = law.sample(rng, 1)
    shown = np.where(rng.random((1, n)) < 0.004, y, MASK)
    probs = law.conditional(shown)[0]
    assert abs(probs.sum(axis=1) - 1).max() < 1e-12
    known = np.flatnonzero(shown[0] != MASK).tolist()
    assert len(known) > 1
    for i in rng.choice(n, 40).tolist():
        below = max((p for p in known if p <= i), default=-1)
        above = min((p for p in known if p >= i), default=None)
        u, d = (int(y[0, below]) if below >= 0 else 0), i - below
        for v in (*rng.choice(n, 5).tolist(), int(probs[i].argmax()), u):
            if above == below:
                exact = Fraction(int(v == u))
            elif above is None:
                exact = Fraction(comb(d, v - u) if v >= u else 0, 2**d)
            else:
                gap, ones = above - below, int(y[0, above]) - u
                ways = comb(d, v - u) * comb(gap - d, u + ones - v) if u <= v <= u + ones else 0
                exact = Fraction(ways, comb(gap, ones))
            assert probs[i, v] == pytest.approx(float(exact), rel=1e-14, abs=0)


def test_walks_beyond_a_thousand_are_refused_in_one_line():
    with pytest.raises(CostError, match="up to 1023 positions; use a smaller n"):
        decode_answer(make_task("bernoulli_walk", 1100), parse_policy("factor:f=3"))


# -- runs against exact decodes ---------------------------------------------------------------------------------

TOP = tuple(f"topk:k={k},by={by}" for k in range(1, 7) for by in ("confidence", "margin", "entropy"))
OTHER = (
    "topk:k=2,by=random,remainder=first",
    "topk:k=3,remainder=first",
    "topk:k=2,block=2",
    "topk:k=2,ties=lowest",
    "topk:k=1,ties=all,by=margin",
    "topk:k=2,confidence=sampled",
    "threshold:gamma=0.6",
    "threshold:gamma=0.4,block=3",
    "factor:f=1",
    "factor:f=3/2,by=margin",
    "eb:gamma=1",
    "klass:tau=0.6,eps=0.01",
    "wino",
    "pc:k=2",
    "plackett_luce:k=2,alg_temp=0.5",
    "demask:budget=0.3",
    "bisection:order=1",
)
RUNS = [
    ("one_hot_blocks:block=3", 6),
    ("one_hot_blocks", 4),
    ("bernoulli_walk", 4),
    ("insert_random", 4),
    ("remove_random", 5),
    ("replace_random", 4),
    ("parity", 4),
    ("repeated_bit", 4),
    ("reed_solomon", 3),
]
SAMPLES = 2000


def _compare(task, law, spec, switches, seed):
    rule = parse_policy(spec)
    exact = decode(task.contexts()[0].law.pmf(), rule, **switches)
    label = (task.name, spec, switches)
    runs = sample_runs(law, rule, samples=SAMPLES, rng=np.random.default_rng([seed, 0]), **switches)
    done = int(law.contains(runs.tokens).sum())
    assert_frequencies([done], [float(exact.accuracy)], SAMPLES, label)
    assert_mean(runs.steps, float(exact.steps), span=30.0, label=label)
    try:
        plain = {key: value for key, value in switches.items() if key != "off_support"}
        seen = follow_data(law, rule, samples=SAMPLES, rng=np.random.default_rng([seed, 1]), **plain)
    except NoPathError:
        assert exact.path_kl is None
        return
    assert exact.path_kl is not None
    assert exact.steps_under_data is not None
    assert_mean(seen.steps, float(exact.steps_under_data), span=30.0, label=label)
    tau = float(Fraction(switches.get("temperature", 1)))
    if tau and "top_p" not in switches and not seen.tilted:
        span = law.largest_surprise() + law.n * max(1, 1 / tau) * log2(max(2, len(law.tokens)))
        assert_mean(seen.log_p + seen.expected, float(exact.path_kl), span=span, label=label)


@pytest.mark.parametrize(("name", "n"), RUNS)
def test_runs_equal_exact_decodes(name, n):
    task, law, _ = _case(name, n)
    for seed, spec in enumerate((*TOP, *OTHER)):
        _compare(task, law, spec, {}, seed)


@pytest.mark.parametrize(("name", "n"), [("one_hot_blocks", 4), ("bernoulli_walk", 4), ("insert_random", 4)])
def test_switches_of_runs_equal_exact_decodes(name, n):
    task, law, _ = _case(name, n)
    specs = ("topk:k=2", "topk:k=3,by=entropy", "threshold:gamma=0.6", "wino", "factor:f=1,block=2")
    choices = (
        {"temperature": 0},
        {"temperature": 0, "greedy_ties": "lowest"},
        {"temperature": "1/2"},
        {"off_support": "stop"},
        {"off_support": "uniform"},
        {"top_p": "0.7"},
    )
    for seed, (spec, switches) in enumerate(product(specs, choices)):
        _compare(task, law, spec, switches, 100 + seed)


@pytest.mark.parametrize(("name", "n"), [*RUNS, ("shuffle", 3), ("shuffle_strict", 3), ("copy", 3)])
def test_where_q_is_said_to_be_constant_it_is(name, n):
    task, law, _ = _case(name, n)
    switches = (
        {},
        {"temperature": 0},
        {"temperature": 0, "greedy_ties": "lowest"},
        {"temperature": "1/2"},
        {"top_p": "0.6"},
    )
    specs = (*TOP[3:9], *OTHER[:11])
    said = 0
    for spec, given in product(specs, switches):
        rule = parse_policy(spec)
        if _constant(law, rule, Transform(**given)):
            exact = decode(task.contexts()[0].law.pmf(), rule, **given)
            shares = {float(q) for q in exact.law.values()}
            assert max(shares) - min(shares) < 1e-12, (name, spec, given)
            said += 1
    alike = getattr(law, "places_alike", False) or getattr(law, "tokens_alike", False)
    assert (said > 15) == alike


# -- answers ------------------------------------------------------------------------------------------------------

KINDS = {
    "one_hot_blocks": (961, BlocksLaw(block=31, copies=31)),
    "bernoulli_walk": (100, WalkLaw(100)),
    "insert_random": (99, PlaceLaw(100, "insert")),
    "remove_random": (101, PlaceLaw(100, "remove")),
    "replace_random": (100, BlocksLaw(block=100, copies=1, items=True)),
    "parity": (100, ParityLaw(100)),
    "repeated_bit": (100, RepeatedLaw(100)),
    "reed_solomon": (20, ReedSolomonLaw(20, 10, 23)),
    "shuffle": (100, Arrangements(100)),
    "shuffle_strict": (100, Arrangements(100, identity=False)),
    "insert_index": (99, SureLaw(100)),
    "tree": (100, None),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_laws_of_tasks(name):
    n, law = KINDS[name]
    assert closed_law(make_task(name, n)) == law


def test_top_five_on_100_bits():
    task, rule = make_task("one_hot_blocks", 100), parse_policy("topk:k=5")
    answer = decode_answer(task, rule, samples=300, seed=1)
    assert answer == decode_answer(task, rule, samples=300, seed=1)
    kinds = dict.fromkeys(("accuracy", "kl", "path_kl"), "estimate")
    steps = dict.fromkeys(("steps", "steps_under_data", "tokens_per_step"), "exact")
    assert answer["arithmetic"] == {**kinds, **steps}
    assert answer["steps"] == 20
    accuracy = answer["accuracy"]
    assert answer["kl"]["low"] == -log2(accuracy["high"])
    assert answer["kl"]["high"] == -log2(accuracy["low"])
    assert accuracy["interval"] == answer["kl"]["interval"] == "exact"


@pytest.mark.parametrize(
    ("name", "n", "spec"),
    [
        ("one_hot_blocks", 36, "factor:f=1"),
        ("one_hot_blocks", 36, "topk:k=5,remainder=first,block=9"),
        ("bernoulli_walk", 40, "topk:k=2,by=margin,ties=all,block=8"),
        ("insert_random", 40, "klass"),
        ("remove_random", 40, "threshold:gamma=0.9,block=10"),
        ("replace_random", 40, "wino"),
        ("parity", 40, "slowfast:explore=3"),
        ("repeated_bit", 40, "klass"),
        ("reed_solomon", 20, "klass"),
        ("shuffle", 20, "hierarchy:gamma=0.9"),
        ("shuffle_strict", 20, "topk:k=2"),
        ("insert_index", 20, "wino"),
    ],
)
@pytest.mark.parametrize("temperature", [1, 0])
def test_every_rule_is_answered(name, n, spec, temperature):
    answer = decode_answer(make_task(name, n), parse_policy(spec), samples=20, temperature=temperature)
    assert answer["n"] == n
    assert answer["arithmetic"]["accuracy"] == "estimate"
    assert 0 <= answer["accuracy"]["low"] <= answer["accuracy"]["estimate"] <= answer["accuracy"]["high"] <= 1
    assert (answer["kl"] is None) == ("kl" in answer.get("notes", {}))
    assert answer["samples"] == 20


def test_what_is_exact_stays_exact():
    task = make_task("bernoulli_walk", 40)
    answer = decode_answer(task, parse_policy("bisection"), samples=20)
    assert answer["arithmetic"]["path_kl"] == answer["arithmetic"]["kl"] == "exact"
    assert answer["kl"] == 0  # by halves nothing is lost
    assert answer["exact"]["kl"] == "0"
    random = decode_answer(task, parse_policy("llada:steps=10"), samples=20)
    assert random["arithmetic"]["path_kl"] == "exact"
    assert random["arithmetic"]["accuracy"] == "estimate"


def test_what_is_too_expensive_says_how_many_samples_are_not():
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n") as found:
        decode_answer(make_task("bernoulli_walk", 1000), parse_policy("topk:k=2,by=random,block=10"))
    assert "\n" not in str(found.value)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+"):
        decode_answer(make_task("one_hot_blocks", 961), parse_policy("topk:k=5"), samples=10**7)


def test_the_decode_of_a_law_alone():
    law = BlocksLaw(block=3, copies=3)
    task = make_task("one_hot_blocks", 9)
    exact = decode(task.pmf(), parse_policy("topk:k=2"))
    found = sampled_decode(task, law, None, parse_policy("topk:k=2"), samples=5000, seed=3)
    assert_frequencies([round(found["accuracy"]["estimate"] * 5000)], [float(exact.accuracy)], 5000)

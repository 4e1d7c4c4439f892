"""Distributions in closed form equal listed ones on every state, runs on them exact decodes."""

from fractions import Fraction
from itertools import product
from math import comb, log2

import numpy as np
import pytest

from synthetic import make_task
from synthetic.distributions import Arrangements
from tests.helpers.intervals import assert_frequencies, assert_mean
from theory.commands.decode import decode_answer, sampled_answer
from theory.decoding.decoder import decode
from theory.decoding.tasks.route import closed_distribution
from theory.distributions.closed.bernoulli_walk import WalkDistribution
from theory.distributions.closed.codes import ParityDistribution, RepeatedDistribution, SureDistribution
from theory.distributions.closed.hidden_place import PlaceDistribution
from theory.distributions.closed.one_hot_blocks import BlocksDistribution
from theory.distributions.closed.reed_solomon import ReedSolomonDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.batched_model import DistributionModel
from theory.distributions.tempering import Transform
from theory.limits import CostError
from theory.policies import parse_policy
from theory.sampling.decode import _constant, decode_closed
from theory.sampling.runs import follow_data, sample_runs
from theory.sampling.teacher_forcing import NoPathError


def _renamed(task, distribution):
    """The outcomes of the task as ids of its distribution, shape (N, n): the meaning of ids is written out here."""
    rows = [tuple(y) for y in task.contexts()[0].distribution.pmf().outcomes]
    names = {
        "insert_random": lambda p, y: 2 if y == task.n else y - p + 1,  # before, own, new
        "remove_random": lambda p, y: y - p,  # own, next
        "replace_random": lambda _, y: int(y == task.n),
        "copy": lambda p, y: y - p,
        "insert_index": lambda *_: 0,
    }
    name = names.get(task.name, lambda _, y: y)
    assert len(rows) == len(set(rows))
    return np.array([[name(p, y) for p, y in enumerate(row)] for row in rows]).reshape(
        len(rows), distribution.n
    )


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
    distribution = closed_distribution(task)
    assert distribution is not None
    return task, distribution, _renamed(task, distribution)


def _states(distribution):
    return np.array(list(product(range(-1, len(distribution.tokens)), repeat=distribution.n)))


def _counts(distribution, outcomes, states):
    """How many outcomes agree with each state and show v at i: shape (B, n, V)."""
    agree = ((states[:, None] == MASK) | (states[:, None] == outcomes[None])).all(axis=2)
    shown = np.eye(len(distribution.tokens), dtype=int)[outcomes]
    return np.einsum("bo,oiv->biv", agree.astype(int), shown)


@pytest.mark.parametrize(("name", "n"), CASES)
def test_marginals_equal_the_listed_distribution_on_every_state(name, n):
    _, distribution, outcomes = _case(name, n)
    states = _states(distribution)
    counts = _counts(distribution, outcomes, states)
    total = counts.sum(axis=2, keepdims=True)
    start = _counts(distribution, outcomes, np.full((1, distribution.n), MASK)) / len(outcomes)
    expected = np.where(total > 0, counts / np.maximum(total, 1), start)
    assert abs(distribution.conditional(states) - expected).max() < 1e-15
    model = DistributionModel(distribution)
    impossible = (total[:, 0, 0] == 0).tolist()
    assert model.impossible(states, distribution.conditional(states)).tolist() == impossible


@pytest.mark.grid(every=2)
@pytest.mark.parametrize(("name", "n"), CASES)
def test_outcomes_equal_the_listed_distribution(name, n):
    _, distribution, outcomes = _case(name, n)
    rows = _states(distribution)
    known = set(map(tuple, outcomes.tolist()))
    possible = np.array([tuple(row) in known for row in rows.tolist()])
    assert distribution.contains(rows).tolist() == possible.tolist()
    bits = distribution.log_prob(rows)
    assert bits[possible].tolist() == pytest.approx([-log2(len(outcomes))] * len(outcomes), abs=1e-12)
    assert (bits[~possible] == -np.inf).all()
    assert distribution.largest_surprise() == pytest.approx(log2(len(outcomes)), abs=1e-12)
    listed = distribution.pmf()
    assert (len(listed), listed.n) == (len(outcomes), distribution.n)
    drawn = distribution.sample(np.random.default_rng(n), 20_000)
    assert distribution.contains(drawn).all()
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert_frequencies(counts, np.full(len(outcomes), 1 / len(outcomes)), 20_000, (name, n))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_left_out_positions(name, n):
    _, distribution, outcomes = _case(name, n)
    states = _states(distribution)
    expected = np.zeros((len(states), distribution.n, len(distribution.tokens)))
    start = _counts(distribution, outcomes, np.full((1, distribution.n), MASK))[0] / len(outcomes)
    for i in range(distribution.n):
        without = states.copy()
        without[:, i] = MASK
        counts = _counts(distribution, outcomes, without)[:, i]
        total = counts.sum(axis=1, keepdims=True)
        expected[:, i] = np.where(total > 0, counts / np.maximum(total, 1), start[i])
    assert abs(DistributionModel(distribution).left_out(states) - expected).max() < 1e-15


@pytest.mark.parametrize(("name", "n"), CASES)
def test_how_often_tokens_occur(name, n):
    task, distribution, outcomes = _case(name, n)
    rows = [tuple(y) for y in task.contexts()[0].distribution.pmf().outcomes]
    flat = [token for row in rows for token in row]
    background = DistributionModel(distribution).background()
    for ids, row in zip(outcomes, rows, strict=True):
        for i, token in enumerate(row):
            assert background[i, ids[i]] == pytest.approx(flat.count(token) / len(flat), abs=1e-15)


@pytest.mark.parametrize(
    "distribution",
    [
        BlocksDistribution(block=2, copies=2),
        WalkDistribution(3),
        PlaceDistribution(3, "insert"),
        ParityDistribution(3),
    ],
)
def test_unknown_ids_are_impossible(distribution):
    for bad in (-2, len(distribution.tokens)):
        state = np.array([[bad, *[MASK] * (distribution.n - 1)]])
        start = distribution.conditional(np.full((1, distribution.n), MASK))
        assert np.array_equal(distribution.conditional(state), start)
        assert not distribution.contains(np.array([[bad] * distribution.n])).any()


def test_long_walks_are_exact_to_the_last_digits():
    n, rng = 900, np.random.default_rng(1)
    distribution = WalkDistribution(n)
    y = distribution.sample(rng, 1)
    shown = np.where(rng.random((1, n)) < 0.004, y, MASK)
    probs = distribution.conditional(shown)[0]
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
    ("replace_random", 4),
    ("one_hot_blocks", 4),
    ("insert_random", 4),
    ("bernoulli_walk", 4),
    ("one_hot_blocks:block=3", 6),
    ("remove_random", 5),
    ("parity", 4),
    ("repeated_bit", 4),
    ("reed_solomon", 3),
]
SAMPLES = 2000


def _compare(task, distribution, spec, switches, seed):
    rule = parse_policy(spec)
    exact = decode(task.contexts()[0].distribution.pmf(), rule, **switches)
    label = (task.name, spec, switches)
    runs = sample_runs(distribution, rule, samples=SAMPLES, rng=np.random.default_rng([seed, 0]), **switches)
    done = int(distribution.contains(runs.tokens).sum())
    assert_frequencies([done], [float(exact.accuracy)], SAMPLES, label)
    assert_mean(runs.steps, float(exact.steps), span=30.0, label=label)
    try:
        plain = {key: value for key, value in switches.items() if key != "off_support"}
        seen = follow_data(distribution, rule, samples=SAMPLES, rng=np.random.default_rng([seed, 1]), **plain)
    except NoPathError:
        assert exact.path_kl is None
        return
    assert exact.path_kl is not None
    assert exact.steps_under_data is not None
    assert_mean(seen.steps, float(exact.steps_under_data), span=30.0, label=label)
    tau = float(Fraction(switches.get("temperature", 1)))
    if tau and "top_p" not in switches and not seen.tilted:
        span = distribution.largest_surprise() + distribution.n * max(1, 1 / tau) * log2(
            max(2, len(distribution.tokens))
        )
        assert_mean(seen.log_p + seen.expected, float(exact.path_kl), span=span, label=label)


@pytest.mark.grid(1, deep=2)
@pytest.mark.parametrize(("name", "n"), RUNS)
def test_runs_equal_exact_decodes(name, n):
    task, distribution, _ = _case(name, n)
    for seed, spec in enumerate((*TOP, *OTHER)):
        _compare(task, distribution, spec, {}, seed)


@pytest.mark.deep
@pytest.mark.parametrize(("name", "n"), [("one_hot_blocks", 4), ("bernoulli_walk", 4), ("insert_random", 4)])
def test_switches_of_runs_equal_exact_decodes(name, n):
    task, distribution, _ = _case(name, n)
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
        _compare(task, distribution, spec, switches, 100 + seed)


@pytest.mark.grid(0, deep=2)
@pytest.mark.parametrize(("name", "n"), [*RUNS, ("shuffle", 3), ("shuffle_strict", 3), ("copy", 3)])
def test_where_q_is_said_to_be_constant_it_is(name, n):
    task, distribution, _ = _case(name, n)
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
        if _constant(distribution, rule, Transform(**given)):
            exact = decode(task.contexts()[0].distribution.pmf(), rule, **given)
            shares = {float(q) for q in exact.distribution.values()}
            assert max(shares) - min(shares) < 1e-12, (name, spec, given)
            said += 1
    exchangeable = getattr(distribution, "position_symmetric", False) or getattr(
        distribution, "token_symmetric", False
    )
    assert (said > 15) == exchangeable


# -- answers ------------------------------------------------------------------------------------------------------

KINDS = {
    "one_hot_blocks": (961, BlocksDistribution(block=31, copies=31)),
    "bernoulli_walk": (100, WalkDistribution(100)),
    "insert_random": (99, PlaceDistribution(100, "insert")),
    "remove_random": (101, PlaceDistribution(100, "remove")),
    "replace_random": (100, BlocksDistribution(block=100, copies=1, items=True)),
    "parity": (100, ParityDistribution(100)),
    "repeated_bit": (100, RepeatedDistribution(100)),
    "reed_solomon": (20, ReedSolomonDistribution(20, 10, 23)),
    "shuffle": (100, Arrangements(100)),
    "shuffle_strict": (100, Arrangements(100, identity=False)),
    "insert_index": (99, SureDistribution(100)),
    "tree": (100, None),
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_distributions_of_tasks(name):
    n, distribution = KINDS[name]
    assert closed_distribution(make_task(name, n)) == distribution


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


@pytest.mark.grid(every=6)
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
    assert answer["kl"] == 0  # bisection loses nothing
    assert answer["exact"]["kl"] == "0"
    random = decode_answer(task, parse_policy("llada:steps=10"), samples=20)
    assert random["arithmetic"]["path_kl"] == "exact"
    assert random["arithmetic"]["accuracy"] == "estimate"


@pytest.mark.deep
def test_what_is_too_expensive_says_how_many_samples_are_not():
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n") as found:
        decode_answer(
            make_task("bernoulli_walk", 1000), parse_policy("topk:k=2,by=random,block=10"), samples=2000
        )
    assert "\n" not in str(found.value)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+"):
        decode_answer(make_task("one_hot_blocks", 961), parse_policy("topk:k=5"), samples=10**7)


def test_the_decode_of_a_distribution_alone():
    distribution = BlocksDistribution(block=3, copies=3)
    task = make_task("one_hot_blocks", 9)
    exact = decode(task.pmf(), parse_policy("topk:k=2"))
    found = sampled_answer(
        task.name, decode_closed(distribution, None, parse_policy("topk:k=2"), samples=5000, seed=3)
    )
    assert_frequencies([round(found["accuracy"]["estimate"] * 5000)], [float(exact.accuracy)], 5000)

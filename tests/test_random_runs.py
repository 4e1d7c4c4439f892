"""Random top-k on walks and one-hot blocks by sampled runs: neighbours, laws, and what the answer says it is."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.intervals import assert_frequencies
from theory.__main__ import main
from theory._checks import InputError
from theory.decode_answers import decode_answer
from theory.decoder import decode
from theory.large.entropies import expected_kl_of
from theory.large.random_runs import _neighbours, successes_of_random_order
from theory.large.walk_law import WalkLaw
from theory.limits import CostError
from theory.policies import parse_policy

CASES = [
    ("bernoulli_walk", 5, 2),
    ("bernoulli_walk", 7, 3),
    ("bernoulli_walk", 6, 6),
    ("one_hot_blocks", 9, 2),
    ("one_hot_blocks", 9, 4),
    ("one_hot_blocks:block=3", 6, 2),
    ("one_hot_blocks:block=2", 8, 3),
]


def _sizes(n, k):
    return [k] * (n // k) + [n % k] * (n % k > 0)


@given(data=st.data())
def test_neighbours_are_the_nearest_revealed_places(data):
    n = data.draw(st.integers(1, 8))
    sizes = []
    while sum(sizes) < n:
        sizes.append(data.draw(st.integers(1, n - sum(sizes))))
    orders = np.array([data.draw(st.permutations(range(1, n + 1))) for _ in range(2)])
    before, after = _neighbours(orders, sizes)
    for row, order in enumerate(orders.tolist()):
        seen, begin = [0, n + 1], 0
        for size in sizes:
            for j in range(begin, begin + size):
                assert before[row, j] == max(place for place in seen if place < order[j])
                assert after[row, j] == min(place for place in seen if place > order[j])
            seen += order[begin : begin + size]
            begin += size


@pytest.mark.parametrize(("name", "n", "k"), CASES)
def test_runs_follow_the_exact_law(name, n, k):
    task, samples = make_task(name, n), 40_000
    exact = decode(task.pmf(), parse_policy(f"topk:k={k},by=random")).accuracy
    rng = np.random.default_rng([7, n, k])
    done = successes_of_random_order(task.structure(), _sizes(n, k), samples=samples, rng=rng)
    assert_frequencies([done], [float(exact)], samples, (name, n, k))


@pytest.mark.parametrize(("name", "n"), [("bernoulli_walk", 200), ("one_hot_blocks", 196)])
def test_one_position_a_step_loses_nothing(name, n):
    structure = make_task(name, n).structure()
    rng = np.random.default_rng(0)
    assert successes_of_random_order(structure, [1] * n, samples=50, rng=rng) == 50


@pytest.mark.parametrize(("name", "n"), [("bernoulli_walk", 1000), ("one_hot_blocks", 961)])
def test_the_answer_says_what_is_an_estimate(name, n):
    task, policy = make_task(name, n), parse_policy("topk:k=2,by=random")
    answer = decode_answer(task, policy, samples=200, seed=1)
    assert answer == decode_answer(task, policy, samples=200, seed=1)
    low, mid, high = (answer["accuracy"][key] for key in ("low", "estimate", "high"))
    assert 0 < low < mid < high < 1
    assert answer["arithmetic"]["accuracy"] == "estimate"
    assert answer["accuracy"]["interval"] == "exact"
    assert answer["arithmetic"]["path_kl"] == "exact"
    assert answer["path_kl"] == expected_kl_of(task.structure(), _sizes(n, 2))
    assert answer["steps"] == Fraction(-(-n // 2))
    if name == "bernoulli_walk":
        assert answer["kl"] is None
        assert answer["notes"]["kl"] == "not known: at most path_kl"
    else:
        assert answer["kl"]["low"] == pytest.approx(-np.log2(high))
        assert answer["kl"]["high"] == pytest.approx(-np.log2(low))


def test_the_command_prints_one_row_an_estimate(capsys):
    args = ["decode", "bernoulli_walk", "-n", "400", "--policy", "topk:k=4,by=random", "--samples", "100"]
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "estimate, 95 % exact" in shown
    assert "--json" in shown  # the exact path_kl is long


@pytest.mark.parametrize("spec", ["topk:k=2,by=random,block=10", "topk:k=2,by=margin,ties=all"])
def test_other_rules_say_how_many_samples_are_affordable(spec):
    task = make_task("bernoulli_walk", 1000)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n"):
        decode_answer(task, parse_policy(spec))
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n"):
        decode_answer(task, parse_policy("topk:k=2,by=random"), temperature=0)


def test_wrong_numbers_of_samples():
    task, policy = make_task("bernoulli_walk", 1000), parse_policy("topk:k=2,by=random")
    with pytest.raises(InputError, match="samples must be a whole number of at least 1, got 0"):
        decode_answer(task, policy, samples=0)
    with pytest.raises(CostError, match="use fewer samples"):
        decode_answer(task, policy, samples=10**8)


def test_a_step_that_asks_too_much_is_refused_before_it_ends(monkeypatch):
    """One step of a rule that compares positions asks about each token of each: it took minutes for one sample."""
    asked: list[int] = []
    conditional = WalkLaw.conditional
    monkeypatch.setattr(
        WalkLaw, "conditional", lambda law, ids: asked.append(len(ids)) or conditional(law, ids)
    )
    with pytest.raises(
        CostError, match=r"decoding 20 samples of 999 positions by demask.* use fewer --samples"
    ):
        decode_answer(make_task("bernoulli_walk", 999), parse_policy("demask:budget=0.3"), samples=20)
    assert sum(asked) < 999

"""Random top-k on walks and one-hot blocks by sampled runs: labels of the result, and its cost."""

from fractions import Fraction

import numpy as np
import pytest

from synthetic import make_task
from theory.__main__ import main
from theory.commands.decode import decode_answer
from theory.distributions.closed.bernoulli_walk import WalkDistribution
from theory.information.curves.structures import expected_kl_of
from theory.limits import CostError
from theory.policies import parse_policy
from theory.validation import InputError


@pytest.mark.deep
@pytest.mark.parametrize(("name", "n"), [("bernoulli_walk", 101), ("one_hot_blocks", 121)])
def test_the_answer_says_what_is_an_estimate(name, n):
    task, policy = make_task(name, n), parse_policy("topk:k=2,by=random")
    answer = decode_answer(task, policy, samples=100, seed=1)
    assert answer == decode_answer(task, policy, samples=100, seed=1)
    low, mid, high = (answer["accuracy"][key] for key in ("low", "estimate", "high"))
    assert 0 < low < mid < high < 1
    assert answer["arithmetic"]["accuracy"] == "estimate"
    assert answer["accuracy"]["interval"] == "exact"
    assert answer["arithmetic"]["path_kl"] == "exact"
    assert answer["path_kl"] == expected_kl_of(task.structure(), [2] * (n // 2) + [1])
    assert answer["steps"] == Fraction(-(-n // 2))
    if name == "bernoulli_walk":
        assert answer["kl"] is None
        assert answer["notes"]["kl"] == "not known: at most path_kl"
    else:
        assert answer["kl"]["low"] == pytest.approx(-np.log2(high))
        assert answer["kl"]["high"] == pytest.approx(-np.log2(low))


def test_the_command_prints_one_row_an_estimate(capsys):
    args = ["decode", "bernoulli_walk", "-n", "100", "--policy", "topk:k=4,by=random", "--samples", "50"]
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "estimate, 95 % exact" in shown
    assert "--json" in shown  # the exact path_kl is long


@pytest.mark.deep
@pytest.mark.parametrize("spec", ["topk:k=2,by=random,block=10", "topk:k=2,by=margin,ties=all"])
def test_other_rules_say_how_many_samples_are_affordable(spec):
    task = make_task("bernoulli_walk", 1000)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n"):
        decode_answer(task, parse_policy(spec), samples=2000)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+, or a smaller n"):
        decode_answer(task, parse_policy("topk:k=2,by=random"), samples=2000, temperature=0)


def test_wrong_numbers_of_samples():
    task, policy = make_task("bernoulli_walk", 100), parse_policy("topk:k=2,by=random")
    with pytest.raises(InputError, match="samples must be a whole number of at least 1, got 0"):
        decode_answer(task, policy, samples=0)
    with pytest.raises(CostError, match=r"use fewer --samples, at most \d+"):
        decode_answer(task, policy, samples=10**8)


def test_a_step_that_asks_too_much_is_refused_before_it_ends(monkeypatch):
    """A step of a rule that compares positions asks about each token of each: once minutes for one sample."""
    asked: list[int] = []
    conditional = WalkDistribution.conditional
    monkeypatch.setattr(
        WalkDistribution,
        "conditional",
        lambda distribution, ids: asked.append(len(ids)) or conditional(distribution, ids),
    )
    with pytest.raises(
        CostError, match=r"decoding 20 samples of 999 positions by demask.* use fewer --samples"
    ):
        decode_answer(make_task("bernoulli_walk", 999), parse_policy("demask:budget=0.3"), samples=20)
    assert sum(asked) < 999

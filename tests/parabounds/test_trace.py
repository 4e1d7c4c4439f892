"""A run step by step: its costs add up to log2 P/Q_w, and its sentences say what happened."""

from fractions import Fraction
from itertools import permutations
from math import inf, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import parabounds as pb
from theory import InputError, LogNumber, decode

SPECS = [
    "topk:k=2",
    "topk:k=1,by=entropy",
    "threshold:gamma=0.6",
    "factor:f=1",
    "topk:k=2,by=random",
    "llada:steps=2",
]
CUBE = [(a, b, c) for a in "ab" for b in "ab" for c in "ab"]


def conditional(pmf, revealed, chosen, answer):
    """P(y_S | y_C) and the product of the one-position conditionals, by summing over outcomes."""
    base = {y: p for y, p in pmf.items() if all(y[i] == answer[i] for i in revealed)}
    total = sum(base.values())
    joint = sum(p for y, p in base.items() if all(y[i] == answer[i] for i in chosen)) / total
    singles = [sum(p for y, p in base.items() if y[i] == answer[i]) / total for i in chosen]
    return joint, prod(singles, start=Fraction(1))


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(any), st.sampled_from(SPECS), st.data())
def test_the_costs_add_up(weights, spec, data):
    total = sum(weights)
    pmf = {y: Fraction(w, total) for y, w in zip(CUBE, weights, strict=True) if w}
    answer = data.draw(st.sampled_from(sorted(pmf)))
    run = pb.pmf(pmf).trace(spec, along=answer, seed=data.draw(st.integers(0, 3)))
    q, revealed = Fraction(1), []
    for step in run:
        joint, apart = conditional(pmf, revealed, step.chosen, answer)
        assert step.cost == LogNumber.log2(joint / apart)
        assert step.drawn == apart
        assert dict(step.revealed) == {i: answer[i] for i in revealed}
        for i, marginal in step.marginals.items():
            one = {
                token: conditional(pmf, revealed, [i], (*answer[:i], token, *answer[i + 1 :]))[1]
                for token in marginal
            }
            assert dict(marginal) == one
        q *= apart
        revealed += step.chosen
    assert sorted(revealed) == [0, 1, 2]
    assert run.answer == answer
    assert run.cost == LogNumber.log2(pmf[answer] / q)  # log2 P / Q_w, in Fractions


@pytest.mark.parametrize("spec", ["topk:k=2,by=left_to_right", "threshold:gamma=0.6,ties=lowest"])
def test_the_mean_cost_is_the_divergence(spec):
    """A policy without random choices: E_P of the costs is its KL."""
    rows = list(permutations(range(3)))
    subject = pb.pmf(rows)
    mean = sum((subject.trace(spec, along=y).cost * Fraction(1, 6) for y in rows), LogNumber.log2(1))
    assert mean == decode(rows, spec).path_kl


def test_drawn_runs_follow_the_seed_and_name_the_impossible():
    cities = pb.pmf([("New", "York"), ("New", "Delhi"), ("Mexico", "City"), ("Panama", "City")])
    runs = [cities.trace("topk:k=2", seed=seed) for seed in range(20)]
    assert [r.answer for r in runs] == [cities.trace("topk:k=2", seed=seed).answer for seed in range(20)]
    possible = set(cities.pmf.outcomes)
    for run in runs:
        assert (run.cost == -inf) == (run.answer not in possible)
        if run.answer not in possible:
            assert "the answer is impossible now" in run.explain(1)
    assert {run.answer in possible for run in runs} == {True, False}


def test_off_the_support_the_costs_are_unknown():
    run = next(
        r for seed in range(50) if (r := pb.task("shuffle", n=4).trace("topk:k=2", seed=seed))[0].cost == -inf
    )
    assert run[1].cost is None
    assert "impossible already" in run.explain(2)
    assert run.cost == -inf


def test_sentences():
    shuffle = pb.task("shuffle", n=4)
    run = shuffle.trace("topk:k=2", along=(3, 1, 0, 2))
    assert run[0].ties == (0, 1, 2, 3)
    assert run[0].sets == 6
    assert run.explain(1).endswith(
        "their confidence of 0.25 is the highest; positions 0, 1, 2 and 3 tie, and 2 of these 4 were drawn at random. "
        "It costs 0.415 bits (drawn apart, their probability is 0.0625)."
    )
    assert run.explain(2).startswith("Step 2 takes positions ")
    assert "all that is left. It costs 1 bit " in run.explain(2)
    free = shuffle.trace("topk:k=1,by=left_to_right", along=(0, 1, 2, 3))
    assert free.explain(1) == (
        "Step 1 takes position 0, the leftmost of 4 masked positions. "
        "It costs nothing (its token has probability 0.25)."
    )
    assert "\n" not in repr(run)
    assert "<table>" in run._repr_html_()
    assert run.plot().get_ylabel() == "step: its cost"
    with pytest.raises(InputError, match="t must be between 1 and 2"):
        run.explain(3)


@pytest.mark.parametrize(
    ("spec", "along", "words"),
    [
        ("topk:k=1", (0, 0, 1, 2), "along must be a possible answer"),
        ("wino", None, "a trace is known for policies that read the marginals"),
        ("topk:k=1,confidence=sampled", None, "a trace is known for policies that read the marginals"),
    ],
)
def test_what_has_no_trace_is_one_line(spec, along, words):
    with pytest.raises(InputError, match=words):
        pb.task("shuffle", n=4).trace(spec, along=along)


def test_float_distributions_have_float_costs():
    run = pb.pmf({"ab": 0.3, "ba": 0.7}).trace("topk:k=2", along="ab")
    assert run.cost == pytest.approx(float(np.log2(0.3 / 0.09)), abs=1e-12)


def test_rules_with_a_budget_of_entropy_show_entropies():
    """They rank by score, then entropy; the scores shown are entropies in bits, not places in the ranking."""
    pmf = {
        ("a", "a"): Fraction(3, 8),
        ("a", "b"): Fraction(3, 8),
        ("b", "a"): Fraction(1, 8),
        ("b", "b"): Fraction(1, 8),
    }
    step = pb.pmf(pmf).trace("eb:gamma=1/2")[0]
    assert [-step.scores[i] for i in (0, 1)] == [2 - LogNumber.log2(3) * Fraction(3, 4), 1]
    said = pb.pmf(pmf).trace("eb:gamma=1/2").explain(1)
    assert said.startswith(
        "Step 1 takes position 0: its entropy of 0.8113 bits is the lowest of 2 masked positions, the next is 1"
    )

"""Runs of several contexts, each drawn by its weight, and samples that are asked for, against exact decodes."""

import json
from fractions import Fraction
from math import log, log2, sqrt

import numpy as np
import pytest

from parabounds.command import main
from synthetic import make_task
from tests.helpers.intervals import ALPHA, assert_frequencies, assert_mean
from theory.__main__ import main as theory_main
from theory.commands.decode import decode_answer
from theory.decoding.tasks.decode import decode_contexts
from theory.distributions.contexts import GivenTask
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.sampled_list import sampled_contexts
from theory.limits import CostError, allowing
from theory.policies import parse_policy
from theory.sampling.decode import sampled_beside
from theory.sampling.drawn_contexts import data_runs, mean_steps, own_runs

RUNS = 4000
WORDS = ({"abca": "1/2", "bbca": "1/4", "acba": "1/4"}, {"aab": "1/3", "bba": "2/3"}, {"bcc": "1"})
PARTS = tuple(
    Context(weight=Fraction(k, 6), distribution=ListedDistribution(JointPMF.from_mapping(words)))
    for k, words in zip((1, 2, 3), WORDS, strict=True)
)
TASK = GivenTask(name="three", parts=PARTS)
RULES = ("topk:k=2,by=random", "threshold:gamma=0.6", "topk:k=2,by=left_to_right", "ancestral:steps=2")


@pytest.mark.parametrize("spec", RULES)
def test_runs_have_the_means_of_the_exact_decode(spec):
    rule, contexts = parse_policy(spec), sampled_contexts(PARTS)
    exact = decode_contexts(TASK, rule)
    own = own_runs(contexts, rule, samples=RUNS, rng=np.random.default_rng(0), off_support="marginal")
    assert_frequencies(own.valid.sum(), float(exact.accuracy), RUNS, spec)
    assert_mean(own.steps, float(exact.steps), span=4, label=spec)
    data = data_runs(contexts, rule, samples=RUNS, rng=np.random.default_rng(1))
    most = 4 * log2(3)  # of the bounded form, beside the largest surprise of 2 bits
    assert_mean(data.log_p + data.expected, float(exact.path_kl), span=most + 2, label=spec)
    assert_mean(data.steps, float(exact.steps_under_data), span=4, label=spec)


def test_contexts_are_drawn_by_their_weights():
    contexts = sampled_contexts(PARTS)
    own = own_runs(contexts, parse_policy("topk:k=1"), samples=RUNS, rng=np.random.default_rng(2))
    assert_frequencies((own.steps == 4).sum(), 1 / 6, RUNS)  # the only one of four positions
    assert mean_steps(contexts, {4: 4, 3: 3}) == Fraction(19, 6)
    assert mean_steps(contexts, {4: 2, 3: 2}) == 2
    assert mean_steps(contexts, {}) is None


def test_steps_of_schedules_are_averaged_exactly():
    found = sampled_beside(TASK, parse_policy("topk:k=1"), samples=20).entries
    assert found["steps"] == ("exact", Fraction(19, 6))
    assert found["tokens_per_step"] == ("exact", 1.0)
    assert (
        sampled_beside(TASK, parse_policy("threshold:gamma=0.6"), samples=20).entries["steps"][0]
        == "estimate"
    )


def many(count: int = 3, outcomes: int = 60, n: int = 9) -> GivenTask:
    """Contexts of n positions and some so many outcomes, with weights 1, 2, ..."""
    rng, total = np.random.default_rng(0), count * (count + 1) // 2
    lists = [np.unique(rng.integers(0, 3, (outcomes, n)), axis=0).tolist() for _ in range(count)]
    parts = [ListedDistribution(JointPMF.uniform(map(tuple, rows))) for rows in lists]
    return GivenTask(
        name="many",
        parts=tuple(
            Context(weight=Fraction(k, total), distribution=part) for k, part in enumerate(parts, start=1)
        ),
    )


def test_beyond_the_limit_several_contexts_are_sampled_with_intervals():
    task, rule = many(2, 40, 7), parse_policy("topk:k=2,by=random")
    exact = decode_answer(task, rule)
    with allowing(Fraction(1, 20_000)):  # too little for all states, enough for the samples
        found = decode_answer(task, rule, samples=500, seed=1)
    assert found["notes"]["accuracy"].startswith("sampled: ")
    assert found["samples"] == 500
    assert found["steps"] == exact["steps"] == 4
    assert found["tokens_per_step"] == float(exact["tokens_per_step"])
    assert found["accuracy"]["interval"] == "exact"
    for key in ("accuracy", "path_kl"):
        assert found["arithmetic"][key] == "estimate"
        assert found[key]["low"] <= found[key]["estimate"] <= found[key]["high"]
    # the truth lies outside one interval of 95 % in twenty; judged at the family-wise error
    assert_frequencies(round(found["accuracy"]["estimate"] * 500), float(exact["accuracy"]), 500)
    away = abs(found["path_kl"]["estimate"] - float(exact["path_kl"]))
    assert away <= sqrt(2 * log(2 / ALPHA)) * found["path_kl"]["standard_error"]


def test_samples_that_are_asked_for_stand_beside_exact_numbers():
    task, rule = make_task("shuffle", 4), parse_policy("topk:k=2")
    plain, found = decode_answer(task, rule), decode_answer(task, rule, samples=RUNS, seed=3)
    assert "sampled" not in plain
    assert {key: found[key] for key in plain} == plain
    assert (found["samples"], found["seed"]) == (RUNS, 3)
    share = found["sampled"]["accuracy"]
    assert_frequencies(round(share["estimate"] * RUNS), 3 / 8, RUNS)
    assert share["interval"] == "exact"
    assert found["sampled"]["path_kl"]["estimate"] == pytest.approx(float(plain["path_kl"]), abs=1e-9)


def test_samples_that_are_asked_for_stand_beside_formulas():
    chain = MarkovDistribution(n=40, initial=["1/2", "1/2"], transition=[["3/4", "1/4"], ["1/4", "3/4"]])
    chain = GivenTask(name="chain", parts=(Context(weight=Fraction(1), distribution=chain),))
    rule = parse_policy("sizes:sizes=20+20,by=left_to_right")
    found = decode_answer(chain, rule, samples=RUNS)
    assert set(found["arithmetic"].values()) == {"exact", "float64"}
    assert set(found["sampled"]) == {"accuracy", "kl", "path_kl"}
    assert_frequencies(round(found["sampled"]["accuracy"]["estimate"] * RUNS), found["accuracy"], RUNS)
    bits = found["sampled"]["path_kl"]
    assert abs(bits["estimate"] - found["path_kl"]) <= sqrt(2 * log(2 / ALPHA)) * bits["standard_error"]
    assert "sampled" not in decode_answer(chain, rule)


@pytest.mark.deep
def test_standard_errors_are_the_spread_of_estimates():
    """Over 150 seeds; the spread of so many values is within 30 % of what it estimates, up to 5 of its own errors."""
    task, rule = TASK, parse_policy("ancestral:steps=2")
    found = [sampled_beside(task, rule, samples=50, seed=seed).entries for seed in range(150)]
    for key in ("accuracy", "steps", "tokens_per_step", "path_kl"):
        values = np.array([one[key][1]["estimate"] for one in found])
        errors = np.array([one[key][1]["standard_error"] for one in found])
        assert values.std() > 0, key
        assert values.std(ddof=1) == pytest.approx(sqrt((errors**2).mean()), rel=0.3, abs=1e-12), key


@pytest.mark.grid(1)
@pytest.mark.parametrize(("factor", "count"), [(1000, 2000), (20_000, 200)])
def test_without_a_number_as_many_runs_as_are_affordable_are_drawn(factor, count):
    with allowing(Fraction(1, factor)):
        found = decode_answer(many(), parse_policy("threshold:gamma=0.9"))
    assert found["samples"] == count
    assert "sampled" not in found


def test_a_refusal_says_how_many_samples_are_affordable():
    task, rule = many(), parse_policy("threshold:gamma=0.9")
    with allowing(Fraction(1, 20_000)):
        with pytest.raises(CostError, match="use fewer --samples, at most") as refused:
            decode_answer(task, rule, samples=10**6)
        most = int(str(refused.value).partition("at most ")[2].partition(",")[0])
        assert 200 < most < 10**6
        assert decode_answer(task, rule, samples=most // 4)["samples"] == most // 4


def test_the_command_shows_them(capsys, tmp_path):
    file = tmp_path / "many.json"
    contexts = [
        {
            "weight": str(part.weight),
            "outcomes": [list(map(str, row)) for row in part.distribution.pmf().outcomes],
        }
        for part in many().parts
    ]
    file.write_text(json.dumps({"contexts": contexts}))
    options = ["--policy", "topk:k=2,by=random", "--samples", "500"]
    assert main(["decode", str(file), *options, "--limit", "1/20000"]) == 0
    text = capsys.readouterr().out
    assert "accuracy, sampled" not in text
    assert " % +- " in text
    assert "note: accuracy: sampled: " in text
    assert "estimates from 500 samples, seed 0: +- is the standard error, intervals hold with 95 %" in text
    assert main(["decode", "shuffle", "-n", "3", *options]) == 0
    assert "accuracy, sampled" in capsys.readouterr().out
    assert theory_main(["decode", "shuffle", "-n", "3", *options]) == 0
    assert "sampled accuracy" in capsys.readouterr().out

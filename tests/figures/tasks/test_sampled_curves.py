"""The figure of a distribution too large to list: every point is an answer of the decoder."""

import csv
import json
from dataclasses import replace
from math import sqrt

import pytest

import paper_repro
from figures.drawing.style import new_figure
from figures.engine.figure import RunSettings, derived_seed
from figures.engine.run import run_figures
from figures.engine.task_data import task_data
from figures.tasks.listed_curves import task_figure
from figures.tasks.sampled_curves import bounds_sampled, certain_sampled, decode_sampled
from synthetic import make_task
from tests.helpers.intervals import assert_frequencies
from theory import parse_policy
from theory.__main__ import main
from theory.bounds.partitions.markov import markov_optimal_bounds
from theory.commands.decode import sampled_answer
from theory.distributions.files.parametric_file import read_parametric, write_parametric
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.sampling.sampled_decode import sampled_decode

HALVES = ["1/2", "1/2"]
MARKOV = {"length": 20, "tokens": ["a", "b"], "initial": HALVES, "transition": [["3/4", "1/4"], [1, 0]]}
HMM = {"length": 19, "initial": HALVES, "transition": [HALVES, HALVES], "emission": [HALVES, ["1/3", "2/3"]]}
GRAMMAR = {
    "length": 10,
    "start": "S",
    "rules": {"S": {"S S": "1/2", "A B": "1/4", "B A": "1/4"}, "A": ["a", "c"], "B": ["b", "c"]},
}
LAWS = {"markov": MARKOV, "hmm": HMM, "grammar": GRAMMAR}


def file_of(kind, tmp_path):
    path = tmp_path / f"{kind}.json"
    path.write_text(json.dumps({kind: LAWS[kind]}))
    return path


@pytest.mark.deep
@pytest.mark.parametrize("kind", LAWS)
def test_every_point_is_a_decode(kind, tmp_path):
    data = task_data(str(file_of(kind, tmp_path)))
    assert (data.contexts, list(data.structured)) == ([], [kind])
    figure = task_figure(data)
    if kind != "hmm":  # drawing takes longer than everything else; test_figure_drawing.py draws chains
        figure = replace(figure, draw=lambda *_: new_figure()[0])
    (result,) = run_figures([figure], run=RunSettings(fast=True, seed=3), out=tmp_path / "out")
    assert result.passed
    names = {check.name for check in result.checks}
    assert "topk:k=1: every answer is possible" in names
    assert any("sampled accuracy" in name for name in names) == (kind == "markov")
    rows = list(csv.DictReader(result.files["csv"].read_text().splitlines()))
    decodes = [row for row in rows if row["source"] == "decode"]
    assert {row["temperature"] for row in decodes} == {"0", "1"}
    distribution = read_parametric(kind, LAWS[kind], None, normalise=False)
    for row in decodes[::3]:
        seed = derived_seed(3, row["policy"], int(row["temperature"]))
        switches = {"temperature": int(row["temperature"])}
        wanted = sampled_answer(
            "",
            sampled_decode(distribution, parse_policy(row["policy"]), samples=60, seed=seed, **switches),
        )
        for key in ("accuracy", "path_kl", "tokens_per_step"):
            value = wanted[key]
            if isinstance(value, dict):
                assert float(row[key]) == value["estimate"]
                assert float(row[f"{key}_low"]) == value["low"]
            elif value is None:
                assert row[key] == ""
            else:
                assert float(row[key]) == value
    bounds = [float(row["path_kl"]) for row in rows if row["source"] == "bound"]
    assert bounds == (
        list(markov_optimal_bounds(distribution).values)
        if isinstance(distribution, MarkovDistribution)
        else []
    )


def test_distributions_are_written_as_they_are_read():
    grammar = make_task("words_to_sentence", 12).contexts()[0].distribution
    held = GrammarDistribution(n=4, rules={"S": {"S S": "1/2", "a": "1/4", "b": "1/4"}}, words=("a", "b"))
    stepwise = MarkovDistribution(
        n=3, initial=[0, 1], transition=[[HALVES, ["1/3", "2/3"]], [[1, 0], [0, 1]]]
    )
    hidden = HMMDistribution(
        n=3, initial=["1/3", "2/3"], transition=[HALVES, [0, 1]], emission=[HALVES, [1, 0]]
    )
    plain = HMMDistribution(n=3, initial=["1/3", "2/3"], transition=[HALVES, [0, 1]], emission=None)
    for distribution in (held, stepwise, hidden, plain):
        entry = json.loads(json.dumps(write_parametric(distribution)))
        ((kind, data),) = entry.items()
        back = read_parametric(kind, data, None, normalise=False)
        assert dict(back.pmf()) == dict(distribution.pmf())
        assert write_parametric(back) == entry
    entry = write_parametric(grammar)
    assert read_parametric("grammar", entry["grammar"], None, normalise=False).tokens == grammar.tokens


def test_what_must_hold_would_show_an_error():
    found = certain_sampled(
        distribution={"markov": MARKOV}, policies=["topk:k=5,by=left_to_right"], samples=400, seed=0
    )
    assert found["valid"] == 20
    assert found["lost"] < 1e-9
    ((spec, successes, samples, exact),) = found["blocks"]
    assert spec == "topk:k=5,by=left_to_right"
    assert_frequencies([successes], [exact], samples)
    assert 0.01 < exact < 0.9
    assert successes / samples != exact
    figure = task_figure(task_data("words_to_sentence", 20))
    serial = {"source": "serial", "successes": 19, "samples": 20, "path_kl": 1.0}
    wrong = figure.checks([serial], {})
    assert [check.passed for check in wrong] == [False, False]


def test_costly_cells_say_so_and_bars_are_standard_errors():
    long = {"markov": {**MARKOV, "length": 5_000}}
    assert (
        "use fewer --samples"
        in decode_sampled(
            distribution=long, policy="threshold:gamma=0.9", temperature=1, samples=10**6, seed=0
        )["refused"]
    )
    assert bounds_sampled(distribution=long) == []
    answer = decode_sampled(
        distribution={"markov": MARKOV}, policy="topk:k=4", temperature=1, samples=100, seed=0
    )
    assert 0 < answer["path_kl"]["standard_error"] < 20 / sqrt(100)
    assert (
        decode_sampled(distribution={"hmm": HMM}, policy="topk:k=4", temperature=0, samples=9, seed=0)[
            "path_kl"
        ]
        == "inf"
    )


def test_the_frontier_is_refused_with_what_to_use_instead(tmp_path, capsys):
    path = str(file_of("markov", tmp_path))
    out = ["--out", str(tmp_path / "none")]
    assert paper_repro.main(["frontier", "--task", path, *out]) == 2
    error = capsys.readouterr().err
    assert "use figure2 --task, parabounds decode" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "none").exists()
    assert main(["frontier", path, "--json"]) == 0  # brackets, with the same reason
    answer = json.loads(capsys.readouterr().out)
    assert "use bounds (best fixed blocks), decode" in answer["notes"]["vertices"]
    assert answer["adaptive_bounds"][1]["lower"] <= answer["adaptive_bounds"][1]["upper"]

"""Rules beside the frontier: exact points, sampled ones with intervals, brackets, and no refusal of long lists."""

import json
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from parabounds.command import main
from parabounds.compare import comparison
from parabounds.frontier_view import blocks_beside
from parabounds.numbers import number
from parabounds.results import ask_frontier
from synthetic import make_task
from tests.helpers.intervals import assert_frequencies
from theory.commands.bounds import bounds_answer
from theory.commands.decode import decode_answer
from theory.commands.frontier_brackets import brackets_of
from theory.commands.rule_points import hull_of, registry_points
from theory.distributions.contexts import listed_task
from theory.distributions.distribution import context_pmfs
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.contexts import average_frontier
from theory.policies import parse_policy, registered_policies

CHEAP = ("topk:k=2", "threshold:gamma=0.9", "wino", "llada:steps=2", "dinfer:gamma=0.9")


def long_list():
    """12 answers at 24 positions: every position copies one of three ternary digits."""
    return listed_task(JointPMF.uniform([tuple(j // 3 ** (i % 3) % 3 for i in range(24)) for j in range(12)]))


def test_points_of_the_registry_are_its_decodes():
    task = make_task("shuffle", 3)
    found = ask_frontier(task, rules=True)
    rows = {row["policy"]: row for row in found["rules"]}
    assert len(rows) == len(registered_policies())
    assert found["rules_left_out"] == []
    front = average_frontier(context_pmfs(task.contexts()))
    for spec in CHEAP:
        rule = parse_policy(spec)
        exact, row = decode_answer(task, rule), rows[str(rule)]
        assert {key: row[key] for key in ("accuracy", "kl", "path_kl", "steps")} == {
            key: exact[key] for key in ("accuracy", "kl", "path_kl", "steps")
        }
        if row["steps_under_data"] is not None:
            assert row["bits_above"] == row["kl"] - front.kl_at(Fraction(row["steps_under_data"]))


def test_what_does_not_fit_is_left_out_with_its_reason():
    _, left_out = registry_points(partial(decode_answer, make_task("city_names")), [])
    assert all(set(one) == {"policy", "reason"} for one in left_out)


@pytest.mark.deep
def test_a_long_list_is_answered_by_sampled_rules_and_fixed_blocks(monkeypatch):
    task = long_list()
    hull, why = hull_of(task)
    assert hull == []
    assert why.startswith(
        "the optimum of all policies is not known here: the adaptive optimum of 24 positions"
    )
    kept = {name: cls for name, cls in registered_policies().items() if cls.example in CHEAP}
    monkeypatch.setattr("theory.commands.rule_points.registered_policies", lambda: kept)
    alone = ask_frontier(task, seconds=2)
    assert "rules" not in alone.answer
    assert alone.view.headline == (
        f"the optimum of all policies lies between two bounds: one step loses {number(ends_of(alone, 0))} bits; "
        "without loss the longest run takes 3 to 4 steps."
    )
    assert [row[0] for row in alone.view.rows] == ["1", "2", "3", "4 or more"]
    assert alone.view.rows[3][1:] == ("0", "0")
    found = ask_frontier(task, samples=500, seconds=2)
    assert found["vertices"] == []
    assert found["notes"]["vertices"].endswith(why.partition(": ")[2])
    assert found["adaptive_bounds"][1]["lower"] > 0 == found["adaptive_bounds"][2]["lower"]
    assert found["serial_depth"]["worst_case"] == {"lower": 3, "upper": 4}
    # the twelve answers have three digits: given them nothing is lost
    assert [ends["exact"] for ends in found["optimal_bounds"]] == [True] * 24
    rows = {row["policy"]: row for row in found["rules"]}
    assert len(rows) == len(kept)
    sampled = rows["llada:steps=2"]["accuracy"]
    assert sampled["low"] <= sampled["estimate"] <= sampled["high"]
    assert blocks_beside(found.answer, 2.5) == (
        found["optimal_bounds"][1]["lower"],
        found["optimal_bounds"][1]["upper"],
    )
    text = found.view
    assert (
        text.headline
        == f"the optimum of all policies is not known here; 5 rules, {_sampled(rows)} of them sampled."
    )
    assert "fixed blocks of as many steps, bits" in text.columns
    assert any("estimates from 500 samples" in note for note in text.notes)


def test_the_distance_to_an_optimum_that_is_not_known_is_an_interval():
    found = comparison(
        long_list(), ["topk:k=12,by=left_to_right", "topk:k=1,by=left_to_right"], samples=50, seconds=2
    )
    assert found["vertices"] == []
    half, alone = found["policies"]
    brackets = brackets_of(long_list(), bounds_answer(long_list(), seconds=2))
    for row, steps in ((half, 2.0), (alone, 24.0)):
        low, high = brackets.at(steps)
        assert row["optimum"] == {"lower": low, "upper": high}
        assert row["bits_above"] == {"lower": float(row["kl"]) - high, "upper": float(row["kl"]) - low}
    assert 0 < half["optimum"]["lower"] < half["optimum"]["upper"] <= half["kl"]
    assert alone["optimum"]["upper"] == alone["bits_above"]["upper"] == 0
    assert 20 <= alone["steps_above"]["lower"] <= alone["steps_above"]["upper"] <= 22
    assert "optimum at these steps, bits" in found.view.columns
    assert "certified bracket" in found["notes"]["vertices"]
    assert " to " in found.view.rows[0][-3]


def ends_of(found, t) -> float:
    ends = found["adaptive_bounds"][t]
    assert ends["lower"] <= ends["upper"] <= ends["lower"] + 1e-6
    return ends["upper"]


def _sampled(rows) -> int:
    return sum(isinstance(row["accuracy"], dict) for row in rows.values())


def test_comparisons_are_sampled_beyond_the_limit(capsys, tmp_path):
    rows = np.unique(np.random.default_rng(0).integers(0, 3, (40, 7)), axis=0).tolist()
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"outcomes": rows}))
    exact = decode_answer(listed_task(JointPMF.uniform(map(tuple, rows))), parse_policy("topk:k=2,by=random"))
    argv = ["compare", str(file), "--policy", "topk:k=2,by=random", "--samples", "400", "--limit", "1/20000"]
    assert main([*argv, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (row,) = answer["policies"]
    assert_frequencies(round(row["accuracy"]["estimate"] * 400), float(exact["accuracy"]), 400)
    assert row["path_kl"]["low"] <= float(exact["path_kl"]) <= row["path_kl"]["high"]
    assert (row["samples"], row["seed"]) == (400, 0)
    assert answer["vertices"] == []
    assert answer["notes"]["vertices"].startswith("the optimum of all policies is not known here")
    assert main(argv) == 0
    text = capsys.readouterr().out
    assert "note: estimates from 400 samples, seed 0: +- is the standard error" in text
    assert main(["compare", "shuffle", "-n", "3", "--policy", "topk:k=2", "--samples", "50"]) == 0
    assert "topk:k=2, sampled" in capsys.readouterr().out


@pytest.mark.parametrize("end", ["png", "csv"])
def test_the_command_writes_points(capsys, tmp_path, end):
    file = tmp_path / f"points.{end}"
    option = "--plot" if end == "png" else "--csv"
    assert main(["frontier", "city_names", "--rules", option, str(file)]) == 0
    text = capsys.readouterr().out
    assert "city_names, n = 2, rules in the plane of steps and loss" in text
    if end == "png":
        assert file.read_bytes()[1:4] == b"PNG"
    else:
        lines = file.read_text().splitlines()
        assert lines[0].startswith("rule,steps,")
        assert lines[1].startswith("optimum,1.0,1,1.0,log2(2),")


@pytest.mark.deep
def test_a_large_chain_is_not_refused(capsys, tmp_path):
    chain = {"length": 20, "tokens": ["a", "b"], "initial": ["1/2", "1/2"]}
    file = tmp_path / "chain.json"
    file.write_text(json.dumps({"markov": chain | {"transition": [["3/4", "1/4"], ["1/4", "3/4"]]}}))
    assert main(["frontier", str(file), "--samples", "5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["vertices"] == []
    assert len(answer["optimal_bound"]) == 20
    row = next(row for row in answer["rules"] if row["policy"] == "topk:k=2")
    assert row["samples"] == 5

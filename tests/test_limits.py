"""Limits: estimated before the start, stated with their numbers, raised with --limit."""

from __future__ import annotations

import json
import re
import tracemalloc
from fractions import Fraction

import pytest

from synthetic import make_task
from theory.__main__ import main
from theory.bounds.partitions.step_bounds import optimal_bounds, require_partitions
from theory.decoding.lumped import decode_lumped, tie_interval_lumped
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import require_table, subset_entropies
from theory.limits import Budget, CostError, allowing, require_all, require_memory
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import parse_policy
from theory.validation import InputError


def test_an_allowance_raises_every_limit_while_it_lasts():
    with pytest.raises(
        CostError, match=r"work would take about 2\.5 minutes, the limit is 100 seconds"
    ) as caught:
        Budget("work", "rest", limit=100).require(150)
    assert caught.value.factor == Fraction(3, 2)
    assert caught.value.advice.endswith("the limit is 100 seconds; rest, or allow it with --limit 2.")
    with allowing(2):
        Budget("work", "rest", limit=100).require(150)
        with allowing(3):
            require_memory(600, "room", limit=100, remedy="rest")
        with pytest.raises(CostError) as caught:
            require_memory(201, "room", limit=100, remedy="rest")
        assert caught.value.factor == Fraction(201, 100)  # of the limit itself
    with pytest.raises(CostError):
        Budget("work", "rest", limit=100).require(150)


def test_work_that_has_started_may_take_three_times_the_limit():
    budget = Budget("work", "rest", limit=10)
    with pytest.raises(CostError):
        Budget("work", "rest", limit=10).spend(10.5)  # nothing was foreseen
    budget.require(9)
    budget.spend(29)
    with pytest.raises(CostError) as caught:
        budget.spend(0.5, left=1)
    assert caught.value.factor == Fraction(305, 100)
    guess = Budget("work", "rest", limit=10)
    with pytest.raises(CostError):
        guess.spend(1, left=10)  # the first that is known of the rest


def test_what_a_refusal_suggests_covers_all_that_is_known():
    budget = Budget("work", "rest", limit=10)
    budget.note(80)
    with pytest.raises(CostError) as caught:
        budget.require(11)
    assert caught.value.factor == 8

    def room(needed: int) -> None:
        require_memory(needed, "room", limit=100, remedy="rest", advice=1 if needed < 1000 else 0)

    with pytest.raises(CostError, match="about 110 bytes") as caught:
        require_all(lambda: room(110), lambda: room(90), lambda: room(120), later=[lambda: room(500)])
    assert caught.value.factor == 5
    require_all(lambda: room(90), later=[lambda: room(500)])
    with pytest.raises(CostError) as caught:
        require_all(lambda: room(110), lambda: room(1000))
    assert caught.value.factor is None
    assert "--limit" not in caught.value.advice


def claimed_bytes(check, allowance):
    """What a refusal of memory says is needed; three digits."""
    with allowing(allowance), pytest.raises(CostError, match="would need about") as caught:
        check()
    size, unit = re.search(r"about ([0-9.]+) (bytes|KiB|MiB)", str(caught.value)).groups()
    return float(size) * 1024 ** ("bytes", "KiB", "MiB").index(unit)


def taken_bytes(work):
    """The most that numpy and Python hold at a time; what a first call loads does not count."""
    work()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_claimed_as_it_is_taken():
    rows = [tuple(j * (i + 3) % 7 % 2 for i in range(11)) for j in range(60)]
    pmf = JointPMF.from_weights(sorted(set(rows)), range(1, len(set(rows)) + 1)).rounded()
    table = subset_entropies(pmf)
    taken = taken_bytes(lambda: optimal_bounds(table))
    assert 0.95 * taken <= claimed_bytes(lambda: require_partitions(11), 1 / 8000) <= 1.5 * taken
    assert table.h.nbytes < claimed_bytes(lambda: require_table(pmf), 1e-9)


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf")])
def test_an_allowance_is_a_positive_number(factor):
    with pytest.raises(InputError, match="positive number"), allowing(factor):
        pass


def test_the_command_names_the_factor_that_lets_it_pass(capsys):
    command = ["bounds", "shuffle", "-n", "4", "--adaptive", "--json"]
    assert main([*command, "--limit", "1/1000000"]) == 2
    error = capsys.readouterr().err
    assert "the limit is" in error
    assert error.count("\n") == 1
    assert main([*command, "--limit", "1e400"]) == 0
    assert len(json.loads(capsys.readouterr().out)["adaptive_bound"]) == 4


@pytest.mark.grid(1)
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["repeated_bit", "-n", "10", "--randomized"], "ordered partitions would take"),
        (["parity", "-n", "16", "--adaptive"], "the adaptive optimum of 16 positions"),
        (["shuffle", "-n", "9", "--adaptive"], "55505494 states of 9 positions"),
    ],
)
def test_optional_optima_say_what_they_would_cost(command, reason, capsys):
    assert main(["bounds", *command]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert "or allow it with --limit" in error


@pytest.mark.parametrize("command", [["policy"], ["frontier"], ["bounds", "--adaptive"]])
def test_adaptive_optima_of_many_contexts_count_together(command, capsys, tmp_path):
    """Each context is within the limit of one."""
    words = [[0] * 15, [1] * 15]
    parts = [{"weight": "1/4", "outcomes": words}] * 4
    (file := tmp_path / "four.json").write_text(json.dumps({"contexts": parts}), encoding="utf-8")
    brackets = command == ["frontier"]  # in place of a refusal, with its reason
    assert main([command[0], str(file), *command[1:], *["--json"] * brackets]) == (0 if brackets else 2)
    printed = capsys.readouterr()
    said = json.loads(printed.out)["notes"]["vertices"] if brackets else printed.err.rstrip()
    assert "the adaptive optimum of 4 contexts would take about 78.9 seconds, the limit is" in said
    assert said.endswith("or allow it with --limit 4.")


def test_positions_with_one_token_are_free():
    """They split no state: the optimum of a certain distribution of 15 positions is quick."""
    assert adaptive_bounds(JointPMF.uniform([tuple(range(15))])).values == (0,) * 15
    some = JointPMF.uniform([(0, 7, 0, 8, 8), (1, 7, 1, 8, 8)])
    assert [float(v) for v in adaptive_bounds(some).values] == [1, 0, 0, 0, 0]
    with pytest.raises(CostError, match="the adaptive optimum of 26 positions"):
        adaptive_bounds(JointPMF.uniform([(0,) * 26]))


def test_distributions_of_states_that_are_hard_to_tell_apart(monkeypatch):
    """The work of comparing distributions is not estimated: the search ends on the way."""
    monkeypatch.setattr("theory.optima.adaptive.equivalence_classes.TOKEN_SECONDS", 1.0)
    with pytest.raises(
        CostError, match="the adaptive optimum of 4 positions and 25 outcomes would take about"
    ):
        adaptive_bounds(make_task("reed_solomon", 4).contexts()[0].distribution.pmf())


@pytest.mark.parametrize(
    "spec",
    [
        "dus:base=2",
        "dllm:steps=2",
        "bisection",
        "hierarchy:gamma=0.9",
        "credit:gamma=0.3",
        "topk:k=2,confidence=sampled",
    ],
)
def test_a_lumped_decode_refuses_rules_that_look_at_more(spec):
    chain = make_task("replace_random", 5).chain()
    with pytest.raises(InputError, match="looks at more than how many positions are left"):
        decode_lumped(chain, parse_policy(spec))
    if "sampled" not in spec:
        with pytest.raises(InputError, match="looks at more"):
            tie_interval_lumped(chain, parse_policy(spec))


@pytest.mark.grid(1)
@pytest.mark.parametrize(
    ("name", "spec"),
    [("bernoulli_walk", "topk:k=100,by=left_to_right"), ("insert_random", "topk:k=2,by=random")],
)
def test_exact_forms_of_any_length_are_printed(name, spec, capsys):
    """Python converts whole numbers to text up to 4,300 digits."""
    assert main(["decode", name, "-n", "1000", "--policy", spec, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["exact"]["accuracy"]) > 8600


def test_a_probability_below_the_range_of_floats_is_not_shown_as_zero(capsys):
    assert main(["decode", "shuffle", "-n", "1000", "--policy", "topk:k=1000"]) == 0
    assert "4.02387260e-433" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--within", "--entropy"])
@pytest.mark.parametrize("bits", ["1e400", "-1", "x", "nan"])
def test_bits_out_of_range_are_one_line(option, bits, capsys):
    assert main(["frontier", "shuffle", "-n", "3", option, bits]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"got {bits}" in error.replace("'", "")


def test_a_sampled_answer_names_the_exact_run_that_was_refused(capsys):
    argv = [
        "decode",
        "insert_random",
        "-n",
        "60",
        "--policy",
        "threshold:gamma=0.9",
        "--samples",
        "20",
        "--json",
    ]
    assert main([*argv, "--limit", "1/20000"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["arithmetic"]["accuracy"] == "estimate"
    assert answer["notes"]["accuracy"].startswith(
        "sampled: decoding 61 positions exactly by threshold:gamma=9/10"
    )
    assert answer["notes"]["accuracy"].endswith("use a smaller n, or allow it with --limit 1.")
    assert main(argv) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "accuracy" in answer["exact"]
    assert "accuracy" not in answer.get("notes", {})

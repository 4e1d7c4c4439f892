"""``python -m theory``: results agree with the definitions; bad input gives one line and exit status 2."""

import json
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.reference import definitions as ref
from theory.__main__ import main


def _answer(capsys, *argv):
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_bounds_of_replace_random(capsys):
    answer = _answer(capsys, "bounds", "replace_random", "-n", "4", "--partition", "0,1|2,3")
    assert answer["task"] == "replace_random"
    assert answer["n"] == 4
    assert answer["exact"]["total_correlation"] == "6 log2(2) - 3 log2(3)"
    assert answer["exact"]["optimal_bound"][-1] == "0"
    assert len(answer["optimal_bound"]) == len(answer["optimal_partitions"]) == 4
    assert answer["partition_bound"] >= answer["optimal_bound"][1]


def test_contexts_of_different_length_have_no_common_partition(capsys, tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"contexts": [{"outcomes": [["a", "b"], ["b", "a"]]}, {"outcomes": [["a"], ["b"]]}]}')
    answer = _answer(capsys, "bounds", str(path))
    assert answer["optimal_bound"] is None
    assert answer["optimal_partitions"] is None
    assert answer["exact"]["optimal_bound_by_context"] == ["1/2 log2(2)", "0"]  # each has its own partition
    assert "verdict" not in answer  # its tokens per step would be those of the longest context


def test_bounds_by_context_are_no_larger(capsys, tmp_path):
    """Theorem 3: the minimum inside the expectation."""
    pair = [["a", "a", "c"], ["b", "b", "c"]]
    other = [["c", "a", "a"], ["c", "b", "b"]]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"contexts": [{"outcomes": pair}, {"outcomes": other}]}))
    answer = _answer(capsys, "bounds", str(path))
    assert answer["optimal_bound"][1] == 0.0
    assert all(
        a <= b for a, b in zip(answer["optimal_bound_by_context"], answer["optimal_bound"], strict=True)
    )


@given(weights=st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(any))
@settings(max_examples=examples(6))
def test_answers_agree_with_the_definitions(weights, tmp_path_factory):
    """Any small pmf through a file and the command, against the slow reference."""
    outcomes = [[a, b, c] for a in "ab" for b in "ab" for c in "ab"]
    path = tmp_path_factory.mktemp("task") / "t.json"
    path.write_text(json.dumps({"outcomes": outcomes, "weights": weights}))
    total = sum(weights)
    pmf = {tuple(y): Fraction(w, total) for y, w in zip(outcomes, weights, strict=True) if w}
    bounds, decoded = (
        _quiet("bounds", str(path)),
        _quiet("decode", str(path), "--policy", "topk:k=2,by=confidence"),
    )
    assert bounds["total_correlation"] == pytest.approx(ref.to_float(ref.total_correlation(pmf)), abs=1e-12)
    assert bounds["dual_total_correlation"] == pytest.approx(
        ref.to_float(ref.dual_total_correlation(pmf)), abs=1e-12
    )
    for steps in (1, 2, 3):
        best = ref.to_float(ref.optimal_bound(pmf, steps)[0])
        assert bounds["optimal_bound"][steps - 1] == pytest.approx(best, abs=1e-12)
    expected = ref.decode(pmf, ref.topk(2, "confidence"))
    assert Fraction(decoded["exact"]["accuracy"]) == expected.accuracy
    assert Fraction(decoded["exact"]["steps"]) == expected.steps
    assert decoded["kl"] == pytest.approx(expected.kl, abs=1e-12)
    assert decoded["path_kl"] == pytest.approx(expected.path_kl, abs=1e-12)


def _quiet(*argv):
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*argv, "--json"]) == 0
    return json.loads(out.getvalue())


def test_infinity_is_text(capsys):
    answer = _answer(
        capsys,
        "decode",
        "shuffle",
        "-n",
        "3",
        "--policy",
        "topk:k=3",
        "--temperature",
        "0",
        "--greedy-ties",
        "lowest",
    )
    assert answer["kl"] == answer["path_kl"] == "inf"
    assert answer["accuracy"] == 0.0
    assert answer["greedy_ties"] == "lowest"


def test_a_python_object_is_a_task(capsys):
    answer = _answer(capsys, "bounds", "synthetic.tasks.shuffle:Shuffle", "-n", "3")
    assert answer["exact"]["total_correlation"] == "-log2(2) + 2 log2(3)"


def test_tables_print_without_json(capsys):
    assert main(["bounds", "city_names"]) == 0
    assert main(["decode", "city_names", "--policy", "topk:k=2"]) == 0
    assert "total_correlation" in capsys.readouterr().out


class Half:
    """A task without contexts."""

    name, n = "half", 2

    def contexts(self):
        return ()


BAD = [
    (["bounds", "shuffl"], "unknown task 'shuffl'; known:"),
    (["bounds", "shuffle"], "needs a size"),
    (["bounds", "shuffle", "-n", "0"], "whole number of at least 1"),
    (["bounds", "city_names", "-n", "3"], "fixed size"),
    (["bounds", "shuffle_strict", "-n", "20"], "the limit is"),
    (["bounds", "none.json"], "No such file"),
    (["bounds", "nowhere:Task"], "cannot load task"),
    (["bounds", "math:pi"], "no task: it has no contexts"),
    (["bounds", "theory.distributions.distribution:ListedDistribution"], "no task: it has no contexts"),
    (
        ["bounds", "tests.commands.test_commands:Half"],
        "contexts() must return a tuple of at least one Context, got ()",
    ),
    (["bounds", "tests.broken_module:Task"], "cannot load task"),
    (["bounds", "shuffle", "-n", "3", "--partition", "0|1"], "every position"),
    (["bounds", "shuffle", "-n", "3", "--partition", "a|b"], "must look like"),
    (["decode", "shuffle", "-n", "3", "--policy", "best"], "unknown policy 'best'"),
    (["decode", "shuffle", "-n", "3", "--policy", "topk:k=0"], "whole number of at least 1"),
    (["decode", "shuffle", "-n", "3", "--policy", "topk:k=1", "--temperature", "-1"], "at least 0"),
    (["decode", "shuffle", "-n", "3", "--policy", "topk:k=1", "--temperature", "nan"], "finite number"),
    (["decode", "city_names", "--policy", "threshold:gamma=1e-99999"], "exponent of at most three digits"),
    (["decode", "city_names", "--policy", "ancestral:steps=1000000000"], "steps must be at most 4096"),
    (["decode", "city_names", "--policy", "dream:steps=1000000000"], "steps must be at most 100000"),
    (["decode", "hmm", "-n", "100", "--policy", "topk:k=2", "--seed", "-1"], "seed must be a whole number"),
    (["bounds", "shuffle", "-n", "3", "--samples", "0"], "samples must be a whole number of at least 1"),
    (["bounds", "hmm", "-n", "100", "--samples", str(10**12)], "use fewer --samples"),
    (["schedule", "hmm", "-n", "100", "--samples", str(10**12)], "use fewer --samples"),
    (["schedule", "hmm", "-n", "100", "--samples", "1"], "at least 2 samples"),
    (["policy", "insert_random", "-n", "1000"], "over a billion years"),
    (["frontier", "balanced", "-n", "100000"], "listing over 1e+300 outcomes"),
    (["bounds", "tree", "-n", "100000"], "listing over 1e+300 outcomes"),
    (["bounds", "balanced", "-n", "100000"], "listing over 1e+300 outcomes"),
    (["bounds", "words_to_sentence", "-n", "1000"], "derivations of 1000 words"),
    (["bounds", "shuffle", "-n", "1000000"], "the best block sizes"),
    (["bounds", "insert_random", "-n", "1000000"], "the entropies of 1000001 positions"),
    (["bounds", "bernoulli_walk", "-n", "1000000"], "the entropies of 1000000 positions"),
    (["bounds", "hmm", "-n", "1000000000"], "n must be at most"),
    (["realised", "--rule", "topk:k=1", "--masked", "1000000000"], "masked must be at most 100000"),
    (["realised", "--rule", "topk:k=1", "--masked", "100000"], "following"),
    (
        ["realised", "--rule", "llada", "--masked", "4", "--steps", "2", "--task", "nope"],
        "unknown task 'nope'",
    ),
]


@pytest.mark.parametrize(("argv", "message"), BAD)
def test_bad_input_is_one_line(capsys, argv, message):
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if not line.endswith("(Ctrl-C stops)")]  # progress
    assert len(lines) == 1
    assert message in captured.err


@pytest.mark.parametrize("argv", [[], ["other"], ["decode", "shuffle"], ["bounds", "shuffle", "-n", "x"]])
def test_wrong_usage_is_one_line(capsys, argv):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_adaptive_and_randomized_bounds(capsys):
    answer = _answer(capsys, "bounds", "matching_selector", "--adaptive", "--randomized")
    assert answer["exact"]["adaptive_bound"][2] == "0"  # below the best fixed partition
    assert answer["optimal_bound"][2] > answer["randomized_bound"][2] > 0
    assert answer["randomized_gap"] == [0.0] * 5


def test_schedule_of_shuffle(capsys):
    answer = _answer(capsys, "schedule", "shuffle", "-n", "6")
    assert answer["optimal_sizes"][2] == [3, 2, 1]  # not the equal pairs
    assert answer["exact"]["information_curve"][5] == "log2(2) + log2(3)"
    assert answer["expected_kl"][-1] == 0.0


def test_frontier_of_replace_random(capsys):
    answer = _answer(capsys, "frontier", "replace_random", "-n", "4")
    assert answer["exact"]["vertices"][-1] == {"steps": "13/4", "kl": "0", "steps_of_runs": "13/4"}
    assert answer["serial_depth"] == {"expected": 3.25, "worst_case": 4}


@pytest.mark.parametrize("command", ["schedule", "frontier"])
def test_other_tables_print(capsys, command):
    assert main([command, "city_names"]) == 0
    assert "kl" in capsys.readouterr().out


def test_a_task_of_one_size_is_found_by_its_answers():
    from synthetic import find_task
    from theory.commands.rules import realised_answer

    answer = realised_answer("topk:k=7", 13, task=lambda n: find_task("sudoku:clues=0+5+10", n))
    assert answer["tokens_per_call"] == [7, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"outcomes": [["a"]], "weights": [1e-999999999]}', "three digits"),
    ],
)
def test_json_that_would_never_end_is_refused(capsys, tmp_path, text, message):
    (tmp_path / "t.json").write_text(text)
    assert main(["bounds", str(tmp_path / "t.json")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.deep
def test_long_lists_end_in_the_table(capsys):
    assert main(["realised", "--rule", "dream", "--masked", "10", "--steps", "3000"]) == 0
    assert "3000 entries" in capsys.readouterr().out


def test_long_schedules_are_cut_in_the_table(capsys):
    assert main(["schedule", "shuffle", "-n", "60"]) == 0
    text = capsys.readouterr().out
    assert ",..." in text
    assert len(text.splitlines()) < 500  # 2 of 60 rows each; 60 sizes of up to 60 entries would be far more


@pytest.mark.parametrize("command", ["bounds", "schedule"])
def test_float_answers_carry_their_error(capsys, command):
    answers = []
    for more in ([], ["--float"]):
        assert main([command, "replace_random", "-n", "5", "--json", *more]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    exact, floats = answers
    assert "exact" not in floats
    assert "errors" not in exact
    keys = (
        ("optimal_bound", "dual_total_correlation")
        if command == "bounds"
        else ("expected_kl", "information_curve")
    )
    for key in keys:
        assert 0 < floats["errors"][key] < 1e-11
        assert exact[key] == pytest.approx(floats[key], abs=floats["errors"][key])


def test_float_is_refused_where_nothing_can_be_listed(capsys):
    assert main(["bounds", "hmm", "-n", "100", "--float"]) == 2
    assert "its answers are floats already, leave --float out" in capsys.readouterr().err


@pytest.mark.deep
def test_a_closed_pipe_is_no_traceback():
    command = [sys.executable, "-m", "theory", "schedule", "shuffle", "-n", "30", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        error = process.stderr.read()
        assert process.wait() == 141
    assert error == b""


@pytest.mark.parametrize("command", [["bounds"], ["policy"], ["decode", "--policy", "topk:k=1"]])
def test_an_empty_task_is_one_line(capsys, command):
    assert main([*command, ""]) == 2
    assert capsys.readouterr().err.startswith("python -m theory: unknown task ''; known: affine_subspace,")

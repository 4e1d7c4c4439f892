"""Runs of the shipped model from the command line to the report: scores, ceilings, breaks, wrong input."""

from __future__ import annotations

import csv
import io
import json

import pytest

from models.benchmark.questions import Asked
from models.benchmark.run import answer_file
from models.predictors.checkpoint import SHIPPED_LISTS, read_card
from models.predictors.recipes import Recipe, recipe
from models.runs.output_lock import locked
from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, TASKS, bench_task, grade, make_samples
from synthetic.parallelbench.ceilings import ceiling
from theory.commands.rules import rules_answer
from theory.policies import parse_policy

HALF = "topk:k=2,by=random"


def bench(*arguments: object) -> int:
    return main(["bench", *map(str, arguments)])


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert bench(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.deep
def test_the_ten_list_tasks_beside_their_ceilings(tmp_path, capsys):
    found = report(
        *(capsys, "run", "--tasks", "waiting_line/*", "--count", 20, "--runs", tmp_path),
        *("--policy", "topk:k=1", "--policy", HALF),
    )
    assert len(found["tasks"]) == 20
    for row in found["tasks"]:
        task = bench_task(row["task"])
        exact = ceiling(task, parse_policy(row["policy"]), layout="items")
        assert row["ceiling"] == pytest.approx(float(exact.accuracy))
        assert row["steps"] == pytest.approx(float(exact.steps))
        assert row["tokens_per_step"] == pytest.approx(float(exact.tokens_per_step))
        assert row["interval"][0] <= row["score"] <= row["interval"][1]
        assert row["p_value"] > 1e-6, row  # 20 rows
        assert (row["steps_to_end"], row["failed"]) == (row["steps"], 0)
    means = {row["setting"]: row for row in found["settings"]}
    assert means["topk:k=1"]["score"] == 1
    assert means[HALF]["ceiling"] < 1
    slow, fast = found["pbx"]
    good = means[HALF]["score"] >= 0.9
    assert (slow["PB90"], fast["PB90"]) == (1, means[HALF]["tokens_per_step"] if good else None)
    best = {row["task"]: row for row in found["oracle"]}
    assert len(best) == 10
    assert all(row["score"] == 1 for row in best.values())
    assert 1 < best["waiting_line/shuffle"]["tokens_per_step"] < 2


def test_rules_that_are_not_ranked_have_their_perfect_model_where_seconds_are_enough(tmp_path, capsys):
    rules = ("rcr:steps=2", "klass:tau=0.6,eps=0.01", "info_gain:candidates=8")
    given = [word for rule in rules for word in ("--policy", rule)]
    found = report(
        *(capsys, "run", "--tasks", "remove_random", "--sizes", 3, "--count", 2, "--runs", tmp_path), *given
    )
    exact = [
        ceiling(bench_task("remove_random"), parse_policy(rule), layout="items", sizes=(3,))
        for rule in rules[:2]
    ]
    assert [row["ceiling"] for row in found["tasks"]] == [*(float(one.accuracy) for one in exact), None]


def test_answers_are_lines_of_the_released_schema_that_grade_alike(tmp_path, capsys):
    found = report(
        *(capsys, "run", "--tasks", "shuffle", "insert_index", "--count", 8, "--runs", tmp_path),
        *("--policy", HALF, "--protocol", "v2"),
    )
    for row in found["tasks"]:
        task, rules = bench_task(row["task"]), PROTOCOLS["v2"]
        made = make_samples(task, rules, count=8)
        file = answer_file(tmp_path, HALF, task)
        header, *lines = map(json.loads, file.read_text("utf-8").splitlines())
        assert header["settings"]["protocol"] == "v2"
        assert [line["input"] for line in lines] == [sample.as_json()["input"] for sample in made]
        scores = [grade(task, s, line["output"], rules).score for s, line in zip(made, lines, strict=True)]
        assert row["score"] == pytest.approx(sum(scores) / 8)
        # the same lines as somebody else's, without the header
        plain = tmp_path / "theirs" / f"{task.name}.jsonl"
        plain.parent.mkdir(parents=True, exist_ok=True)
        plain.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        (theirs,) = report(capsys, "report", plain, "--protocol", "v2")["tasks"]
        assert (theirs["score"], theirs["steps"]) == (row["score"], row["steps"])


def test_a_broken_run_goes_on_and_ends_like_a_whole_one(tmp_path, capsys):
    given = ("run", "--tasks", "replace_random", "--count", 16, "--policy", "topk:k=1", "--batch", 1)
    whole = report(capsys, *given, "--runs", tmp_path / "whole")
    report(capsys, *given, "--runs", tmp_path / "cut")
    file = answer_file(tmp_path / "cut", "topk:k=1", bench_task("replace_random"))
    expected = file.read_bytes()
    lines = expected.splitlines(keepends=True)
    failed = {**json.loads(lines[3]), "failed": "no answer", "output": ""}
    file.write_bytes(b"".join([*lines[:3], json.dumps(failed).encode() + b"\n", *lines[4:9], lines[9][:40]]))
    assert report(capsys, "report", file)["tasks"][0]["failed"] == 1
    assert report(capsys, *given, "--runs", tmp_path / "cut") == whole
    again = {json.loads(line)["row"]: line for line in file.read_bytes().splitlines()[1:]}
    assert again == {json.loads(line)["row"]: line.rstrip() for line in lines[1:]}
    before = file.read_bytes()
    assert report(capsys, *given, "--runs", tmp_path / "cut") == whole  # nothing is left to ask
    assert file.read_bytes() == before


@pytest.mark.grid(2)
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("row", "x", "line 3: row must be a whole number, got 'x'"),
        ("output", None, "line 3: output must be a text"),
        ("steps", "many", "line 3: steps must be a whole number, got 'many'"),
        ("answer", 5, "line 3: answer must be"),
    ],
)
def test_a_changed_record_is_named(key, value, message, tmp_path, capsys):
    assert bench("run", "--tasks", "copy", "--count", 4, "--policy", "topk:k=1", "--runs", tmp_path) == 0
    file = answer_file(tmp_path, "topk:k=1", bench_task("copy"))
    lines = file.read_text("utf-8").splitlines(keepends=True)
    lines[2] = json.dumps({**json.loads(lines[2]), key: value}) + "\n"
    file.write_text("".join(lines), encoding="utf-8")
    capsys.readouterr()
    assert bench("report", file) == 2
    assert message in capsys.readouterr().err


def test_the_table_and_its_files(tmp_path, capsys):
    given = ("run", "--tasks", "copy", "--count", 4, "--policy", "topk:k=1", "--runs", tmp_path / "runs")
    assert (
        bench(
            *given, "--csv", tmp_path / "t.csv", "--latex", tmp_path / "t.tex", "--out", tmp_path / "t.json"
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "Mean score 100.0 % over 1 task; a perfect model would have 100.0 %." in shown
    (row,) = csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text()))
    assert (row["task"], row["score"], row["ceiling_exact"]) == ("waiting_line/copy", "1.0", "1")
    assert "tabular" in (tmp_path / "t.tex").read_text()
    assert json.loads((tmp_path / "t.json").read_text())["tasks"][0]["samples"] == 4


def test_the_shipped_weights_are_those_of_the_preset_and_near_the_ideal_model():
    card = read_card(SHIPPED_LISTS)
    assert Recipe.from_json(card["recipe"]) == recipe("lists")
    assert card["measured"]["worst_tv"] < 0.04
    assert {f"waiting_line/{name}".replace("_strict", "") for name in recipe("lists").tasks} == {
        name for name in TASKS if name.startswith("waiting_line/")
    }
    assert SHIPPED_LISTS.stat().st_size < 1 << 20


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("rule", [entry["example"] for entry in rules_answer()])
def test_every_rule_runs(rule, tmp_path, capsys):
    given = ("run", "--tasks", "replace_random", "--count", 4, "--temperature", 1, "--runs", tmp_path)
    found = report(capsys, *given, "--policy", rule)
    assert len(found["tasks"]) == 1
    assert found["tasks"][0]["samples"] == 4
    assert found["tasks"][0]["steps"] >= 1


@pytest.mark.deep
def test_two_workers_answer_everything(tmp_path, capsys):
    given = ("run", "--tasks", "sort", "--count", 8, "--policy", "topk:k=1", "--runs", tmp_path)
    assert report(capsys, *given, "--jobs", 2)["tasks"][0]["score"] == 1
    assert len(list(tmp_path.rglob("*.rank1.jsonl"))) == 1
    (row,) = report(capsys, "report", tmp_path)["tasks"]
    assert (row["samples"], row["score"]) == (8, 1)


def test_samples_from_a_folder(tmp_path, capsys):
    assert bench("make", "reverse", "--count", 4, "--seed", 5, "--out", tmp_path / "made") == 0
    capsys.readouterr()
    found = report(
        *(capsys, "run", "--tasks", "reverse", "--samples", tmp_path / "made", "--runs", tmp_path / "runs"),
        *("--policy", "topk:k=6"),
    )
    assert (found["tasks"][0]["samples"], found["tasks"][0]["score"]) == (4, 1)


def test_the_same_seed_asks_the_same():
    asked = Asked(tasks=(TASKS["waiting_line/copy"],), protocol=PROTOCOLS["v1"], count=4)
    first, again = (asked.questions(TASKS["waiting_line/copy"]) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "copie"], "unknown task 'copie'"),
        (["--tasks", "waiting/*"], "no task matches"),
        (["--tasks", "copy", "--policy", "topkk"], "unknown policy"),
        (["--tasks", "copy"], "give a rule with --policy"),
        (["--tasks", "sudoku"], "this model does not know puzzles/sudoku"),
        (["--tasks", "copy", "--sizes", "15", "--count", "2"], "n must be in 3..6"),
        (["--tasks", "copy", "--count", "7"], "count must be a multiple of the 4 sizes"),
        (["--tasks", "copy", "--temperature", "-1"], "temperature"),
        (["--tasks", "text/summary"], "needs texts from a file"),
        (["--tasks", "copy", "--model", "nowhere"], "nowhere"),
        (["--tasks", "copy", "--samples", "nowhere"], "cannot read samples"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(arguments, message, tmp_path, capsys):
    policy = [] if "give a rule" in message or "--policy" in arguments else ["--policy", "topk:k=1"]
    assert bench("run", *arguments, *policy, "--runs", tmp_path / "runs") == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_an_unknown_protocol_is_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        bench("run", "--tasks", "copy", "--protocol", "v3")
    assert stopped.value.code == 2
    assert "v3" in capsys.readouterr().err


def test_a_metric_that_is_missing_is_said_before_anything_is_asked(tmp_path, capsys):
    given = ("run", "--tasks", "words_easy", "copy", "--policy", "topk:k=1", "--runs", tmp_path / "runs")
    assert bench(*given, "--grammar", "harper") == 2
    assert "harper finds other errors" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_other_settings_and_a_second_run_are_refused(tmp_path, capsys):
    given = ("run", "--tasks", "copy", "--count", 4, "--policy", "topk:k=1", "--runs", tmp_path / "runs")
    assert bench(*given) == 0
    assert bench(*given, "--temperature", 1) == 2
    assert "is of a run with other settings" in capsys.readouterr().err
    with locked(tmp_path / "runs"):
        assert bench(*given) == 2
    assert "another run is writing into" in capsys.readouterr().err

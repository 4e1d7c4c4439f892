"""Answers of others: sample logs of lm-eval, results of 2025, released samples with outputs, malformed files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from models.benchmark.released_logs import log_setting, task_in_name
from models.benchmark.report import bench_report
from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, TASKS, bench_task, make_samples
from synthetic.parallelbench.ceilings import ceiling
from theory.policies import parse_policy

NAMES = {
    "waiting_line/insert_random": "samples_parallelbench_waiting_line_insert_random.jsonl",
    "waiting_line/sort": "samples_parallelbench_waiting_line_sort_2026-03-20T01-52-51.123.jsonl",
    "puzzles/latin_square": "samples_parallelbench_puzzles_latin_square_n4.jsonl",
    "puzzles/sudoku": "samples_parallelbench_puzzles_sudoku_n4.jsonl",
    "text/words_hard": "samples_parallelbench_text_writing_words_to_sentence_hard.jsonl",
    "text/paraphrase": "samples_parallelbench_text_writing_paraphrasing.jsonl",
    "text/summary": "samples_parallelbench_text_writing_summarization.jsonl",
}


def bench(*arguments: object) -> int:
    return main(["bench", "report", *map(str, arguments)])


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert bench(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def log_lines(task: str, *, count: int = 8, wrong: int = 0, k: int = 4) -> list[dict[str, Any]]:
    """A sample log as the package of 2026 writes it."""
    options = {"until": ["\n\n"], "max_tokens": 32, "steps": 32 // k, "unmasking": "random"}
    found = []
    for j, sample in enumerate(make_samples(bench_task(task), PROTOCOLS["v2"], count=count)):
        output = "[]" if j < wrong else sample.example_answer
        doc = {"messages": [], "label": sample.answer, "metadata": sample.metadata, "index": j}
        found.append({
            "doc_id": j, "doc": doc, "target": sample.example_answer, "resps": [[output]],
            "arguments": {"gen_args_0": {"arg_0": "...", "arg_1": options}}, "filtered_resps": [output],
            "score": float(j >= wrong), "score_strict": float(j >= wrong), "nfe": 32 / k,
            "tokens_per_step": float(k), "input_length": 90.0, "output_length": 12.0,
        })  # fmt: skip
    return found


def written(path: Path, lines: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(("task", "name"), NAMES.items())
def test_files_are_named_after_their_task(task, name):
    assert task_in_name(Path(name)) == task


def test_every_task_is_found_in_the_names_that_make_gives():
    assert [task_in_name(Path("made") / f"{name}.jsonl") for name in TASKS] == [*TASKS]
    assert task_in_name(Path("answers.jsonl")) is None


@pytest.mark.parametrize(
    "tasks",
    [("shuffle", "copy", "sort"), pytest.param(("shuffle", "copy", "sudoku"), marks=pytest.mark.deep)],
)
def test_a_folder_of_logs_with_several_settings(tasks, tmp_path, capsys):
    for k, wrong in ((1, 0), (4, 6)):
        for task in tasks:
            folder = tmp_path / "org__model" / "random" / f"k{k}"
            name = f"samples_parallelbench_{bench_task(task).name.replace('/', '_')}.jsonl"
            written(folder / name, log_lines(task, wrong=wrong if task == "shuffle" else 0, k=k))
    found = report(capsys, tmp_path, "--layout", "released")
    rows = {(row["setting"], row["task"]): row for row in found["tasks"]}
    assert len(rows) == 2 * len(tasks)
    assert {row["model"] for row in rows.values()} == {"org/model"}
    slow = rows["random steps=8", "waiting_line/shuffle"]
    assert (slow["score"], slow["steps"], slow["tokens_per_step"], slow["protocol"]) == (0.25, 8, 4, "v2")
    exact = ceiling(bench_task("shuffle"), parse_policy("topk:k=4,by=random")).accuracy
    assert slow["ceiling"] == pytest.approx(float(exact))
    if "sudoku" in tasks:
        assert rows["random steps=8", "puzzles/sudoku"]["sound"] is None  # a log has no puzzle
    assert found["pbx"][0]["PB70"] == 4
    assert found["pbx"][0]["PB90"] == 1
    assert {row["task"]: row["score"] for row in found["oracle"]}["waiting_line/shuffle"] == 1
    lines = 8 * len(rows)
    assert found["notes"] == [f"{lines} of {lines} logged scores are those given here."]


def test_a_logged_score_that_differs_is_said(tmp_path, capsys):
    lines = log_lines("copy")
    lines[0]["score"] = 0.0
    path = written(tmp_path / NAMES["waiting_line/sort"].replace("sort", "copy"), lines)
    assert report(capsys, path)["notes"] == ["7 of 8 logged scores are those given here."]


def test_settings_of_logs_are_rules_where_there_is_one():
    def rule(**options: Any) -> str | None:
        return log_setting({"arguments": {"gen_args_0": {"arg_1": options}}})[1]

    assert rule(unmasking="confidence_topk", k=2, max_tokens=32) == "topk:k=2,by=confidence"
    assert (
        rule(unmasking="topk_margin", steps=8, max_tokens=32, block_length=8) == "topk:k=4,by=margin,block=8"
    )
    assert rule(unmasking="confidence_threshold", alg_threshold=0.9) == "threshold:gamma=0.9,strict=false"
    assert rule(unmasking="klass") is None
    assert log_setting({}) == ("", None)
    for spec in (
        "topk:k=4,by=margin,block=8",
        "threshold:gamma=0.9,strict=false",
        "factor:f=0.7,variant=released",
    ):
        parse_policy(spec)


def test_settings_of_any_rule_are_told_apart_and_dream_has_its_schedule():
    def read(model: str = "", **options: Any) -> tuple[str, str | None]:
        return log_setting({"arguments": {"gen_args_0": {"arg_1": options}}}, model)

    both = [read(unmasking="klass", conf_threshold=c, max_tokens=32, until=["\n\n"])[0] for c in (0.5, 0.9)]
    assert both == ["klass conf_threshold=0.5", "klass conf_threshold=0.9"]
    options = {"unmasking": "random", "k": 2, "max_tokens": 32}
    assert read("apple/DiffuCoder-7B-cpGRPO", **options)[1] == "dream:steps=16,by=random,eps=0"
    assert read("Dream-org/Dream-v0-Instruct-7B", **options, block_length=8)[1] is None
    assert [read("x", **{**options, "k": k})[1] for k in ("2", "two", 1.5)] == [
        "topk:k=2,by=random",
        None,
        None,
    ]
    older = {"arguments": [["the prompt", {**options, "block_length": 8}]]}  # lists, as lm-eval wrote once
    assert log_setting(older, "x") == ("random block_length=8 k=2", "topk:k=2,by=random,block=8")
    for odd in (None, 5, [], [[]], {"gen_args_0": None}, {"gen_args_0": {"arg_1": []}}, "text"):
        assert log_setting({"arguments": odd}) == ("", None)
    assert read(unmasking="confidence_threshold", alg_threshold="high")[1] is None
    # left to right, two tokens per step: the schedule shifts the pairs onto the names of a person
    spec = read("Dream-org__Dream-v0-Instruct-7B", unmasking="left_to_right", k=2, max_tokens=32)[1]
    assert round(100 * float(ceiling(bench_task("shuffle"), parse_policy(str(spec))).accuracy), 1) == 17.9


def test_labels_are_read_as_the_package_of_2026_logs_them(tmp_path, capsys):
    lines = log_lines("reverse", wrong=1)
    for j, line in enumerate(lines):
        line["doc"]["label"] = json.loads(line["doc"]["label"])  # a list, as its data on the hub give it
        line["doc_id"] = 8 * j % 9  # samples in the order of its workers
        line["dec_order_kendall_ignore_pad"] = float("nan")
    path = written(tmp_path / "samples_parallelbench_waiting_line_n15_reverse.jsonl", lines)
    (row,) = report(capsys, path)["tasks"]
    assert (row["task"], row["score"], row["samples"]) == ("waiting_line/reverse", 7 / 8, 8)
    lines[2]["doc"]["label"] = [1, 2]
    written(path, lines)
    assert bench(path) == 2
    assert "line 3: answer must be a text, got [1, 2]" in capsys.readouterr().err


def test_two_runs_of_one_setting_are_not_mixed(tmp_path, capsys):
    name = "org__model/random/k4/{}/samples_parallelbench_waiting_line_copy.jsonl"
    for run in ("20260320_015251_all", "20260320_133223_all"):
        written(tmp_path / name.format(run), log_lines("copy"))
    assert bench(tmp_path) == 2
    said = capsys.readouterr().err
    assert "20260320_133223_all" in said
    assert "answers sample 0 of waiting_line/copy again, with the setting 'random steps=8'" in said
    assert said.count("\n") == 1


def test_results_of_2025(tmp_path, capsys):
    outputs = [
        {
            "input": [], "output": sample.example_answer, "label": sample.answer, "nfe": 16, "output_length": 9,
            "data/metadata/length": sample.metadata["length"], "sample/score": 1.0,
        }
        for sample in make_samples(bench_task("reverse"), PROTOCOLS["v1"], count=4)
    ]  # fmt: skip
    path = tmp_path / "result.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"cfg_file": "x", "metrics": {}, "outputs": outputs}).encode()))
    (row,) = report(capsys, path, "--task", "reverse", "--label", "mine")["tasks"]
    assert (row["model"], row["score"], row["steps"], row["protocol"]) == ("mine", 1, 16, "v1")


def test_a_report_says_how_far_it_is(tmp_path):
    paths = [
        written(tmp_path / f"samples_parallelbench_waiting_line_{task}.jsonl", log_lines(task))
        for task in ("copy", "sort")
    ]
    said: list[tuple[int, int]] = []
    bench_report(paths, report=lambda *parts: said.append(parts))
    assert said == [(1, 2), (2, 2)]


def test_the_table_of_a_log(tmp_path, capsys):
    path = written(
        tmp_path / "org__model" / "samples_parallelbench_waiting_line_copy.jsonl", log_lines("copy")
    )
    assert bench(path) == 0
    shown = capsys.readouterr().out
    assert "ParallelBench, protocol v2, org/model" in shown
    assert "8 of 8 logged scores are those given here." in shown


def changed(line: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return {**line, key: value}


GOOD = {
    "input": {"context": '["A B", "C D"]'},
    "answer": '["A B", "C D"]',
    "metadata": {"length": 2},
    "output": "x",
}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "copy.jsonl line 1 is not JSON: Expecting property name"),
        (["[1]"], "line 1 must be a JSON object, got [1]"),
        ([GOOD, changed(GOOD, "output", 3)], "line 2: output must be a text, got 3"),
        ([GOOD, {"input": {}, "output": "x"}], "line 2: input.context is missing"),
        ([changed(GOOD, "answer", [1])], "line 1: answer must be a text"),
        ([changed(GOOD, "nfe", "many")], "line 1: nfe must be a number of at least 0, got 'many'"),
        ([changed(GOOD, "nfe", float("nan"))], "line 1: nfe must be a number of at least 0, got nan"),
        (
            [changed(GOOD, "tokens_per_step", float("inf"))],
            "line 1: tokens_per_step must be a number of at least 0",
        ),
        ([changed(GOOD, "nfe", -3)], "line 1: nfe must be a number of at least 0, got -3"),
        (
            [changed(GOOD, "doc_id", 0), changed(GOOD, "doc_id", 0)],
            "line 2 answers sample 0 for a second time",
        ),
        ([GOOD, {"doc": {"label": "x"}, "resps": [["x"]]}], "line 2: the line is of another kind"),
        ([{"doc": {}, "resps": [["x"]]}], "line 1: doc.label is missing"),
        (
            [{"doc": {"label": "x", "metadata": [1]}, "resps": [["x"]]}],
            "line 1: metadata must be a JSON object",
        ),
        (
            [{"doc": {"label": "x", "metadata": {"length": "3"}}, "resps": [["x"]]}],
            "line 1: metadata.length must be a whole number, got '3'",
        ),
        (
            [changed(GOOD, "metadata", {"length": 2.5})],
            "line 1: metadata.length must be a whole number, got 2.5",
        ),
        ([], "has no answers"),
        ([{"format": "parabounds records 1"}], "line 1 lacks settings of bench run"),
        (
            [{"format": "parabounds records 1", "settings": {"run": "bench"}}],
            "line 1 lacks settings of bench run",
        ),
        (
            [{"format": "parabounds records 1", "sha256": "", "settings": {"run": "gap"}}],
            "another command than bench run",
        ),
    ],
)
def test_malformed_files_are_one_line(lines, message, tmp_path, capsys):
    path = tmp_path / "waiting_line_copy.jsonl"
    path.write_text(
        "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines), encoding="utf-8"
    )
    assert bench(path) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", json.dumps(GOOD), "does not say its task; give it with --task"),
        ("x.json", "[]", "is no result of a release"),
        ("x.json", '{"outputs": []}', "outputs must be a list with at least one entry"),
    ],
)
def test_files_that_say_too_little(name, content, message, tmp_path, capsys):
    (tmp_path / name).write_text(content + "\n", encoding="utf-8")
    assert bench(tmp_path / name) == 2
    assert message in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert bench(tmp_path / "empty") == 2
    assert "has no .jsonl files" in capsys.readouterr().err
    assert bench(tmp_path / "nowhere.jsonl") == 2
    assert "cannot read answers" in capsys.readouterr().err

"""The command of the benchmark: files it writes and reads, its tables, its one-line errors."""

import json
import re
from pathlib import Path

import pytest

from synthetic.parallelbench.command import add, run
from theory.commands.command_line import OneLineParser
from theory.validation import InputError


def bench(*arguments: object) -> int:
    parser = OneLineParser(prog="bench")
    add(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def shuffles(tmp_path: Path) -> Path:
    assert bench("make", "waiting_line/shuffle", "--out", tmp_path, "--count", 8) == 0
    return tmp_path / "waiting_line" / "shuffle.jsonl"


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("tasks", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["tasks"]) == 17
    assert bench("tasks") == 0
    assert "waiting_line/replace_random" in capsys.readouterr().out


def test_patterns_make_one_file_a_task(tmp_path: Path) -> None:
    assert bench("make", "waiting_line/*", "puzzles/*", "text/words_*", "--out", tmp_path, "--count", 4) == 0
    assert len(list(tmp_path.glob("*/*.jsonl"))) == 15


def test_grades_of_outputs_in_any_order(
    shuffles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = [json.loads(line)["answer"]["example"] for line in shuffles.read_text("utf-8").splitlines()]
    own = [{"index": i, "output": right[i] if i < 6 else "[]"} for i in reversed(range(8))]
    log = [{"doc_id": i, "resps": [[right[i] if i < 6 else "[]"]]} for i in range(8)]
    capsys.readouterr()
    for rows in (own, log):
        outputs = lines(tmp_path / "outputs.jsonl", *rows)
        assert bench("grade", "--task", "shuffle", "--samples", shuffles, "--outputs", outputs, "--json") == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["graded"] == 8
        assert [answer["scores"][name]["mean"] for name in ("score", "strict", "sound")] == [0.75] * 3
    assert bench("grade", "--task", "shuffle", "--samples", shuffles, "--outputs", outputs) == 0
    assert "75.00" in capsys.readouterr().out


def test_explain_says_why(shuffles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert bench("explain", "--task", "shuffle", "--samples", shuffles, "--output", '["A"]') == 0
    assert "the people are not those of the line" in capsys.readouterr().out


def test_texts_of_others_become_samples(tmp_path: Path) -> None:
    texts = lines(tmp_path / "texts.jsonl", {"dialogue": "A: Hi.\nB: Hi.", "summary": "They greet."})
    assert bench("make", "text/summary", "--from", texts, "--out", tmp_path) == 0
    (made,) = (tmp_path / "text" / "summary.jsonl").read_text("utf-8").splitlines()
    assert json.loads(made)["answer"] == {"text": "A: Hi.\nB: Hi.", "summary": "They greet."}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "must be a JSON object with output"),
        ({"output": 3}, "output must be a text"),
        ({"output": "", "index": 8}, "answers sample 8, but there are 8"),
        ({"output": "", "index": "0"}, "index must be a whole number"),
    ],
)
def test_outputs_that_are_wrong_are_named(shuffles: Path, tmp_path: Path, row: object, message: str) -> None:
    outputs = lines(tmp_path / "outputs.jsonl", row)
    with pytest.raises(InputError, match=re.escape(f"{outputs} line 1")) as caught:
        bench("grade", "--task", "shuffle", "--samples", shuffles, "--outputs", outputs)
    assert message in str(caught.value)


def test_a_sample_answered_twice_is_refused(shuffles: Path, tmp_path: Path) -> None:
    outputs = lines(tmp_path / "outputs.jsonl", {"output": "", "index": 1}, {"output": "", "index": 1})
    with pytest.raises(InputError, match="for a second time"):
        bench("grade", "--task", "shuffle", "--samples", shuffles, "--outputs", outputs)


def test_nothing_is_written_if_one_task_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs texts from a file"):
        bench("make", "waiting_line/copy", "text/summary", "--out", tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no task matches 'line/\\*'"):
        bench("make", "line/*", "--out", tmp_path)


def test_ceilings_are_printed_for_each_task_and_rule(capsys: pytest.CaptureFixture[str]) -> None:
    rules = ("--policy", "topk:k=1", "--policy", "topk:k=32")
    assert bench("ceiling", "copy", "replace_random", *rules, "--sizes", "3", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    found = {(row["task"], row["policy"]): row["accuracy"] for row in answer["ceilings"]}
    assert found["waiting_line/copy", "topk:k=32"] == found["waiting_line/replace_random", "topk:k=1"] == 1
    assert answer["exact"][3]["tokens_per_step"] == "32"
    assert bench("ceiling", "copy", "--policy", "topk:k=1") == 0
    assert "100.00" in capsys.readouterr().out


def test_ceilings_of_puzzles_and_of_long_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("ceiling", "sudoku", "--policy", "topk:k=1", "--holes", "3", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["exact"][0]["accuracy"] == "1"  # three empty cells always have one solution
    rule = ("--policy", "topk:k=2,by=left_to_right", "--layout", "items")
    assert bench("ceiling", "reverse", *rule, "--sizes", "15,20", "--samples", "5", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["ceilings"]
    assert [(row["people"], row["accuracy"], row["steps"]) for row in rows] == [(15, 1, 8), (20, 1, 10)]
    assert bench("ceiling", "reverse", *rule, "--sizes", "15", "--samples", "5") == 0
    assert "47.82 to 100.00" in capsys.readouterr().out
    assert bench("ceiling", "sudoku", "--policy", "topk:k=2,block=2", "--holes", "3") == 0
    assert "100.00" in capsys.readouterr().out

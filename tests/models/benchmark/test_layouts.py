"""Layouts of one's own beside answers: a file of positions, a tokenizer, other lengths, and what does not fit."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from models.benchmark.layouts import placed
from parabounds.command import main
from synthetic.parallelbench import bench_task
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.list_ceilings import list_layout
from tests.models.benchmark.test_results import log_lines, written
from theory.decoding.structured.layout import Layout
from theory.policies import parse_policy

RULE = "topk:k=4,by=random"
THREE = Layout(places=tuple((1 + 5 * j, 2 + 5 * j, 3 + 5 * j) for j in range(6)), length=32)


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    assert main(["bench", "report", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["tasks"]


def marked(path: Path, layout: Layout) -> Path:
    path.write_text(json.dumps({"length": layout.length, "places": layout.places}))
    return path


def test_answers_are_compared_with_a_perfect_model_that_writes_like_the_file(tmp_path, capsys):
    log = written(tmp_path / "samples_parallelbench_waiting_line_shuffle.jsonl", log_lines("shuffle")[:2])
    file, asked = marked(tmp_path / "layout.json", THREE), {"sizes": (3,)}
    exact = [
        float(ceiling(bench_task("shuffle"), parse_policy(RULE), layout=layout, **asked).accuracy)
        for layout in (THREE, "released")
    ]
    found = [report(capsys, log, "--layout", layout)[0]["ceiling"] for layout in (file, "released")]
    assert found == exact
    assert exact[0] != exact[1]
    assert [report(capsys, log, *more)[0]["ceiling"] for more in ([], ["--layout", "none"])] == [None, None]


def test_the_positions_are_those_that_were_decoded():
    task = bench_task("remove_random")
    assert placed(THREE, task, 2, None) == Layout(places=THREE.places[:2], length=32)
    assert placed(THREE, task, 2, 64) == Layout(places=THREE.places[:2], length=64)
    assert placed("released", task, 2, 32) == "released"
    longer = placed("released", task, 2, 64)
    assert isinstance(longer, Layout)
    assert (longer.places, longer.length) == (list_layout("released", 2).places, 64)
    # two of three people, each of two tokens; with more certain positions fewer steps take two tokens of a person
    short, long = (
        ceiling(task, parse_policy("topk:k=2,by=random"), layout=layout, sizes=(3,)).accuracy
        for layout in ("released", longer)
    )
    assert short < long < 1


def test_a_run_in_other_lengths_has_the_ceiling_of_its_positions(tmp_path, capsys):
    lines = [
        {**line, "nfe": 16.0, "tokens_per_step": 4.0} for line in log_lines("shuffle")[:4]
    ]  # 64 positions
    log = written(tmp_path / "samples_parallelbench_waiting_line_shuffle.jsonl", lines)
    (row,) = report(capsys, log, "--layout", "released", "--policy", RULE)
    exact = [
        ceiling(
            bench_task("shuffle"), parse_policy(RULE), sizes=(n,),
            layout=Layout(places=list_layout("released", n).places, length=64),
        ).accuracy
        for n in (3, 4)
    ]  # fmt: skip
    assert row["ceiling"] == pytest.approx(float(sum(exact) / 2))


def test_answers_that_are_cut_off_have_no_ceiling(tmp_path, capsys):
    lines = [
        {**line, "nfe": 4.0} for line in log_lines("shuffle")
    ]  # in 16 positions nobody writes six people
    log = written(tmp_path / "samples_parallelbench_waiting_line_shuffle.jsonl", lines)
    assert report(capsys, log, "--layout", "released")[0]["ceiling"] is None


def test_puzzles_of_four_empty_cells_have_their_own_ceiling(tmp_path, capsys):
    lines = [
        {**line, "nfe": 16.0, "doc": {**line["doc"], "metadata": {"length": 4, "num_holes": 4}}}
        for line in log_lines("sudoku")
    ]  # as in the released logs, in 64 positions
    log = written(tmp_path / "samples_parallelbench_puzzles_sudoku_n4.jsonl", lines)
    (row,) = report(capsys, log, "--layout", "released", "--policy", "topk:k=64,by=left_to_right")
    exact = ceiling(bench_task("sudoku"), parse_policy("topk:k=64,by=left_to_right"), holes=4).accuracy
    assert row["ceiling"] == pytest.approx(float(exact))
    assert exact > Fraction(98, 100)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout(places=THREE.places[:5], length=32), "has places for 5 people, an answer has 6"),
        (Layout(places=(*THREE.places[:5], (40,)), length=64), "has a token at position 40, but only 0..31"),
        (None, "--layout must be released, none, or a file or folder that exists"),
    ],
)
def test_a_layout_that_does_not_fit_is_one_line(layout, message, tmp_path, capsys):
    log = written(tmp_path / "samples_parallelbench_waiting_line_shuffle.jsonl", log_lines("shuffle"))
    file = tmp_path / "layout.json" if layout is None else marked(tmp_path / "layout.json", layout)
    assert main(["bench", "report", str(log), "--layout", str(file)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert message in said.err
    assert "layout.json" in said.err


def test_the_shipped_model_has_no_layout_to_give(tmp_path, capsys):
    file = marked(tmp_path / "layout.json", THREE)
    given = ["bench", "run", "--tasks", "copy", "--policy", "topk:k=1", "--runs", str(tmp_path / "runs")]
    assert main([*given, "--layout", str(file)]) == 2
    assert "is for diffusion models with a tokenizer" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()

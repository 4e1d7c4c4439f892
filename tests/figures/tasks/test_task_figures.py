"""Figures of a user's task: their numbers are those of the decoder, and bad input gives one line."""

import csv
import json
from dataclasses import replace
from fractions import Fraction

import pytest

import paper_repro
from figures.drawing.frontier_curve import draw_frontier
from figures.drawing.save_picture import check_plot_file
from figures.drawing.style import new_figure
from figures.engine.figure import RunSettings, known_figures
from figures.engine.run import run_figures
from figures.engine.task_data import listed_task, task_data
from figures.tasks.listed_curves import task_figure
from theory import (
    Context,
    CostError,
    InputError,
    JointPMF,
    ListedDistribution,
    decode_contexts,
    optimal_bounds,
    parse_policy,
    subset_entropies,
)
from theory.__main__ import main
from theory.commands.frontier import frontier_answer

CONTEXTS = {
    "contexts": [
        {"weight": "1/4", "outcomes": [["a", "b", "a"], ["b", "a", "b"]], "probabilities": ["1/3", "2/3"]},
        {"weight": "3/4", "outcomes": [["a", "a", "a"], ["b", "b", "a"], ["b", "a", "a"]]},
    ]
}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(CONTEXTS))
    return file


def test_the_data_is_the_task(path):
    data = task_data(str(path))
    assert data.name == "mine.json"
    back = listed_task(data.contexts)
    for spec in ("topk:k=2,by=random", "threshold:gamma=0.6"):
        ours = decode_contexts(back, parse_policy(spec))
        wanted = decode_contexts(task_data_source(path), parse_policy(spec))
        assert (ours.accuracy, ours.kl, ours.steps) == (wanted.accuracy, wanted.kl, wanted.steps)


def task_data_source(path):
    from theory import read_task

    return read_task(path)


@pytest.mark.deep
def test_every_row_is_an_exact_decode(path, tmp_path):
    figure = replace(task_figure(task_data(str(path))), draw=lambda *_: new_figure()[0])
    (result,) = run_figures([figure], run=RunSettings(fast=True), out=tmp_path / "out")
    assert result.passed
    assert all(check.passed for check in result.checks)
    rows = list(csv.DictReader(result.files["csv"].read_text().splitlines()))
    task = task_data_source(path)
    decodes = [row for row in rows if row["source"] == "decode"]
    assert {row["temperature"] for row in decodes} == {"0", "1"}
    for row in decodes:
        wanted = decode_contexts(task, parse_policy(row["policy"]), temperature=int(row["temperature"]))
        assert Fraction(row["accuracy"]) == wanted.accuracy
        assert float(row["kl"]) == float(wanted.kl)
        assert float(row["tokens_per_step"]) == pytest.approx(float(wanted.tokens_per_step))
    bounds = [float(row["kl"]) for row in rows if row["source"] == "bound"]
    parts = [(context.weight, context.distribution.pmf()) for context in task.contexts()]
    assert bounds == [float(bits) for bits in optimal_bounds(subset_entropies(parts)).values]
    hull = [(float(row["steps_under_data"]), float(row["kl"])) for row in rows if row["source"] == "frontier"]
    assert hull == [(float(v["steps"]), float(v["kl"])) for v in frontier_answer(task)["vertices"]]


@pytest.mark.deep
def test_a_float_distribution_can_be_drawn(tmp_path):
    data = task_data("tests.figures.tasks.test_task_figures:Floats")
    (result,) = run_figures([task_figure(data)], run=RunSettings(fast=True), out=tmp_path)
    assert result.passed


@pytest.mark.deep
@pytest.mark.parametrize("name", ["floats", "city_names"])
def test_every_rule_against_the_optimum_of_a_task(name, tmp_path):
    from figures.paper.rules_against_optimum import task_figure as against_the_optimum

    data = task_data("tests.figures.tasks.test_task_figures:Floats" if name == "floats" else name)
    (result,) = run_figures([against_the_optimum(data)], run=RunSettings(fast=True), out=tmp_path)
    assert result.passed
    rows = list(csv.DictReader(result.files["csv"].read_text().splitlines()))
    rules = {row["rule"] for row in rows if row["kind"] == "rule"}
    assert {"top-k random", "WINO"} <= rules
    listed = f"optimality_{data.stem}.md"
    page = (tmp_path / listed).read_text()
    assert f"`{listed}`" in result.figure.about
    assert "of 1 " not in page
    assert all(f"| {rule} |" in page for rule in rules)
    one = next(row for row in rows if row["spec"] == "topk:k=1,by=random")
    assert (float(one["kl"]), float(one["steps"])) == (pytest.approx(0, abs=1e-12), 2)


class Floats:
    name, n = "floats", 2

    def contexts(self):
        pmf = JointPMF.from_pairs([("a", "b"), ("b", "b"), ("b", "a")], [0.1, 0.2, 0.7])
        return (Context(weight=Fraction(1), distribution=ListedDistribution(pmf)),)

    def chain(self):
        return None


def test_only_figures_with_a_form_for_tasks_take_one(path, tmp_path, capsys):
    able = [name for name, figure in known_figures().items() if figure.for_task]
    assert able == ["figure2", "frontier"]
    for argv, message in [
        (["figure1", "--task", str(path)], "figure1 has no form for --task; use figure2"),
        (["figure2", "--task", "none.json"], "No such file"),
        (["figure2", "--task", "shuffle"], "needs a size"),
        (["figure2", "--task", "shuffle", "-n", "8"], "use a task of fewer outcomes"),
        (["figure2", "-n", "9"], "belong to --task"),
        (["figure2", "--normalise"], "belong to --task"),
        (["figure2", "--mask-id", "5"], "--mask-id belongs to --model"),
        (["figure2", "--import", "my_models"], "--import belongs to --model"),
        (["figure2", "--task", "shuffle", "--chat"], "--chat belongs to --model"),
    ]:
        assert paper_repro.main([*argv, "--out", str(tmp_path / "none")]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.deep
@pytest.mark.parametrize(("ending", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_frontier_plot_shows_the_vertices(path, tmp_path, capsys, ending, start):
    picture = tmp_path / f"f.{ending}"
    assert main(["frontier", str(path), "--plot", str(picture), "--json"]) == 0
    assert picture.read_bytes().startswith(start)
    first = picture.read_bytes()
    assert main(["frontier", str(path), "--plot", str(picture), "--json"]) == 0
    assert picture.read_bytes() == first
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["plot"] == str(picture)
    drawing = draw_frontier(answer | {"optimal_bound": [1.0, 0.5, 0.0]})
    lines = {line.get_label(): line.get_xydata().tolist() for line in drawing.axes[0].lines}
    assert lines["least of all policies"] == [[v["steps"], v["kl"]] for v in answer["vertices"]]
    assert lines["best fixed blocks, $L^*_T$"] == [[1, 1.0], [2, 0.5], [3, 0.0]]


def test_the_frontier_plot_marks_the_rules():
    low, high = (
        {"steps_under_data": None, "path_kl": None},
        {"path_kl": {"estimate": 0.5, "standard_error": 0.1}},
    )
    rules = [
        low | {"policy": "a", "steps": 1.5, "kl": 0.25},
        high | {"policy": "b", "steps_under_data": {"estimate": 2.0}, "kl": None},
        low | {"policy": "unknown", "steps": 2.0, "kl": None},
    ]
    answer = {"task": "mine.json", "n": 2, "vertices": [{"steps": 1, "kl": 1.0}, {"steps": 2, "kl": 0.0}]}
    (ax,) = draw_frontier(answer | {"rules": rules}).axes
    (marks,) = ax.containers
    assert marks.lines[0].get_xydata().tolist() == [[1.5, 0.25], [2.0, 0.5]]
    assert {text.get_text() for text in ax.texts} == {"a"}
    assert draw_frontier(answer).axes[0].containers == []


@pytest.mark.parametrize(
    ("name", "message"), [("f.gif", "must end in"), ("none/f.png", "there is no folder")]
)
def test_pictures_that_cannot_be_written(path, tmp_path, capsys, name, message):
    assert main(["frontier", str(path), "--plot", str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err
    with pytest.raises(InputError, match=message):
        check_plot_file(str(tmp_path / name))
    assert [file.name for file in tmp_path.iterdir()] == ["mine.json"]


def test_files_carry_the_name_of_the_task_and_the_settings(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two, other = tmp_path / "a" / "mine.json", tmp_path / "b" / "mine.json", tmp_path / "a" / "Mine.csv"
    one.write_text('{"outcomes": [["a", "b"], ["b", "a"]]}')
    two.write_text('{"outcomes": [["a", "b"], ["b", "b"]]}')
    other.write_text("y0,y1\na,b\nb,a\n")
    stems = [task_data(str(path)).stem for path in (one, two, other)]
    assert len(set(stems)) == 3
    assert all(stem.startswith("mine_") for stem in stems)
    assert task_data("shuffle", 4).stem == "shuffle_n4"
    assert task_data("repeated_bit", 4).stem == "repeated_bit_n4"
    assert task_data("markov_chain", 40).stem == "markov_chain_n40"
    assert task_data("tests.figures.tasks.test_task_figures:Floats").stem.startswith("floats_")
    long = replace(task_data("shuffle", 3), name="s" * 99)
    assert long.stem.startswith("s" * 48 + "_")


@pytest.mark.deep
def test_no_run_overwrites_another(tmp_path):
    out = tmp_path / "out"
    made = set()
    for argv in (
        ["figure2", "frontier", "--task", "city_names", "--fast"],
        ["figure2", "--task", "city_names"],
        ["figure2", "--task", "shuffle", "-n", "2", "--fast"],
        ["figure2", "--task", "shuffle", "-n", "2", "--fast", "--seed", "3"],
    ):
        before = {
            path: path.read_bytes() for path in out.glob("*.*") if path.is_file() and path.stem != "report"
        }
        assert paper_repro.main([*argv, "--out", str(out), "--jobs", "1"]) == 0
        assert all(path.read_bytes() == content for path, content in before.items())
        made |= set(before)
    names = {path.name for path in made}
    assert {"bounds_city_names.csv", "figure2_city_names_fast.svg", "frontier_city_names_fast.png"} <= names
    assert "optimality_city_names_fast.md" in names
    page = (out / "report.html").read_text()
    assert "figure2_shuffle_n2_fast_seed3" in page
    heads = [page.index(f'<section id="{name}_') for name in ("bounds_shuffle", "figure2_shuffle")]
    assert heads == sorted(heads)
    assert "shuffle, n = 2: one step loses 1 bit" in page[: heads[0]]


def test_large_tasks_are_refused_before_work():
    with pytest.raises(CostError, match="fewer outcomes"):
        task_data("shuffle", 8)

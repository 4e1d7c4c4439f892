"""Bounds that open a task's report: the numbers of the command, for listed, long and sampled tasks."""

import json

import pytest
from matplotlib import rc_context

from figures.drawing.style import STYLE
from figures.engine.figure import RunSettings
from figures.engine.task_data import task_data
from figures.tasks.task_bounds import bounds_figure
from synthetic import make_task
from theory import optimal_bounds, subset_entropies

CHAIN = {"markov": {"length": 20, "initial": ["1/2", "1/2"], "transition": [["3/4", "1/4"], [1, 0]]}}
HIDDEN = {"hmm": {"length": 25, "initial": ["1/2", "1/2"], "transition": [[1, 0], [0, 1]]}}
HIDDEN["hmm"]["emission"] = [["1/2", "1/2"], ["1/3", "2/3"]]


def made(data, **settings):
    figure = bounds_figure(data)
    chosen = {**figure.resolve(RunSettings(fast=True)), **settings}
    results = [cell.function(**cell.kwargs) for cell in figure.cells(chosen)]
    rows = figure.compute(chosen, results)
    assert all(check.passed for check in figure.checks(rows, chosen))
    with rc_context(STYLE):
        drawing = figure.draw(rows, chosen)
    return rows, figure.table(rows, chosen), figure.verdict(rows, chosen), drawing


def file(tmp_path, content):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(content))
    return task_data(str(path))


def test_a_listed_task():
    rows, table, said, drawing = made(task_data("shuffle", 4))
    best = optimal_bounds(subset_entropies(make_task("shuffle", 4).contexts()[0].distribution.pmf()))
    assert [row["bits"] for row in rows if row["kind"] == "loss"] == [float(bits) for bits in best.values]
    assert table[1] == ["1", "3.415", "9.375 %", "0,1,2,3"]
    assert [line[0] for line in table[1:]] == ["1", "2", "3", "4"]
    assert said[0].startswith("one step loses 3.42 bits")
    assert said[1] == ("entropy 4.585 bits, total correlation 3.415 bits, dual total correlation 4.585 bits.")
    assert drawing.axes[0].get_xticks().tolist() == [1, 2, 3, 4]


def test_one_position_loses_nothing(tmp_path):
    _, table, said, drawing = made(file(tmp_path, {"outcomes": [["a"], ["b"]]}))
    assert table[1:] == [["1", "0", "100 %", "0"]]
    assert "loses nothing" in said[0]
    assert drawing.axes[0].get_ylim() == (-0.06, 1.06)


def test_a_chain_ends_at_the_first_zero(tmp_path):
    _, table, _, _ = made(file(tmp_path, CHAIN))
    assert "(of 20; more lose nothing either)" in table[0][0]
    assert table[-1][1] == "0"
    assert all(line[1] != "0" for line in table[1:-1])


def test_a_hidden_chain_has_estimates_with_intervals(tmp_path):
    rows, table, said, drawing = made(file(tmp_path, HIDDEN), samples=50)
    assert [row["kind"] for row in rows] == ["verdict", "entropy", "entropy", "entropy"]
    assert all(row["low"] <= row["bits"] <= row["high"] for row in rows[1:])
    assert table[0] == ["quantity", "bits"]
    assert "95 %" in said[1]
    assert drawing.axes[0].get_yticklabels()[0].get_text() == "entropy"


@pytest.mark.deep
def test_a_long_list_has_brackets(tmp_path):
    words = ["ab" * 13, "ba" * 13, "aabb" * 6 + "ab", "abba" * 6 + "ba"]
    rows, table, _, drawing = made(file(tmp_path, {"outcomes": [list(word) for word in words]}), seconds=1)
    losses = [row for row in rows if row["kind"] == "loss"]
    assert len(losses) == 26
    assert all(row["low"] <= row["high"] for row in losses)
    assert len(table) <= 27
    assert drawing.axes[0].lines


def test_a_refusal_is_the_verdict():
    rows, table, said, _ = made_of(
        {"verdict": "the bounds are refused: too long.", "facts": {}, "losses": []}
    )
    assert said == ["the bounds are refused: too long."]
    assert table == [["quantity", "bits"]]
    assert rows[0]["kind"] == "verdict"


def made_of(result):
    figure = bounds_figure(task_data("shuffle", 2))
    settings = figure.resolve(RunSettings())
    rows = figure.compute(settings, [result])
    with rc_context(STYLE):
        drawing = figure.draw(rows, settings)
    return rows, figure.table(rows, settings), figure.verdict(rows, settings), drawing

"""The figures in their fast form: every deciding check holds, and a run gives the same rows twice."""

import pytest

from figures.drawing.style import new_figure
from figures.engine.check import DECIDING
from figures.engine.figure import RunSettings, known_figures
from figures.engine.run import run_figures


def test_figures_are_pinned():
    benchmark = [f"figure{number}" for number in range(3, 26)]
    ours = ["claims", "figure1", "figure2", "frontier", "model", "table1", "tables5-7", "uniform"]
    assert sorted(known_figures()) == sorted([*ours, *benchmark])


@pytest.mark.grid(0, deep=11)  # .ci/run draws all of them
@pytest.mark.parametrize(
    "name",
    [
        "claims",
        "figure1",
        "figure5",
        "figure6",
        "figure7",
        "figure18",
        "frontier",
        "model",
        "table1",
        "tables5-7",
        "uniform",
    ],
)
def test_a_fast_figure_holds(tmp_path, name):
    (result,) = run_figures([known_figures()[name]], run=RunSettings(fast=True), out=tmp_path)
    assert result.checks
    assert [check for check in result.checks if check.kind in DECIDING and not check.passed] == []
    pages = {".md"} if result.figure.pages else set()
    assert {path.suffix for path in result.files.values()} == {".csv", ".svg", ".png", ".pdf"} | pages


@pytest.mark.deep
def test_figure_2_in_small(tmp_path):
    from dataclasses import replace

    figure = known_figures()["figure2"]
    small = {"n": [5], "gamma": ["0.5", "0.9"], "ideal_samples": 200, "model_samples": 60, "gamma_steps": 10}
    figure = replace(figure, settings={**figure.settings, **small}, fast={})
    (result,) = run_figures([figure], run=RunSettings(), out=tmp_path)
    assert [check for check in result.checks if check.kind in DECIDING and not check.passed] == []
    kinds = {check.kind for check in result.checks}
    assert kinds == {"exact", "ideal", "model", "published"}
    fewer = {**figure.settings, "gamma": ["0.5"]}
    undrawn = replace(figure, settings=fewer, draw=lambda *_: new_figure()[0], checks=lambda *_: ())
    (again,) = run_figures([undrawn], run=RunSettings(), out=tmp_path / "again")
    assert 0 < len(again.rows) < len(result.rows)
    assert all(row in result.rows for row in again.rows)


def test_every_published_point_of_figure_2_is_compared():
    from figures.engine.data import published_rows
    from figures.paper.figure2 import FIGURE, points

    settings = FIGURE.resolve(RunSettings())
    shown = {(p["panel"], p["task"], p.get("k"), p["n"], p.get("gamma")) for p in points(settings)}
    for row in published_rows("figure2"):
        key = (row["panel"], row["task"], row["k"] or None, int(row["n"]), row["gamma"] or None)
        assert key in shown

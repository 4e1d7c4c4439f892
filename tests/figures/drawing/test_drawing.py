"""Measurable properties of drawings: legends inside the figure, marks in panels, texts in cells."""

import json
from typing import Any

import pytest
from matplotlib import rc_context

from figures import RunSettings, known_figures
from figures.claims.known import CLAIMS as CLAIMS_LIST
from figures.drawing.style import STYLE
from figures.engine.local_workers import on_this_machine
from figures.engine.task_data import task_data
from figures.paper.claims import FIGURE as CLAIMS
from figures.paper.rules_against_optimum import FIGURE as FRONTIER
from figures.tasks.listed_curves import task_figure

MARKOV = {"length": 40, "initial": ["1/2", "1/2"], "transition": [["3/4", "1/4"], [1, 0]]}


def rows_of(figure, **settings):
    chosen = {**figure.resolve(RunSettings(fast=True)), **settings}
    results = [result for _, result in on_this_machine(figure.cells(chosen), jobs=1)]
    return figure.compute(chosen, results), chosen


@pytest.fixture
def style():
    with rc_context(STYLE):
        yield


def inside(box, other, slack=0.5):
    """Whether a box lies in another, up to a part of a pixel."""
    return (box.min >= other.min - slack).all() and (box.max <= other.max + slack).all()


@pytest.mark.grid(0, deep=2)
@pytest.mark.usefixtures("style")
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_legend_of_the_frontier_is_inside(count):
    tasks = [["city_names", None, 2], ["shuffle", 2, 2], ["shuffle", 3, 3], ["copy", 2, 2], ["parity", 2, 2]]
    rows, settings = rows_of(
        FRONTIER, tasks=tasks[:count], curves=["top-k random", "threshold", "DUS", "WINO"]
    )
    drawing = FRONTIER.draw(rows, settings)
    drawing.draw_without_rendering()
    (legend,) = drawing.legends
    assert inside(legend.get_window_extent(), drawing.bbox)
    names = [text.get_text() for text in legend.get_texts()]
    assert {"remasking", "oracle threshold", "best random choice of a partition"} <= set(names)
    assert "entropy budgets" not in names, "not drawn"
    for axis in drawing.axes:
        if axis.axison:
            assert axis.get_window_extent().y0 > legend.get_window_extent().y1
            assert axis.get_window_extent().height > 0.5 * drawing.dpi


@pytest.mark.deep
@pytest.mark.usefixtures("style")
def test_the_columns_of_the_claims_hold_their_texts():
    rows = [{"claim": claim.id, "verdict": claim.verdict} for claim in CLAIMS_LIST.values()]
    settings = CLAIMS.resolve(RunSettings())
    drawing = CLAIMS.draw(rows, settings)
    drawing.draw_without_rendering()
    ((table,),) = [axis.tables for axis in drawing.axes]
    for cell in table.get_celld().values():
        assert inside(cell.get_text().get_window_extent(), cell.get_window_extent())
    texts = CLAIMS.table(rows, settings)
    assert [" ".join(table[line, 0].get_text().get_text().split()) for line in range(len(texts))] == [
        line[0] for line in texts
    ]


def panels(drawing):
    return {axis.get_title()[:1]: axis for axis in drawing.axes if axis.axison}


def marks_are_whole(axis):
    for line in axis.lines:
        half = line.get_markersize() / 2 * axis.figure.dpi / 72
        for place in axis.transData.transform([p for p in line.get_xydata() if p[1] == p[1]]):
            assert (place - half >= axis.bbox.min).all()
            assert (place + half <= axis.bbox.max).all()


@pytest.mark.deep
@pytest.mark.usefixtures("style")
@pytest.mark.parametrize("name", ["city_names", "markov"])
def test_points_of_a_task_are_whole_and_named(name, tmp_path):
    path = tmp_path / "chain.json"
    path.write_text(json.dumps({"markov": MARKOV}))
    figure = task_figure(task_data(str(path) if name == "markov" else name))
    rows, settings = rows_of(figure, **({"samples": 20} if name == "markov" else {}))
    drawing = figure.draw(rows, settings)
    drawing.draw_without_rendering()
    shown = panels(drawing)
    assert set(shown) == {"a", "b", "c"}
    for axis in shown.values():
        marks_are_whole(axis)
        texts = " ".join(text.get_text() for text in axis.texts)
        for value in ("k=", r"$\gamma$=", "f="):
            assert value in texts
        for text in axis.texts:
            assert inside(text.get_window_extent(), axis.get_tightbbox(), slack=4)
    (legend,) = [axis.get_legend() for axis in drawing.axes if axis.get_legend()]
    assert "c: $L^*_T$, best fixed partition" in [text.get_text() for text in legend.get_texts()]
    if name == "markov":
        assert shown["a"].get_xticks().tolist() == [1, 2, 5, 10, 20, 40]


@pytest.mark.deep
@pytest.mark.usefixtures("style")
def test_figure_2_stands_in_order():
    from figures.paper.figure2_plot import K_COLOURS, TASK_COLOURS, draw

    settings: dict[str, Any] = {
        "k": ["1", "2", "n"],
        "n": [6, 8],
        "n_e": 10,
        "ideal_samples": 1,
        "model_samples": 1,
    }
    drawing = draw([], settings)
    drawing.draw_without_rendering()
    places = {letter: axis.get_window_extent() for letter, axis in panels(drawing).items()}
    assert sorted(places, key=lambda letter: (-places[letter].y0, places[letter].x0)) == list("abcde")
    assert not set(K_COLOURS.values()) & set(TASK_COLOURS.values())


def test_places_are_told_without_the_word_paper():
    """The page says "Place in the paper: ..." before it."""
    for figure in known_figures().values():
        assert "paper" not in figure.paper
        if figure.for_task:
            assert "paper" not in figure.for_task(task_data("city_names")).paper

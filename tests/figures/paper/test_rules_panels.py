"""The frontier figure and its page: names on the lower hull, grey elsewhere, and a page that fits one task."""

import pytest
from matplotlib import rc_context
from matplotlib.colors import to_hex

from figures.drawing.style import STYLE
from figures.paper.rules_page import page
from figures.paper.rules_panels import draw, on_hull

TASK = {"task": "mine.csv", "n": None, "positions": 3}


def rule(name, steps, kl, family="topk", **more):
    gaps = {"gap_bits": 0.0, "gap_steps": 0.0, "reason": None}
    return {
        **TASK, "kind": "rule", "rule": name, "family": family, "spec": f"{name}:k={steps}", "steps": steps,
        "kl": kl, "accuracy": 0.5, **gaps, **more,
    }  # fmt: skip


def edge(steps, kl):
    return {**rule("", steps, kl), "kind": "frontier", "rule": None, "family": None, "spec": None}


ROWS = [
    edge(1.0, 2.0), edge(2.0, 0.5), edge(3.0, 0.0),
    rule("all", 1.0, 2.0), rule("whole", 1.0, 2.0), rule("total", 1.0, 2.0),
    rule("good", 2.0, 0.5, "threshold"), rule("good", 3.0, 0.0, "threshold"),
    rule("bad", 2.0, 1.5, gap_bits=1.0, gap_steps=0.7), rule("far", 2.0, 40.0, gap_bits=39.5, gap_steps=1.0),
    rule("never", 3.0, "inf", gap_bits="inf", gap_steps=None),
    {**rule("costly", None, None, gap_bits=None, gap_steps=None), "accuracy": None, "reason": "too many states"},
]  # fmt: skip


@pytest.fixture
def drawing():
    with rc_context(STYLE):
        drawn = draw(ROWS, {"tasks": [["mine.csv", None, 3]], "drawn": 8})
        drawn.draw_without_rendering()
        yield drawn


@pytest.mark.deep
def test_rules_on_the_lower_hull_are_named_and_coloured(drawing):
    names = [row["rule"] for row in on_hull(ROWS)]
    assert names == ["all", "whole", "total", "good", "good"]
    axis = drawing.axes[0]
    texts = " ".join(text.get_text() for text in axis.texts)
    assert "all\nwhole\nand 1 more" in texts
    assert "good" in texts
    assert not any(name in texts for name in ("bad", "far", "never"))
    colours = {}
    for line in axis.lines:
        for x, y in line.get_xydata().tolist():
            if line.get_linestyle() == "None" and line.get_gid():
                colours.setdefault((x, y), set()).add(to_hex(line.get_color()))
    assert colours[2.0, 1.5] == {"#b8b8b8"}
    assert "#b8b8b8" not in colours[2.0, 0.5]


@pytest.mark.deep
def test_outliers_stand_above_the_panel_and_refused_rules_below(drawing):
    axis = drawing.axes[0]
    assert axis.get_ylim()[1] < 3
    (above,) = [line for line in axis.lines if line.get_label() == "above the panel, perhaps infinite"]
    assert above.get_xdata().tolist() == [2.0, 3.0]
    assert axis.get_ylim()[0] < above.get_ydata()[0] < axis.get_ylim()[1]
    (legend,) = drawing.legends
    assert "mine.csv: costly" in legend.get_title().get_text()
    assert legend.get_window_extent().y0 >= 0
    assert legend.get_window_extent().y1 <= axis.get_tightbbox().y0


def test_the_page_of_one_task_names_optimal_settings():
    text = page(ROWS, {})["optimality.md"]
    assert "of 1 |" not in text
    assert "| good | `good:k=2.0` (2), `good:k=3.0` (3) | 0 | 0 | 2 |" in text
    assert "| bad | none | 1 | 0.7 | 1 |" in text
    assert "| costly | - | refused | refused | 0 of 1, others refused |" in text
    assert (
        "zero from 3 expected steps on. Rules with an optimal setting of more than one step: 1 of 8." in text
    )


def test_one_step_that_loses_nothing_is_said():
    rows = [edge(1.0, 0.0), rule("all", 1.0, 0.0), rule("slow", 2.0, 0.0, gap_steps=1.0)]
    text = page(rows, {})["optimality.md"]
    assert "one step loses nothing: any rule that reveals all at once is optimal." in text
    assert "| slow | none | 0 | 1 | 1 |" in text


def test_the_page_of_several_tasks_counts_them():
    other = [{**row, "task": "other"} for row in ROWS]
    assert "| good | 0 | 0 | 2 of 2 |" in page([*ROWS, *other], {})["optimality.md"]

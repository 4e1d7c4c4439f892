"""Panels of a task: outliers and infinite values with their value, refusals by name, one line through the best."""

import pytest
from matplotlib import rc_context

from figures.drawing.style import STYLE
from figures.tasks.listed_panels import draw
from figures.tasks.sampled_panels import draw as draw_sampled

SETTINGS = {"task": "mine.csv", "k": [1, 2, 3, 4], "gamma": ["1/2", "4/5"], "f": ["1"], "samples": 60}
NUMBERS = ("tokens_per_step", "steps", "steps_under_data", "accuracy", "kl", "path_kl")


def decode(family, policy, tokens, steps, accuracy, kl, temperature=1):
    values = dict(zip(NUMBERS, (tokens, steps, steps, accuracy, kl, kl), strict=True))
    return {
        "source": "decode", "family": family, "policy": policy, "temperature": temperature, "refused": None,
    } | values  # fmt: skip


def refused(family, policy, temperature):
    row = decode(family, policy, None, None, None, None, temperature)
    return row | {"refused": "too many states"}


def optimum(source, steps, kl):
    return {**decode(None, None, None, steps, None, kl, None), "source": source, "tokens_per_step": None}


ROWS = [
    decode("random", "topk:k=1,by=random", 1.0, 4.0, "1", 0.0),
    decode("random", "topk:k=2,by=random", 2.0, 2.0, "1/4", 1.0),
    decode("random", "topk:k=3,by=random", 2.0, 2.0, "3/8", 0.5),
    decode("confidence", "topk:k=2,by=confidence", 2.0, 2.0, "1/8", 55.0),
    decode("confidence", "topk:k=4,by=confidence", 4.0, 1.0, "1/8", "inf"),
    refused("threshold", "threshold:gamma=1/2", 1),
    refused("threshold", "threshold:gamma=4/5", 0),
    optimum("bound", 1.0, 2.0), optimum("bound", 4.0, 0.0),
    {**optimum("frontier", None, None), "refused": "too many states"},
]  # fmt: skip


pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def drawing():
    with rc_context(STYLE):
        drawn = draw(ROWS, SETTINGS)
        drawn.draw_without_rendering()
    return drawn


def test_outliers_do_not_stretch_the_axis_and_keep_their_value(drawing):
    bits = drawing.axes[2]
    assert 2.0 < bits.get_ylim()[1] < 2.5
    texts = [text.get_text() for text in bits.texts]
    assert "k=2: 55 bits" in texts
    assert "k=4: infinite" in texts
    places = [line.get_ydata() for line in bits.lines if line.get_gid()]
    assert all(y < bits.get_ylim()[1] for ys in places for y in ys)


def test_lines_pass_each_place_once_and_steps_are_whole(drawing):
    for axis in drawing.axes[:3]:
        for line in axis.lines:
            if line.get_linestyle() == "-":
                steps = list(line.get_xdata())
                assert len(set(steps)) == len(steps)
    best = next(line for line in drawing.axes[0].lines if line.get_linestyle() == "-")
    assert best.get_xydata().tolist() == [[1.0, 1.0], [2.0, 0.375]]
    bits = [line.get_ydata() for line in drawing.axes[2].lines if line.get_linestyle() == "-"]
    assert all(y <= 2.0 for ys in bits for y in ys), "what is not to scale is not joined"
    assert drawing.axes[2].get_xticks().tolist() == [1, 2, 3, 4]


def test_refusals_are_named(drawing):
    said = drawing.get_supxlabel()
    assert r"confidence threshold $\gamma$=1/2 at $\tau$ = 1" in said
    assert r"confidence threshold $\gamma$=4/5 at $\tau$ = 0" in said
    assert "the frontier" in said
    legend = [text.get_text() for text in drawing.axes[3].get_legend().get_texts()]
    assert not {"c: frontier of adaptive policies", "confidence threshold"} & set(legend)


def test_labels_touch_no_mark(drawing):
    for axis in drawing.axes[:3]:
        marks = [line for line in axis.lines if line.get_gid()]
        for text in axis.texts:
            if not text.get_text():
                continue
            box = text.get_window_extent()
            for line in marks:
                for place in axis.transData.transform(line.get_xydata()):
                    assert not box.contains(*place)


def test_sampled_and_exact_points_look_different():
    ends = {f"{name}_{end}": None for name in NUMBERS for end in ("standard_error", "low", "high")}
    exact = {**decode("random", "topk:k=1,by=random", 1.0, 4.0, 1.0, 0.0), **ends}
    drawn = decode("random", "topk:k=2,by=random", 2.0, 2.0, 0.5, 1.0)
    drawn |= ends | {"accuracy_low": 0.4, "accuracy_high": 0.6, "path_kl_low": 0.0, "path_kl_high": 9.0}
    drawn |= {"path_kl_standard_error": 0.1}
    with rc_context(STYLE):
        panels = draw_sampled([exact, drawn, refused("factor", "factor:f=1", 1) | ends], SETTINGS)
    fills = {
        line.get_xdata()[0]: line.get_markerfacecolor() for line in panels.axes[0].lines if line.get_gid()
    }
    assert fills[2.0] == "none"
    assert fills[1.0] != "none"
    assert "factor f=1" in panels.get_supxlabel()
    assert "open: 60 samples" in panels.axes[3].get_legend().get_title().get_text()

"""Plots of answers: whole steps, the optimum whole on the axis, and legends that cover no label."""

import pytest
from matplotlib import rc_context

import parabounds as pb
from figures.drawing.style import STYLE

COIN = {("heads",): "1/3", ("tails",): "2/3"}
USUAL = ["topk:k=1", "topk:k=2", "topk:k=3", "threshold:gamma=0.7", "factor:f=1"]


@pytest.fixture(autouse=True)
def _style():
    with rc_context(STYLE):
        yield


@pytest.mark.parametrize("kind", ["bounds", "schedule", "frontier", "decode"])
def test_one_position_has_one_whole_step(kind):
    coin = pb.pmf(COIN)
    ax = (coin.decode("topk:k=1") if kind == "decode" else getattr(coin, kind)()).plot()
    assert all(tick == int(tick) for tick in ax.get_xticks())
    assert 1 in ax.get_xticks()
    low, high = ax.get_ylim()
    assert low <= 0 < 0.9 < high < 1.2


def test_steps_are_whole_for_more_positions():
    assert pb.task("shuffle", n=4).frontier().plot().get_xticks().tolist() == [1, 2, 3, 4]


@pytest.mark.deep
@pytest.mark.parametrize("name", ["hmm", "replace_random"])
def test_comparisons_show_the_whole_optimum_and_every_name(name):
    answer = pb.task(name, n=4).compare(USUAL, temperature=[0, 1])
    ax = answer.plot()
    figure = ax.get_figure()
    figure.draw_without_rendering()
    greatest = max(float(vertex["kl"]) for vertex in answer.vertices)
    assert ax.get_ylim()[1] > greatest
    legend = ax.get_legend().get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.x1
    for text in ax.texts:
        assert not legend.overlaps(text.get_window_extent())
    shown = " ".join(text.get_text() for text in ax.texts)
    assert all(row["policy"] in shown for row in answer.policies)
    if name == "hmm":
        assert "infinite" in shown
        assert "above: not to scale" in [text.get_text() for text in ax.get_legend().get_texts()]

"""Axes of steps and losses: ticks at whole steps, and room for marks but not for outliers."""

from math import inf

import pytest

from figures.drawing.axes import loss_axis, step_axis, upper_edge, whole_ticks
from figures.drawing.style import new_figure


@pytest.mark.parametrize("last", [1, 2, 4, 9, 10, 17, 40, 1000, 123_456])
def test_ticks_are_whole_few_and_reach_both_ends(last):
    ticks = whole_ticks(1, last)
    assert all(isinstance(tick, int) for tick in ticks)
    assert len(ticks) <= 11
    assert ticks[0] == 1
    assert ticks[-1] <= last < ticks[-1] + max(b - a for a, b in zip([0, *ticks], ticks, strict=False))


def test_one_step_and_no_loss_have_an_axis():
    _, axes = new_figure()
    axis = axes[0][0]
    step_axis(axis, [1, 1])
    loss_axis(axis, 0.0)
    assert axis.get_xticks().tolist() == [1]
    assert axis.get_xlim() == (0.5, 1.5)
    assert axis.get_ylim() == (-0.06, 1.06)
    step_axis(axis, [])
    assert axis.get_xlim() == (0.5, 1.5)


def test_the_edge_leaves_outliers_and_keeps_the_curve():
    assert upper_edge([0.5, 1.0, inf]) == 1.0
    assert upper_edge([0.5, 1.0, 40.0, 90.0]) == 1.0
    assert upper_edge([0.001, 0.002, 90.0], least=0.04) == 0.04
    assert upper_edge([0.0, 5.0]) == 5.0
    assert upper_edge([], least=0.0) == 1.0

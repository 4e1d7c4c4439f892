"""Plot of the exact frontier of one task, least KL against expected steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis
from figures.drawing.style import COLOURS, MARKS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw_frontier"]


def draw_frontier(answer: dict[str, Any], bounds: list[float] | None = None) -> Drawing:
    """Draw the hull with its vertices, and `L*_T` beside it.

    Args:
        answer: The result of `parabounds frontier`, with task, n and vertices.
        bounds: `L*_T` for T = 1..n, if known.
    """
    drawing, axes = new_figure(width=5.4, height=3.6)
    ax = axes[0][0]
    steps = [float(v["steps"]) for v in answer["vertices"]]
    bits = [float(v["kl"]) for v in answer["vertices"]]
    fixed: dict[str, Any] = {**MARKS["exact_other"], "marker": "x", "color": COLOURS["vermillion"]}
    hull: dict[str, Any] = {**MARKS["exact"], "marker": "o", "color": COLOURS["blue"]}
    if bounds:
        ax.plot(range(1, len(bounds) + 1), bounds, label="best fixed partition, $L^*_T$", **fixed)
    ax.plot(steps, bits, label="frontier of adaptive policies", **hull)
    ax.set(xlabel="expected steps (model calls)", ylabel="KL(P || Q), bits")
    loss_axis(ax, max([*bits, *(bounds or [])]))
    step_axis(ax, [1, *steps, len(bounds or [1])])
    ax.set_title(f"{Path(answer['task']).name}, n = {answer['n']}")
    ax.legend()
    return drawing

"""Plot of the frontier of one task, least KL against expected steps, or of what brackets it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis
from figures.drawing.style import COLOURS, MARKS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw_frontier", "draw_lines"]

Answer = Mapping[str, Any]


def draw_frontier(answer: Answer) -> Drawing:
    """Draw the hull with its vertices, and `L*_T` or its bracket beside it.

    Args:
        answer: The result of `parabounds frontier`, with task, n and vertices.
    """
    drawing, axes = new_figure(width=5.4, height=3.6)
    ax = axes[0][0]
    steps, bits = draw_lines(answer, ax)
    ax.set(xlabel="expected steps (model calls)", ylabel="KL(P || Q), bits")
    loss_axis(ax, max(bits, default=0.0))
    step_axis(ax, steps)
    ax.set_title(f"{Path(answer['task']).name}, n = {answer['n']}")
    ax.legend()
    return drawing


def draw_lines(answer: Answer, ax: Axes) -> tuple[list[float], list[float]]:
    """Draw what is known of the optimum, and return its steps and its bits."""
    steps, bits = [1.0], list[float]()
    red: Any = COLOURS["vermillion"]
    if values := [_middle(value) for value in answer.get("optimal_bound") or ()]:
        fixed: dict[str, Any] = {**MARKS["exact_other"], "marker": "x", "color": red}
        ax.plot(range(1, len(values) + 1), values, label="best fixed blocks, $L^*_T$", **fixed)
        bits += values
    if brackets := answer.get("optimal_bounds"):
        low, high = ([float(one[end]) for one in brackets] for end in ("lower", "upper"))
        places = range(1, len(brackets) + 1)
        ax.fill_between(places, low, high, alpha=0.25, linewidth=0, color=red)
        ax.plot(places, high, color=red, linewidth=0.8, label="best fixed blocks, $L^*_T$ (bracket)")
        ax.plot(places, low, color=red, linewidth=0.8)
        bits += high
    steps.append(float(len(bits) or 1))
    if hull := [(float(v["steps"]), float(v["kl"])) for v in answer["vertices"]]:
        style: dict[str, Any] = {**MARKS["exact"], "marker": "o", "markersize": 4, "color": COLOURS["blue"]}
        ax.plot(*zip(*hull, strict=True), label="least of all policies", **style)
        steps += [place for place, _ in hull]
        bits += [loss for _, loss in hull]
    return steps, bits


def _middle(value: Any) -> float:
    return float(value["estimate"] if isinstance(value, dict) else value)

"""Plot of the frontier of one task, least KL against expected steps, or of what brackets it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis, upper_edge
from figures.drawing.point_labels import write_beside
from figures.drawing.style import COLOURS, MARKS, new_figure
from theory.commands.answer import place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw_curve", "draw_frontier"]

Answer = Mapping[str, Any]


def draw_frontier(answer: Answer) -> Drawing:
    """Draw the hull with its vertices, and `L*_T` or its bracket beside it.

    Args:
        answer: The result of `parabounds frontier`, with task, n and vertices.
    """
    drawing, axes = new_figure(width=5.4, height=3.6)
    ax = axes[0][0]
    draw_curve(answer, ax)
    ax.set_title(f"{Path(answer['task']).name}, n = {answer['n']}")
    return drawing


def draw_curve(answer: Answer, ax: Axes) -> None:
    """Draw what is known of the optimum, and the rules beside it where the answer has them."""
    steps, bits = _lines(answer, ax)
    places = _rules(answer, ax, bits) if "rules" in answer else []
    ax.set(xlabel="expected steps (model calls)", ylabel="KL(P || Q), bits")
    if not places:
        loss_axis(ax, max(bits, default=0.0))
    step_axis(ax, [*steps, *places])
    ax.legend()


def _lines(answer: Answer, ax: Axes) -> tuple[list[float], list[float]]:
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


def _rules(answer: Answer, ax: Axes, others: list[float]) -> list[float]:
    """Draw each rule with its standard error, at its KL or else that along the path, and return their steps."""
    shown = [
        row for row in answer["rules"] if (row["path_kl"] if row["kl"] is None else row["kl"]) is not None
    ]
    losses = [row["path_kl"] if row["kl"] is None else row["kl"] for row in shown]
    edge = upper_edge([_middle(loss) for loss in losses], max(others, default=0.0))
    places = [place(row) for row in shown]
    bits = [min(_middle(loss), 1.12 * edge) for loss in losses]
    errors = [loss.get("standard_error", 0.0) if isinstance(loss, dict) else 0.0 for loss in losses]
    ax.errorbar(
        places, bits, yerr=errors, fmt="s", markersize=4.5, markerfacecolor="none", zorder=4, capsize=2,
        color=COLOURS["green"], label="rules, +- standard error" if any(errors) else "rules",
    )  # fmt: skip
    far = any(_middle(loss) > edge for loss in losses)
    if far:
        ax.axhline(1.05 * edge, color="#999999", linestyle=":", linewidth=0.8, label="above: not to scale")
    loss_axis(ax, edge, above=0.2 if far else 0.08)
    best = [
        k for k, x in enumerate(places) if all(bits[k] < bits[m] for m in range(len(places)) if places[m] < x)
    ]
    best = [k for k in best if bits[k] == min(bits[m] for m in best if places[m] == places[k])]
    names: dict[tuple[float, float], str] = {}
    for k in best:  # those that no rule of fewer steps beats, one name a point
        names.setdefault((places[k], bits[k]), shown[k]["policy"])
    write_beside(ax, [(x, y, name) for (x, y), name in names.items()], fontsize=7)
    return places


def _middle(value: Any) -> float:
    return float(value["estimate"] if isinstance(value, dict) else value)

"""Drawing of Figure 2, five panels on one probability axis."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, MARKS, new_figure
from figures.engine.figure import Row, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["TITLES", "TOPK_PANELS", "draw"]

TOPK_PANELS = {
    "a": ("shuffle", 1),
    "b": ("shuffle", 0),
    "c": ("replace_random", 1),
    "d": ("replace_random", 0),
}
TITLES = {"shuffle": "Shuffle", "replace_random": "Replace Random"}
K_COLOURS = {"1": COLOURS["green"], "2": COLOURS["blue"], "n": COLOURS["vermillion"]}
TASK_COLOURS = {"shuffle": COLOURS["purple"], "replace_random": COLOURS["black"]}  # no colour of a-d

_NOTE = "bars: 95 % intervals; circles and squares are\nshifted a little from their $n$ or $\\gamma$"
# all fixed rules share one band for k > 1; in e it is drawn where a confidence equals the threshold
_BAND = """band: where the accuracy can be if argmax
chooses among equals by one fixed rule
(b, d: for k = 2 and k = n; e: at a tie with $\\gamma$)"""
_EXACT = """exact; equal probabilities: each position
draws its own; e: $\\gamma$ itself does not pass"""
THRESHOLD_LINES: dict[str, dict[str, Any]] = {
    "curve": MARKS["exact"],
    "curve_non_strict": {**MARKS["exact_other"], "linestyle": ":", "linewidth": 1.6},
}


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the five panels on one probability axis."""
    drawing, axes = new_figure(2, 3, width=10.5, height=6.6, sharey=True)
    panels = dict(zip("abcde", [*axes[0][:2], *axes[1]], strict=True))
    for panel, ax in panels.items():
        mine = [row for row in rows if row["panel"] == panel]
        if panel == "e":
            for task, colour in TASK_COLOURS.items():
                _draw_curve(ax, [row for row in mine if row["task"] == task], "gamma", colour)
            ax.set(xlabel=r"threshold $\gamma$", title=rf"e  threshold, n = {settings['n_e']}, $\tau$ = 0")
        else:
            task, temperature = TOPK_PANELS[panel]
            for k in reversed(settings["k"]):  # the curve for k = 2 on top
                _draw_curve(ax, [row for row in mine if row["k"] == k], "n", K_COLOURS[k])
            ax.set(
                xlabel="list length n",
                title=rf"{panel}  {TITLES[task]}, random top-k, $\tau$ = {temperature}",
            )
            ax.set_xticks(settings["n"])
    for row in axes:
        row[0].set_ylabel("accuracy")
        row[0].set_ylim(-0.04, 1.04)
    _draw_legend(axes[0][2], settings)
    return drawing


def _draw_curve(ax: Axes, rows: list[Row], x: str, colour: str) -> None:
    """Draw every source of one curve."""
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row)
    lowest: dict[str, Any] = {
        **MARKS["exact_other"],
        "zorder": 2.5,
    }  # above the other curves, since it often lies on one
    sources = {"exact": MARKS["exact"], "exact_lowest": lowest} if x == "n" else THRESHOLD_LINES
    for source, style in sources.items():
        line = by_source.get(source, [])
        ax.plot([_number(r[x]) for r in line], [float(r["accuracy"]) for r in line], color=colour, **style)
    _draw_ties(ax, [r for r in by_source.get("tie_range", []) if r["low"] < r["high"]], x, colour)
    width = 0.012 if x == "gamma" else 0.28
    for source, shift in (("ideal", -width), ("published", 0.0), ("model", width)):
        marks = by_source.get(source, [])
        means = [float(r["accuracy"]) for r in marks]
        below = [m - r["low"] for m, r in zip(means, marks, strict=True)]
        above = [r["high"] - m for m, r in zip(means, marks, strict=True)]
        ax.errorbar(
            [_number(r[x]) + shift for r in marks],
            means,
            [below, above],
            color=colour,
            elinewidth=0.9,
            **MARKS[source],
        )


def _number(value: Any) -> float:
    return float(Fraction(value))


def _draw_ties(ax: Axes, rows: list[Row], x: str, colour: str) -> None:
    """Draw the range of all tie-breaks, as a band over lengths (once, for k = 2) or a bar at a threshold."""
    places, low, high = ([_number(r[key]) for r in rows] for key in (x, "low", "high"))
    if x == "gamma":
        heights = [b - a for a, b in zip(low, high, strict=True)]
        ax.bar(places, heights, 0.03, low, color=colour, alpha=0.15, linewidth=0)
    elif rows and rows[0]["k"] == "2":
        ax.fill_between(places, low, high, color=colour, alpha=0.1, linewidth=0)


def _draw_legend(ax: Axes, settings: Settings) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ax.set_axis_off()
    grey = "#444444"
    of_rule: dict[str, Any] = {**MARKS["exact_other"], "color": grey}
    model = settings.get("model_label", "trained model")
    handles = [
        *(Patch(color=K_COLOURS[k], label=f"a-d: k = {k} tokens per step") for k in settings["k"]),
        *(Patch(color=colour, label=f"e: {TITLES[task]}") for task, colour in TASK_COLOURS.items()),
        Line2D([], [], color=grey, label=_EXACT, **MARKS["exact"]),
        Line2D([], [], label="b, d: exact, the lowest of equals everywhere", **of_rule),
        Line2D([], [], color=grey, label="e: exact, $\\gamma$ itself passes", **THRESHOLD_LINES["curve_non_strict"]),
        Patch(color=grey, alpha=0.15, label=_BAND),
        Line2D([], [], color=grey, label=f"ideal model, {settings['ideal_samples']} samples", **MARKS["ideal"]),
        Line2D([], [], color=grey, label=f"{model}, {settings['model_samples']} samples", **MARKS["model"]),
        Line2D([], [], color=grey, label="published, about 100 samples", **MARKS["published"]),
    ]  # fmt: skip
    ax.legend(
        handles=handles, loc="center left", fontsize=7.6, title=_NOTE, title_fontsize=7.6, alignment="left"
    )

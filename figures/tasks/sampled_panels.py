"""Drawing of the estimates for a distribution too large to list, with error bars."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from figures.drawing.point_labels import label_points
from figures.drawing.style import MARKS, new_figure
from figures.engine.figure import Row, Settings
from figures.tasks.policy_families import FAMILIES, looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw"]

LOOKS = looks((4, 6, 8, 6, 5), elinewidth=0.8)
_LEGEND = """samples of the ideal model
bars: 95 % intervals (c: 1.96 standard errors)
no bar: by formula, or below the size of the mark
beside the marks: their parameters,
in grey where several families meet"""


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the three panels and the legend."""
    drawing, axes = new_figure(2, 2, width=8.6, height=6.6)
    drawing.suptitle(settings["task"], fontsize=10)
    line = [row for row in rows if row["source"] == "bound"]
    grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
    axes[1][0].plot([row["steps_under_data"] for row in line], [row["path_kl"] for row in line], **grey)
    _draw_legend(axes[1][1], bounds=bool(line))
    panels = [
        (axes[0][0], "a", 1, ("tokens_per_step", "tokens per step"), ("accuracy", "accuracy")),
        (axes[0][1], "b", 0, ("tokens_per_step", "tokens per step"), ("accuracy", "accuracy")),
        (
            axes[1][0], "c", 1, ("steps_under_data", "expected steps (along the data)"),
            ("path_kl", "divergence along the path, bits"),
        ),
    ]  # fmt: skip
    points: list[list[tuple[float, float, str, str]]] = []
    for ax, letter, tau, (x, along), (y, up) in panels:
        mine = [row for row in rows if row["temperature"] == tau and isinstance(row[y], float)]
        _draw_families(ax, mine, x, y)
        ax.set(xlabel=along, ylabel=up)
        ax.set_title(rf"{letter}  $\tau$ = {tau}")
        ax.margins(x=0.1, y=0.1)
        _log_axis(ax, max(settings["k"]))
        if y == "accuracy":
            ax.set_ylim(-0.06, 1.1)
        points.append([(row[x], row[y], row["policy"], LOOKS[row["family"]]["color"]) for row in mine])
    for (ax, *_), marked in zip(panels, points, strict=True):
        label_points(ax, marked, settings)
    return drawing


def _log_axis(ax: Axes, n: int) -> None:
    """Use a logarithmic x axis, with ticks at n and below it at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    ax.set_xscale("log")
    round_ones = (digit * 10**power for power in range(len(str(n))) for digit in (1, 2, 5))
    ax.xaxis.set_major_locator(FixedLocator([*(tick for tick in round_ones if tick < n / 1.4), n]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def _draw_families(ax: Axes, rows: list[Row], x: str, y: str) -> None:
    """Draw each family in the order of its parameter."""
    for family, look in LOOKS.items():
        mine = [row for row in rows if row["family"] == family]
        bars = [_bar(row, y) for row in mine]
        reach = [[low for low, _ in bars], [high for _, high in bars]]
        ax.errorbar([row[x] for row in mine], [row[y] for row in mine], yerr=reach, **look)


def _bar(row: Row, y: str) -> tuple[float, float]:
    """Return the lower and upper length of the bar; NaN, so no bar, for exact values."""
    if row[f"{y}_low"] is None:
        return nan, nan
    if y == "accuracy":
        return row[y] - row[f"{y}_low"], row[f"{y}_high"] - row[y]
    return 1.96 * row[f"{y}_standard_error"], 1.96 * row[f"{y}_standard_error"]


def _draw_legend(ax: Axes, *, bounds: bool) -> None:
    from matplotlib.lines import Line2D

    ax.set_axis_off()
    looks = {family: {k: v for k, v in look.items() if k != "elinewidth"} for family, look in LOOKS.items()}
    handles = [Line2D([], [], label=label, **looks[name]) for name, label in FAMILIES.items()]
    if bounds:
        grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
        handles.append(Line2D([], [], **grey, label="c: $L^*_T$, best fixed partition"))
    ax.legend(handles=handles, loc="center left", fontsize=9, title=_LEGEND, alignment="left")

"""Drawing of the estimates for a distribution too large to list, with error bars."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from figures.drawing.point_labels import label_points
from figures.drawing.style import MARKS, new_figure
from figures.drawing.tooltips import with_tooltips
from figures.engine.figure import Row, Settings
from figures.tasks.policy_families import FAMILIES, left_out, looks, outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw"]

LOOKS = looks((4, 6, 8, 6, 5), elinewidth=0.8)
_LEGEND = """open: {samples} samples of the ideal model; filled: by formula
bars: 95 % intervals (c: 1.96 standard errors)
beside the marks: their parameters,
in grey where several families meet"""


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the three panels and the legend."""
    drawing, axes = new_figure(2, 2, width=10.5, height=7.6)
    drawing.suptitle(settings["task"], fontsize=10)
    line = [row for row in rows if row["source"] == "bound"]
    grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
    axes[1][0].plot([row["steps_under_data"] for row in line], [row["path_kl"] for row in line], **grey)
    _draw_legend(axes[1][1], bounds=bool(line), samples=settings["samples"])
    if missing := left_out(rows, settings):
        drawing.supxlabel(missing, fontsize=7.5, x=0.02, ha="left")
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
    """Draw the marks of each family, filled for formulas, with bars, and a line through the best of them."""
    for family, look in LOOKS.items():
        mine = [row for row in rows if row["family"] == family]
        best = outline([(row[x], row[y]) for row in mine], most=y == "accuracy")
        if best:
            ax.plot(*zip(*best, strict=True), color=look["color"], linewidth=1.0, zorder=1.8)
        for sampled in (True, False):
            some = [row for row in mine if (row[f"{y}_low"] is not None) == sampled]
            bars = [_bar(row, y) for row in some]
            reach = [[low for low, _ in bars], [high for _, high in bars]]
            fill: dict[str, Any] = {"linestyle": "none"} | (
                {} if sampled else {"markerfacecolor": look["color"], "alpha": 0.55}
            )
            drawn = ax.errorbar(
                [row[x] for row in some], [row[y] for row in some], yerr=reach, **{**look, **fill}
            )
            with_tooltips(drawn.lines[0], [_tooltip(row) for row in some])


def _tooltip(row: Row) -> str:
    said = [f"accuracy {row['accuracy']:.4g}"] if isinstance(row["accuracy"], float) else []
    if isinstance(row["path_kl"], float):
        said.append(f"path divergence {row['path_kl']:.4g} bits")
    if isinstance(row["steps"], (int, float)):
        said.append(f"{row['steps']:.4g} steps")
    return f"{row['policy']}: {', '.join(said)}"


def _bar(row: Row, y: str) -> tuple[float, float]:
    """Return the lower and upper length of the bar; NaN, so no bar, for exact values."""
    if row[f"{y}_low"] is None:
        return nan, nan
    if y == "accuracy":
        return row[y] - row[f"{y}_low"], row[f"{y}_high"] - row[y]
    return 1.96 * row[f"{y}_standard_error"], 1.96 * row[f"{y}_standard_error"]


def _draw_legend(ax: Axes, *, bounds: bool, samples: int) -> None:
    from matplotlib.lines import Line2D

    ax.set_axis_off()
    looks = {family: {k: v for k, v in look.items() if k != "elinewidth"} for family, look in LOOKS.items()}
    handles = [Line2D([], [], label=label, **looks[name]) for name, label in FAMILIES.items()]
    if bounds:
        grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
        handles.append(Line2D([], [], **grey, label="c: $L^*_T$, best fixed partition"))
    ax.legend(
        handles=handles,
        loc="center left",
        fontsize=9,
        title=_LEGEND.format(samples=samples),
        alignment="left",
    )

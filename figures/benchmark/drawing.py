"""Panels of published scores with the lines of a perfect model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figures.benchmark.verdicts import share_of_loss
from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.engine.figure import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw_panels", "mark"]

WIDE = 5  # panels in a row


def draw_panels(rows: list[Row]) -> Drawing:
    """Return one panel for each task, one colour for each series."""
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    series = list(dict.fromkeys(row["series"] for row in rows))
    colours = dict(zip(series, COLOURS.values(), strict=False))
    wide = min(WIDE, len(panels))
    high = -(-len(panels) // wide)
    drawing, axes = new_figure(
        high, wide, width=max(2.2 * wide + 0.8, 5.2), height=2.2 * high + 0.3, sharex=True, sharey=True
    )
    places = [axis for line in axes for axis in line]
    theory = any(row["ideal_x"] is not None for row in rows)
    for place, panel in zip(places, panels, strict=False):
        mine = [row for row in rows if row["panel"] == panel]
        _draw_panel(place, mine, colours)
        place.set_title(panel.replace("_", " "), pad=14 if theory else None)
        if (share := share_of_loss(mine)) is not None:
            below = f"{100 * share:.0f} % of the loss is decoding"
            place.text(0.5, 1.03, below, transform=place.transAxes, ha="center", fontsize=7, color="#555555")
    _set_x(places[: len(panels)], rows)
    for place in places[len(panels) :]:
        place.set_axis_off()
    for line in axes:
        line[0].set_ylabel("score, %")
    for place in places[max(0, len(panels) - wide) : len(panels)]:
        place.set_xlabel(rows[0]["x_name"].replace("_", " "))
        place.tick_params(labelbottom=True)
    shown = {name: mark("", "-", colour) for name, colour in colours.items()}
    shown |= {"published": mark("x", "none")}
    if theory:
        shown |= {"perfect model": mark(".", "-")}
    legend_below(drawing, shown, most=7)
    return drawing


def _draw_panel(panel: Axes, rows: list[Row], colours: dict[str, str]) -> None:
    for place, series in enumerate(dict.fromkeys(row["series"] for row in rows)):
        mine = [row for row in rows if row["series"] == series]
        ideal = [row for row in mine if row["ideal_x"] is not None]
        published = [row for row in mine if row["published_percent"] is not None]
        colour = colours[series]
        panel.plot(
            [row["ideal_x"] for row in ideal],
            [row["ideal_percent"] for row in ideal],
            color=colour,
            marker=".",
            markersize=5,
            linewidth=max(1.0, 3.4 - 0.7 * place),
            zorder=2,
        )
        panel.plot(
            [row["x"] for row in published],
            [row["published_percent"] for row in published],
            color=colour,
            linestyle="none" if ideal else ":",
            linewidth=1,
            marker="x",
            markersize=4.5,
            zorder=3,
        )
    panel.set_ylim(-4, 104)


def _set_x(panels: list[Axes], rows: list[Row]) -> None:
    values = [row[name] for row in rows for name in ("x", "ideal_x") if row[name] is not None]
    if rows[0]["x_name"] == "n":
        return
    least = 2 if rows[0]["x_name"] == "block_length" else 1
    ticks = [1 << j for j in range(8) if least <= 1 << j <= max(values)]
    for panel in panels:
        panel.set_xscale("log", base=2)
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()


def mark(marker: str, line: str, colour: str = "#666666", **more: Any) -> Any:
    """Return a legend entry."""
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": line} | more
    return Line2D([], [], **look)

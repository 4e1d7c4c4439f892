"""The style, colours and marks of all figures.

The runner applies the style during `draw` only. Figures are made without pyplot, so they need no display.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["COLOURS", "MARKS", "STYLE", "legend_below", "new_figure"]

# Okabe and Ito, "Color Universal Design" (2008), without yellow, which is too light for lines on white.
COLOURS: dict[str, str] = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}

# Where a number comes from, as keyword arguments of `Axes.plot` and `Axes.errorbar`. Colour is left free, to
# tell settings apart.
MARKS: dict[str, dict[str, Any]] = {
    "exact": {"linestyle": "-", "marker": "", "linewidth": 1.4, "zorder": 2},
    "exact_other": {"linestyle": "--", "marker": "", "linewidth": 1.1, "zorder": 2},
    "ideal": {"linestyle": "none", "marker": "o", "markersize": 4, "markerfacecolor": "white", "zorder": 3},
    "model": {"linestyle": "none", "marker": "s", "markersize": 3.6, "zorder": 4},
    "published": {"linestyle": "none", "marker": "x", "markersize": 5, "markeredgewidth": 1.3, "zorder": 5},
}

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "errorbar.capsize": 2,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 200,
    "svg.fonttype": "path",  # looks the same without the font
    "svg.hashsalt": "parabounds",  # the same drawing gives the same bytes
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 7.0, height: float = 3.0, **subplots: Any
) -> tuple[Drawing, list[list[Axes]]]:
    """Return an empty figure and its axes, `axes[row][column]`.

    Args:
        rows: Rows of panels.
        columns: Columns of panels.
        width: Inches; 7 is the width of a page.
        height: Inches.
        subplots: Passed on to `Figure.subplots`, such as `sharey=True`.
    """
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(width, height), layout="constrained")
    axes = drawing.subplots(rows, columns, squeeze=False, **subplots)
    return drawing, [list(row) for row in axes]


def legend_below(drawing: Drawing, handles: Mapping[str, Any], *, most: int = 4, **more: Any) -> None:
    """Put a legend below the panels, in as many columns as fit, and make the figure higher for it.

    Args:
        drawing: The figure, as wide as it will be.
        handles: The handles, by label.
        most: The most columns.
        more: Passed on to `Figure.legend`, such as `title`.
    """
    for columns in range(most, 0, -1):
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": columns}
        legend = drawing.legend(handles.values(), handles.keys(), **place, **more)
        if legend.get_window_extent().width <= 0.98 * drawing.bbox.width or columns == 1:
            drawing.set_figheight(drawing.get_figheight() + legend.get_window_extent().height / drawing.dpi)
            return
        legend.remove()


# Without dates and versions of the drawing library: the same drawing gives the same bytes.
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

"""Drawing of the frontier figure, divergence and accuracy against expected steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.engine.figure import Row, Settings
from figures.paper.rules_grid import FAMILIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw"]

TITLES = {
    "shuffle": "Shuffle",
    "replace_random": "Replace Random",
    "insert_random": "Insert Random",
    "remove_random": "Remove Random",
    "city_names": "City names",
    "latin_square": "Latin square",
    "matching_selector": "Matching selector",
    "markov_chain": "Markov chain",
}
OPTIMA: dict[str, dict[str, Any]] = {
    "frontier": {
        "linestyle": "-", "linewidth": 1.4, "color": "black",
        "label": "optimum of all adaptive policies",
    },
    "partition": {
        "linestyle": "none", "marker": "s", "markersize": 12, "markerfacecolor": "none", "markeredgewidth": 0.9,
        "markeredgecolor": "black", "label": "best fixed partition",
    },
    "mixture": {
        "linestyle": "none", "marker": "+", "markersize": 12, "markeredgewidth": 0.9, "color": "black",
        "label": "best random choice of a partition",
    },
}  # fmt: skip
NOTE = """Points below the line are not adaptive policies: their sets are drawn at random, or depend on
drawn tokens, or positions are masked again."""
_REACH = 1.1  # top of the panels, in divergences of one step


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw two panels a task: KL, and accuracy, against steps."""
    tasks = [tuple(task) for task in settings["tasks"]][: settings["drawn"]]
    wide = min(4, len(tasks))
    bands = -(-len(tasks) // wide)
    drawing, axes = new_figure(2 * bands, wide, width=max(6.0, 3.0 * wide), height=4.6 * bands)
    handles: dict[str, Any] = {}
    for j, (task, n, _) in enumerate(tasks):
        mine = [row for row in rows if (row["task"], row["n"]) == (task, n)]
        above, below = axes[2 * (j // wide)][j % wide], axes[2 * (j // wide) + 1][j % wide]
        title: str = TITLES.get(task) or str(task)
        above.set_title(title if n is None else f"{title}, n = {n}")
        _draw_bits(above, mine)
        _draw_accuracy(below, mine)
        below.sharex(above)
        if j % wide == 0:
            above.set_ylabel("KL divergence (bits)")
            below.set_ylabel("accuracy")
        for axis in (above, below):
            handles |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    for j in range(len(tasks), bands * wide):
        axes[2 * (j // wide)][j % wide].set_axis_off()
        axes[2 * (j // wide) + 1][j % wide].set_axis_off()
    names = [
        *(label for *_, label in FAMILIES.values()),
        *handles,
    ]  # always in the same order
    legend_below(
        drawing, {name: handles[name] for name in names if name in handles}, title=NOTE, title_fontsize=8
    )
    return drawing


def _draw_bits(axis: Axes, rows: list[Row]) -> None:
    highest = (
        max(row["kl"] for row in rows if row["kind"] == "frontier") or 1.0
    )  # independent tokens cost nothing
    for kind, style in OPTIMA.items():
        points = [(row["steps"], row["kl"]) for row in rows if row["kind"] == kind]
        if points:
            axis.plot(*zip(*points, strict=True), zorder=2, **style)
    _draw_rules(axis, rows, "kl", most=_REACH * highest)
    axis.set_ylim(-0.07 * highest, (_REACH + 0.07) * highest)


def _draw_accuracy(axis: Axes, rows: list[Row]) -> None:
    _draw_rules(axis, rows, "accuracy", most=1)
    stars = [row for row in rows if row["kind"] == "oracle"]
    axis.plot(
        [row["steps"] for row in stars], [row["accuracy"] for row in stars], linestyle="none", marker="*",
        markersize=11, markerfacecolor="none", color="black", label="oracle threshold", zorder=5,
    )  # fmt: skip
    axis.set_ylim(-0.07, 1.07)
    axis.set_xlabel("expected steps")


def _draw_rules(axis: Axes, rows: list[Row], quantity: str, most: float) -> None:
    """Draw open marks of different size, one per family, since points often coincide."""
    for family, (colour, marker, size, label) in FAMILIES.items():
        values = [(row["steps"], row[quantity]) for row in rows if row["family"] == family]
        points = [(x, y) for x, y in values if y not in (None, "inf") and y <= most]
        if points:
            axis.plot(
                *zip(*points, strict=True), linestyle="none", marker=marker, markersize=size, color=COLOURS[colour],
                markerfacecolor="none", markeredgewidth=0.9, label=label, zorder=3,
            )  # fmt: skip

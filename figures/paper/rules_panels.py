"""Drawing of the frontier figure, divergence and accuracy against expected steps."""

from __future__ import annotations

from math import inf, isfinite
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis
from figures.drawing.point_labels import write_beside
from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.drawing.tooltips import shared_texts, with_tooltips
from figures.engine.figure import Row, Settings
from figures.paper.rules_grid import FAMILIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw", "on_hull"]

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
NOTE = """Coloured and named: the rules on the lower hull of all rules; grey: all other points.
Points below the line are not adaptive policies: their sets are drawn at random,
or depend on drawn tokens, or positions are masked again."""
_REACH = 1.1  # top of the panels, in divergences of one step
_STRIP = 1.2  # where points above it stand
_PALE = "#b8b8b8"
_ROUNDING = 1e-9  # bits and steps
_NAMED = 2  # rules at one point of the hull


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw two panels a task: KL, and accuracy, against steps."""
    tasks = [tuple(task) for task in settings["tasks"]][: settings["drawn"]]
    drawing, pairs = _panels(len(tasks))
    handles: dict[str, Any] = {}
    for (above, below), (task, n, _) in zip(pairs, tasks, strict=True):
        mine = [row for row in rows if (row["task"], row["n"]) == (task, n)]
        title: str = TITLES.get(task) or str(task)
        above.set_title(title if n is None else f"{title}, n = {n}")
        _draw_bits(above, mine)
        _draw_accuracy(below, mine)
        below.sharex(above)
        for axis in (above, below):
            handles |= dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    names = [
        *(label for *_, label in FAMILIES.values()),
        *handles,
    ]  # always in the same order
    title = "\n".join(filter(None, [NOTE, _refused(rows, tasks)]))
    legend_below(
        drawing, {name: handles[name] for name in names if name in handles}, title=title, title_fontsize=8
    )
    for (above, _), (task, n, _) in zip(pairs, tasks, strict=True):
        _name_hull(above, [row for row in rows if (row["task"], row["n"]) == (task, n)])
    return drawing


def _panels(count: int) -> tuple[Drawing, list[tuple[Axes, Axes]]]:
    """Return the two panels of each task: side by side for one task, else one above the other, four tasks in a row."""
    wide = min(4, count)
    bands = -(-count // wide)
    if count == 1:
        drawing, axes = new_figure(1, 2, width=10, height=4.4)
        axes[0][0].set_xlabel("expected steps")
        pairs = [(axes[0][0], axes[0][1])]
    else:
        drawing, axes = new_figure(2 * bands, wide, width=max(6.0, 3.4 * wide), height=5.4 * bands)
        pairs = [
            (axes[2 * (j // wide)][j % wide], axes[2 * (j // wide) + 1][j % wide])
            for j in range(bands * wide)
        ]
    for j, (above, below) in enumerate(pairs):
        if j % wide == 0:
            above.set_ylabel("KL divergence (bits)")
            below.set_ylabel("accuracy")
        if j >= count:
            above.set_axis_off()
            below.set_axis_off()
    return drawing, pairs[:count]


def _refused(rows: list[Row], tasks: list[Any]) -> str:
    """Return lines that name the rules that were refused as too costly, by task."""
    lines: list[str] = []
    for task, n, _ in tasks:
        mine = [row for row in rows if (row["task"], row["n"]) == (task, n) and row["reason"]]
        names = dict.fromkeys(row["rule"] for row in mine)
        if names:
            lines += wrap(f"{TITLES.get(task) or task}: {', '.join(names)}", 90)
    return "\n".join(
        ["Refused as too costly, at some settings (the table has the reasons):", *lines] if lines else []
    )


def _draw_bits(axis: Axes, rows: list[Row]) -> None:
    """Draw the optima, the rules and the names of those on their lower hull."""
    highest = (
        max(row["kl"] for row in rows if row["kind"] == "frontier") or 1.0
    )  # independent tokens cost nothing
    for kind, style in OPTIMA.items():
        points = [(row["steps"], row["kl"]) for row in rows if row["kind"] == kind]
        if points:
            axis.plot(*zip(*points, strict=True), zorder=2, **style)
    _draw_rules(axis, rows, "kl", most=_REACH * highest)
    beyond = [row for row in rows if row["kind"] == "rule" and _bits(row) > _REACH * highest]
    if beyond:
        style: dict[str, Any] = {"linestyle": "none", "marker": 6, "markersize": 6, "color": _PALE}
        (line,) = axis.plot(
            [row["steps"] for row in beyond], [_STRIP * highest] * len(beyond), zorder=1.5,
            label="above the panel, perhaps infinite", **style,
        )  # fmt: skip
        places = [(row["steps"], 0.0) for row in beyond]
        with_tooltips(line, shared_texts(places, [_tooltip(row) for row in beyond]))
    loss_axis(axis, highest, above=_STRIP - 0.9)
    step_axis(axis, [row["steps"] for row in rows if row["steps"] is not None])


def _bits(row: Row) -> float:
    """Return the divergence; minus infinity where it is not known."""
    return -inf if row["kl"] is None else float(row["kl"])


def _tooltip(row: Row) -> str:
    said = f"{row['rule']}, {row['spec']}: {float(row['kl']):.4g} bits, accuracy {row['accuracy']:.4g}"
    return f"{said}, {row['steps']:.4g} steps"


def on_hull(rows: list[Row]) -> list[Row]:
    """Return the rules on the lower hull of (steps, divergence) of all rules, from one step to the least divergence.

    Example:
        >>> points = [(1, 2.0), (2, 0.5), (2, 1.0), (3, 0.4), (4, 0.0), (5, 0.0)]
        >>> rows = [{"kind": "rule", "steps": x, "kl": y} for x, y in points]
        >>> [(row["steps"], row["kl"]) for row in on_hull(rows)]
        [(1, 2.0), (2, 0.5), (4, 0.0)]
    """
    known = [row for row in rows if row["kind"] == "rule" and isfinite(_bits(row))]
    best: list[tuple[float, float]] = []
    for x, y in sorted({(row["steps"], row["kl"]) for row in known}):
        if best and y >= best[-1][1] - _ROUNDING:
            continue
        while len(best) > 1 and _above(best[-2], best[-1], (x, y)):
            best.pop()
        best.append((x, y))
    return [row for row in known if any(_same((row["steps"], row["kl"]), place) for place in best)]


def _above(left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]) -> bool:
    """Return whether the middle point is above the line through the others."""
    share = (middle[0] - left[0]) / (right[0] - left[0])
    return middle[1] > left[1] + share * (right[1] - left[1]) + _ROUNDING


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _ROUNDING


def _name_hull(axis: Axes, rows: list[Row]) -> None:
    """Write the names of the rules on the lower hull beside their points, the first two where more coincide."""
    places: dict[tuple[float, float], list[str]] = {}
    for row in on_hull(rows):
        names = places.setdefault((round(row["steps"], 6), round(row["kl"], 6)), [])
        if row["rule"] not in names:
            names.append(row["rule"])
    texts = [
        (
            x,
            y,
            "\n".join(names[:_NAMED]) + (f"\nand {len(names) - _NAMED} more" if len(names) > _NAMED else ""),
        )
        for (x, y), names in places.items()
    ]
    write_beside(axis, texts, fontsize=6)


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
    """Draw open marks of different size, one per family, since points often coincide; grey off the lower hull."""
    hull = [(row["rule"], row["spec"]) for row in on_hull(rows)]
    drawn = [
        row for row in rows
        if row["kind"] == "rule" and row[quantity] not in (None, "inf") and row[quantity] <= most
    ]  # fmt: skip
    texts = shared_texts([(row["steps"], row[quantity]) for row in drawn], [_tooltip(row) for row in drawn])
    text_of = {(row["rule"], row["spec"]): text for row, text in zip(drawn, texts, strict=True)}
    for family, (colour, marker, size, label) in FAMILIES.items():
        mine = [row for row in drawn if row["family"] == family]
        for best in (False, True):
            some = [row for row in mine if ((row["rule"], row["spec"]) in hull) == best]
            (line,) = axis.plot(
                [row["steps"] for row in some], [row[quantity] for row in some], linestyle="none", marker=marker,
                markersize=size, color=COLOURS[colour] if best else _PALE, markerfacecolor="none",
                markeredgewidth=1.1 if best else 0.7, zorder=3 if best else 1.5,
            )  # fmt: skip
            with_tooltips(line, [text_of[row["rule"], row["spec"]] for row in some])
        if mine:
            axis.plot(
                [], [], linestyle="none", marker=marker, markersize=size, color=COLOURS[colour],
                markerfacecolor="none", label=label,
            )  # fmt: skip

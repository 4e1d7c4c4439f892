"""Drawing of the exact decodes of a listed task, accuracy and KL against speed."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis, upper_edge
from figures.drawing.point_labels import label_points, parameters, write_beside
from figures.drawing.style import MARKS, new_figure
from figures.drawing.tooltips import shared_texts, with_tooltips
from figures.engine.figure import Row, Settings
from figures.tasks.policy_families import FAMILIES, left_out, looks, outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["LOOKS", "draw"]

LOOKS = looks((4, 7, 10, 7, 5))
_LEGEND = """exact distributions of the ideal model; beside the
marks their parameters, in grey where families meet;
lines join the best of a family"""
_STRIP = 1.12  # where marks stand that are not to scale, in heights of the axis
_GREY: dict[str, Any] = {"color": "#444444", "marker": "."}
_OPTIMA = {
    "bound": ({**MARKS["exact_other"], **_GREY}, "$L^*_T$, best fixed partition"),
    "frontier": ({**MARKS["exact"], **_GREY}, "frontier of adaptive policies"),
}


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the three panels and the legend."""
    drawing, axes = new_figure(2, 2, width=10.5, height=7.6)
    drawing.suptitle(settings["task"], fontsize=10)
    panels = axes[0][0], axes[0][1], axes[1][0]
    for ax, tau, letter in ((panels[0], 1, "a"), (panels[1], 0, "b")):
        mine = [row for row in rows if row["temperature"] == tau and row["accuracy"] is not None]
        _draw_families(ax, mine, "tokens_per_step", "accuracy", lambda row: float(Fraction(row["accuracy"])))
        step_axis(ax, [row["tokens_per_step"] for row in mine])
        ax.set(xlabel="tokens per step", ylabel="accuracy", ylim=(-0.06, 1.1))
        ax.set_title(rf"{letter}  $\tau$ = {tau}")
    edge = _draw_bits(panels[2], rows)
    _draw_legend(axes[1][1], rows)
    if missing := left_out(rows, settings):
        drawing.supxlabel(missing, fontsize=7.5, x=0.02, ha="left")
    for ax, tau in zip(panels[:2], (1, 0), strict=True):
        mine = [row for row in rows if row["temperature"] == tau and row["accuracy"] is not None]
        label_points(
            ax,
            [
                (row["tokens_per_step"], float(Fraction(row["accuracy"])), row["policy"], _colour(row))
                for row in mine
            ],
            settings,
        )
    mine = [row for row in rows if row["temperature"] == 1 and row["kl"] is not None]
    near = [row for row in mine if float(row["kl"]) <= edge]
    points = [(row["steps_under_data"], row["kl"], row["policy"], _colour(row)) for row in near]
    label_points(panels[2], points, settings)
    write_beside(
        panels[2],
        [
            (
                row["steps_under_data"],
                _STRIP * edge,
                f"{parameters([row['policy']], settings)}: {_bits(row['kl'])}",
            )
            for row in mine
            if float(row["kl"]) > edge
        ],
    )
    return drawing


def _colour(row: Row) -> str:
    return LOOKS[row["family"]]["color"]


def _bits(value: Any) -> str:
    return f"{float(value):.3g} bits" if isfinite(float(value)) else "infinite"


def _draw_families(ax: Axes, rows: list[Row], x: str, y: str, height: Any) -> None:
    """Draw the marks of each family, and a line through the best of them."""
    places = [(row[x], height(row)) for row in rows]
    texts = shared_texts(places, [_tooltip(row) for row in rows])
    text_of = {row["policy"]: text for row, text in zip(rows, texts, strict=True)}
    for family, look in LOOKS.items():
        mine = [row for row in rows if row["family"] == family]
        points = [(row[x], height(row)) for row in mine]
        if y == "kl":  # those above the edge are not to scale
            best = outline(
                [p for row, p in zip(mine, points, strict=True) if p[1] >= float(row[y])], most=False
            )
        else:
            best = outline(points, most=True)
        ax.plot(*zip(*best, strict=True), color=look["color"], linewidth=1.0, zorder=1.8) if best else None
        marks: dict[str, Any] = {**look, "linestyle": "none"}
        (line,) = ax.plot([p[0] for p in points], [p[1] for p in points], **marks)
        with_tooltips(line, [text_of[row["policy"]] for row in mine])


def _tooltip(row: Row) -> str:
    accuracy = float(Fraction(row["accuracy"]))
    steps = f"{row['steps']:.4g} step{'s' * (row['steps'] != 1)}"
    return f"{row['policy']}: accuracy {accuracy:.4g}, KL {_bits(row['kl'])}, {steps}"


def _draw_bits(ax: Axes, rows: list[Row]) -> float:
    """Draw panel c, and return the greatest loss to scale."""
    most = 0.0
    for source, (look, _) in _OPTIMA.items():
        line = [row for row in rows if row["source"] == source and row["kl"] is not None]
        ax.plot([row["steps_under_data"] for row in line], [row["kl"] for row in line], **look)
        most = max([most, *(row["kl"] for row in line)])
    mine = [row for row in rows if row["temperature"] == 1 and row["kl"] is not None]
    values = [float(row["kl"]) for row in mine]
    edge = upper_edge(values, most)
    _draw_families(
        ax,
        mine,
        "steps_under_data",
        "kl",
        lambda row: _STRIP * edge if float(row["kl"]) > edge else row["kl"],
    )
    beyond = any(value > edge for value in values)
    if beyond:
        ax.axhline(1.05 * edge, color="#999999", linestyle=":", linewidth=0.8)
    loss_axis(ax, edge, above=0.19 if beyond else 0.08)
    step_axis(ax, [row["steps_under_data"] for row in rows if row["steps_under_data"] is not None])
    ax.set(xlabel="expected steps (along the data)", ylabel="KL(P || Q), bits")
    ax.set_title(r"c  $\tau$ = 1")
    return edge


def _draw_legend(ax: Axes, rows: list[Row]) -> None:
    from matplotlib.lines import Line2D

    ax.set_axis_off()
    shown = {row["family"] for row in rows if row["accuracy"] is not None} | {
        row["source"] for row in rows if row["kl"] is not None
    }
    handles = [
        Line2D([], [], label=label, **LOOKS[name]) for name, label in FAMILIES.items() if name in shown
    ]
    handles += [
        Line2D([], [], **look, label=f"c: {label}")
        for source, (look, label) in _OPTIMA.items()
        if source in shown
    ]
    ax.legend(handles=handles, loc="center left", fontsize=9, title=_LEGEND, alignment="left")

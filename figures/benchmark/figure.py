"""Published benchmark scores beside the exact scores of a perfect model, as one figure.

Crosses are published, each from 100 samples. Lines are an ideal model at temperature 0 with the same rule, number of
tokens, block length and token layout (four tokens per person, 32 positions); its accuracy is exact, averaged over lists
of 3 to 6 people. The distance from 100 % to a line is lost by decoding, from a line down to a cross by the model. A
cross above its line is a model that prefers some of the right answers: tokens drawn at once then agree more often than
if all right answers were equally likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from figures.benchmark.settings import LISTS, SERIES, policies_of
from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.engine.check import Check, clopper_pearson, published_check
from figures.engine.data import published_rows
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["benchmark_figure", "perfect_scores"]

SAMPLES = 100  # of a published point
WIDE = 5  # panels in a row


def perfect_scores(*, task: str, policies: list[str], sizes: list[int]) -> list[list[str]]:
    """Return accuracy and tokens per step of a perfect model for each rule, as exact ratios."""
    from synthetic.parallelbench.ceilings import ceiling
    from synthetic.parallelbench.tasks import bench_task
    from theory.policies import parse_policy

    found = [ceiling(bench_task(task), parse_policy(spec), sizes=sizes) for spec in policies]
    return [[str(one.accuracy), str(one.tokens_per_step)] for one in found]


@cache
def _published() -> list[dict[str, str]]:
    return published_rows("benchmark_figures")


def _lines(number: int) -> dict[tuple[str, str], list[dict[str, str]]]:
    """The published points of the list tasks by task and series, in their order along x."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _published():
        task, series = row["panel"], row["series"]
        if task == "semi_ar":  # Figure 5: one panel, a line for each task, in random order
            task, series = series, "random_topk"
        if row["figure"] == str(number) and task in LISTS:
            found.setdefault((task, series), []).append(row)
    for points in found.values():
        points.sort(key=lambda row: float(row["x"]))
    return dict(
        sorted(found.items(), key=lambda item: (LISTS.index(item[0][0]), list(SERIES).index(item[0][1])))
    )


def _verdict(percent: float, ideal: Fraction) -> str:
    low, high = clopper_pearson(round(percent * SAMPLES / 100), SAMPLES)
    if low <= ideal <= high:
        return "explained by decoding"
    return "model error" if ideal > high else "above: the model prefers some answers"


def benchmark_figure(number: int, *, title: str, about: str) -> Figure:
    """Return the figure of the paper with this number, for its list tasks.

    Args:
        number: Of the figure.
        title: One line.
        about: What its panels show; the explanation of lines and crosses is added.
    """
    lines = _lines(number)

    def chosen(settings: Settings) -> list[tuple[tuple[str, str], list[dict[str, str]]]]:
        return [(line, points) for line, points in lines.items() if line[0] in settings["tasks"]]

    def cells(settings: Settings) -> list[Cell]:
        return [
            Cell(
                function=perfect_scores,
                kwargs={
                    "task": task,
                    "policies": policies_of(series, points[0]["x_name"]),
                    "sizes": settings["sizes"],
                },
            )
            for (task, series), points in chosen(settings)
        ]

    def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
        rows: list[Row] = []
        for ((task, series), points), scores in zip(chosen(settings), results, strict=True):
            specs = policies_of(series, points[0]["x_name"])
            for point, spec, (accuracy, rate) in zip(points, specs, scores, strict=True):
                percent, ideal = float(point["score_percent"]), Fraction(accuracy)
                by_block = point["x_name"] == "block_length"
                rows.append(
                    {"task": task, "model": point["model"], "series": series, "policy": spec}
                    | {"x_name": point["x_name"], "x": float(point["x"]), "published_percent": percent}
                    | {"ideal_accuracy": ideal, "ideal_percent": round(100 * float(ideal), 2)}
                    | {"ideal_x": float(point["x"]) if by_block else float(Fraction(rate))}
                    | {"lost_by_decoding": round(100 * float(1 - ideal), 2)}
                    | {"lost_by_the_model": round(100 * float(ideal) - percent, 2)}
                    | {"verdict": _verdict(percent, ideal)}
                )
        return rows

    def draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
        return _draw(rows)

    def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
        return [
            published_check(
                f"{row['task']}, {row['policy']}",
                row["published_percent"],
                SAMPLES,
                row["ideal_accuracy"],
                detail=row["verdict"],
            )
            for row in rows
        ]

    return Figure(
        name=f"figure{number}",
        title=title,
        paper=f"Figure {number}, list tasks",
        about=f"{about.strip()}\n\n{(__doc__ or '').partition(chr(10) + chr(10))[2]}",
        seconds=30,
        settings={"sizes": [3, 4, 5, 6], "tasks": list(LISTS)},
        fast={"sizes": [3, 4], "tasks": ["shuffle", "replace_random"]},
        cells=cells,
        compute=compute,
        draw=draw,
        checks=checks,
        groups={
            "published": (
                "Published scores against a perfect model",
                "Agrees where the ideal accuracy lies in the point's own 95 % interval (100 samples): then decoding "
                "alone explains it. Compared and counted; decides nothing.",
            )
        },
    )


def _draw(rows: list[Row]) -> Drawing:
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    wide = min(WIDE, len(tasks))
    high = -(-len(tasks) // wide)
    drawing, axes = new_figure(
        high, wide, width=2.2 * wide + 0.8, height=2.1 * high + 0.3, sharex=True, sharey=True
    )
    panels = [axis for line in axes for axis in line]
    handles: dict[str, Any] = {}
    for panel, task in zip(panels, tasks, strict=False):
        _draw_panel(panel, [row for row in rows if row["task"] == task], handles)
        panel.set_title(task.replace("_", " "))
    for panel in panels[len(tasks) :]:
        panel.set_axis_off()
    for line in axes:
        line[0].set_ylabel("score, %")
    for panel in panels[max(0, len(tasks) - wide) : len(tasks)]:
        panel.set_xlabel(rows[0]["x_name"].replace("_", " "))
    shown = handles | {"published": _mark("x", "none"), "perfect model": _mark("", "-")}
    legend_below(drawing, shown, most=6)
    return drawing


def _draw_panel(panel: Axes, rows: list[Row], handles: dict[str, Any]) -> None:
    colours = dict(zip(SERIES, COLOURS.values(), strict=True))
    for place, series in enumerate(dict.fromkeys(row["series"] for row in rows)):
        mine = [row for row in rows if row["series"] == series]
        colour = colours[series]
        panel.plot(
            [row["ideal_x"] for row in mine],
            [row["ideal_percent"] for row in mine],
            color=colour,
            marker=".",
            markersize=5,
            linewidth=3.4 - 0.7 * place,
            zorder=2,
        )
        panel.plot(
            [row["x"] for row in mine],
            [row["published_percent"] for row in mine],
            color=colour,
            linestyle="none",
            marker="x",
            markersize=4.5,
            zorder=3,
        )
        handles.setdefault(SERIES[series], _mark("", "-", colour))
    panel.set_xscale("log", base=2)
    panel.set_ylim(-4, 104)
    ticks = [2, 4, 8, 16, 32] if rows[0]["x_name"] == "block_length" else [1, 2, 4, 8, 16, 32]
    panel.set_xticks(ticks, [str(tick) for tick in ticks])
    panel.minorticks_off()


def _mark(marker: str, line: str, colour: str = "#666666") -> Any:
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": line}
    return Line2D([], [], **look)

"""Mean total variation between the marginals of the trained and the ideal model.

Over random partly revealed states (the number of masked positions uniform, the revealed tokens true), for each task
and length that the model was trained on. The target is 0.02 everywhere; the dashed line marks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, new_figure
from figures.engine.check import Check
from figures.engine.figure import Cell, Figure, Row, Settings, derived_seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

TARGET = 0.02  # mean total variation
LINES = {
    "copy": ("Copy", "green", "o"),
    "replace_index": ("Replace Index", "purple", "^"),
    "replace_random": ("Replace Random", "vermillion", "s"),
    "shuffle": ("Shuffle", "blue", "D"),
}


def distance(*, weights: str | None, task: str, n: int, states: int, seed: int, device: str) -> float:
    """Return the mean total variation of one task at one length."""
    from models import load
    from models.predictors.distance_to_ideal import marginal_tv
    from synthetic.task import list_task

    model = load(weights, device=device)
    return marginal_tv(model, model.encoding, list_task(task, n), states=states, seed=seed)


def cells(settings: Settings) -> list[Cell]:
    """One cell a task and length."""
    shared = {key: settings[key] for key in ("weights", "states", "device")}
    return [
        Cell(
            function=distance,
            kwargs={"task": task, "n": n, "seed": derived_seed(settings["seed"], "model", task, n), **shared},
        )
        for task in LINES
        for n in settings["n"]
    ]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row per task and length."""
    places = [(task, n) for task in LINES for n in settings["n"]]
    states = settings["states"]
    return [
        {"task": task, "n": n, "states": states, "total_variation": tv}
        for (task, n), tv in zip(places, results, strict=True)
    ]


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw one line per task; the two deterministic tasks are near zero."""
    drawing, ((ax,),) = new_figure(width=6, height=3.2)
    for task, (title, colour, marker) in LINES.items():
        mine = [row for row in rows if row["task"] == task]
        ax.plot(
            [row["n"] for row in mine],
            [row["total_variation"] for row in mine],
            color=COLOURS[colour],
            marker=marker,
            markersize=4,
            label=title,
        )
    ax.axhline(TARGET, color="black", linestyle="--", linewidth=1, label="target")
    ax.set(xlabel="list length n", ylabel="mean total variation", ylim=(-0.0005, 1.1 * TARGET))
    ax.set_xticks(settings["n"])
    drawing.legend(loc="outside right upper")
    return drawing


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check every distance against the target."""
    return [
        Check(
            name=f"{row['task']} n={row['n']}: mean total variation",
            kind="model",
            value=row["total_variation"],
            expected=TARGET,
            passed=row["total_variation"] <= TARGET,
            detail=f"{row['states']} states; at most the expected value",
        )
        for row in rows
    ]


FIGURE = Figure(
    name="model",
    title="Distance of the trained model from the ideal conditionals",
    paper="none (the model trained for Figure 2)",
    about=__doc__,
    seconds=10,
    settings={"n": list(range(4, 17)), "states": 500},
    fast={"n": [4, 10, 16], "states": 200},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    groups={"model": ("Mean total variation against its target", "At most the target.")},
)

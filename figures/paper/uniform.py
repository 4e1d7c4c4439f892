"""Masked and uniform diffusion by the number of steps, on the tasks of Figure 2.

Lists of four items, temperature 1, noise over 32 words. All lines are exact distributions of ideal models:

- masked, random times: every masked position is revealed at one of T equally likely steps (ancestral sampling)
- masked, fixed sizes: T equal steps in random order, as in Figure 2 (T divides the length)
- uniform, leave-one-out: the true transition of each position, at T equally spaced signals
- uniform, posterior plugged in: the same formula with the posterior that a denoiser is trained to predict

Circles are samples of the ideal model of uniform noise, squares of a small transformer trained on it (preset
`uniform`), with 95 % intervals. One step is the same for all: the product of the marginals.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, MARKS, legend_below, new_figure
from figures.engine.check import Check, binomial_check, clopper_pearson, exact_check, model_check
from figures.engine.figure import Cell, Figure, Row, Settings, derived_seed
from figures.paper.uniform_cells import ideal_samples, masked_decode, model_samples, uniform_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

TITLES = {"shuffle": "Shuffle", "replace_random": "Replace Random"}
LINES: dict[str, tuple[str, str, Any]] = {  # title, colour, style
    "masked_times": ("masked, random times", "blue", "-"),
    "masked_sizes": ("masked, fixed sizes", "green", "-"),
    "left_out": ("uniform, leave-one-out", "vermillion", "-"),
    "posterior": ("uniform, posterior plugged in", "black", "--"),
}
UNIFORM = ("left_out", "posterior")


def points(settings: Settings) -> list[dict[str, Any]]:
    """Return every (task, line, T) of the figure."""
    n = settings["n"]
    return [
        {"task": task, "line": line, "steps": steps, "n": n}
        for task in TITLES
        for line in LINES
        for steps in settings["steps"]
        if line != "masked_sizes" or n % steps == 0
    ]


def cells(settings: Settings) -> list[Cell]:
    """Return the samples of the uniform lines, then the exact distributions of all."""
    sampled: list[Cell] = []
    exact: list[Cell] = []
    vocabulary = settings["vocabulary"]
    for point in points(settings):
        common = {"task": point["task"], "n": point["n"], "steps": point["steps"]}
        if point["line"] not in UNIFORM:
            fixed = point["line"] == "masked_sizes"
            exact.append(Cell(function=masked_decode, kwargs={**common, "fixed": fixed}))
            continue
        common |= {"prediction": point["line"]}
        exact.append(Cell(function=uniform_output, kwargs={**common, "vocabulary": vocabulary}))
        for function, samples, more in (
            (ideal_samples, settings["ideal_samples"], {"vocabulary": vocabulary}),
            (model_samples, settings["model_samples"], {}),
        ):
            seed = derived_seed(settings["seed"], "uniform", function.__name__, *common.values())
            kwargs = {**common, **more, "samples": samples, "seed": seed, "device": settings["device"]}
            sampled.append(Cell(function=function, kwargs=kwargs))
    return [*sampled, *exact]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row a point and source."""
    listed = points(settings)
    count = 2 * sum(point["line"] in UNIFORM for point in listed)
    sampled, exact = iter(results[:count]), iter(results[count:])
    rows: list[Row] = []
    for point in listed:
        found = next(exact)
        accuracy = found["accuracy"]
        rows.append(
            {
                **point,
                "source": "exact",
                "accuracy": Fraction(accuracy) if isinstance(accuracy, str) else accuracy,
                "accuracy_error": found.get("accuracy_error", 0),
                "kl": found["kl"],
                "kl_error": found.get("kl_error", 0),
            }
        )
        if point["line"] in UNIFORM:
            for source in ("ideal", "model"):
                counted = next(sampled)
                low, high = clopper_pearson(counted["successes"], counted["trials"])
                share = counted["successes"] / counted["trials"]
                rows.append(
                    {**point, "source": source, "accuracy": share, "low": low, "high": high, **counted}
                )
    columns = ("task", "n", "line", "steps", "source", "accuracy", "accuracy_error", "kl", "kl_error")
    return [{key: row.get(key) for key in (*columns, "low", "high", "successes", "trials")} for row in rows]


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw accuracy above KL, a column for each task."""
    drawing, axes = new_figure(2, 2, width=8, height=5.6, sharex=True, sharey="row")
    for column, (task, title) in enumerate(TITLES.items()):
        mine = [row for row in rows if row["task"] == task]
        for y, ax in (("accuracy", axes[0][column]), ("kl", axes[1][column])):
            for line in LINES:
                _draw_line(ax, [row for row in mine if row["line"] == line], y, line)
            ax.set_xscale("log", base=2)
            ax.set_xticks(settings["steps"], [str(steps) for steps in settings["steps"]])
            ax.minorticks_off()
        axes[0][column].set_title(f"{title}, n = {settings['n']}")
        axes[1][column].set_xlabel("steps T")
    axes[0][0].set(ylabel="accuracy", ylim=(-0.04, 1.04))
    axes[1][0].set(ylabel="KL(P || Q), bits")
    axes[1][0].set_ylim(bottom=-0.05)
    _draw_legend(drawing, settings)
    return drawing


def _draw_line(ax: Axes, rows: list[Row], y: str, line: str) -> None:
    _, colour, style = LINES[line]
    exact = [row for row in rows if row["source"] == "exact"]
    dots = {"marker": ".", "markersize": 5} if line == "masked_sizes" else {}
    kept: dict[str, Any] = {**MARKS["exact"], "linestyle": style, "color": COLOURS[colour], **dots}
    ax.plot([row["steps"] for row in exact], [float(row[y]) for row in exact], **kept)
    if y == "kl":
        return
    for source, shift in (("ideal", 0.95), ("model", 1.05)):
        marks = [row for row in rows if row["source"] == source]
        means = [row["accuracy"] for row in marks]
        ax.errorbar(
            [row["steps"] * shift for row in marks],
            means,
            [
                [m - row["low"] for m, row in zip(means, marks, strict=True)],
                [row["high"] - m for m, row in zip(means, marks, strict=True)],
            ],
            color=COLOURS[colour],
            elinewidth=0.9,
            **MARKS[source],
        )


def _draw_legend(drawing: Drawing, settings: Settings) -> None:
    from matplotlib.lines import Line2D

    grey = "#444444"
    handles: dict[str, Any] = {
        title: Line2D([], [], color=COLOURS[colour], linestyle=style)
        for title, colour, style in LINES.values()
    }
    handles[f"ideal model, {settings['ideal_samples']} samples"] = Line2D(
        [], [], color=grey, **MARKS["ideal"]
    )
    handles[f"trained model, {settings['model_samples']} samples"] = Line2D(
        [], [], color=grey, **MARKS["model"]
    )
    legend_below(drawing, handles, most=3)


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check samples against exact distributions, and that one step is the same for all."""
    exact = {(row["task"], row["line"], row["steps"]): row for row in rows if row["source"] == "exact"}
    out: list[Check] = []
    for row in rows:
        truth = exact[row["task"], row["line"], row["steps"]]
        name = f"{row['task']} {row['line']} T={row['steps']} n={row['n']}"
        if row["source"] == "ideal":
            out.append(binomial_check(name, row["successes"], row["trials"], truth["accuracy"]))
        elif row["source"] == "model":
            out.append(model_check(name, row["successes"], row["trials"], truth["accuracy"]))
        elif row["steps"] == 1 and row["line"] in UNIFORM:
            one = exact[row["task"], "masked_times", 1]
            same = all(abs(row[key] - one[key]) <= row[f"{key}_error"] + 1e-15 for key in ("accuracy", "kl"))
            out.append(
                exact_check(f"{name}: one step is that of masked diffusion, within its error", same, True)
            )
    return out


FIGURE = Figure(
    name="uniform",
    title="Masked and uniform diffusion by number of steps",
    paper="none (the comparison with uniform diffusion in the appendix)",
    about=__doc__,
    seconds=70,
    settings={
        "n": 4,
        "steps": [1, 2, 4, 8, 16, 32, 64],
        "vocabulary": 32,
        "ideal_samples": 2_000,
        "model_samples": 1_000,
    },
    fast={"steps": [1, 4, 16], "ideal_samples": 300, "model_samples": 200},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
)

"""Bounds of one task with their verdict, which open its report.

What any decoder loses that fills in the answer in T fixed blocks of positions, each drawn in parallel: the least KL
divergence `L*_T` in bits, over all ordered partitions into T blocks. A loss of L bits leaves the ideal model an
accuracy of at least `2^-L`. Where the answer is too long for all sets of positions, the ends of a proven interval are
shown; where the distribution is only sampled, entropies with their 95 % intervals. These are the numbers of
`parabounds bounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from figures.drawing.axes import loss_axis, step_axis
from figures.drawing.style import COLOURS, MARKS, new_figure
from figures.drawing.tooltips import with_tooltips
from figures.engine.check import Check, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings
from figures.engine.task_data import TaskData, listed_task, structured_task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["bounds_figure", "bounds_of"]

_FACTS = {
    "entropy": "entropy",
    "total_correlation": "total correlation",
    "dual_total_correlation": "dual total correlation",
}
_ROUNDING = 1e-9  # bits
_LONGEST = 80  # characters of a partition in the table


def bounds_figure(task: TaskData) -> Figure:
    """Return the figure that opens the report of a task."""
    return Figure(
        name=f"bounds_{task.stem}",
        task=task.name,
        title=f"Bounds and verdict: {task.name}",
        paper="Theorems 1 and 2, for a task of your own",
        about=__doc__,
        seconds=10,
        settings={"task": task.name, "distribution": task.digest, "samples": 2000, "seconds": 20},
        fast={"seconds": 2},
        cells=partial(cells, task),
        compute=compute,
        draw=draw,
        checks=checks,
        table=table,
        verdict=verdict_lines,
        groups={"exact": ("What must hold of every task", "Up to 1e-9 bits.")},
    )


def cells(task: TaskData, settings: Settings) -> list[Cell]:
    """Return the one cell."""
    given = {"contexts": task.contexts, "structured": task.structured, "seed": settings["seed"]}
    return [
        Cell(
            function=bounds_of,
            kwargs={**given, "samples": settings["samples"], "seconds": settings["seconds"]},
        )
    ]


def bounds_of(
    *,
    contexts: list[dict[str, Any]],
    structured: dict[str, Any] | None,
    samples: int,
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    """Return the verdict, the entropies, and the least loss of each number of steps with its blocks.

    Example:
        >>> from figures.engine.task_data import task_data
        >>> listed = task_data("shuffle", 2).contexts
        >>> found = bounds_of(contexts=listed, structured=None, samples=1, seed=0, seconds=1)
        >>> found["losses"]
        [[1, 1.0, 1.0, '0,1'], [2, 0.0, 0.0, '0|1']]
    """
    from theory.commands.bounds import bounds_answer
    from theory.commands.verdict import verdict
    from theory.limits import CostError

    task = listed_task(contexts) if structured is None else structured_task(structured)
    try:
        answer = bounds_answer(task, samples=samples, seed=seed, seconds=seconds)
    except CostError as error:
        return {"verdict": f"the bounds are refused: {error}", "facts": {}, "losses": []}
    facts = {
        name: answer[key] if isinstance(answer[key], dict) else float(answer[key])
        for key, name in _FACTS.items()
        if answer.get(key) is not None
    }
    least = answer.get("optimal_bound") or []
    ends = [[float(bits), float(bits)] for bits in least]
    ends = ends or [[float(e["lower"]), float(e["upper"])] for e in answer.get("optimal_bounds") or []]
    parts = answer.get("optimal_partitions") or [None] * len(ends)
    said = verdict(least, answer.get("errors", {}).get("optimal_bound", 0.0)) if least else answer["verdict"]
    losses = [[t, *pair, _blocks(p)] for t, (pair, p) in enumerate(zip(ends, parts, strict=True), start=1)]
    return {"verdict": said, "facts": facts, "losses": losses}


def _blocks(partition: Any) -> str:
    if partition is None:
        return ""
    text = "|".join(",".join(map(str, block)) for block in partition)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(partition)} blocks)"


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:  # noqa: ARG001
    """Return the verdict, one row for each entropy, and one for each number of steps."""
    (found,) = results
    rows: list[Row] = [{"kind": "verdict", "name": found["verdict"]}]
    for name in (name for name in _FACTS.values() if name in found["facts"]):  # JSON forgets the order
        value = found["facts"][name]
        known = value if isinstance(value, dict) else {"estimate": value, "low": value, "high": value}
        rows.append({"kind": "entropy", "name": name, "bits": known["estimate"]})
        rows[-1] |= {key: known[key] for key in ("low", "high")}
    for steps, low, high, blocks in found["losses"]:
        rows.append(
            {"kind": "loss", "steps": steps, "bits": high, "low": low, "high": high, "blocks": blocks}
        )
    names = ("kind", "name", "steps", "bits", "low", "high", "blocks")
    return [{name: row.get(name) for name in names} for row in rows]


def verdict_lines(rows: list[Row], settings: Settings) -> list[str]:  # noqa: ARG001
    """Return the verdict, and the entropies in a sentence."""
    facts = [f"{row['name']} {_number(row)}" for row in rows if row["kind"] == "entropy"]
    return [rows[0]["name"], *([f"{', '.join(facts)}."] if facts else [])]


def _number(row: Row) -> str:
    if row["low"] == row["high"]:
        return f"{row['bits']:.4g} bits"
    return f"{row['bits']:.4g} bits (95 %: {row['low']:.4g} to {row['high']:.4g})"


def table(rows: list[Row], settings: Settings) -> list[list[str]]:  # noqa: ARG001
    """Return the least losses up to the first that is zero; the entropies where none is known."""
    losses = [row for row in rows if row["kind"] == "loss"]
    if not losses:
        found = [row for row in rows if row["kind"] == "entropy"]
        return [["quantity", "bits"], *([str(row["name"]), _number(row)] for row in found)]
    last = next((j for j, row in enumerate(losses) if row["high"] <= 0), len(losses) - 1)
    head = ["steps", "least loss, bits", "accuracy at least", "best blocks"]
    if last < len(losses) - 1:
        head[0] = f"steps (of {len(losses)}; more lose nothing either)"
    return [head, *(_line(row) for row in losses[: last + 1])]


def _line(row: Row) -> list[str]:
    bits = f"{row['high']:.4g}" if row["low"] == row["high"] else f"{row['low']:.4g} to {row['high']:.4g}"
    return [str(row["steps"]), bits, _at_least(row["high"]), row["blocks"]]


def _at_least(bits: float) -> str:
    """Return ``2^-bits`` in percent, rounded down to four digits.

    Example:
        >>> _at_least(0.0), _at_least(1.0), _at_least(1.5), _at_least(40.0)
        ('100 %', '50 %', '35.35 %', '9.094e-11 %')
    """
    from decimal import ROUND_FLOOR, Context, Decimal

    percent = 100 * Context(prec=30).power(Decimal(2), -Decimal(bits))
    down = Context(prec=4, rounding=ROUND_FLOOR).create_decimal(percent)
    near = Context(prec=4).create_decimal(percent)
    return f"{float(near if abs(near - percent) <= Decimal('1e-12') * percent else down):.4g} %"


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the least loss by the number of steps, or the entropies where it is not known."""
    drawing, axes = new_figure(width=6.4, height=3.4)
    ax = axes[0][0]
    ax.set_title(settings["task"])
    losses = [row for row in rows if row["kind"] == "loss"]
    if losses:
        _draw_losses(ax, losses)
        return drawing
    found = [row for row in rows if row["kind"] == "entropy"]
    middle = [row["bits"] for row in found]
    reach = [
        [row["bits"] - row["low"] for row in found],
        [row["high"] - row["bits"] for row in found],
    ]
    places = range(len(found))
    ax.errorbar(middle, list(places), xerr=reach, color=COLOURS["blue"], **MARKS["ideal"])
    ax.set_yticks(list(places), [str(row["name"]) for row in found])
    ax.invert_yaxis()
    ax.set_xlabel("bits, with 95 % intervals")
    if not found:
        ax.text(0.5, 0.5, "refused as too costly", ha="center", transform=ax.transAxes)
    return drawing


def _draw_losses(ax: Axes, losses: list[Row]) -> None:
    steps = [row["steps"] for row in losses]
    (line,) = ax.plot(steps, [row["high"] for row in losses], color=COLOURS["blue"], marker="o", markersize=4)
    with_tooltips(line, [f"{row['steps']} steps: {row['high']:.4g} bits, {row['blocks']}" for row in losses])
    if any(row["low"] < row["high"] for row in losses):
        ax.fill_between(
            steps, [row["low"] for row in losses], [row["high"] for row in losses],
            color=COLOURS["blue"], alpha=0.15, linewidth=0, label="the least loss is in the band",
        )  # fmt: skip
        ax.legend()
    loss_axis(ax, max(row["high"] for row in losses))
    step_axis(ax, [1, *steps])
    ax.set(xlabel="steps (model calls)", ylabel="least loss $L^*_T$, bits")


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check that one step loses the total correlation, more steps no more, and one token a step nothing."""
    losses = [row for row in rows if row["kind"] == "loss"]
    if not losses:
        return []
    whole = next(row["bits"] for row in rows if row["name"] == "total correlation")
    highs = [row["high"] for row in losses]
    falling = all(b <= a + _ROUNDING for a, b in pairwise(highs))
    return [
        exact_check("one step loses the total correlation", abs(highs[0] - whole) <= _ROUNDING, True),
        exact_check("more steps lose no more", falling, True),
        exact_check("one token a step loses nothing", abs(highs[-1]) <= _ROUNDING, True),
    ]

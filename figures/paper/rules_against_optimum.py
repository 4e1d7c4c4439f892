"""Every unmasking rule against the optimum, with the ideal model.

Each mark is one rule at one value of its parameter, decoded exactly with the ideal model; explicit block sizes,
`sizes`, have no single parameter and are left out. The black line is the exact frontier: the least KL, at that
expected number of steps, of any adaptive policy that remembers its own random choices. Black squares are the best
fixed partitions `L*_T`, plus signs the best mixtures of them. Mixtures, and rules with random choices, may lie below
the line, because the KL of the output distribution does not see which choice was made. Rules that mask again, or that
look at drawn tokens before they decide, are not policies in this sense and may lie below the line too. The star is
the best threshold for every sample (the paper's oracle). The page `optimality.md` lists each rule's gap on each task.

Rules on the lower hull of all rules are coloured and named beside their points; all others are grey. Triangles at the
upper edge stand for divergences above 1.1 times that of one step, which are not to scale or infinite. Rules that were
refused as too costly are named below the panels. Tasks after the first eight are not drawn; the table has all of
them. Operations with a single outcome, such as Copy, cost nothing in any order. Steps are those along runs of the
data, as for the frontier; for rules that look at drawn tokens or mask again they are those of the decoder's own runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from figures.engine.figure import Cell, Figure, Row, Settings
from figures.paper.rules_cells import optima, rule_curve, threshold_oracle
from figures.paper.rules_checks import checks
from figures.paper.rules_grid import CURVES, specs_of
from figures.paper.rules_page import page
from figures.paper.rules_panels import draw

if TYPE_CHECKING:
    from figures.engine.task_data import TaskData

__all__ = ["FIGURE", "task_figure"]

_SIX = 6  # positions up to which every rule is decoded


def cells(settings: Settings) -> list[Cell]:
    """Return one cell a task for the optima, one for the best threshold, and one for each rule."""
    return _cells(settings, {})


def _cells(settings: Settings, own: dict[str, Any]) -> list[Cell]:
    out: list[Cell] = []
    for task, n, positions in settings["tasks"]:
        at = {"task": task, "n": n, **own}
        out.append(Cell(function=optima, kwargs={**at, "mixtures": positions <= _SIX}))
        out.append(Cell(function=threshold_oracle, kwargs={**at, "gammas": settings["gammas"]}))
        for curve in _curves(settings, positions):
            out.append(Cell(function=rule_curve, kwargs={**at, "specs": specs_of(curve, positions)}))
    return out


def _curves(settings: Settings, positions: int) -> list[Any]:
    chosen = settings["curves"]
    return [c for c in CURVES if (chosen is None or c.name in chosen) and not (c.heavy and positions > _SIX)]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row a point: optimum, best threshold, or rule at one parameter."""
    found = iter(results)
    rows: list[Row] = []
    for task, n, positions in settings["tasks"]:
        base: Row = {"task": task, "n": n, "positions": positions}
        rows += [_row(base, **point) for point in next(found)]
        rows.append(_row(base, kind="oracle", rule="threshold oracle", **next(found)))
        for curve in _curves(settings, positions):
            shared = {"kind": "rule", "rule": curve.name, "family": curve.family}
            rows += [_row(base, **shared, **point) for point in next(found)]
    return rows


_COLUMNS = ("kind", "rule", "family", "spec", "steps", "steps_of_runs", "kl", "accuracy")
_GAPS = ("gap_bits", "gap_steps", "above", "reason")


def _row(base: Row, **values: Any) -> Row:
    # infinity is the text "inf", as in every table
    return {**base, **{column: values.get(column) for column in _COLUMNS + _GAPS}}


def task_figure(task: TaskData) -> Figure:
    """Return the figure of a task of the user's own."""
    positions = max(len(row) for context in task.contexts for row in context["outcomes"])
    listed = f"optimality_{task.stem}.md"
    return replace(
        FIGURE,
        name=f"frontier_{task.stem}",
        task=task.name,
        title=f"Every unmasking rule against the exact optimum: {task.name}",
        about=(__doc__ or "").replace("optimality.md", listed),
        paper="none (a task of your own; the oracle is that of Figure 7)",
        settings={**FIGURE.settings, "tasks": [[task.name, None, positions]], "distribution": task.digest},
        fast={key: value for key, value in FIGURE.fast.items() if key != "tasks"},
        cells=lambda settings: _cells(settings, {"contexts": task.contexts}),
        pages=lambda rows, settings: {listed: "".join(page(rows, settings).values())},
        for_task=None,
    )


FIGURE = Figure(
    name="frontier",
    title="Every unmasking rule against the exact optimum",
    paper="none (the oracle is that of Figure 7)",
    about=__doc__,
    seconds=120,
    settings={
        # task, its size, positions of the answer
        "tasks": [
            ["shuffle", 4, 4],
            ["replace_random", 4, 4],
            ["insert_random", 4, 5],
            ["remove_random", 5, 4],
            ["city_names", None, 2],
            ["latin_square", 3, 9],
            ["matching_selector", None, 5],
            ["markov_chain", 4, 4],
            # only in the table
            ["shuffle_strict", 4, 4],
            ["hmm", 4, 4],
            ["tree", 4, 4],
            ["bernoulli_walk", 4, 4],
            ["balanced", 4, 4],
            ["one_hot_blocks", 4, 4],
            ["parity", 4, 4],
            ["repeated_bit", 4, 4],
            ["reed_solomon", 4, 4],
            ["affine_subspace", 4, 4],
            ["copy", 4, 4],
        ],
        "drawn": 8,
        "curves": None,
        "gammas": ["1/4", "2/5", "1/2", "3/5", "7/10", "4/5", "9/10", "1"],
    },
    fast={
        "tasks": [["shuffle", 3, 3], ["replace_random", 3, 3], ["city_names", None, 2]],
        "curves": [
            "top-k random",
            "top-k confidence",
            "threshold",
            "factor",
            "EB-Sampler",
            "DUS",
            "KLASS",
            "WINO",
        ],
        "gammas": ["1/2", "9/10"],
    },
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    pages=page,
    groups={
        "exact": (
            "No fixed partition or path divergence below the optimum, and no rule optimal everywhere",
            "Exact values, compared up to 1e-9 bits.",
        )
    },
    for_task=task_figure,
)

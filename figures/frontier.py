"""Every unmasking rule against the optimum: exact divergence and accuracy over expected steps, with a perfect model.

Each small mark is one rule at one value of its parameter, decoded exactly with the ideal model; explicit block sizes,
`sizes`, have no one parameter and are left out. The black line is the least KL, at that expected number of steps, of
any adaptive policy that remembers its own random choices (the exact frontier); squares are the best fixed partitions
L*_T, large plus signs the best mixtures of them. Mixtures, and rules with random choices, may lie below the line: who
forgets the choices hides what was done. Rules that mask again, or that look at drawn tokens before they decide, are
no policies in this sense and may lie below the line too. The star is the oracle that knows the best threshold for
every sample. The page `optimality.md` lists each rule's gap on each task.

Points above 1.1 times the divergence of one step lie outside the panels; the table has them, and the tasks after the
first eight, which are not drawn. Operations with a single answer, such as Copy, cost nothing in any order.

Steps are those along runs of the data, as the frontier counts them; for rules that look at drawn tokens or mask again
they are those of the decoder's own runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from figures.check import Check, exact_check
from figures.figure import Cell, Figure, Row, Settings
from figures.frontier_cells import optima, rule_curve, threshold_oracle
from figures.frontier_page import at_optimum, page
from figures.frontier_rules import CURVES, FAMILIES, specs_of
from figures.style import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from figures.tasks import TaskData

__all__ = ["FIGURE", "task_figure"]

TITLES = {
    "shuffle": "Shuffle",
    "replace_random": "Replace Random",
    "insert_random": "Insert Random",
    "remove_random": "Remove Random",
    "city_names": "city names",
    "latin_square": "Latin square",
    "matching_selector": "matching selector",
    "markov_chain": "Markov chain",
}
_SIX = 6  # positions up to which every rule is followed


def cells(settings: Settings) -> list[Cell]:
    """One cell a task for the optima, one for the oracle, and one for each rule."""
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
    """Return one row a point: optimum, oracle, or rule at one parameter."""
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


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw two panels a task: KL, and accuracy, against steps."""
    tasks = [tuple(task) for task in settings["tasks"]][: settings["drawn"]]
    wide = min(4, len(tasks))
    bands = -(-len(tasks) // wide)
    drawing, axes = new_figure(2 * bands, wide, width=3.0 * wide, height=4.6 * bands + 0.9)
    for j, (task, n, _) in enumerate(tasks):
        mine = [row for row in rows if (row["task"], row["n"]) == (task, n)]
        above, below = axes[2 * (j // wide)][j % wide], axes[2 * (j // wide) + 1][j % wide]
        title: str = TITLES.get(task) or str(task)
        above.set_title(title if n is None else f"{title}, n = {n}")
        _panel(above, mine, "kl")
        _panel(below, mine, "accuracy")
        below.set_ylim(-0.04, 1.04)
        below.set_xlabel("expected steps")
        below.sharex(above)
        if j % wide == 0:
            above.set_ylabel("KL divergence (bits)")
            below.set_ylabel("accuracy")
    for j in range(len(tasks), bands * wide):
        axes[2 * (j // wide)][j % wide].set_axis_off()
        axes[2 * (j // wide) + 1][j % wide].set_axis_off()
    handles, labels = axes[0][0].get_legend_handles_labels()
    more, names = axes[1][0].get_legend_handles_labels()
    legend = dict(zip([*labels, *names], [*handles, *more], strict=True))
    drawing.legend(legend.values(), legend.keys(), loc="outside lower center", ncols=4)
    return drawing


def _panel(axis: Axes, rows: list[Row], quantity: str) -> None:
    for family, (colour, marker, label) in FAMILIES.items():
        points = [
            (row["steps"], row[quantity])
            for row in rows
            if row["family"] == family and row[quantity] not in (None, "inf")
        ]
        axis.plot(
            [x for x, _ in points], [y for _, y in points], linestyle="none", marker=marker, markersize=4,
            color=COLOURS[colour], markeredgewidth=0.3, markeredgecolor="white", alpha=0.8, label=label, zorder=3,
        )  # fmt: skip
    if quantity == "accuracy":
        stars = [row for row in rows if row["kind"] == "oracle"]
        axis.plot(
            [row["steps"] for row in stars], [row["accuracy"] for row in stars], linestyle="none", marker="*",
            markersize=10, color="white", markeredgecolor="black", label="oracle threshold", zorder=5,
        )  # fmt: skip
        return
    styles: dict[str, dict[str, Any]] = {
        "frontier": {"linestyle": "-", "linewidth": 1.4, "color": "black", "label": "optimum of adaptive policies"},
        "partition": {
            "linestyle": "none", "marker": "s", "markersize": 7, "markerfacecolor": "none",
            "markeredgecolor": "black", "label": "best fixed partition",
        },
        "mixture": {
            "linestyle": "none", "marker": "+", "markersize": 8, "color": "black",
            "label": "best mixture of partitions",
        },
    }  # fmt: skip
    for kind, style in styles.items():
        points = [(row["steps"], row["kl"]) for row in rows if row["kind"] == kind]
        axis.plot([x for x, _ in points], [y for _, y in points], zorder=2, **style)
    highest = max(row["kl"] for row in rows if row["kind"] == "frontier")
    axis.set_ylim(-0.05 * highest, 1.1 * highest)


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """No fixed partition and no path divergence below the frontier, and no rule at the optimum everywhere."""
    out: list[Check] = []
    tasks = list(dict.fromkeys((row["task"], row["n"]) for row in rows))
    for task, n in tasks:
        mine = [r for r in rows if (r["task"], r["n"]) == (task, n)]
        best = {r["steps"]: r["kl"] for r in mine if r["kind"] == "partition"}
        edge = [r for r in mine if r["kind"] == "frontier"]
        above = all(_hull_at(edge, t) <= kl + _ROUNDING for t, kl in best.items())
        out.append(exact_check(f"{task}: no fixed partition is below the frontier", above, True))
        below = [r["spec"] for r in mine if r["above"] is False]
        out.append(
            exact_check(f"{task}: rules whose path divergence is below the frontier", ", ".join(below), "")
        )
    if len(tasks) >= _MANY:  # on a few short tasks some rules cannot be wrong
        rules = {row["rule"] for row in rows if row["kind"] == "rule"}
        everywhere = sorted(rule for rule in rules if all(_touches(rows, rule, task, n) for task, n in tasks))
        out.append(
            exact_check("rules whose every setting is optimal on every task", ", ".join(everywhere), "")
        )
    return out


_MANY = 6

_ROUNDING = 1e-9  # bits: of the float64 values that are compared here


def _touches(rows: list[Row], rule: str, task: str, n: int | None) -> bool:
    mine = [r for r in rows if (r["rule"], r["task"], r["n"]) == (rule, task, n)]
    return bool(mine) and all(map(at_optimum, mine))


def _hull_at(edge: list[Row], steps: float) -> float:
    previous = edge[0]
    for row in edge[1:]:
        if steps <= row["steps"]:
            share = (steps - previous["steps"]) / (row["steps"] - previous["steps"])
            return previous["kl"] + (row["kl"] - previous["kl"]) * share
        previous = row
    return previous["kl"]


def task_figure(task: TaskData) -> Figure:
    """Return the figure of a task of the user's own."""
    positions = max(len(row) for context in task.contexts for row in context["outcomes"])
    return replace(
        FIGURE,
        name="frontier_task",
        title=f"Every unmasking rule against the exact optimum: {task.name}",
        paper="as frontier, for a task of your own",
        settings={**FIGURE.settings, "tasks": [[task.name, None, positions]], "law": task.digest},
        fast={key: value for key, value in FIGURE.fast.items() if key != "tasks"},
        cells=lambda settings: _cells(settings, {"contexts": task.contexts}),
        for_task=None,
    )


FIGURE = Figure(
    name="frontier",
    title="Every unmasking rule against the exact optimum",
    paper="beyond the paper; oracle as in Figure 7",
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
            # in the table alone
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
    for_task=task_figure,
)

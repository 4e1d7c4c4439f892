"""Figure 7, mean score over tokens per step for each rule, and the oracle.

Crosses are the paper's averages for LLaDA 1.5. Lines are the mean of a perfect model over the ten list tasks at the
same rules, in the released layout at temperature 0, and stars are oracles: for each sample the fewest steps among the
thresholds 0.5 to 1 that reach its best score. The paper says that it averages ten tasks and lists twelve; its average
at one token per step by random, 75.8, is not that of the ten tasks of Figure 3 either. So the two averages are not of
the same tasks, and no verdict is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.benchmark.drawing import mark
from figures.benchmark.figure import perfect_scores
from figures.benchmark.settings import GAMMAS, LISTS, SERIES, policies_of
from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.engine.check import Check, exact_check
from figures.engine.data import published_rows, published_source
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE", "perfect_oracle"]

RULES = ("random_topk", "confidence_topk", "left_to_right_topk", "confidence_threshold")


def perfect_oracle(*, task: str, sizes: list[int]) -> list[str]:
    """Return accuracy, tokens per step and steps of the oracle, and the steps of gamma = 1 alone, as exact ratios."""
    from synthetic.parallelbench.oracle import oracle
    from synthetic.parallelbench.tasks import bench_task
    from theory.policies import parse_policy

    thresholds = [parse_policy(f"threshold:gamma={gamma},strict=false") for gamma in GAMMAS]
    found = oracle(bench_task(task), thresholds, sizes=sizes)
    alone = oracle(bench_task(task), thresholds[:1], sizes=sizes)
    return [str(one) for one in (found.accuracy, found.tokens_per_step, found.steps, alone.steps)]


def _cells(settings: Settings) -> list[Cell]:
    sizes = settings["sizes"]
    rules = [
        Cell(
            function=perfect_scores,
            kwargs={"task": task, "policies": list(policies_of(rule, "tokens_per_step")), "sizes": sizes},
        )
        for rule in RULES
        for task in settings["tasks"]
    ]
    oracles = [
        Cell(function=perfect_oracle, kwargs={"task": task, "sizes": sizes}) for task in settings["tasks"]
    ]
    return [*rules, *oracles]


def _mean(rows: Sequence[Sequence[str]]) -> tuple[Fraction, Fraction]:
    count = Fraction(1, len(rows))
    return (
        count * sum((Fraction(row[0]) for row in rows), Fraction(0)),
        count * sum((Fraction(row[1]) for row in rows), Fraction(0)),
    )


def _compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    published = [row for row in published_rows("benchmark_figures") if row["figure"] == "7"]
    tasks, rows = len(settings["tasks"]), list[Row]()
    for number, rule in enumerate((*RULES, "oracle")):
        points = sorted(
            (float(row["x"]), float(row["score_percent"])) for row in published if row["series"] == rule
        )
        mine = results[number * tasks : (number + 1) * tasks]
        scores = (
            [_mean(mine)]
            if rule == "oracle"
            else [_mean([one[j] for one in mine]) for j in range(len(points))]
        )
        faster = rule != "oracle" or all(Fraction(one[2]) <= Fraction(one[3]) for one in mine)
        for (x, percent), (accuracy, rate) in zip(points, scores, strict=True):
            rows.append(
                {"series": SERIES.get(rule, rule), "x": x, "published_percent": percent}
                | {"ideal_accuracy": accuracy, "ideal_percent": round(100 * float(accuracy), 2)}
                | {"ideal_x": round(float(rate), 4), "no_slower_than_gamma_1": faster}
            )
    return rows


def _draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
    drawing, ((panel,),) = new_figure(width=6.0, height=3.4)
    shown: dict[str, Any] = {}
    for series, colour in zip(dict.fromkeys(row["series"] for row in rows), COLOURS.values(), strict=False):
        mine = [row for row in rows if row["series"] == series]
        star = series == "oracle"
        look: dict[str, Any] = {"color": colour, "zorder": 3}
        panel.plot(
            [row["ideal_x"] for row in mine],
            [row["ideal_percent"] for row in mine],
            marker="*" if star else ".",
            markersize=11 if star else 5,
            **look,
        )
        panel.plot(
            [row["x"] for row in mine],
            [row["published_percent"] for row in mine],
            linestyle=":",
            marker="*" if star else "x",
            markerfacecolor="white",
            markersize=9 if star else 5,
            **look,
        )
        shown[series] = mark("*" if star else "", "-", colour)
    panel.set_xscale("log", base=2)
    panel.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    panel.set_xlabel("tokens per step")
    panel.set_ylabel("mean score, %")
    shown |= {"published, LLaDA 1.5": mark("x", ":"), "perfect model, list tasks": mark(".", "-")}
    legend_below(drawing, shown, most=4)
    return drawing


def _checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    ten = [
        float(row["score_percent"])
        for row in published_rows("benchmark_figures")
        if row["figure"] == "3" and row["series"] == "random_topk" and float(row["x"]) == 1
    ]
    random = next(row for row in rows if row["series"] == "random" and row["x"] == 1)
    best = next(row for row in rows if row["series"] == "oracle")
    return [
        exact_check("tasks of Figure 3", len(ten), 10),
        exact_check(
            "the average at one token per step is another than that of Figure 3",
            abs(sum(ten) / len(ten) - random["published_percent"]) > 1,
            True,
            detail=f"{sum(ten) / len(ten):.2f} of Figure 3",
        ),
        exact_check("the oracle of a perfect model is always right", best["ideal_accuracy"], Fraction(1)),
        exact_check(
            "and takes no more steps than gamma = 1 on any task", best["no_slower_than_gamma_1"], True
        ),
    ]


FIGURE = Figure(
    name="figure7",
    title="Mean score over tokens per step, and the oracle",
    paper="Figure 7",
    about="\n\n".join(((__doc__ or "").strip(), published_source("benchmark_figures"))),
    seconds=20,
    settings={"sizes": [3, 4, 5, 6], "tasks": list(LISTS)},
    fast={"sizes": [3], "tasks": ["copy", "shuffle"]},
    cells=_cells,
    compute=_compute,
    draw=_draw,
    checks=_checks,
)

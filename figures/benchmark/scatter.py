"""Figure 6, how well tasks decode in parallel and whether they prefer small blocks.

Horizontal (Appendix G.1): ``sum_k k s_k / sum_k s_k`` over the scores ``s_k`` of top-k, the mean of LLaDA 1.5 and Dream
and four rankings; small is hard. Vertical: the slope of the score over the block length with two tokens per step, with
the sign turned, so that up prefers small blocks; here of LLaDA 1.5 by random and confidence, the curves that are
published. The paper prints no scale; its own positions, in points of the page, are compared by rank. Gsm8k and
Humaneval have no published curves, the puzzles none by block length. Open circles are a perfect model with even steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.benchmark.figure import perfect_scores
from figures.benchmark.settings import BLOCKS, LISTS, TASKS, TOKENS
from figures.drawing.point_labels import write_beside
from figures.drawing.style import COLOURS, legend_below, new_figure
from figures.engine.check import Check
from figures.engine.data import published_rows, published_source
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE", "mean_tokens", "slope"]

RANKINGS = ("random", "confidence", "margin", "entropy")
Curve = Sequence[tuple[float, float]]


def mean_tokens(curve: Curve) -> float:
    """Return ``sum_k k s_k / sum_k s_k``.

    Example:
        >>> mean_tokens([(1, 100), (2, 50), (4, 0)])
        1.3333333333333333
    """
    total = sum(score for _, score in curve)
    return sum(k * score for k, score in curve) / total if total else 0.0


def slope(curve: Curve) -> float:
    """Return the slope of the least-squares line of the score over x.

    Example:
        >>> slope([(2, 10), (4, 30)])
        10.0
    """
    mean_x = sum(x for x, _ in curve) / len(curve)
    mean_y = sum(y for _, y in curve) / len(curve)
    spread = sum((x - mean_x) ** 2 for x, _ in curve)
    return sum((x - mean_x) * (y - mean_y) for x, y in curve) / spread


def _curves(rows: list[dict[str, str]], x: str) -> list[Curve]:
    """The curves of a task, one for each model and series."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault((row["model"], row["series"]), []).append(
            (float(row[x]), float(row["score_percent"]))
        )
    return [sorted(curve) for curve in found.values()]


def _cells(settings: Settings) -> list[Cell]:
    policies = [f"topk:k={k},by={by}" for by in RANKINGS for k in TOKENS]
    policies += [f"topk:k=2,by={by},block={block}" for by in RANKINGS[:2] for block in BLOCKS]
    return [
        Cell(function=perfect_scores, kwargs={"task": task, "policies": policies, "sizes": settings["sizes"]})
        for task in settings["tasks"]
    ]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    by_rate = published_rows("figure6_curves")
    by_block = [row for row in published_rows("benchmark_figures") if row["figure"] in ("14", "15")]
    paper = {row["task"]: row for row in published_rows("figure6")}
    ideal = dict(zip(settings["tasks"], results, strict=True))
    rows: list[Row] = []
    for task in TASKS:
        rates = _curves([row for row in by_rate if row["task"] == task], "tokens_per_step")
        blocks = _curves([row for row in by_block if row["panel"] == task], "x")
        down = _mean([slope(curve) for curve in blocks])
        row: Row = {
            "task": task,
            "mean_tokens": _mean([mean_tokens(curve) for curve in rates]),
            "prefers_small_blocks": None if down is None else -down,
            "paper_harder_pt": float(paper[task]["x_harder_pt"]),
            "paper_small_blocks_pt": float(paper[task]["y_left_to_right_pt"]),
        }
        rows.append(row | _perfect(ideal.get(task)))
    return rows


def _perfect(scores: list[list[str]] | None) -> Row:
    if scores is None:
        return {"ideal_mean_tokens": None, "ideal_prefers_small_blocks": None}
    percent = [100 * float(Fraction(accuracy)) for accuracy, _ in scores]
    size = len(TOKENS)
    curves = [
        [(float(k), score) for k, score in zip(TOKENS, percent[j * size :], strict=False)]
        for j in range(len(RANKINGS))
    ]
    rest = percent[len(RANKINGS) * size :]
    blocks = [
        [(float(b), score) for b, score in zip(BLOCKS, rest[j * len(BLOCKS) :], strict=False)]
        for j in range(2)
    ]
    return {
        "ideal_mean_tokens": _mean([mean_tokens(curve) for curve in curves]),
        "ideal_prefers_small_blocks": -(_mean([slope(curve) for curve in blocks]) or 0.0),
    }


def _agreement(rows: list[Row]) -> dict[str, float]:
    """Rank correlations of the recomputed with the paper's positions."""
    from scipy.stats import spearmanr

    found: dict[str, float] = {}
    for name, ours, paper, chosen in (
        ("hard to decode in parallel, all tasks", "mean_tokens", "paper_harder_pt", TASKS),
        ("hard to decode in parallel, list tasks", "mean_tokens", "paper_harder_pt", LISTS),
        ("prefers small blocks", "prefers_small_blocks", "paper_small_blocks_pt", TASKS),
    ):
        used = [row for row in rows if row["task"] in chosen and row[ours] is not None]
        sign = -1 if ours == "mean_tokens" else 1
        result: Any = spearmanr([sign * row[ours] for row in used], [row[paper] for row in used])
        found[name] = float(result.statistic)
    return found


def _draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
    from figures.benchmark.drawing import mark

    drawing, ((panel, beside),) = new_figure(1, 2, width=9.5, height=4.6)
    left, right = list[tuple[float, float, str]](), list[tuple[float, float, str]]()
    colours = [COLOURS["blue"] if row["task"] in LISTS else COLOURS["vermillion"] for row in rows]
    for row, colour in zip(rows, colours, strict=True):
        name = row["task"].replace("_", " ")
        if row["prefers_small_blocks"] is not None:
            panel.plot(row["mean_tokens"], row["prefers_small_blocks"], "x", color=colour)
            left.append((row["mean_tokens"], row["prefers_small_blocks"], name))
        if row["ideal_mean_tokens"] is not None:
            panel.plot(
                row["ideal_mean_tokens"],
                row["ideal_prefers_small_blocks"],
                "o",
                color=COLOURS["green"],
                markerfacecolor="white",
            )
            if name.endswith(("random", "shuffle", "sort")):
                text = "one answer" if name == "sort" else name
                left.append((row["ideal_mean_tokens"], row["ideal_prefers_small_blocks"], f"perfect: {text}"))
        beside.plot(row["mean_tokens"], row["paper_harder_pt"], "x", color=colour)
        right.append((row["mean_tokens"], row["paper_harder_pt"], name))
    panel.invert_xaxis()
    panel.set_xlabel("mean tokens per step, weighted by the score (right is harder)")
    panel.set_ylabel("loss of score per position of block length")
    panel.set_title("recomputed from the curves")
    beside.invert_xaxis()
    beside.set_xlabel("recomputed")
    beside.set_ylabel("position in the paper, points")
    beside.set_title("the horizontal axis, recomputed and as printed")
    legend_below(
        drawing,
        {
            "list tasks": mark("x", "none", COLOURS["blue"]),
            "puzzles and texts": mark("x", "none", COLOURS["vermillion"]),
            "perfect model": mark("o", "none", COLOURS["green"], markerfacecolor="white"),
        },
    )
    write_beside(panel, left)
    write_beside(beside, right)
    return drawing


def _checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    return [
        Check(
            name=f"rank correlation with the paper: {name}",
            kind="published",
            value=round(value, 4),
            expected="1",
            passed=value >= 0.9,
            detail="agrees from 0.9 on; the curves of two models and all rankings by block are not published",
        )
        for name, value in _agreement(rows).items()
    ]


FIGURE = Figure(
    name="figure6",
    title="Which tasks decode in parallel, and which prefer small blocks",
    paper="Figure 6",
    about="\n\n".join(
        ((__doc__ or "").strip(), published_source("figure6"), published_source("figure6_curves"))
    ),
    seconds=10,
    settings={"sizes": [3, 4, 5, 6], "tasks": list(LISTS)},
    fast={"sizes": [3], "tasks": ["copy", "shuffle"]},
    cells=_cells,
    compute=_compute,
    draw=_draw,
    checks=_checks,
    groups={"published": ("Positions against the paper's", "Compared by rank and counted; decides nothing.")},
)

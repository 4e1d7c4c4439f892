"""Published benchmark scores beside the exact scores of a perfect model, as one figure.

Crosses are published, each from 100 samples. Lines are an ideal model at temperature 0 with the same rule, number of
tokens, block length and token layout (lists: four tokens per person, 32 positions, averaged over 3 to 6 people;
puzzles: 64 positions); their accuracy is exact. The distance from 100 % to a line is lost by decoding, from a line
down to a cross by the model. A cross above its line is a model that prefers some of the right answers: tokens drawn
at once then agree more often than if all right answers were equally likely. Under the title stands the share of the
published loss, summed over the points, that a perfect model has too. Crosses joined by dots have no perfect model to
compare with. Tokens per step are those of all runs of the perfect model, right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.benchmark.drawing import draw_panels
from figures.benchmark.lines import Line, lines_of
from figures.benchmark.verdicts import verdict_page, verdict_row
from figures.engine.check import Check, published_check
from figures.engine.data import published_source
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["GROUPS", "benchmark_figure", "perfect_scores"]

COMBINED, METRICS = (
    (10, 12),
    ("paraphrasing", "summarization"),
)  # figures and tasks whose scores are means of metrics
PEOPLE = 4  # of the short lists
NOISES = ("masking", "uniform")  # of SEDD
VOCABULARY = 50_257  # its tokens, those of GPT-2
GROUPS = {
    "published": (
        "Published scores against a perfect model",
        "Agrees where the ideal accuracy lies in the point's own 95 % interval (100 samples): then decoding "
        "alone explains it. Compared and counted; decides nothing.",
    )
}


def perfect_scores(*, task: str, policies: list[str], sizes: list[int]) -> list[list[str]]:
    """Return accuracy and tokens per step of a perfect model for each rule, as exact ratios."""
    from synthetic.parallelbench.ceilings import ceiling
    from synthetic.parallelbench.tasks import bench_task
    from theory.policies import parse_policy

    given, found = bench_task(task), list[list[str]]()
    for spec in policies:
        one = ceiling(given, parse_policy(spec), sizes=sizes)
        found.append([str(one.accuracy), str(one.tokens_per_step)])
    return found


def short_scores(*, task: str, policies: list[str]) -> list[list[str]]:
    """Return accuracy and tokens per step of a perfect model on four people as tokens.

    Args:
        task: A list task.
        policies: Rules that mask again, at temperature 0; or samplers of SEDD, ``masking:steps=T`` and
            ``uniform:steps=T``, at temperature 1: floats unless the task has one answer.
    """
    from synthetic import make_task
    from synthetic.parallelbench.tasks import bench_task
    from theory.decoding.tasks.decode import decode_contexts
    from theory.policies import parse_policy

    found: list[list[str]] = []
    made = make_task(str(bench_task(task).operation), PEOPLE)
    for spec in policies:
        noise, _, steps = spec.partition(":steps=")
        if noise in NOISES:
            found.append([_denoised(made, noise, int(steps)), str(Fraction(PEOPLE, int(steps)))])
            continue
        rule = parse_policy(spec)
        calls = rule.steps + getattr(rule, "extra", 0)
        found.append([str(decode_contexts(made, rule, temperature=0).accuracy), str(Fraction(PEOPLE, calls))])
    return found


def _denoised(task: Any, kind: str, steps: int) -> str:
    from theory.decoding.denoising import denoise
    from theory.distributions.distribution import context_pmfs
    from theory.distributions.noise import Noise

    mean: Any = 0
    for weight, pmf in context_pmfs(task.contexts()):
        tokens = len({token for row in pmf.outcomes for token in row})
        noise = Noise.masking(tokens) if kind == "masking" else Noise.uniform(tokens, VOCABULARY)
        if len(pmf) == 1:  # one answer is known from the start
            mean += weight
        else:
            mean += float(weight) * float(denoise(pmf, steps, noise=noise, floats=True).accuracy)
    return str(mean)


def benchmark_figure(number: int, *, title: str, about: str) -> Figure:
    """Return the figure of the paper with this number.

    Args:
        number: Of the figure.
        title: One line.
        about: What its panels show; the explanation of lines and crosses is added.
    """
    lines = lines_of(number)
    panels = list(dict.fromkeys(line.panel for line in lines))

    def chosen(settings: Settings) -> list[Line]:
        return [line for line in lines if line.panel in settings["panels"]]

    def cell(line: Line, settings: Settings) -> Cell:
        more = {} if line.short else {"sizes": settings["sizes"]}
        return Cell(
            function=short_scores if line.short else perfect_scores,
            kwargs={"task": line.task, "policies": list(line.policies), **more},
        )

    def cells(settings: Settings) -> list[Cell]:
        found = [cell(line, settings) for line in chosen(settings) if line.task]
        return [one for j, one in enumerate(found) if one not in found[:j]]  # lines may share one

    def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
        rows: list[Row] = []
        known = cells(settings)
        for line in chosen(settings):
            scores = results[known.index(cell(line, settings))] if line.task else [None] * len(line.points)
            policies = line.policies or [None] * len(line.points)
            points = line.points or [(None, None)] * len(policies)
            for (x, percent), policy, score in zip(points, policies, scores, strict=True):
                ideal = Fraction(score[0]) if score else None
                counts = number not in COMBINED or line.panel not in METRICS
                by_rate = line.x_name == "tokens_per_step"
                rows.append(
                    {"panel": line.panel, "task": line.task, "model": line.model, "series": line.label}
                    | {"policy": policy, "x_name": line.x_name, "x": x, "published_percent": percent}
                    | {"ideal_x": (float(Fraction(score[1])) if by_rate else x) if score else None}
                    | verdict_row(percent, ideal, line.task, counts=counts)
                )
        return rows

    def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
        return [
            published_check(
                f"{row['panel']}, {row['series']}, {row['policy']}, {row['x']:g}",
                row["published_percent"],
                row["samples"],
                row["ideal_accuracy"],
                detail=row["verdict"],
            )
            for row in rows
            if row["ideal_accuracy"] is not None and row["published_percent"] is not None
        ]

    theory = any(line.task for line in lines)
    explained = (
        (__doc__ or "").partition("\n\n")[2] if theory else "Published scores; no perfect model is known."
    )
    few = [panel for panel in panels if panel in ("shuffle", "replace_random")] or panels[:1]
    return Figure(
        name=f"figure{number}",
        title=title,
        paper=f"Figure {number}",
        about="\n\n".join((about.strip(), explained.strip(), published_source("benchmark_figures"))),
        seconds=30,
        settings={"sizes": [3, 4, 5, 6], "panels": panels},
        fast={"sizes": [3, 4], "panels": few},
        cells=cells,
        compute=compute,
        draw=lambda rows, settings: _draw(rows, settings),
        checks=checks,
        pages=(lambda rows, settings: {f"figure{number}_verdicts.md": verdict_page(title, rows, settings)})
        if theory
        else None,
        groups=GROUPS,  # type: ignore[arg-type]
    )


def _draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
    return draw_panels(rows)

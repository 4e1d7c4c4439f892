"""Tables 5 to 7, the scores of eleven models on lists of 15 people, texts and puzzles.

An autoregressive model decodes one token at a time, which loses nothing on any list or puzzle: what it misses is the
model's error. The tables do not name the setting of the diffusion models, so theirs have no perfect model here; at one
token per step it would score 100 %. Most models score 0 on Sort: the prompt asks for an order by last name, the stored
answer is in the order of whole names.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.benchmark.figure import GROUPS
from figures.benchmark.verdicts import verdict_page, verdict_row
from figures.drawing.style import new_figure
from figures.engine.check import Check, published_check
from figures.engine.data import published_rows, published_source
from figures.engine.figure import Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

TITLES = {"5": "Table 5: lists of 15 people", "6": "Table 6: texts", "7": "Table 7: puzzles"}
TITLE = "Models on lists of 15 people, texts and puzzles"
METRICS = ("bertscore", "1-bleu", "rouge-l")
DIFFUSION = ("LLaDA", "LLaDA 1.5", "Dream 7B", "DiffuCoder", "Mercury")


def _compute(settings: Settings, results: Sequence[Any]) -> list[Row]:  # noqa: ARG001
    rows: list[Row] = []
    for row in published_rows("tables5-7_models"):
        one_by_one = row["model"] not in DIFFUSION and row["table"] != "6"
        percent = float(row["value_percent"])
        rows.append(
            {"table": row["table"], "model": row["model"], "column": row["column"]}
            | {"published_percent": percent}
            | verdict_row(
                percent,
                Fraction(1) if one_by_one else None,
                row["column"],
                counts=not row["column"].endswith(METRICS),
            )
        )
    return rows


def _draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
    widths = [len(dict.fromkeys(row["column"] for row in rows if row["table"] == table)) for table in TITLES]
    drawing, (panels,) = new_figure(
        1, 3, width=0.42 * sum(widths) + 2.6, height=5.2, sharey=True, gridspec_kw={"width_ratios": widths}
    )
    for panel, (table, title) in zip(panels, TITLES.items(), strict=True):
        _draw_table(panel, [row for row in rows if row["table"] == table])
        panel.set_title(title.partition(":")[0] if table == "7" else title)
    return drawing


def _draw_table(panel: Axes, rows: list[Row]) -> None:
    models = list(dict.fromkeys(row["model"] for row in rows))
    columns = list(dict.fromkeys(row["column"] for row in rows))
    values = {(row["model"], row["column"]): row["published_percent"] for row in rows}
    grid = [[values[model, column] for column in columns] for model in models]
    panel.imshow(grid, cmap="Blues", vmin=0, vmax=130, aspect="auto")
    for y, line in enumerate(grid):
        for x, value in enumerate(line):
            panel.text(x, y, f"{value:g}", ha="center", va="center", fontsize=7)
    panel.set_xticks(range(len(columns)), [c.replace("_", " ") for c in columns], rotation=90, fontsize=7)
    panel.set_yticks(range(len(models)), models, fontsize=8)
    panel.grid(visible=False)


def _checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    return [
        published_check(
            f"Table {row['table']}, {row['model']}, {row['column']}",
            row["published_percent"],
            row["samples"],
            row["ideal_accuracy"],
            detail=row["verdict"],
        )
        for row in rows
        if row["ideal_accuracy"] is not None
    ]


def _pages(rows: list[Row], settings: Settings) -> dict[str, str]:
    panels = [row | {"panel": f"Table {row['table']}, {row['column']}"} for row in rows]
    return {"tables5-7_verdicts.md": verdict_page(TITLE, panels, settings)}


FIGURE = Figure(
    name="tables5-7",
    title=TITLE,
    paper="Tables 5 to 7",
    about="\n\n".join(((__doc__ or "").strip(), published_source("tables5-7_models"))),
    seconds=1,
    settings={},
    cells=lambda settings: [],  # noqa: ARG005
    compute=_compute,
    draw=_draw,
    checks=_checks,
    pages=_pages,
    groups=GROUPS,  # type: ignore[arg-type]
)

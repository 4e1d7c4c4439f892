"""Claims of the paper on parallel decoding, each tested by an exact computation.

A claim holds if it is true in every instance tested as stated. It holds under a condition if some instance is false
and every instance under the condition is true. Otherwise it fails, with a counter-example. What the text suggests or
leaves open, and what a release does otherwise, is called so. Verdicts are computed from exact comparisons; the pages
`claims.md` and `errata.md` list all numbers and instances.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, new_figure
from figures.engine.check import Check, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

# by the first word that the verdict contains
VERDICT_COLOURS = {"fails": "vermillion", "condition": "blue", "holds": "green", "": "black"}
# columns of the image: characters in a line, and shares of the width at 7 points on 12 inches
WRAPS = (50, 27, 23, 108)
WIDTHS = (0.235, 0.135, 0.135, 0.495)


def evidence(*, claim: str) -> list[dict[str, Any]]:
    """Return the numbers and facts that test a claim."""
    from figures.claims.known import CLAIMS

    return CLAIMS[claim].evidence().lines


def cells(settings: Settings) -> list[Cell]:  # noqa: ARG001
    """One cell a claim."""
    from figures.claims.known import CLAIMS

    return [Cell(function=evidence, kwargs={"claim": name}) for name in CLAIMS]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:  # noqa: ARG001
    """Return one row a number or fact, with the verdict that follows from the facts of its claim."""
    from figures.claims.claim import verdict_of
    from figures.claims.known import CLAIMS

    return [
        {"claim": name, "verdict": verdict_of(lines), **line}
        for name, lines in zip(CLAIMS, results, strict=True)
        for line in lines
    ]


def table(rows: list[Row], settings: Settings) -> list[list[str]]:  # noqa: ARG001
    """Return the table of the report and the image: claim, place, verdict, and condition."""
    from figures.claims.known import CLAIMS

    verdicts = {row["claim"]: row["verdict"] for row in rows}
    header = ["claim", "place", "verdict", "condition, counter-example or note"]
    return [
        header,
        *([c.claim, c.place, verdicts[c.id], _without_links(c.condition)] for c in CLAIMS.values()),
    ]


def _without_links(text: str) -> str:
    return re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text)


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the table."""
    from matplotlib.transforms import Bbox

    header, *body = table(rows, settings)
    body = [[fill(text, wrap) for text, wrap in zip(line, WRAPS, strict=True)] for line in body]
    lines = [1, *(max(text.count("\n") + 1 for text in line) for line in body)]
    drawing, ((ax,),) = new_figure(width=12, height=0.14 * sum(lines) + 0.1 * len(lines))
    ax.set_axis_off()
    drawn = ax.table(
        [header, *body],
        bbox=Bbox.from_bounds(0, 0, 1, 1),
        cellLoc="left",
        edges="horizontal",
        colWidths=WIDTHS,
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(7)
    for (line, column), cell in drawn.get_celld().items():
        cell.set_height(0.14 * lines[line] + 0.1)
        cell.set_edgecolor("#bbbbbb")
        cell.PAD = 0.02
        if line == 0:
            cell.set_text_props(weight="bold", color=COLOURS["blue"])
        elif column == 2:
            verdict = cell.get_text().get_text().replace("\n", " ")
            colour = next(colour for word, colour in VERDICT_COLOURS.items() if word in verdict)
            cell.set_text_props(weight="bold", color=COLOURS[colour])
    return drawing


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check every number, every verdict and every fact."""
    from figures.claims.known import CLAIMS

    out: list[Check] = []
    for claim in CLAIMS.values():
        mine = [row for row in rows if row["claim"] == claim.id]
        out.append(exact_check(f"{claim.id}: verdict", mine[0]["verdict"], claim.verdict))
        numbers = {row["quantity"]: row["exact"] for row in mine if row["role"] == "number"}
        for quantity in {**claim.numbers, **numbers}:
            value, expected = (numbers.get(quantity, "missing"), claim.numbers.get(quantity, "missing"))
            out.append(exact_check(f"{claim.id}: {quantity}", value, expected))
        for row in mine:
            if row["role"] != "number":
                expected = "no" if row["quantity"] in claim.refuted else "yes"
                out.append(exact_check(f"{claim.id}: {row['quantity']}", row["exact"], expected))
    return out


def pages(rows: list[Row], settings: Settings) -> dict[str, str]:  # noqa: ARG001
    """Return the page of the claims and that of the errata."""
    from figures.claims.page import build_page

    return {f"{page}.md": build_page(rows, page) for page in ("claims", "errata")}


FIGURE = Figure(
    name="claims",
    title="Claims and errata of the paper, re-examined",
    paper="abstract, Sections 3, 4 and 6, Tables 1 to 3, Figures 2, 6 to 8, 10 and 16, Appendices E and G",
    about=__doc__,
    seconds=10,
    settings={},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    pages=pages,
    table=table,
    groups={
        "exact": (
            "Verdicts, numbers and facts against their expected values",
            "Equality, no tolerance. A statement that is false is expected to be so.",
        )
    },
)

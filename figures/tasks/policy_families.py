"""The families of policies that the figures of one task show, and how each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from figures.drawing.point_labels import parameters
from figures.drawing.style import COLOURS
from figures.engine.figure import Row, Settings

__all__ = ["FAMILIES", "left_out", "looks", "outline", "policies"]

FAMILIES: dict[str, str] = {
    "random": "top-k, random",
    "confidence": "top-k, confidence",
    "left_to_right": "top-k, left to right",
    "threshold": "confidence threshold",
    "factor": "factor",
}
_COLOURS = ("blue", "vermillion", "green", "purple", "orange")


def policies(settings: Settings) -> list[tuple[str, str]]:
    """Return (family, specification) of every policy of a figure, from its settings ``k``, ``gamma`` and ``f``.

    Example:
        >>> policies({"k": [2], "gamma": ["1/2"], "f": []})[2:]
        [('left_to_right', 'topk:k=2,by=left_to_right'), ('threshold', 'threshold:gamma=1/2')]
    """
    topk = [
        (by, f"topk:k={k},by={by}") for by in ("random", "confidence", "left_to_right") for k in settings["k"]
    ]
    threshold = [("threshold", f"threshold:gamma={gamma}") for gamma in settings["gamma"]]
    return [*topk, *threshold, *(("factor", f"factor:f={f}") for f in settings["f"])]


def looks(sizes: Sequence[float], **more: Any) -> dict[str, dict[str, Any]]:
    """Return the keywords of each family's marks, open and of different size, since families often coincide.

    Args:
        sizes: Sizes of the marks, in points, one for each family.
        **more: Keywords for all.

    Example:
        >>> looks((4, 7, 10, 7, 5))["threshold"]["marker"]
        '^'
    """
    return {
        family: {"color": COLOURS[colour], "marker": mark, "markersize": size, "markerfacecolor": "none"}
        | {"linewidth": 1.0, **more}
        for family, colour, mark, size in zip(FAMILIES, _COLOURS, "osD^x", sizes, strict=True)
    }


def outline(points: Sequence[tuple[float, float]], *, most: bool) -> list[tuple[float, float]]:
    """Return the best point at each place of the x axis, from left to right.

    Args:
        points: Place on both axes.
        most: Whether the greatest value is the best, or the least.

    Example:
        >>> outline([(2, 0.5), (1, 1.0), (2, 0.25)], most=True), outline([(2, 0.5), (2, 0.25)], most=False)
        ([(1, 1.0), (2, 0.5)], [(2, 0.25)])
    """
    best: dict[float, float] = {}
    for x, y in points:
        best[x] = (max if most else min)(y, best.get(x, y))
    return sorted(best.items())


def left_out(rows: Sequence[Row], settings: Settings) -> str:
    """Return lines that name what was refused as too costly; empty if nothing was."""
    names: list[str] = []
    for tau in (1, 0):
        found = [row for row in rows if row.get("refused") and row["temperature"] == tau]
        for family, label in FAMILIES.items():
            if mine := [row["policy"] for row in found if row["family"] == family]:
                names.append(rf"{label} {parameters(mine, settings)} at $\tau$ = {tau}")
    names += [_OPTIMA[row["source"]] for row in rows if row.get("refused") and row["source"] in _OPTIMA]
    if not names:
        return ""
    return "refused as too costly (reasons in the table):\n" + "\n".join(
        "; ".join(names[k : k + 3]) for k in range(0, len(names), 3)
    )


_OPTIMA = {"bound": "$L^*_T$", "frontier": "the frontier"}

"""The families of policies that the figures of one task show, and how each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from figures.drawing.style import COLOURS
from figures.engine.figure import Settings

__all__ = ["FAMILIES", "looks", "policies"]

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

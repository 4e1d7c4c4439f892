"""Texts that a browser shows over the points of a drawing, kept in the SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

__all__ = ["add_tooltips", "inline_svg", "shared_texts", "with_tooltips"]

_MARK = "tooltips:"
_MOST = 20  # texts at one place
_GROUP = re.compile(rf'<g id="{_MARK}([0-9a-f]*)">(.*?)(?=<g id=|\Z)', re.DOTALL)
_POINT = re.compile(r"<use ([^>]*)/>")


def with_tooltips(line: Line2D, texts: Sequence[str]) -> None:
    """Give each point of a line of marks the text that a browser shows over it.

    The texts travel as the identifier of the line, which only an SVG holds; :func:`add_tooltips` takes them out.

    Args:
        line: With marks; all of its points are finite and inside the panel.
        texts: One a point.
    """
    if len(texts) != len(line.get_xydata()):  # type: ignore[arg-type]
        raise ValueError(f"{len(texts)} texts do not fit {len(line.get_xydata())} points.")  # type: ignore[arg-type]
    if texts:
        line.set_gid(_MARK + json.dumps(list(texts)).encode().hex())


def shared_texts(points: Sequence[tuple[float, float]], texts: Sequence[str]) -> list[str]:
    r"""Return for each point the texts of all points at its place, since only the topmost can be pointed at.

    Example:
        >>> shared_texts([(1, 0.5), (2, 0.5), (1, 0.5)], ["a", "b", "c"])
        ['a\nc', 'b', 'a\nc']
    """
    places = [(round(x, 6), round(y, 6)) for x, y in points]
    found: dict[tuple[float, float], list[str]] = {}
    for place, text in zip(places, texts, strict=True):
        found.setdefault(place, []).append(text)
    shown = {place: _folded(all_of) for place, all_of in found.items()}
    return [shown[place] for place in places]


def _folded(texts: list[str]) -> str:
    more = len(texts) - _MOST
    return "\n".join(texts if more <= 0 else [*texts[:_MOST], f"and {more} more"])


def add_tooltips(svg: str) -> str:
    """Return an SVG with a ``title`` in each point of the lines of :func:`with_tooltips`."""
    return _GROUP.sub(_titled, svg)


def _titled(found: re.Match[str]) -> str:
    texts = json.loads(bytes.fromhex(found[1]))
    points = iter(texts)
    body, count = _POINT.subn(
        lambda use: (
            f"<use {use[1].strip()}><title>{escape(next(points))}</title></use>" if "#m" in use[1] else use[0]
        ),
        found[2],
        count=len(texts),
    )
    if count != len(texts):
        raise ValueError(f"{len(texts)} texts, but {count} points in the SVG.")
    return f"<g>{body}"


def inline_svg(svg: str, name: str) -> str:
    """Return an SVG as part of a page: without its head, and with identifiers of its own.

    Args:
        svg: The file.
        name: What its identifiers begin with, other than those of any other SVG on the page.

    Example:
        >>> inline_svg('<?xml version="1.0"?><svg id="a"><use href="#a" style="clip: url(#a)"/></svg>', "one")
        '<svg id="one-a"><use href="#one-a" style="clip: url(#one-a)"/></svg>'
    """
    body = re.sub(
        r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", svg[svg.index("<svg") :].rstrip(), flags=re.DOTALL
    )
    body = re.sub(r' xmlns(:\w+)?="[^"]*"', "", body)  # a page knows them
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", body)

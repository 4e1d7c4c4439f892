"""The parameters of policies, written beside their points where there is room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["label_points", "parameters", "write_beside"]

_SYMBOLS = {"k": "k", "gamma": r"$\gamma$", "f": "f"}
_SAME = 4.0  # points of distance below which two marks share a label
_SIZE = 6.5  # points, of the letters
_OFFSETS = [
    (x, y)
    for reach in (9, 13, 18, 25, 34)
    for x in (reach, -reach, 0, 0.5 * reach, -0.5 * reach)
    for y in (reach, -reach, 0, 0.5 * reach, -0.5 * reach)
    if max(abs(x), abs(y)) == reach
]
_NEAR, _FAR = (
    9,
    13,
)  # points from the mark: a label that is further away gets a line to it, or one if in doubt
_CLEAR = 1.8  # in doubt is a label to which another mark is less than so many times as far as its own
_CROSSED = 400  # what a line through a text counts, in square points
_MARK = 7.0  # points, half of the largest mark


def parameters(policies: Iterable[str], order: Mapping[str, Sequence[Any]]) -> str:
    r"""Return the parameters of policies, each value once, and three or more consecutive values as a range.

    Args:
        policies: Specifications with one parameter, `k`, `gamma` or `f`.
        order: The values of each parameter.

    Example:
        >>> specs = ["topk:k=2,by=random", "topk:k=2", "threshold:gamma=1/2", "threshold:gamma=1"]
        >>> parameters([*specs, "threshold:gamma=2/3"], {"k": [1, 2], "gamma": ["1/2", "2/3", "1"], "f": []})
        'k=2, $\\gamma$=1/2 to 1'
    """
    found: dict[str, set[str]] = {}
    for policy in policies:
        (match,) = re.finditer(r"\b(k|gamma|f)=([^,]+)", policy)
        found.setdefault(match[1], set()).add(match[2])
    parts = (
        f"{symbol}={_ranges([str(value) for value in order[name]], found[name])}"
        for name, symbol in _SYMBOLS.items()
        if name in found
    )
    return ", ".join(parts)


def _ranges(order: list[str], values: set[str]) -> str:
    runs: list[list[str]] = [[]]
    for value in order:
        if value in values:
            runs[-1].append(value)
        elif runs[-1]:
            runs.append([])
    texts = (f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs if run)
    return ", ".join(texts)


def label_points(
    ax: Axes, points: Sequence[tuple[float, float, str, str]], order: Mapping[str, Sequence[Any]]
) -> None:
    """Write the parameters beside the points, with one label for points that lie together.

    Call this last, also after the legend, since labels go where they cover the least.

    Args:
        ax: The panel.
        points: Place on both axes, the specification of the policy, and the colour of its mark.
        order: The values of each parameter.
    """
    figure: Any = ax.get_figure()
    figure.draw_without_rendering()  # places the panels
    point = figure.dpi / 72
    groups: list[tuple[Any, list[str], set[str]]] = []
    for x, y, policy, colour in points:
        place = ax.transData.transform((x, y))
        near = next((g for g in groups if max(abs(g[0] - place)) < _SAME * point), None)
        if near is None:
            groups.append((place, [policy], {colour}))
        else:
            near[1].append(policy)
            near[2].add(colour)
    texts = [
        (place, parameters(policies, order), min(colours) if len(colours) == 1 else "#444444")
        for place, policies, colours in groups
    ]
    _place(ax, texts, _SIZE)


def write_beside(ax: Axes, labels: Sequence[tuple[float, float, str]], *, fontsize: float = _SIZE) -> None:
    """Write texts beside points, where they cover the least; those of points that lie together in one text.

    Call it when all else is drawn, the legend too.

    Args:
        ax: The panel.
        labels: Place on both axes, and the text.
        fontsize: In points.
    """
    figure: Any = ax.get_figure()
    figure.draw_without_rendering()
    point = figure.dpi / 72
    groups: list[tuple[Any, list[str]]] = []
    for x, y, text in labels:
        place = ax.transData.transform((x, y))
        near = next((g for g in groups if max(abs(g[0] - place)) < _SAME * point), None)
        if near is None:
            groups.append((place, [text]))
        elif text not in near[1]:
            near[1].append(text)
    _place(ax, [(place, "\n".join(texts), "#333333") for place, texts in groups], fontsize)


def _place(ax: Axes, labels: Sequence[tuple[Any, str, str]], fontsize: float) -> None:
    """Write texts beside places in pixels, from the left or the right, each where it covers the least."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    figure: Any = ax.get_figure()
    point = figure.dpi / 72
    marks = [
        Bbox.from_extents(*(place - _MARK * point), *(place + _MARK * point))
        for place in [*(place for place, _, _ in labels), *_marked(ax)]
    ]
    if (legend := ax.get_legend()) is not None:
        marks.append(legend.get_window_extent())
    ink = _along_lines(ax, point)
    texts: list[tuple[Any, Any]] = []
    for place, words, colour in sorted(labels, key=lambda label: (-label[0][1], label[0][0])):
        x, y = ax.transData.inverted().transform(place)
        text = ax.annotate(
            words, (float(x), float(y)), (0, 0), fontsize=fontsize, textcoords="offset points", color=colour,
            zorder=6, annotation_clip=False, path_effects=[withStroke(linewidth=1.5, foreground="white")],
        )  # fmt: skip
        text.set_in_layout(False)
        texts.append((place, text))
    found = [_arranged(ax, order, marks, ink, point) for order in (texts, texts[::-1])]
    for place, text, (right, up) in min(found, key=lambda entry: entry[0])[1]:
        _move(text, right, up)
        box = text.get_window_extent()
        others = [other for other, *_ in labels if other is not place]
        reach = max(abs(right), abs(up))
        if reach > _FAR or (reach > _NEAR and _in_doubt(place, box, others)):
            _lead(ax, place, box, text.get_color())


def _arranged(
    ax: Axes, texts: Sequence[tuple[Any, Any]], marks: Sequence[Any], ink: Any, point: float
) -> tuple[float, list[tuple[Any, Any, tuple[float, float]]]]:
    """Return what texts cover in all, and the offset of each, where each goes where it covers the least."""
    taken, out, total = [*marks], list[tuple[Any, Any, tuple[float, float]]](), 0.0
    for place, text in texts:
        tried: list[tuple[float, int, Any, Any]] = []
        for number, (right, up) in enumerate(_OFFSETS):
            _move(text, right, up)
            box = text.get_window_extent()
            covered = 6 * sum(_overlap(box, other) for other in taken) / point**2
            covered += 3 * (box.width * box.height - _overlap(box, ax.bbox)) / point**2
            covered += 4 * _inside(ink, box)
            lead = np.empty((0, 2))
            if max(abs(right), abs(up)) > _FAR:
                lead = _between(place, _nearest(place, box), point)
                covered += _CROSSED * sum(_inside(lead, other) > 0 for other in taken[len(marks) :])
            tried.append((covered + abs(right) + abs(up), number, box, lead))
        cost, best, box, lead = min(tried, key=lambda entry: entry[:2])
        taken.append(box)
        ink = np.concatenate([ink, lead])
        out.append((place, text, _OFFSETS[best]))
        total += cost
    return total, out


def _in_doubt(place: Any, box: Any, others: Sequence[Any]) -> bool:
    """Whether another labelled place is nearly as near to a label as its own, both in pixels."""
    far = [float(np.hypot(*np.subtract(one, _nearest(one, box)))) for one in [place, *others]]
    return min(far[1:], default=np.inf) < _CLEAR * far[0]


def _lead(ax: Axes, place: Any, box: Any, colour: str) -> None:
    """Draw a thin line from a place in pixels to the nearest point of a label."""
    ends = ax.transData.inverted().transform([place, _nearest(place, box)])
    ax.annotate(
        "", xy=tuple(ends[0]), xytext=tuple(ends[1]), annotation_clip=False, zorder=1.7,
        arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": colour, "shrinkA": 0, "shrinkB": 0},
    ).set_in_layout(False)  # fmt: skip


def _along_lines(ax: Axes, point: float) -> Any:
    """Return places about two points apart along every line of the panel, shape (count, 2), in pixels."""
    out = [np.empty((0, 2))]
    for line in ax.lines:
        corners = ax.transData.transform(np.asarray(line.get_xydata(), dtype=float))
        for start, end in pairwise(
            corners[np.isfinite(corners).all(axis=1)]
        ):  # absent bars have infinite ends
            out.append(_between(start, end, point))
    return np.concatenate(out)


def _marked(ax: Axes) -> Any:
    """Return the places of all marks of the lines of the panel, in pixels."""
    lines = [line for line in ax.lines if line.get_marker() not in (None, "", " ", "None")]
    places = [
        ax.transData.transform(np.asarray(line.get_xydata(), dtype=float).reshape(-1, 2)) for line in lines
    ]
    found = np.concatenate([np.empty((0, 2)), *places])
    return found[np.isfinite(found).all(axis=1)]


def _between(start: Any, end: Any, point: float) -> Any:
    return np.linspace(start, end, int(np.hypot(*np.subtract(end, start)) / (2 * point)) + 1)


def _nearest(place: Any, box: Any) -> list[float]:
    return [min(max(place[j], box.min[j]), box.max[j]) for j in (0, 1)]


def _inside(places: Any, box: Any) -> int:
    return int(((places > box.min) & (places < box.max)).all(axis=1).sum())


def _move(text: Any, right: float, up: float) -> None:
    text.set_position((right, up))
    text.set_ha("left" if right > 0 else "right" if right < 0 else "center")
    text.set_va("bottom" if up > 0 else "top" if up < 0 else "center")


def _overlap(one: Any, other: Any) -> float:
    from matplotlib.transforms import Bbox

    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else float(shared.width * shared.height)

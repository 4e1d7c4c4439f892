"""Published lines of the benchmark's figures, and the perfect model of each.

A line has a perfect model if its task has a known distribution and its decoder is a rule that is decoded exactly. It
has none for texts, for chain of thought (the reasoning is text) and for Mercury (its sampler is not published). A cache
changes the model's marginals, not the rule. Rules that mask tokens again, RCR and ReMDM, are decoded exactly on lists
of four people, each one token: a line beside the published one. So are the samplers of SEDD, absorbing and uniform, at
temperature 1 and with equal steps of the signal.

The panel labels of Figure 16 are not reliable. Four panels equal lines of other figures: "reverse" is Shuffle,
"replace_index" Replace Random and "remove_random" Replace Index of Figure 8; "sort" is the pretrained model of Figure
22. Only these have a perfect model here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from figures.benchmark.settings import DREAM, LISTS, PUZZLES, SERIES, TASKS, policies_of
from figures.engine.data import published_rows

__all__ = ["Line", "lines_of"]

_FIGURE_16 = {
    "reverse": "shuffle",
    "replace_index": "replace_random",
    "remove_random": "replace_index",
    "sort": "sort",
}
_PLAIN = {"pretrained": "plain", "LLaDA-1.5 (no remasking)": "plain", "fine-tuned": "fine-tuned"}
_REMASKING = {
    "RCR": ("rcr:steps=4", "rcr:steps=2", "rcr:steps=1"),
    "ReMDM": ("remdm_llada:steps=4,extra=1", "remdm_llada:steps=2,extra=1", "remdm_llada:steps=1,extra=1"),
}
_NOISE = {"absorb": "masking", "uniform": "uniform"}  # of SEDD
SHORT = "perfect, 4 people as tokens"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One published line.

    Attributes:
        panel: The label of its panel.
        label: Its own label.
        model: The model.
        x_name: What x is.
        points: x and the score in percent, by x; ``None`` where nothing is published.
        task: The task whose perfect model it is compared with; ``None`` without one.
        policies: The rule of each point; empty without a perfect model.
        short: Whether it has no published points, only a perfect model on four people as tokens.
    """

    panel: str
    label: str
    model: str
    x_name: str
    points: Sequence[tuple[float, float | None]] = ()
    task: str | None = None
    policies: tuple[str, ...] = ()
    short: bool = False


@cache
def _published() -> list[dict[str, str]]:
    return published_rows("benchmark_figures")


@cache
def lines_of(number: int) -> tuple[Line, ...]:
    """Return the lines of a figure, in the order of its panels and legend.

    Example:
        >>> lines_of(5)[1].panel, lines_of(5)[1].points[1], lines_of(5)[1].policies[1]
        ('replace_random', (4.0, 51.0), 'topk:k=2,by=random,block=4')
    """
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _published():
        if row["figure"] == str(number):
            found.setdefault(_place(number, row), []).append(row)
    made = [_line(number, *key, rows) for key, rows in found.items()]
    made += [
        _short(line) for line in made if line.label in _REMASKING or (number == 20 and line.label in _NOISE)
    ]
    return tuple(sorted(made, key=lambda line: (_order(TASKS, line.panel), _order(SERIES, line.label))))


def _order(names: object, name: str) -> int:
    known = [SERIES[key] for key in SERIES] if names is SERIES else list(TASKS)
    return next((i for i, one in enumerate(known) if name == one or name.startswith(one + ",")), len(known))


def _place(number: int, row: dict[str, str]) -> tuple[str, str]:
    """The panel and the series of a row; where the paper has a panel a method, tasks make the panels here."""
    panel, series = row["panel"], row["series"]
    if number == 5:
        return series, "random_topk"
    return (series, panel) if number in (4, 8) else (panel, series)


def _line(number: int, panel: str, series: str, rows: list[dict[str, str]]) -> Line:
    points = sorted((float(row["x"]), float(row["score_percent"])) for row in rows)
    first = rows[0]
    rule, _, more = series.partition(" ")
    label = SERIES.get(rule, _PLAIN.get(series, series.replace("_", " "))) + (
        f", {more.replace('_', ' ')}" if rule in SERIES and more else ""
    )
    task: str | None = panel if panel in (*LISTS, *PUZZLES) else None
    policies: tuple[str, ...] = ()
    if number == 4:  # an autoregressive model decodes one token at a time
        task = None if series == "Mercury" else panel
        policies = ("topk:k=1",) * len(points)
    elif number == 16:
        task = _FIGURE_16.get(panel)
        policies = tuple(policies_of(rule, first["x_name"]))
    elif number in (17, 20) or series in (*_REMASKING, "chain_of_thought"):
        task = None
    elif series in _PLAIN:
        policies = tuple(policies_of("confidence_topk", first["x_name"]))
    elif rule in SERIES:
        dream = (64 if task in PUZZLES else 32) if first["model"] in DREAM else None
        policies = tuple(policies_of(rule, first["x_name"], dream=dream))
    if task is None:
        policies = ()
    return Line(
        panel=panel,
        label=label,
        model=first["model"],
        x_name=first["x_name"],
        points=points,
        task=task if policies else None,
        policies=policies,
    )


def _short(line: Line) -> Line:
    noise = _NOISE.get(line.label)
    points = [(x, None) for x, _ in line.points] if noise else []
    policies = tuple(f"{noise}:steps={x:g}" for x, _ in points) if noise else _REMASKING[line.label]
    return replace(
        line,
        label=f"{line.label}, {SHORT}",
        points=points,
        task=line.panel,
        policies=policies,
        short=True,
    )

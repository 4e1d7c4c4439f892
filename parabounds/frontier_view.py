"""The frontier as a reader sees it, optimal points or brackets of them, with rules beside."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Any

from parabounds.compare_view import cell
from parabounds.numbers import number, with_unit
from theory.commands.answer import place, steps_of
from theory.validation import shortened

__all__ = ["blocks_beside", "frontier_view"]

Answer = Mapping[str, Any]
_ROUNDING = 1e-9  # of a mean number of steps
_LONGEST = 200  # characters of a reason


def frontier_view(answer: Answer, title: str) -> dict[str, Any]:
    """Return what a reader sees of a frontier; ``notes`` are lines beside those that every answer has."""
    if "rules" in answer:
        found = _points(answer, title)
        return found | {"notes": [*_asked(answer), *_left_out(answer)]}
    found = _hull(answer) if answer["vertices"] else _brackets(answer)
    return found | {"title": f"{title}, policies that look at the tokens", "notes": _asked(answer)}


def _hull(answer: Answer) -> dict[str, Any]:
    vertices, depth = answer["vertices"], answer["serial_depth"]
    first, last = vertices[0], vertices[-1]
    said = f"{with_unit(first['steps'], 'steps')} {_loses(first)} {with_unit(first['kl'], 'bits')}; "
    said += f"{number(depth['expected'])} steps on average, at most {depth['worst_case']}, lose nothing."
    return {
        "headline": said
        if len(vertices) > 1
        else f"{with_unit(last['steps'], 'steps')} {_loses(last)} {with_unit(last['kl'], 'bits')}.",
        "facts": [
            ("steps without loss, expected", depth["expected"], "model calls"),
            ("steps without loss, at most", depth["worst_case"], "model calls"),
        ],
        "columns": ("expected steps, calls", "least KL, bits", "steps of own runs, calls"),
        "rows": [(number(v["steps"]), number(v["kl"]), number(v["steps_of_runs"])) for v in vertices],
        "values": [dict(v) for v in vertices],
        "forms": [(f"KL at {number(v['steps'])} steps", v["kl"]) for v in vertices],
    }


def _loses(vertex: Mapping[str, Any]) -> str:
    return "loses" if vertex["steps"] == 1 else "lose"


def _brackets(answer: Answer) -> dict[str, Any]:
    """Return a row for each number of steps up to the first that is known to lose nothing."""
    ends = [(one["lower"], one["upper"]) for one in answer["adaptive_bounds"]]
    free = next((t for t, (_, upper) in enumerate(ends, start=1) if upper <= 0), len(ends))
    shown = [(t, pair, blocks_beside(answer, t)) for t, pair in enumerate(ends[:free], start=1)]
    labels = [str(t) if t < free or free == len(ends) else f"{t} or more" for t, *_ in shown]
    depth = answer["serial_depth"]["worst_case"]
    said = f"one step loses {_span(ends[0])} bits; "
    said += f"without loss the longest run takes {_span((depth['lower'], depth['upper']))} steps."
    return {
        "headline": f"the optimum of all policies lies between two bounds: {said}",
        "columns": ("steps at most, calls", "least KL, bits", "of fixed blocks, bits"),
        "rows": [
            (label, _span(pair), _span(fixed)) for label, (_, pair, fixed) in zip(labels, shown, strict=True)
        ],
        "values": [
            {"steps": t, "lower": lower, "upper": upper, **_named(blocks_beside(answer, t))}
            for t, (lower, upper) in enumerate(ends, start=1)
        ],
    }


def _named(fixed: tuple[Any, Any] | None) -> dict[str, Any]:
    return dict(zip(("fixed_lower", "fixed_upper"), fixed or (None, None), strict=True))


def _asked(answer: Answer) -> list[str]:
    """Return a line on each of the steps without loss (where they are a bracket), ``--within`` and ``--entropy``."""
    lines: list[str] = []
    depths = [("no loss", answer["serial_depth"])] if not answer["vertices"] else []
    if within := answer.get("depth_within"):
        depths.append((f"a loss of at most {with_unit(within['epsilon'], 'bits')}", within))
    for loss, depth in depths:
        if depth is not None:
            expected, worst = (_between(depth[key]) for key in ("expected", "worst_case"))
            lines.append(f"fewest steps at {loss}: {expected} expected, {worst} in the worst case")
    if point := answer.get("diversity"):
        one = _span((point["accuracy"], point["ceiling"]))
        lines.append(
            f"greatest accuracy at an entropy of {with_unit(point['entropy'], 'bits')} or more: {one} of one step, "
            f"at most {number(point['of_any_distribution'])} of any decoder"
        )
    return lines


def _between(value: Any) -> str:
    return _span((value["lower"], value["upper"])) if isinstance(value, dict) else number(value)


def _points(answer: Answer, title: str) -> dict[str, Any]:
    """Return what a reader sees of a frontier with rules: the optimal points, then the rules from few to many steps."""
    rules = sorted(answer["rules"], key=lambda row: (place(row), row["policy"]))
    vertices, sampled = answer["vertices"], sum(1 for row in rules if isinstance(row["accuracy"], dict))
    known = bool(vertices)
    said = f"{len(rules)} rules, {'all exact' if not sampled else f'{sampled} of them sampled'}"
    said += f", {len(answer['rules_left_out'])} left out" if answer["rules_left_out"] else ""
    beside = "bits above the optimum" if known else "fixed blocks of as many steps, bits"
    rows: list[tuple[str, ...]] = [
        ("optimum", number(v["steps"]), number(v["kl"]), "", "", "0") for v in vertices
    ]
    for row in rules:
        gap = cell(row["bits_above"], "kl") if known else _span(blocks_beside(answer, place(row)))
        cells = [cell(row[key], key) for key in ("kl", "path_kl", "accuracy")]
        rows.append((row["policy"], cell(steps_of(row), "steps"), *cells, gap))
    names = ("kl", "path_kl", "accuracy", "bits_above", "steps_above")
    return {
        "title": f"{title}, rules in the plane of steps and loss",
        "headline": f"{said}." if known else f"the optimum of all policies is not known here; {said}.",
        "columns": ("rule", "steps, calls", "KL, bits", "path KL, bits", "accuracy", beside),
        "rows": rows,
        "values": [
            {"rule": "optimum", "steps": v["steps"], "kl": v["kl"]} | dict.fromkeys(names[1:])
            for v in vertices
        ]
        + [
            {"rule": row["policy"], "steps": steps_of(row)} | {key: row[key] for key in names}
            for row in rules
        ],
        "forms": [(f"KL of {row['policy']}", row["kl"]) for row in rules],
        "folded": False,
    }


def blocks_beside(answer: Answer, steps: float) -> tuple[Any, Any] | None:
    """Return a lower and an upper bound of the least loss of fixed blocks in no more steps, ``None`` if not known.

    Example:
        >>> blocks_beside({"optimal_bound": [1.5, 0.5]}, 2.7)
        (0.5, 0.5)
    """
    t = max(1, floor(steps + _ROUNDING))
    if brackets := answer.get("optimal_bounds"):
        ends = brackets[min(t, len(brackets)) - 1]
        return ends["lower"], ends["upper"]
    if bounds := answer.get("optimal_bound"):
        value = bounds[min(t, len(bounds)) - 1]
        return (value["low"], value["high"]) if isinstance(value, dict) else (value, value)
    return None


def _span(ends: tuple[Any, Any] | None) -> str:
    """Return two ends in few digits, as one number where they read the same.

    Example:
        >>> _span((0.5, 1)), _span((1, 1.0)), _span(None)
        ('0.5 to 1', '1', '-')
    """
    return "-" if ends is None else " to ".join(dict.fromkeys(map(number, ends)))


def _left_out(answer: Answer) -> list[str]:
    """Return a line on each rule that is left out."""
    return [
        f"left out: {one['policy']}: {shortened(one['reason'], _LONGEST)}" for one in answer["rules_left_out"]
    ]

"""Speed at a given quality, PBx, and the oracle that picks a setting for each sample.

PBx is the most tokens per step at which the mean score over tasks is still at least x %. A top-k rule takes whole
numbers: the largest k that reaches x counts. Along an adaptive rule's limits score and speed are joined by straight
lines: the speed where they cross x counts, or the largest if the score never falls below. The oracle takes for each
sample, among the settings that reach its best score, the one with the fewest steps. Source: the 2026 package of
arXiv 2510.04767 (PBx), and the paper's Appendix G.2 (oracle).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from models.benchmark.scores import Graded

__all__ = ["LEVELS", "oracle_rows", "pbx", "pbx_rows", "setting_rows"]

LEVELS = (90, 80, 70, 60)
WHOLE = ("topk", "dream", "llada")  # rules whose settings are whole numbers of tokens or steps
_SPEED = re.compile(r"(?<=[:,])(k|gamma|f|steps)=[^,]*,?")  # what the settings of a rule differ in

Row = Mapping[str, Any]


def pbx(points: Sequence[tuple[float, float]], level: float, *, whole: bool) -> float | None:
    """Return the most tokens per step at a mean score of at least ``level``, ``None`` if it is never reached.

    Args:
        points: (tokens per step, score in percent) of the settings of one rule.
        level: x, in percent.
        whole: Whether only the settings themselves count, as for top-k.

    Example:
        >>> pbx([(2, 90), (4, 70)], 80, whole=True), pbx([(2, 90), (4, 70)], 80, whole=False)
        (2, 3.0)
    """
    ordered = sorted(points)
    reached = [speed for speed, score in ordered if score >= level]
    if not reached or whole or ordered[-1][1] >= level:
        return reached[-1] if reached else None
    crossed = [
        a + (b - a) * (before - level) / (before - after)
        for (a, before), (b, after) in pairwise(ordered)
        if before >= level > after
    ]
    return crossed[-1]


def setting_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the mean score and speed over tasks of each setting.

    The mean speed is known if that of every task is.
    """
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["model"], row["setting"], row["protocol"]), []).append(row)
    return [
        {
            "model": model,
            "setting": setting,
            "protocol": protocol,
            "policy": part[0]["policy"],
            "tasks": len(part),
            "score": fmean(row["score"] for row in part),
            **{
                key: _mean([row[key] for row in part])
                for key in ("tokens_per_step", "tokens_per_step_to_end")
            },
            "ceiling": _mean([row["ceiling"] for row in part]),
        }
        for (model, setting, protocol), part in found.items()
    ]


def _mean(values: Sequence[Any]) -> float | None:
    return None if None in values else fmean(map(float, values))


def pbx_rows(settings: Sequence[Row]) -> list[dict[str, Any]]:
    """Return PBx of each rule of each model, of settings with as many tasks as any other of the rule."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in settings:
        if row["policy"] is not None and row["tokens_per_step"] is not None:
            rule = _SPEED.sub("", row["policy"]).rstrip(":,")
            groups.setdefault((row["model"], rule, row["protocol"]), []).append(row)
    found: list[dict[str, Any]] = []
    for (model, rule, protocol), part in groups.items():
        tasks = max(row["tasks"] for row in part)
        points = [(row["tokens_per_step"], 100 * row["score"]) for row in part if row["tasks"] == tasks]
        values = {f"PB{level}": pbx(points, level, whole=rule.startswith(WHOLE)) for level in LEVELS}
        entry = {"model": model, "rule": rule, "protocol": protocol, "tasks": tasks, "settings": len(points)}
        found.append(entry | values)
    return found


def oracle_rows(runs: Sequence[tuple[Row, Mapping[int, Graded]]]) -> list[dict[str, Any]]:
    """Return the oracle of each model and task that has several settings.

    Args:
        runs: The row of each setting and task, with its graded answers by sample.
    """
    groups: dict[tuple[str, str, str], list[Mapping[int, Graded]]] = {}
    for row, answers in runs:
        groups.setdefault((row["model"], row["task"], row["protocol"]), []).append(answers)
    found: list[dict[str, Any]] = []
    for (model, task, protocol), settings in groups.items():
        shared = sorted(set.intersection(*(set(answers) for answers in settings)))
        same = all(
            len({repr(answers[sample].sample.answer) for answers in settings}) == 1 for sample in shared
        )
        if len(settings) < 2 or not shared or not same:
            continue
        best = [_best([answers[sample] for answers in settings]) for sample in shared]
        entry = {"model": model, "task": task, "protocol": protocol, "settings": len(settings)}
        entry |= {"samples": len(best), "score": fmean(one.score for one in best)}
        speeds = [one.tokens_per_step for one in best]
        steps = [one.answer.steps for one in best]
        found.append(entry | {"steps": _mean(steps), "tokens_per_step": _mean(speeds)})
    return found


def _best(answers: Sequence[Graded]) -> Graded:
    return min(answers, key=lambda one: (-one.score, one.answer.steps or float("inf")))

"""Means of gap records with intervals.

Intervals are Student's t at the stated level. If there are several prompts, the mean over the sequences of a prompt is
one value; with a single prompt, and in the tables per step and position, each sequence is one. The intervals are
asymptotic: log-ratios of a network have no known bound, and few sequences with a heavy tail make them too short.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf, sqrt
from typing import Any

import numpy as np

__all__ = ["LEVEL", "mean_interval", "summary"]

LEVEL = 0.95


def mean_interval(values: Sequence[float], level: float = LEVEL) -> dict[str, Any]:
    """Return mean and t interval; the interval is ``None`` for a single value or infinite ones.

    Example:
        >>> answer = mean_interval([1.0, 2.0, 3.0])
        >>> answer["mean"], [round(end, 3) for end in answer["interval"]]
        (2.0, [-0.484, 4.484])
    """
    from scipy.stats import t

    x = np.asarray(values, dtype=float)
    if not len(x):
        return {"mean": None, "interval": None}
    mean = float(x.mean()) if np.isfinite(x).all() else inf
    if len(x) == 1 or mean == inf:
        return {"mean": mean, "interval": None}
    reach = float(t.ppf(0.5 + level / 2, len(x) - 1)) * float(x.std(ddof=1)) / sqrt(len(x))
    return {"mean": mean, "interval": [mean - reach, mean + reach]}


def summary(records: Iterable[Mapping[str, Any]], samples: int, level: float = LEVEL) -> dict[str, Any]:
    """Return the means of the records of a run.

    Args:
        records: From :func:`models.evaluation.gap.gap_records`; row ``r`` belongs to prompt ``r // samples``.
        samples: Sequences per prompt.
        level: The level of the intervals.

    Returns:
        In bits per sequence ``gap``, ``inconsistency`` and ``total``, each with an interval; ``gap_per_token``;
        ``steps`` and ``tokens`` per sequence; ``by_step`` (mean cost of the sequences that reach a step, and how many
        do); ``by_position`` (place among the free positions); ``order_spread`` (standard deviation of the
        log-likelihood of a sequence over reveal orders, bits).
    """
    listed = sorted(records, key=lambda record: record["row"])
    prompts = [record["row"] // samples for record in listed]
    several = len(set(prompts)) > 1

    def mean(values: Iterable[float]) -> dict[str, Any]:
        kept = list(values)
        return mean_interval(_by_prompt(prompts, kept) if several else kept, level)

    tokens = sum(len(record["tokens"]) for record in listed) / len(listed)
    gap = mean(record["chain"] - record["parallel"] for record in listed)
    return {
        "sequences": len(listed),
        "prompts": len(set(prompts)),
        "level": level,
        "tokens": tokens,
        "steps": sum(record["calls"] for record in listed) / len(listed),
        "gap": gap,
        "gap_per_token": _scaled(gap, 1 / tokens),
        "inconsistency": mean(record["one_by_one"] - record["chain"] for record in listed),
        "total": mean(record["one_by_one"] - record["parallel"] for record in listed),
        "order_spread": _order_spread(listed),
        "by_step": _table(((s, c) for r in listed for s, c in _steps(r).items()), level, "step"),
        "by_position": _table(
            ((j, c) for record in listed for j, c in enumerate(record["cost"])), level, "position"
        ),
    }


def _by_prompt(prompts: Sequence[int], values: Sequence[float]) -> list[float]:
    grouped: dict[int, list[float]] = defaultdict(list)
    for prompt, value in zip(prompts, values, strict=True):
        grouped[prompt].append(value)
    return [sum(part) / len(part) for part in grouped.values()]


def _steps(record: Mapping[str, Any]) -> dict[int, float]:
    """Return the cost of every step of a sequence, in bits."""
    out: dict[int, float] = defaultdict(float)
    for step, cost in zip(record["step"], record["cost"], strict=True):
        out[step] += cost
    return out


def _table(pairs: Iterable[tuple[int, float]], level: float, name: str) -> list[dict[str, Any]]:
    grouped: dict[int, list[float]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return [
        {name: key, "sequences": len(values), **mean_interval(values, level)}
        for key, values in sorted(grouped.items())
    ]


def _scaled(value: dict[str, Any], factor: float) -> dict[str, Any]:
    ends = value["interval"]
    return {
        "mean": None if value["mean"] is None else value["mean"] * factor,
        "interval": None if ends is None else [end * factor for end in ends],
    }


def _order_spread(records: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the root mean variance of a sequence's log-likelihood over its random orders."""
    if any(len(record["orders"]) < 2 for record in records):
        return None
    return float(np.sqrt(np.mean([np.var(record["orders"], ddof=1) for record in records])))

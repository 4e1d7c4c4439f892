"""What the explorer shows but does not compute, from the distributions to the frontier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import synthetic
from theory.commands.bounds import bounds_answer
from theory.decoding.decoder import decode
from theory.distributions.given import as_pmf
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.policies.policy import registered_policies
from theory.validation import InputError

__all__ = ["TASKS", "embedded", "task_data"]

# name, size (None: fixed) and what the list of tasks calls it
TASKS: tuple[tuple[str, int | None, str], ...] = (
    ("city_names", None, "city names"),
    ("parity", 3, "parity of 3 bits"),
    ("parity", 4, "parity of 4 bits"),
    ("repeated_bit", 3, "one bit, three times"),
    ("replace_random", 4, "replace one of 4 items"),
    ("insert_random", 3, "insert into 3 items"),
    ("shuffle", 3, "shuffle 3 items"),
    ("shuffle", 4, "shuffle 4 items"),
    ("markov_chain", 4, "sticky chain of 4 bits"),
    ("one_hot_blocks", 4, "one-hot, two blocks of 2"),
    ("matching_selector", None, "matching selector"),
)
_LIVE = ("topk", "threshold", "factor", "sizes")
_MORE = ("threshold:gamma=0.7", "threshold:gamma=0.9", "factor:f=1.0", "topk:k=2,by=random")


def embedded(parts: Callable[[int, int], None] = lambda _, __: None) -> dict[str, Any]:
    """Return the data of the page: by task its pmf, bounds, frontier and the points of rules.

    Args:
        parts: Called before each task with the number of those that are done and of all.
    """
    tasks: dict[str, Any] = {}
    for done, (name, size, label) in enumerate(TASKS):
        parts(done, len(TASKS))
        key = name if name not in tasks else f"{name}_{size}"
        tasks[key] = task_data(name, size, label)
    return {"tasks": tasks}


def task_data(name: str, size: int | None, label: str) -> dict[str, Any]:
    """Return the numbers of one task as JSON: exact ones as text beside their floats.

    Example:
        >>> task_data("city_names", None, "city names")["fixed"]
        [{'value': 1.0, 'form': 'log2(2)'}, {'value': 0.0, 'form': '0'}]
    """
    task = synthetic.find_task(name, size)
    pmf = as_pmf(task)
    least = bounds_answer(task, adaptive=True, randomized=True)
    return {
        "name": name,
        "label": label,
        "size": size,
        "sized": size is not None,
        "outcomes": [list(row) for row in pmf.outcomes],
        "probabilities": [str(p) for p in pmf.probabilities],
        "fixed": [_bits(x) for x in least["optimal_bound"]],
        "adaptive": [_bits(x) for x in least["adaptive_bound"]],
        "mixed": [_bits(x) for x in least["randomized_bound"]],
        "frontier": [[float(v.steps_under_data), float(v.kl)] for v in frontier(pmf).vertices],
        "points": [point for spec in _specs(pmf.n) if (point := _point(pmf, spec))],
    }


def _specs(n: int) -> list[str]:
    others = [rule.example for name, rule in registered_policies().items() if name not in _LIVE]
    return list(
        dict.fromkeys([*(f"topk:k={k}" for k in range(1, n + 1)), *_MORE, "sizes:sizes=1+2", *others])
    )


def _point(pmf: Any, spec: str) -> dict[str, Any] | None:
    """Return what a rule gives; ``None`` where its example does not suit the length."""
    try:
        found = decode(pmf, spec)
    except InputError:
        return None
    under_data = found.steps if found.steps_under_data is None else found.steps_under_data
    infinite = float(found.kl) == float("inf")
    return {
        "policy": spec,
        "steps": float(found.steps),
        "dataSteps": float(under_data),
        "stepsText": _short(found.steps),
        "kl": None if infinite else float(found.kl),
        "klText": "infinite" if infinite else _short(found.kl),
        "accuracy": float(found.accuracy),
        "accuracyText": _short(found.accuracy),
    }


def _short(value: Any) -> str:
    text = str(value)
    return text if "log" not in text and len(text) < 10 and "." not in text else f"{float(value):.4g}"


def _bits(value: Any) -> dict[str, Any]:
    return {"value": float(value), "form": str(value) if isinstance(value, LogNumber) else None}

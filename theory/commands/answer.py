"""Helpers that the results of ``parabounds`` share."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Protocol

from theory.distributions.distribution import HasContexts
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import ratio_text

__all__ = ["NamedTask", "exact_text", "joined", "place", "steps_of", "with_exact"]


class NamedTask(HasContexts, Protocol):
    """A task with a name and a size."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def n(self) -> int:
        """Its size."""
        ...


def with_exact(answer: dict[str, Any]) -> dict[str, Any]:
    """Add the exact forms as text, if any."""
    exact: dict[str, Any] = {}
    for key, value in answer.items():
        if (
            isinstance(value, list)
            and value
            and all(isinstance(item, (LogNumber, Fraction)) for item in value)
        ):
            exact[key] = [exact_text(item) for item in value]
        elif isinstance(value, (LogNumber, Fraction)):
            exact[key] = exact_text(value)
        elif (
            key.startswith("steps_distribution") and value and all(isinstance(p, Fraction) for _, p in value)
        ):
            exact[key] = [[calls, exact_text(p)] for calls, p in value]
    return {**answer, "exact": exact} if exact else answer


def joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return both parts as one result, with their ``exact``, ``errors`` and ``notes`` merged.

    Example:
        >>> joined({"a": 1, "exact": {"a": "1"}}, {"b": 2, "exact": {"b": "2"}})
        {'a': 1, 'exact': {'a': '1', 'b': '2'}, 'b': 2}
    """
    shared = {
        key: one[key] | other[key] for key in ("exact", "errors", "notes") if key in one and key in other
    }
    return one | other | shared


def exact_text(value: Any) -> str:
    """Return a rational in full, and anything else as text."""
    return ratio_text(value) if isinstance(value, Fraction) else str(value)


def steps_of(row: Mapping[str, Any]) -> Any:
    """Return the steps along the data of a rule, or those of its own runs where it does not follow the data."""
    return row["steps"] if row["steps_under_data"] is None else row["steps_under_data"]


def place(row: Mapping[str, Any]) -> float:
    """Return these steps as one number, the estimate where they are sampled."""
    steps = steps_of(row)
    return float(steps["estimate"] if isinstance(steps, dict) else steps)

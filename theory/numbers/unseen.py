"""Estimate of the number of distinct values behind some draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

__all__ = ["least_number"]


def least_number(met: Iterable[Hashable]) -> float:
    """Return Chao's estimated lower bound on the number of distinct values behind independent draws.

    Example:
        >>> least_number("abcab"), least_number("aaaa")
        (3.0, 1.0)
    """
    times = Counter(Counter(met).values())
    return sum(times.values()) + times[1] * (times[1] - 1) / (2 * (times[2] + 1))

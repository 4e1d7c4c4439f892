"""Look-ahead by samples of the states of a long computation, to estimate its time.

Independent samples give a lower bound on the number of states. With f1 states found once and f2 twice among D different
ones, ``D + f1 (f1 - 1) / (2 (f2 + 1))`` estimates a lower bound of their number, for any probabilities (Chao,
Scand. J. Statist. 11 (1984) 265, in the bias-free form for equal ones).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from theory.announcements import announce
from theory.limits import Budget, as_usual

__all__ = ["Foreseen", "is_saturated", "least_number", "look_ahead"]

_ROUGH, _UNKNOWN = 2, 5  # times what is foreseen that a refusal suggests; where samples say little
_NEW = 0.8  # share of samples that are alone in their state: so many samples say little
_FEW = 10  # samples that say nothing either way
_FAR = 20  # the limit over what is foreseen: so little that more samples need not be asked


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a look has found.

    Attributes:
        seconds: What the computation takes, at least.
        memory: Bytes that it needs, at least.
        saturated: Whether nearly every sample met a state of its own.
        each: Seconds that one sample took.
    """

    seconds: float
    memory: int = 0
    saturated: bool = False
    each: float = 0.0

    @property
    def rough(self) -> int:
        """How many times as much a refusal suggests: there may be more states than samples tell."""
        return _UNKNOWN if self.saturated else _ROUGH


_Found = TypeVar("_Found", bound=Foreseen)


def least_number(met: Iterable[Hashable]) -> float:
    """Return Chao's estimated lower bound on the number of distinct values behind independent draws.

    Example:
        >>> least_number("abcab"), least_number("aaaa")
        (3.0, 1.0)
    """
    times = Counter(Counter(met).values())
    return sum(times.values()) + times[1] * (times[1] - 1) / (2 * (times[2] + 1))


def is_saturated(met: Iterable[Hashable]) -> bool:
    """Return whether nearly all draws are alone with their value, so that they say little of the number of values.

    Example:
        >>> is_saturated("abcdefghijkl"), is_saturated("aabbccddeeff")
        (True, False)
    """
    times = Counter(met)
    return times.total() > _FEW and sum(n == 1 for n in times.values()) > _NEW * times.total()


def look_ahead(look: Callable[[int], _Found], budget: Budget, *, few: int, many: int) -> _Found:
    """Return what is foreseen by few samples, or by many where more may tell more and are affordable.

    Args:
        look: Returns what so many samples tell.
        budget: That of the computation.
        few: Number of samples.
        many: The same.

    Example:
        >>> budget = Budget("counting", "count less")
        >>> look_ahead(lambda samples: Foreseen(seconds=samples / 10), budget, few=10, many=100).seconds
        1.0
        >>> look_ahead(lambda samples: Foreseen(seconds=samples), budget, few=10, many=50).seconds
        50
    """
    with as_usual():
        found = look(few)
    if budget.affords(found.seconds, _FAR) and not found.saturated:
        return found
    for samples in (many, many // 2, many // 5):
        if samples > few and budget.affords_a_look(samples * found.each):
            announce(f"looking how long {budget.what} takes", samples * found.each)
            with as_usual():
                return look(samples)
    return found

"""Brackets of the adaptive optimum, from the losses of fixed blocks.

*Proof.* A policy sees no token before its first step, which therefore reveals one set. So with one context ``V_1 =
L*_1 = TC`` and ``V_2 = L*_2``, and ``0 <= V_T <= L*_T`` for all T. Fewest steps at a loss of at most epsilon:

- *worst case*: the least T whose bracket lets ``V_T <= epsilon``, up to the least T of ``L*_T <= epsilon``.
- *expected*: at most two fixed partitions mixed to epsilon; at least where the following bound falls to epsilon.

The least loss at s expected steps (along the data, mixtures allowed) is at most that of a mixture of two fixed
partitions. It is at least the lower boundary of the mixtures of (1, TC), (2, L*_2) and ``(2 + L*_2 / M, 0)``, where
M is at least the total correlation that any revealed tokens leave. *Proof:* a policy that does not reveal all at
once takes two steps on each path; let p be the probability of more, so that its expected steps are at least 2 + p.
With its first set alone, and all the rest in a second step, it would lose at least L*_2. Where it takes more steps,
at most M of that is saved: it loses at least ``L*_2 - p M``, and at least 0. With several contexts, those in which
it takes more than one step have probability at most s - 1: it loses at least ``TC - (s - 1) M``.

Derived here. Losses in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf

from theory.validation import InputError

__all__ = ["AdaptiveBrackets", "adaptive_brackets", "mixed"]

_ABOVE, _BELOW = 1 + 2.0**-48, 1 - 2.0**-48  # a few roundings of a ratio
_MOST = 500  # numbers of blocks that are mixed in pairs


@dataclass(frozen=True, kw_only=True)
class AdaptiveBrackets:
    """Bounds of ``V_T`` for T = 1..n.

    Attributes:
        lower: Lower bounds.
        upper: Upper bounds, the last of them 0.
        contexts: The number of contexts.
        most: M, no less than the total correlation that any tokens leave, of any context.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    contexts: int
    most: float = inf

    def at(self, steps: float) -> tuple[float, float]:
        """Return bounds of the least loss of all policies, and their mixtures, at so many expected steps.

        Example:
            >>> low, high = adaptive_brackets([2.0, 0.5, 0.1, 0.0], [2.0, 0.5, 0.2, 0.0]).at(1.5)
            >>> round(low, 9), round(high, 9)
            (1.0, 1.25)
        """
        if steps < 1:
            raise InputError(f"steps must be at least 1, got {steps}.")
        points = list(enumerate(self.upper[:_MOST], start=1))
        return mixed(self._floor(), steps) * _BELOW, mixed(points, steps) * _ABOVE

    def _floor(self) -> list[tuple[float, float]]:
        first, most = self.lower[0], max(self.most, self.lower[0])
        second = 0.0 if len(self.lower) == 1 else self.lower[1]
        if self.contexts > 1:
            return [(1.0, first), ((1 + first / most if most else 1.0) * _BELOW, 0.0)]
        return [(1.0, first), (2.0, second), ((2 + second / most if most else 2.0) * _BELOW, 0.0)]

    def worst_case(self, epsilon: float) -> tuple[int, int]:
        """Return bounds of the least T with ``V_T <= epsilon``.

        Example:
            >>> adaptive_brackets([2.0, 0.5, 0.1, 0.0], [2.0, 0.5, 0.2, 0.0]).worst_case(0)
            (3, 4)
        """
        if epsilon < 0:
            raise InputError(f"epsilon must be at least 0, got {epsilon}.")
        low, high = (
            next(t for t, bits in enumerate(ends, start=1) if bits <= epsilon)
            for ends in (self.lower, self.upper)
        )
        return low, high

    def expected(self, epsilon: float) -> tuple[float, float]:
        """Return bounds of the least expected number of steps at a loss of at most epsilon.

        Example:
            >>> low, high = adaptive_brackets([2.0, 0.5, 0.1, 0.0], [2.0, 0.5, 0.2, 0.0]).expected(1)
            >>> round(low, 9), round(high, 9)
            (1.5, 1.666666667)
        """
        most = float(self.worst_case(epsilon)[1])
        points = list(enumerate(self.upper[:_MOST], start=1))
        most = min(most, _reached(points, epsilon) * _ABOVE)
        least = max(1.0, _reached(self._floor(), epsilon) * _BELOW)
        return min(least, most), most


def mixed(points: Sequence[tuple[float, float]], steps: float) -> float:
    """Return the least loss of mixtures of two points at so many steps; of points of fewer where there are no more.

    Example:
        >>> mixed([(1, 2.0), (3, 1.0)], 2), mixed([(1, 2.0), (3, 1.0)], 4)
        (1.5, 1.0)
    """
    found = min((bits for few, bits in points if few <= steps), default=inf)
    for (few, large), (many, small) in combinations(points, 2):
        if few <= steps < many:
            found = min(found, ((many - steps) * large + (steps - few) * small) / (many - few))
    return found


def _reached(points: Sequence[tuple[float, float]], epsilon: float) -> float:
    """Return the fewest steps of mixtures of two points that lose at most epsilon."""
    found = min((few for few, bits in points if bits <= epsilon), default=inf)
    for (few, large), (many, small) in combinations(points, 2):
        if small <= epsilon < large:
            found = min(found, few + (many - few) * (large - epsilon) / (large - small))
    return found


def adaptive_brackets(
    lower: Sequence[float], upper: Sequence[float], *, contexts: int = 1, most: float = inf
) -> AdaptiveBrackets:
    """Return brackets of ``V_T``.

    Args:
        lower: Lower bounds of ``L*_T``, T = 1..n.
        upper: Upper bounds of it.
        contexts: The number of contexts: policies know theirs, so that only ``V_1 = L*_1`` holds for several.
        most: No less than the total correlation that any tokens leave.

    Example:
        >>> adaptive_brackets([2.0, 0.5, 0.1, 0.0], [2.0, 0.5, 0.2, 0.0]).lower
        (2.0, 0.5, 0.0, 0.0)
    """
    if len(lower) != len(upper) or not lower:
        raise InputError(f"a bracket needs as many lower as upper ends, got {len(lower)} and {len(upper)}.")
    equal = 1 if contexts > 1 else 2
    return AdaptiveBrackets(
        lower=(*lower[:equal], *[0.0] * (len(lower) - equal)),
        upper=tuple(upper),
        contexts=contexts,
        most=most,
    )

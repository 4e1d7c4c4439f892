"""Brackets of the adaptive optimum, from the losses of fixed blocks.

*Proof.* A policy sees no token before its first step, which therefore reveals one set. So with one context ``V_1 =
L*_1 = TC`` and ``V_2 = L*_2``, and ``0 <= V_T <= L*_T`` for all T. Fewest steps at a loss of at most epsilon:

- *worst case*: the least T whose bracket lets ``V_T <= epsilon``, up to the least T of ``L*_T <= epsilon``.
- *expected*: a mixture that reveals all at once with probability p loses at least ``p TC``, and takes at least two
  steps otherwise: ``2 - p >= 2 - epsilon / TC`` where epsilon < TC. At most: two fixed partitions mixed to epsilon.

Derived here. Losses in bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from theory.validation import InputError

__all__ = ["AdaptiveBrackets", "adaptive_brackets"]

_ABOVE, _BELOW = 1 + 2.0**-48, 1 - 2.0**-48  # a few roundings of a ratio
_MOST = 500  # numbers of blocks that are mixed in pairs


@dataclass(frozen=True, kw_only=True)
class AdaptiveBrackets:
    """Bounds of ``V_T`` for T = 1..n.

    Attributes:
        lower: Lower bounds.
        upper: Upper bounds, the last of them 0.
        contexts: The number of contexts.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    contexts: int

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
        for (few, large), (many, small) in combinations(points, 2):
            if small <= epsilon < large:
                most = min(most, (few + (many - few) * (large - epsilon) / (large - small)) * _ABOVE)
        first = self.lower[0]
        least = 1.0 if self.contexts > 1 or first <= epsilon else (2 - epsilon / first) * _BELOW
        return min(least, most), most


def adaptive_brackets(
    lower: Sequence[float], upper: Sequence[float], *, contexts: int = 1
) -> AdaptiveBrackets:
    """Return brackets of ``V_T``.

    Args:
        lower: Lower bounds of ``L*_T``, T = 1..n.
        upper: Upper bounds of it.
        contexts: The number of contexts: policies know theirs, so that only ``V_1 = L*_1`` holds for several.

    Example:
        >>> adaptive_brackets([2.0, 0.5, 0.1, 0.0], [2.0, 0.5, 0.2, 0.0]).lower
        (2.0, 0.5, 0.0, 0.0)
    """
    if len(lower) != len(upper) or not lower:
        raise InputError(f"a bracket needs as many lower as upper ends, got {len(lower)} and {len(upper)}.")
    equal = 1 if contexts > 1 else 2
    return AdaptiveBrackets(
        lower=(*lower[:equal], *[0.0] * (len(lower) - equal)), upper=tuple(upper), contexts=contexts
    )

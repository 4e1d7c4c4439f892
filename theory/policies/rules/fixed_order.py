"""Rules by position alone: dilated blocks (DUS) and bisection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from theory.distributions.distribution import like
from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import InputError, positive_int

__all__ = ["Bisection", "Dilated", "bisection_rounds", "dilated_rounds"]


@dataclass(frozen=True, kw_only=True)
class _ByRound(RankedPolicy):
    """Every position has a round; the masked positions of the earliest round go together."""

    cost: ClassVar[str] = "n"
    by: str = "left_to_right"
    ties: str = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "left_to_right" or self.ties != "all":
            raise InputError(f"{self.name} goes by position alone; leave by and ties out.")

    def rounds(self, n: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return the round of each of n positions, from 0."""
        raise TypeError(f"{type(self).__name__} does not say in which round a position goes.")

    def score(self, view: View) -> Array:
        """Return minus the round."""
        return -like(np.array(self.rounds(view.masked.shape[1])), view.masked)[None, :]

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return one: all of the same round go with it."""
        xp = view.numbers.xp
        return xp.where(view.left < 1, view.left, xp.ones_like(view.left))


@register("dus")
@dataclass(frozen=True, kw_only=True)
class Dilated(_ByRound):
    """Dilated unmasking: in round t of a block of B the positions ``k`` with ``k mod floor(B / a^t) = 0``.

    Source: DUS, arXiv 2506.19037, Section 3. Positions count from 0 in each block; the whole answer is one block
    unless ``block`` is given. Usual value: a = 2.

    Attributes:
        base: a, at least 2.

    Example:
        >>> dilated_rounds(8, 2)  # {0,4}, {2,6}, {1,3,5,7}
        (0, 2, 1, 2, 0, 2, 1, 2)
    """

    example: ClassVar[str] = "dus:base=2"
    source: ClassVar[str] = "DUS, arXiv 2506.19037"
    formula: ClassVar[str] = "round t: k mod floor(B / a^t) = 0 in blocks of B"
    base: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "base", positive_int(self.base, "base"))
        if self.base < 2:
            raise InputError(f"base must be at least 2, got {self.base}.")

    def rounds(self, n: int) -> tuple[int, ...]:
        """Return the rounds within the blocks."""
        size = n if self.block is None else min(self.block, n)
        return tuple(dilated_rounds(min(size, n - k // size * size), self.base)[k % size] for k in range(n))


@register("bisection")
@dataclass(frozen=True, kw_only=True)
class Bisection(_ByRound):
    """Bisection: reveal separators first, so that both halves become independent.

    ``order`` neighbouring positions form a cell; the middle cell of every gap is revealed one position a step, all
    gaps at once. For a Markov chain of that order every step is exact, in at most
    ``order * (floor(log2(cells)) + 1)`` steps.

    Source: arXiv 2608.25505, Theorems 2 and 3.

    Attributes:
        order: Order of the Markov chain.

    Example:
        >>> bisection_rounds(7, 1)
        (2, 1, 2, 0, 2, 1, 2)
    """

    example: ClassVar[str] = "bisection:order=1"
    source: ClassVar[str] = "arXiv 2608.25505, Theorem 2"
    formula: ClassVar[str] = "the middle cell of every gap, position by position"
    order: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "order", positive_int(self.order, "order"))

    def rounds(self, n: int) -> tuple[int, ...]:
        """Return the rounds of the bisection tree; with ``block`` of each block on its own."""
        size = n if self.block is None else min(self.block, n)
        return tuple(
            bisection_rounds(min(size, n - k // size * size), self.order)[k % size] for k in range(n)
        )


@cache
def dilated_rounds(size: int, base: int) -> tuple[int, ...]:
    """Return the round of each position of a block."""
    rounds: list[int | None] = [None] * size
    t = 0
    while None in rounds:
        t += 1
        stride = max(1, size // base**t)
        rounds = [t - 1 if r is None and k % stride == 0 else r for k, r in enumerate(rounds)]
    return tuple(r for r in rounds if r is not None)


@cache
def bisection_rounds(size: int, order: int) -> tuple[int, ...]:
    """Return the round of each position; cells of ``order`` positions, the last one perhaps shorter."""
    levels: dict[int, int] = {}
    gaps, level = [(0, -(-size // order))], 0
    while gaps:
        nxt = []
        for low, high in gaps:
            if low < high:
                middle = (low + high - 1) // 2
                levels[middle] = level
                nxt += [(low, middle), (middle + 1, high)]
        gaps, level = nxt, level + 1
    return tuple(levels[k // order] * order + k % order for k in range(size))

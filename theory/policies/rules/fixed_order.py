"""Rules by position alone, dilated blocks (DUS) and bisection."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import like
from theory.numbers.arithmetic import Array
from theory.policies.as_process import Wrapped
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.run_batch import RunBatch
from theory.policies.scores import SCORES
from theory.policies.view import View
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["Bisection", "Dilated", "FlooredRounds", "bisection_rounds", "dilated_rounds"]

_NEVER = 1 << 62  # beyond every round


@dataclass(frozen=True, kw_only=True)
class _ByRound(RankedPolicy):
    """Rules that give every position a round and reveal the earliest round that has masks."""

    cost: ClassVar[str] = "n"
    by: str = "left_to_right"
    ties: str = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "left_to_right" or self.ties != "all":
            raise InputError(f"{self.name} depends on positions alone; leave by and ties out.")

    def rounds(self, n: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return the round of each of n positions, from 0."""
        raise TypeError(f"{type(self).__name__} does not say in which round a position goes.")

    def score(self, view: View) -> Array:
        """Return minus the round."""
        return -like(np.array(self.rounds(view.masked.shape[1])), view.masked)[None, :]

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return one; all positions of the same round tie with it."""
        xp = view.numbers.xp
        return xp.where(view.left < 1, view.left, xp.ones_like(view.left))


@register("dus")
@dataclass(frozen=True, kw_only=True)
class Dilated(_ByRound):
    """Dilated unmasking: in round t of a block of B the positions ``k`` with ``k mod floor(B / a^t) = 0``.

    Source: DUS, arXiv 2506.19037, Section 3. Positions count from 0 in each block; the whole answer is one block
    unless ``block`` is given. Usual value: a = 2. With ``order=binary`` the middle of every gap goes, all gaps at
    once: the rounds of ``bisection:order=1``.

    The released code (``generate_scheduled`` in ``generate.py`` of omerlux/DUS, abd7723f) is ``floor=0.3,merge=true``,
    with ``order=binary`` by default (``scheduler="binary"``), and without for ``scheduler="dilated"``, which
    ParallelBench has too. A position whose confidence in its round is below ``floor`` stays masked, except in the last
    round of its block. No later round returns to it, so an outcome may end with masks; it then counts as wrong, and
    there is no divergence along the path. At tau > 0 the code compares noisy values with the floor; here the ``max``
    probability counts, which is the same at its default tau = 0.

    Memory with a floor: the round of the last call.

    Attributes:
        base: a, at least 2.
        floor: Confidence below which a position stays masked; 0 for the rule of the paper.
        merge: Whether a last round with fewer positions than the one before is merged into it.
        order: ``dilated`` or ``binary``, which has no base.

    Example:
        >>> Dilated(order="binary").rounds(7)  # {3}, {1,5}, {0,2,4,6}
        (2, 1, 2, 0, 2, 1, 2)
        >>> dilated_rounds(8, 2)  # {0,4}, {2,6}, {1,3,5,7}
        (0, 2, 1, 2, 0, 2, 1, 2)
        >>> dilated_rounds(5, 2), dilated_rounds(5, 2, merge=True)
        ((0, 1, 0, 1, 0), (0, 0, 0, 0, 0))
    """

    example: ClassVar[str] = "dus:base=2"
    source: ClassVar[str] = "DUS, arXiv 2506.19037"
    release: ClassVar[str] = (
        "`floor=0.3,merge=true`: omerlux/DUS abd7723f, ParallelBench 21e62223, `dilated`; "
        "`order=binary,floor=0.3,merge=true`: omerlux/DUS abd7723f, `binary`; default: the paper"
    )
    formula: ClassVar[str] = "round t: k mod floor(B / a^t) = 0 in blocks of B; or the middle of every gap"
    base: int = 2
    floor: Fraction = Fraction(0)
    merge: bool = False
    order: str = "dilated"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.order, "order", ("dilated", "binary"))
        object.__setattr__(self, "base", positive_int(self.base, "base"))
        if self.base < 2:
            raise InputError(f"base must be at least 2, got {self.base}.")
        if self.order == "binary" and self.base != 2:
            raise InputError(f"order=binary goes by halves; leave base out, got base={self.base}.")
        object.__setattr__(self, "floor", bounded(self.floor, "floor", 0, 1))
        choice(self.merge, "merge", (False, True))

    def rounds(self, n: int) -> tuple[int, ...]:
        """Return the rounds within the blocks."""
        size = n if self.block is None else min(self.block, n)
        return tuple(self._of_block(min(size, n - k // size * size))[k % size] for k in range(n))

    def _of_block(self, size: int) -> tuple[int, ...]:
        if self.order == "dilated":
            return dilated_rounds(size, self.base, self.merge)
        rounds = bisection_rounds(size, 1)
        return _merged(rounds) if self.merge else rounds


@dataclass(frozen=True)
class FlooredRounds(Wrapped):
    """Rounds that leave positions with a confidence below a floor masked for ever.

    Attributes:
        policy: The rule, with its rounds and floor.
    """

    policy: Dilated

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch before the first round."""
        return batch.remember(done=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Reveal the positions of the next round that reach the floor, or all of them in the last round of a block."""
        xp, view = batch.numbers.xp, batch.view()
        order, ends = (like(row, batch.tokens) for row in self._order(batch.tokens.shape[1]))
        index = xp.zeros_like(batch.tokens) + order[None, :]
        waiting = self._waiting(batch)
        now = xp.min(xp.where(waiting, index, xp.zeros_like(index) + _NEVER), axis=1)
        sure = SCORES["confidence"](view) >= view.numbers.const(self.policy.floor) - view.numbers.tolerance
        chosen = waiting & (index == now[:, None]) & (xp.astype(sure, xp.bool) | (ends[None, :] == 1))
        return chance.reveal(batch.remember(done=now), chosen)

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows with no round left."""
        return batch.numbers.xp.all(~self._waiting(batch), axis=1)

    def _waiting(self, batch: RunBatch) -> Array:
        order = like(self._order(batch.tokens.shape[1])[0], batch.tokens)
        return batch.masked & (order[None, :] > batch.memory["done"][:, None])

    def _order(self, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the number of the round of each position, counted over all blocks from 1, and whether it ends one."""
        rounds, size = np.array(self.policy.rounds(n)), self.policy.block or n
        last = np.array([max(rounds[k // size * size :][:size]) for k in range(n)])
        before = np.array(
            [sum(max(rounds[j : j + size]) + 1 for j in range(0, k // size * size, size)) for k in range(n)]
        )
        return 1 + before + rounds, (rounds == last).astype(np.int64)


@register("bisection")
@dataclass(frozen=True, kw_only=True)
class Bisection(_ByRound):
    """Bisection: reveal separators first, so that both halves become independent.

    ``order`` neighbouring positions form a cell; the middle cell of every gap is revealed one position per step, all
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
    release: ClassVar[str] = (
        "no code of the paper found; `binary` of omerlux/DUS abd7723f is `dus:order=binary,floor=0.3,merge=true`"
    )
    formula: ClassVar[str] = "the middle cell of every gap, position by position"
    order: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "order", positive_int(self.order, "order"))

    def rounds(self, n: int) -> tuple[int, ...]:
        """Return the rounds of the bisection tree, with ``block`` for each block separately."""
        size = n if self.block is None else min(self.block, n)
        return tuple(
            bisection_rounds(min(size, n - k // size * size), self.order)[k % size] for k in range(n)
        )


@cache
def dilated_rounds(size: int, base: int, merge: bool = False) -> tuple[int, ...]:
    """Return the round of each position of a block; ``merge`` joins a smaller last round with the one before."""
    rounds: list[int | None] = [None] * size
    t = 0
    while None in rounds:
        t += 1
        stride = max(1, size // base**t)
        rounds = [t - 1 if r is None and k % stride == 0 else r for k, r in enumerate(rounds)]
    found = tuple(r for r in rounds if r is not None)
    return _merged(found) if merge else found


def _merged(rounds: tuple[int, ...]) -> tuple[int, ...]:
    """Return the rounds with the last one joined with the one before where that has more positions."""
    last = max(rounds)
    return tuple(min(r, last - 1) for r in rounds) if rounds.count(last) < rounds.count(last - 1) else rounds


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

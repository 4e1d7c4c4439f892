"""Lumped chains of the list tasks whose masked positions are exchangeable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, cast

from synthetic import structures
from synthetic.distributions import Arrangements
from theory.distributions.closed.codes import ParityDistribution, RepeatedDistribution, SureDistribution
from theory.distributions.closed.one_hot_blocks import BlocksDistribution
from theory.distributions.lumped_chain import Move
from theory.information.curves.structures import Exchangeable

__all__ = ["CodeChain", "ReplaceRandomChain", "ShuffleChain", "SureChain"]


@dataclass(frozen=True)
class _CountChain:
    """A lumped chain whose state is the number m of masked positions."""

    n: int

    @property
    def start(self) -> int:
        """All n masked."""
        return self.n

    def left(self, state: Hashable) -> int:
        """Return the state itself."""
        return cast(int, state)


@dataclass(frozen=True)
class SureChain(_CountChain):
    """A distribution with a single outcome."""

    token_symmetric: bool = True
    ties_free: bool = True

    def marginal(self, state: Hashable) -> Sequence[Fraction]:  # noqa: ARG002
        """Return the sure token."""
        return (Fraction(1),)

    def moves(self, state: Hashable, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the only move."""
        return (Move(state=self.left(state) - size, data=Fraction(1), decoder=q[0], draws=((size, q[0]),)),)

    def structure(self) -> Exchangeable:
        """Return the subset entropies, all zero."""
        return structures.sure(self.n)

    def closed_distribution(self) -> SureDistribution:
        """Return the distribution with tokens named by position, which is the same in every context."""
        return SureDistribution(self.n)

    def fallback(self) -> Sequence[Fraction]:
        """Return the sure token."""
        return (Fraction(1),)


@dataclass(frozen=True)
class ShuffleChain(_CountChain):
    """Shuffle; the state is the number m of masked positions, each uniform over the m unused items."""

    token_symmetric: bool = True
    ties_free: bool = True

    def marginal(self, state: Hashable) -> Sequence[Fraction]:
        """Return 1/m for each unused item."""
        m = self.left(state)
        return (Fraction(1, m),) * m

    def moves(self, state: Hashable, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the move in which all drawn items differ."""
        m = self.left(state)
        if q.count(q[0]) == m:  # uniform, at every temperature but for ties to the lowest token
            distinct = prod((m - j for j in range(size)), start=q[0] ** size)
            draws: tuple[tuple[Any, Any], ...] = ((size, q[0]),)
        else:  # one sure token; every true token is each of the m unused items equally often
            distinct = q[0] if size == 1 else 0 * q[0]
            draws = _equally_often(size, q)
        return (Move(state=m - size, data=Fraction(1), decoder=distinct, draws=draws),)

    def structure(self) -> Exchangeable:
        """Return the subset entropies."""
        return structures.shuffle(self.n)

    def closed_distribution(self) -> Arrangements:
        """Return the distribution of orders."""
        return Arrangements(self.n)

    def fallback(self) -> Sequence[Fraction]:
        """Return 1/n for each item."""
        return self.marginal(self.n)


@dataclass(frozen=True)
class ReplaceRandomChain:
    """Replace Random; the state is (masked positions m, whether the new item has been drawn).

    Before it is drawn a masked position holds its own item with probability (m-1)/m and the new one with 1/m.
    """

    n: int
    token_symmetric: bool = False
    ties_free: bool = True  # ties between several positions occur only at m = 2, where both are drawn at once

    @property
    def start(self) -> tuple[int, bool]:
        """All n masked, the new item not drawn."""
        return (self.n, False)

    def left(self, state: Hashable) -> int:
        """Return m."""
        return cast("tuple[int, bool]", state)[0]

    def marginal(self, state: Hashable) -> Sequence[Fraction]:
        """Return the probabilities of (own item, new item)."""
        m, seen = cast("tuple[int, bool]", state)
        return (Fraction(1), Fraction(0)) if seen else (Fraction(m - 1, m), Fraction(1, m))

    def moves(self, state: Hashable, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the moves that draw no new item, and exactly one."""
        m, seen = cast("tuple[int, bool]", state)
        own, new = q
        none = Move(
            state=(m - size, seen), data=Fraction(m - size, m), decoder=own**size, draws=((size, own),)
        )
        if seen:
            return (Move(state=none.state, data=Fraction(1), decoder=none.decoder, draws=none.draws),)
        others = ((size - 1, own),) if size > 1 else ()
        once = Move(
            state=(m - size, True),
            data=Fraction(size, m),
            decoder=size * new * own ** (size - 1),
            draws=((1, new), *others),
        )
        return (
            (none, once) if size < m else (once,)
        )  # the last positions include the new item if it was not drawn before

    def structure(self) -> Exchangeable:
        """Return the subset entropies."""
        return structures.replace_random(self.n)

    def closed_distribution(self) -> BlocksDistribution:
        """Return the distribution as a one-hot block, with the one at the new item."""
        return BlocksDistribution(block=self.n, copies=1, items=True)

    def fallback(self) -> Sequence[Fraction]:
        """Return the marginal of the fully masked state."""
        return self.marginal(self.start)


@dataclass(frozen=True)
class CodeChain(_CountChain):
    """A maximum-distance-separable code: any ``dimension`` symbols are independent, uniform, and determine the rest.

    The state is the number m of masked positions. Parity is the code of dimension n - 1 over F_2, the repeated bit
    that of dimension 1. Translation by a code word is transitive on the support and acts on each position alone.
    """

    dimension: int
    order: int
    token_symmetric: bool = True
    ties_free: bool = False

    def _free(self, m: int) -> int:
        return max(0, self.dimension - (self.n - m))

    def marginal(self, state: Hashable) -> Sequence[Fraction]:
        """Return the uniform marginal, or a sure token once the code word is known."""
        if self._free(self.left(state)):
            return (Fraction(1, self.order),) * self.order
        return (Fraction(1), *(Fraction(0),) * (self.order - 1))

    def moves(self, state: Hashable, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the move inside the code; free symbols are arbitrary, the others are determined."""
        m = self.left(state)
        free = self._free(m)
        if free == 0:
            return (Move(state=m - size, data=Fraction(1), decoder=q[0] ** size, draws=((size, q[0]),)),)
        # by symmetry the determined symbols are uniform too, at every tempering that keeps the symmetry
        draws = _equally_often(size, q)
        bound = max(0, size - free)
        # all zeros (greedy, lowest token) is a code word
        own = 1 if q[0] == 1 else Fraction(1, self.order) ** bound
        return (Move(state=m - size, data=Fraction(1), decoder=own, draws=draws),)

    def structure(self) -> Exchangeable:
        """Return the subset entropies."""
        return structures.code(self.n, self.dimension, self.order)

    def closed_distribution(self) -> ParityDistribution | RepeatedDistribution | None:
        """Return the distribution of parity or of the repeated bit, the only codes of their dimension over F_2."""
        if self.order != 2:
            return None
        return ParityDistribution(self.n) if self.dimension == self.n - 1 else RepeatedDistribution(self.n)

    def fallback(self) -> Sequence[Fraction]:
        """Return the uniform marginal."""
        return (Fraction(1, self.order),) * self.order


def _equally_often(size: int, q: Sequence[Any]) -> tuple[tuple[Any, Any], ...]:
    """Return the draws of ``size`` positions whose true token is uniform, equal probabilities together."""
    counts, values = Counter(map(id, q)), {id(p): p for p in q}
    return tuple((Fraction(size * counts[key], len(q)), p) for key, p in values.items())

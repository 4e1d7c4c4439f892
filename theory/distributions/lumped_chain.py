"""Lumped chains, distributions whose masked positions are interchangeable.

Where the masked positions of a state have the same multiset of probabilities, every policy takes a *number* of them,
and which ones does not matter. The 2^n revealed sets collapse into a few states, for example "m positions left".
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

__all__ = ["LumpedChain", "Move", "State"]

State = Hashable


@dataclass(frozen=True, kw_only=True)
class Move:
    """One result of drawing s positions that stays inside the support.

    Attributes:
        state: The next state.
        data: Its probability when the tokens follow P.
        decoder: Its probability when the tokens are drawn from the tempered marginals.
        draws: (count, q) pairs: how many of the true tokens are drawn with probability q, on average.
    """

    state: State
    data: Fraction
    decoder: Any
    draws: tuple[tuple[Any, Any], ...]


class LumpedChain(Protocol):
    """A lumped chain: states in which all masked positions are interchangeable."""

    @property
    def n(self) -> int:
        """The number of positions."""
        ...

    @property
    def start(self) -> State:
        """The fully masked state."""
        ...

    @property
    def token_symmetric(self) -> bool:
        """Whether relabelling tokens alone is transitive on the support."""
        ...

    @property
    def ties_free(self) -> bool:
        """Whether in every tied state one tie-break keeps all sets of a size in the support and another none.

        Then the extremes over tie-breaks follow state by state.
        """
        ...

    def left(self, state: State) -> int:
        """Return the number of masked positions."""
        ...

    def marginal(self, state: State) -> Sequence[Fraction]:
        """Return the probabilities of the tokens at a masked position, in the order of the alphabet."""
        ...

    def moves(self, state: State, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the moves inside the support when ``size`` positions are drawn from ``q``."""
        ...

    def fallback(self) -> Sequence[Fraction]:
        """Return the one-position marginal off the support (the ``marginal`` convention)."""
        ...

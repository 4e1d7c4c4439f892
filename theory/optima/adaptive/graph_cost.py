"""Time of building the state graph, estimated before and counted while it runs.

The nanoseconds were measured once, so that refusals do not depend on a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.distributions.pmf import JointPMF
from theory.limits import affordable, require_operations

__all__ = ["GraphCost", "require_work", "varying"]

_LIMIT = 6 * 10**10  # about a minute
# fitted to the graphs of eleven distributions, of 6 to 55,447 different distributions of states: all within a factor
# of two
_SET, _LAYER = 1000, 600_000  # a revealed set, and one whose outcomes are read
_CELL, _LOOSE = 20, 10_000  # an outcome at a position, and an undecided state
_NEW, _NEW_TOKEN = 500_000, 10  # a new distribution of a state; a token of it, for each of its positions
_TOKEN = 1200  # a token read to bring a distribution into canonical form
_BLOCK = 130_000  # a block of positions taken by the classes of one revealed set
_PART = 20  # a forecast takes at most this part of the limit


def varying(pmf: JointPMF) -> int:
    """Return the bit mask of the positions with several tokens."""
    return sum(1 << i for i, alphabet in enumerate(pmf.alphabets) if len(alphabet) > 1)


@dataclass(kw_only=True)
class GraphCost:
    """The work on one distribution so far, and its limit.

    Attributes:
        pmf: The distribution.
        spent: Nanoseconds so far.
        distributions: The number of different distributions of states so far.
        on_distributions: The nanoseconds for them.

    Example:
        >>> cost = GraphCost(pmf=JointPMF.uniform(["ab", "ba"]))
        >>> cost.add_layer(2)
        >>> cost.spent, cost.of_reading
        (620080, 2404320)
    """

    pmf: JointPMF
    spent: int = 0
    distributions: int = 0
    on_distributions: int = 0

    @property
    def of_layer(self) -> int:
        """Nanoseconds to read the outcomes of one revealed set."""
        return _LAYER + len(self.pmf) * self.pmf.n * _CELL

    @property
    def of_reading(self) -> int:
        """Nanoseconds to read those of every set; positions with one token do not matter."""
        return (_SET << self.pmf.n) + (self.of_layer << varying(self.pmf).bit_count())

    def of_loose(self, states: float) -> int:
        """Return the nanoseconds of undecided states."""
        return int(states * _LOOSE)

    def of_blocks(self, blocks: int) -> int:
        """Return the nanoseconds of the blocks that classes take."""
        return blocks * _BLOCK

    def add_layer(self, loose: int) -> None:
        """Count a revealed set with ``loose`` undecided states."""
        self.spent += self.of_layer + self.of_loose(loose)

    def add_distribution(self, outcomes: int, positions: int) -> None:
        """Count a new distribution."""
        self.distributions += 1
        self._add(_NEW + outcomes * positions**2 * _NEW_TOKEN)

    def add_tokens(self, tokens: int) -> None:
        """Count tokens read for a canonical form; raise if the limit is exceeded."""
        self._add(tokens * _TOKEN)
        self.require()

    def _add(self, nanoseconds: int) -> None:
        self.on_distributions += nanoseconds
        self.spent += nanoseconds

    @property
    def limit(self) -> int:
        """The limit in nanoseconds."""
        return affordable(_LIMIT)

    @property
    def affords_a_look(self) -> bool:
        """Whether the work so far is a small part of the limit."""
        return self.spent * _PART <= self.limit

    def require(self, ahead: int = 0) -> None:
        """Raise if the work so far and ``ahead`` more nanoseconds exceed the limit."""
        require_work(self.spent + ahead, f"{self.pmf.n} positions and {len(self.pmf)} outcomes")


def require_work(nanoseconds: int, of: str) -> None:
    """Raise if ``nanoseconds`` for an adaptive optimum exceed the limit."""
    what, remedy = f"the adaptive optimum of {of}", "use fewer positions or outcomes"
    require_operations(nanoseconds, what, limit=_LIMIT, remedy=remedy)

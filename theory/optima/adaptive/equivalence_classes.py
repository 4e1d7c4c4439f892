"""Equivalence classes of conditional distributions under renaming.

Two states are equivalent if their conditional distributions agree up to names and up to positions that cost nothing. A
position with a single possible token, or independent of all other masked positions, is *free*: it joins the next block
at no cost. The *core* of a state is the distribution of its other positions; a state without a core ends in one step at
no cost (:data:`FREE`).

Proof that this loses nothing. Let F be the free positions of a state and p any policy from there on. Given ``x_F = f``,
the choices of p on the core are a policy p_f of the core alone (without the steps that reveal only free positions): its
costs are those of p, since F adds no correlation, and on each trajectory it takes at most as many steps. The core is
independent of ``x_F``, so KL and steps of p are at least averages over f of those of p_f, and some p_f is at least as
good for any weight of the steps and any cap. Reveal F with the first block and continue with that p_f.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from theory.limits import Budget
from theory.optima.adaptive.canonical_distributions import (
    SmallDistribution,
    canonical_form,
    free_positions,
    invariant,
    restricted,
)

__all__ = ["CANONICAL_CELLS", "DONE", "FREE", "Entry", "EquivalenceClasses"]

DONE = 0  # the class without masks: no step is left
FREE = 1  # the class with independent masked positions: one step, no cost
_NEW, _CELL = 5e-4, 1e-8  # seconds of a new distribution; of a token of it, for each of its positions
_TOKEN = 1.2e-6  # seconds of a token read to bring a distribution into canonical form
CANONICAL_CELLS = (
    40_000  # larger distributions are compared by their listing alone, since merging them takes seconds
)


@dataclass(frozen=True)
class Entry:
    """The distribution of a state.

    Attributes:
        state_class: Its class.
        order: The column of the distribution for each core position of the class.
    """

    state_class: int
    order: tuple[int, ...]


@dataclass(eq=False)
class _Candidate:
    """A known class, with its canonical form once computed."""

    state_class: int
    distribution: SmallDistribution
    form: tuple[Hashable, tuple[int, ...], int] | None = None


@dataclass(eq=False)
class EquivalenceClasses:
    """All distributions seen so far and their equivalence classes.

    A distribution is first looked up by its listing, then by a cheap invariant; canonical forms are computed only for
    distributions that share one.

    Attributes:
        budget: That of the graph.
        entries: Distributions by number; the first two are those of states that are done and free.
        cores: Number of core positions of each class.
        seconds: The time of comparing them so far.
    """

    budget: Budget
    entries: list[Entry] = field(default_factory=lambda: [Entry(DONE, ()), Entry(FREE, ())])
    cores: list[int] = field(default_factory=lambda: [0, 0])
    seconds: float = 0.0
    _listed: dict[Hashable, int] = field(default_factory=dict)
    _candidates: dict[Hashable, list[_Candidate]] = field(default_factory=dict)

    def entry(self, listing: Hashable, distribution: Callable[[], SmallDistribution]) -> int:
        """Return the number of the distribution with this listing; ``distribution`` is called if it is new."""
        known = self._listed.get(listing)
        if known is None:
            known = self._listed[listing] = len(self.entries)
            self.entries.append(self._classify(distribution()))
        return known

    def _classify(self, distribution: SmallDistribution) -> Entry:
        outcomes, positions = distribution.codes.shape
        self._spend(_NEW + outcomes * positions**2 * _CELL)
        free = set(free_positions(distribution))
        core = [j for j in range(distribution.codes.shape[1]) if j not in free]
        if not core:
            return Entry(FREE, ())
        if free:
            distribution = restricted(distribution, core)
        state_class, order = self._class_of(distribution)
        return Entry(state_class, tuple(core[j] for j in order))

    def _spend(self, seconds: float) -> None:
        self.seconds += seconds
        self.budget.spend(seconds)

    def _canonical(self, candidate: _Candidate) -> tuple[Hashable, tuple[int, ...]]:
        if candidate.form is None:
            candidate.form = canonical_form(candidate.distribution)
            self._spend(candidate.form[2] * _TOKEN)
        return candidate.form[:2]

    def _class_of(self, distribution: SmallDistribution) -> tuple[int, tuple[int, ...]]:
        """Return the class of a core, and the column for each position of the class."""
        bucket = self._candidates.setdefault(invariant(distribution), [])
        new = _Candidate(len(self.cores), distribution)
        if bucket and distribution.codes.size <= CANONICAL_CELLS:
            form, order = self._canonical(new)
            for candidate in bucket:
                known_form, known_order = self._canonical(candidate)
                if known_form == form:
                    place = dict(zip(known_order, order, strict=True))
                    return candidate.state_class, tuple(place[j] for j in range(len(order)))
        bucket.append(new)
        self.cores.append(distribution.codes.shape[1])
        return new.state_class, tuple(range(distribution.codes.shape[1]))

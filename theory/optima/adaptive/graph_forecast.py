"""Forecast of the size of the state graph from a few of its states.

Some revealed sets of each size are read, and the distributions of a few of their states compared. A lower bound on the
number of distributions and classes is estimated from how often each was found
(:func:`theory.numbers.unseen.least_number`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import comb

import numpy as np

from theory.distributions.pmf import JointPMF
from theory.numbers.unseen import least_number
from theory.optima.adaptive.equivalence_classes import EquivalenceClasses
from theory.optima.adaptive.graph_cost import GraphCost, varying
from theory.optima.adaptive.states import Reader, in_order, members

__all__ = ["Forecast", "forecast"]

_BRIEF = 10**9  # nanoseconds: below this no forecast is made
_ROUNDS, _MORE_ROUNDS = 24, 96  # revealed sets of each size
_STATES = 2  # states read per set, whose distributions are often similar
_NEAR = 4  # estimates within this factor of the limit are refined
_NEW = 0.8  # share of states with a distribution of their own above which the estimate says little


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Estimated lower bounds on the work for a graph.

    Attributes:
        work: Nanoseconds.
        moves: Bound on the moves of these classes, as in :func:`theory.optima.adaptive.states.most_moves`.
    """

    work: int
    moves: int


@dataclass
class _Sample:
    """States read, and sums over the revealed sets of one size."""

    distributions: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    classes: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    sets: Counter[int] = field(default_factory=Counter[int])
    loose: Counter[int] = field(default_factory=Counter[int])

    @property
    def is_saturated(self) -> bool:
        """Whether nearly all states read have distributions of their own."""
        met = Counter(
            distribution for distributions in self.distributions.values() for distribution in distributions
        )
        return sum(times == 1 for times in met.values()) > _NEW * met.total()


def forecast(pmf: JointPMF) -> Forecast:
    """Return the forecast for the state graph of a pmf.

    Example:
        >>> from itertools import permutations
        >>> forecast(JointPMF.uniform(permutations(range(3)))).work < 10**9
        True
    """
    cost = GraphCost(pmf=pmf)
    if cost.of_reading + cost.of_loose(len(pmf) << pmf.n) < _BRIEF:
        return Forecast(work=cost.of_reading, moves=0)
    return _Look(pmf, cost).forecast()


class _Look:
    """The states found by reading some revealed sets of each size."""

    def __init__(self, pmf: JointPMF, cost: GraphCost) -> None:
        self.pmf, self.cost = in_order(pmf), cost
        self.places = members(varying(pmf))
        self.classes, self.rng = EquivalenceClasses(cost), np.random.default_rng(0)
        self.where: list[tuple[int, int]] = []
        self.moves: dict[int, int] = {}  # bound on the moves of each class
        self.first: dict[int, int] = {}  # the lowest set at which each class was found
        self.sample = _Sample()

    def forecast(self) -> Forecast:
        for number in range(_MORE_ROUNDS):
            if number >= _ROUNDS and not self._undecided:
                break
            for size in range(len(self.places)):
                if not self.cost.affords_a_look:
                    return self._estimate()
                if self.sample.sets[size] < comb(len(self.places), size):
                    self._read(size)
        return self._estimate()

    @property
    def _undecided(self) -> bool:
        """Whether reading more states could raise the estimate above the limit."""
        work = self._estimate().work
        return work < self.cost.limit and (work * _NEAR > self.cost.limit or self.sample.is_saturated)

    def _read(self, size: int) -> None:
        chosen = self.rng.choice(self.places, size=size, replace=False).tolist()
        mask = sum(1 << i for i in chosen)
        reader = Reader(self.pmf, mask, self.classes, self.where)
        loose = np.flatnonzero(reader.loose)
        self.cost.add_layer(len(loose))
        self.sample.sets[size] += 1
        self.sample.loose[size] += len(loose)
        for state in self.rng.permutation(loose)[:_STATES].tolist():
            number = reader.entry(state)
            self.sample.distributions[int(reader.loose[state]).bit_count()].append(number)
            state_class = self.classes.entries[number].state_class
            self.sample.classes[self.classes.cores[state_class]].append(state_class)
            self.first[state_class] = min(mask, self.first.get(state_class, mask))
            self.moves.setdefault(state_class, reader.most_moves(state))

    def _estimate(self) -> Forecast:
        cost, sample, n = self.cost, self.sample, len(self.places)
        loose = sum(comb(n, k) * sample.loose[k] / max(sample.sets[k], 1) for k in range(n))
        distributions = sum(min(least_number(met), loose) for met in sample.distributions.values())
        classes = {core: least_number(met) for core, met in sample.classes.items() if core}
        work = (
            cost.of_reading
            + cost.of_loose(loose)
            + int(distributions * cost.on_distributions / max(cost.distributions, 1))
        )
        work += cost.of_blocks(self._blocks(classes))
        moves = sum(
            number * float(np.mean([self.moves[state_class] for state_class in set(sample.classes[core])]))
            for core, number in classes.items()
        )
        return Forecast(work=work, moves=int(moves))

    def _blocks(self, classes: dict[int, float]) -> int:
        """Return the number of blocks: every subset of the masked positions at a set where classes were first found."""
        n, at = self.pmf.n, defaultdict[int, float](float)  # classes by the size of that set
        for core, number in classes.items():
            met = set(self.sample.classes[core])
            for state_class in met:
                at[self.first[state_class].bit_count()] += number / len(met)
        return int(sum(min(number, comb(n, size)) * 2 ** (n - size) for size, number in at.items()))

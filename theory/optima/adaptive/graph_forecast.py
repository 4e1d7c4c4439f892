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
from theory.limits import Budget
from theory.numbers.unseen import Foreseen, is_saturated, least_number, look_ahead
from theory.optima.adaptive.actions import BLOCK_SECONDS, MOVE_BYTES
from theory.optima.adaptive.equivalence_classes import EquivalenceClasses
from theory.optima.adaptive.states import (
    Reader,
    graph_budget,
    in_order,
    layer_seconds,
    members,
    reading_seconds,
    varying,
)

__all__ = ["forecast"]

_ROUNDS, _MORE_ROUNDS = 24, 96  # revealed sets of each size
_STATES = 2  # states read per set, whose distributions are often similar
_BRIEF = 60  # below one part in so many of the limit no forecast is made


@dataclass
class _Sample:
    """States read, and sums over the revealed sets of one size."""

    distributions: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    classes: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    sets: Counter[int] = field(default_factory=Counter[int])
    loose: Counter[int] = field(default_factory=Counter[int])


def forecast(pmf: JointPMF, budget: Budget) -> Foreseen:
    """Return estimated lower bounds on the seconds of the state graph of a pmf, and on the memory of its moves.

    Example:
        >>> from itertools import permutations
        >>> pmf = JointPMF.uniform(permutations(range(3)))
        >>> forecast(pmf, graph_budget([pmf])).seconds < 1
        True
    """
    most = reading_seconds(pmf) + layer_seconds(pmf, len(pmf) << pmf.n)  # every state is open
    if budget.affords(most, _BRIEF):
        return Foreseen(seconds=reading_seconds(pmf))
    return look_ahead(
        lambda rounds: _Look(pmf, budget).forecast(rounds), budget, few=_ROUNDS, many=_MORE_ROUNDS
    )


class _Look:
    """The states found by reading some revealed sets of each size."""

    def __init__(self, pmf: JointPMF, budget: Budget) -> None:
        self.pmf, self.budget, self.seconds = in_order(pmf), budget, 0.0
        self.places = members(varying(pmf))
        self.classes, self.rng = EquivalenceClasses(graph_budget([pmf])), np.random.default_rng(0)
        self.where: list[tuple[int, int]] = []
        self.moves: dict[int, int] = {}  # bound on the moves of each class
        self.first: dict[int, int] = {}  # the lowest set at which each class was found
        self.sample = _Sample()

    def forecast(self, rounds: int) -> Foreseen:
        for _ in range(rounds):
            for size in range(len(self.places)):
                if not self.budget.affords_a_look(self.seconds + self.classes.seconds):
                    return self._estimate()
                if self.sample.sets[size] < comb(len(self.places), size):
                    self._read(size)
        return self._estimate()

    def _read(self, size: int) -> None:
        chosen = self.rng.choice(self.places, size=size, replace=False).tolist()
        mask = sum(1 << i for i in chosen)
        reader = Reader(self.pmf, mask, self.classes, self.where)
        loose = np.flatnonzero(reader.loose)
        self.seconds += layer_seconds(self.pmf, len(loose))
        self.sample.sets[size] += 1
        self.sample.loose[size] += len(loose)
        for state in self.rng.permutation(loose)[:_STATES].tolist():
            number = reader.entry(state)
            self.sample.distributions[int(reader.loose[state]).bit_count()].append(number)
            state_class = self.classes.entries[number].state_class
            self.sample.classes[self.classes.cores[state_class]].append(state_class)
            self.first[state_class] = min(mask, self.first.get(state_class, mask))
            self.moves.setdefault(state_class, reader.most_moves(state))

    def _estimate(self) -> Foreseen:
        sample, n = self.sample, len(self.places)
        loose = sum(comb(n, k) * sample.loose[k] / max(sample.sets[k], 1) for k in range(n))
        distributions = sum(min(least_number(met), loose) for met in sample.distributions.values())
        classes = {core: least_number(met) for core, met in sample.classes.items() if core}
        every = [number for met in sample.distributions.values() for number in met]
        # the first two entries are no distributions
        each = self.classes.seconds / max(len(self.classes.entries) - 2, 1)
        moves = sum(
            number * float(np.mean([self.moves[state_class] for state_class in set(sample.classes[core])]))
            for core, number in classes.items()
        )
        reading = reading_seconds(self.pmf) + layer_seconds(self.pmf, loose) - layer_seconds(self.pmf, 0)
        return Foreseen(
            seconds=reading + distributions * each + self._blocks(classes) * BLOCK_SECONDS,
            memory=int(moves) * MOVE_BYTES,
            saturated=is_saturated(every),
            each=(self.seconds + self.classes.seconds) / max(sample.sets.values(), default=1),
        )

    def _blocks(self, classes: dict[int, float]) -> int:
        """Return the number of blocks: every subset of the masked positions at a set where classes were first found."""
        n, at = self.pmf.n, defaultdict[int, float](float)  # classes by the size of that set
        for core, number in classes.items():
            met = set(self.sample.classes[core])
            for state_class in met:
                at[self.first[state_class].bit_count()] += number / len(met)
        return int(sum(min(number, comb(n, size)) * 2 ** (n - size) for size, number in at.items()))

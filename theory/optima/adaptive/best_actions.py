"""Best actions, priced in floats and decided in exact numbers where close.

Only actions that are worse by more than a proven rounding bound are dropped, so exact results are exact. The objective
is ``E[KL + weight * steps]``, ties broken in favour of fewer expected steps: the policy found is a vertex of the set of
attainable (steps, KL). A budget limits the steps on every trajectory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rounding import gamma
from theory.optima.adaptive.equivalence_classes import DONE, FREE
from theory.optima.adaptive.exact_values import StateValue, StateValues
from theory.optima.adaptive.state_graph import StateGraph

__all__ = [
    "FLOAT_TIE",
    "Search",
    "best_weighted",
    "best_within",
    "budget_values",
    "tie_error",
    "value_error",
    "weighted_values",
]

FLOAT_TIE = 1e-11  # bits; on float pmfs values closer than this count as equal


def budget_values(graph: StateGraph, budget: int) -> list[NDArray[np.float64]]:
    """Return the least expected KL of every class with at most R more steps, for R = 0..budget, in bits.

    Backward induction ``V(x, R) = min_S TC(S|x) + E V(x', R - 1)``; infinite where R steps do not suffice. The
    work is one addition per move and R.
    """
    values = np.full(graph.classes, np.inf)
    values[DONE] = 0.0
    tables = [values]
    for _ in range(budget):
        values = values.copy()
        values[FREE] = 0.0
        for level in graph.levels:
            prices = _prices(graph, level.actions, level.moves, level.move_starts, tables[-1])
            values[level.classes] = np.minimum.reduceat(prices, level.action_starts)
        tables.append(values)
    return tables


def weighted_values(graph: StateGraph, weight: float) -> NDArray[np.float64]:
    """Return the least expected ``KL + weight * steps`` of every class, level by level."""
    values = np.zeros(graph.classes)
    values[FREE] = weight
    for level in graph.levels:
        prices = _prices(graph, level.actions, level.moves, level.move_starts, values) + weight
        values[level.classes] = np.minimum.reduceat(prices, level.action_starts)
    return values


def _prices(
    graph: StateGraph, actions: slice, moves: slice, starts: NDArray[np.int64], after: NDArray[np.float64]
) -> NDArray[np.float64]:
    ahead = np.add.reduceat(graph.chance[moves] * after[graph.child[moves]], starts)
    return graph.cost[actions] + ahead


def best_within(state_values: StateValues, tables: Sequence[NDArray[np.float64]], budget: int) -> Search:
    """Return the search for the least KL with at most ``budget`` steps; see :func:`budget_values`."""
    return Search(state_values, tables, state_values.nothing, budget)


def best_weighted(state_values: StateValues, weight: Bits) -> Search:
    """Return the search for the least ``KL + weight * steps``, the weight in bits."""
    return Search(state_values, [weighted_values(state_values.graph, float(weight))], weight)


@dataclass(eq=False)
class Search:
    """The best policy for one objective, computed for the classes that it reaches.

    Attributes:
        state_values: Values of the graph.
        tables: Float values of all classes: one array without a budget, else one per number of steps left.
        weight: Bits that a step costs.
        budget: Largest number of steps, or ``None``.
    """

    state_values: StateValues
    tables: Sequence[NDArray[np.float64]]
    weight: Bits
    budget: int | None = None
    _best: dict[tuple[int, int | None], StateValue] = field(default_factory=dict)

    @property
    def root(self) -> StateValue:
        """The value of the fully masked state."""
        return self.choose(self.state_values.graph.root, self.budget)

    def choose(self, state_class: int, left: int | None) -> StateValue:
        """Return the value of a state of this class with ``left`` steps left."""
        if state_class in (DONE, FREE):
            return self.state_values.finish(state_class)
        key = state_class, left
        if key not in self._best:
            candidates = [self._action_value(action, left) for action in self._close(state_class, left)]
            best = candidates[0]
            for candidate in candidates[1:]:
                if self._better(candidate, best):
                    best = candidate
            self._best[key] = best
        return self._best[key]

    def _close(self, state_class: int, left: int | None) -> list[int]:
        """Return the actions whose float price is within rounding of the least."""
        graph = self.state_values.graph
        start, stop = graph.spans[state_class].tolist()
        moves = slice(int(graph.starts[start]), int(graph.starts[stop]))
        relative = graph.starts[start:stop] - moves.start
        after = self.tables[0 if left is None else left - 1]
        prices = _prices(graph, slice(start, stop), moves, relative, after)
        # the float price of the best action is at most the least one plus twice the rounding
        near = 2 * graph.rounding(float(self.weight)) if self.state_values.exact else FLOAT_TIE
        return (np.flatnonzero(prices <= prices.min() + near) + start).tolist()

    def _action_value(self, action: int, left: int | None) -> StateValue:
        graph = self.state_values.graph
        children = graph.child[graph.starts[action] : graph.starts[action + 1]].tolist()
        after = None if left is None else left - 1
        return self.state_values.action_value(action, [self.choose(child, after) for child in children])

    def _better(self, one: StateValue, two: StateValue) -> bool:
        difference: Any = one.kl - two.kl
        if one.steps != two.steps:
            difference = difference + self.weight * (one.steps - two.steps)
        sign = difference.sign() if isinstance(difference, LogNumber) else 0  # close floats count as equal
        return sign < 0 or (
            sign == 0 and one.steps < two.steps - (0 if self.state_values.exact else FLOAT_TIE)
        )


def value_error(pmf: JointPMF, weight: float = 0.0) -> float:
    """Return E of :func:`theory.optima.adaptive.step_cap.adaptive_error` for values ``KL + weight * steps``.

    The values are below ``n (log2 N + weight)``.
    """
    n, size = pmf.n, len(pmf)
    return 3 * n * (n + 1) * gamma(4 * size + n + 18) * (log2(size) + 2 + weight)


def tie_error(pmf: JointPMF) -> float:
    """Return a bound on the cost of the ties of :func:`theory.optima.adaptive.step_cap.adaptive_error`, in bits."""
    return pmf.n * (FLOAT_TIE + 2e-12)

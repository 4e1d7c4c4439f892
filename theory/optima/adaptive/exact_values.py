"""Cost and steps of a policy from a state on.

Values are exact or floats, and built once for all searches: an action with given continuations has one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rationals import to_fraction
from theory.optima.adaptive.equivalence_classes import DONE
from theory.optima.adaptive.state_graph import StateGraph
from theory.optima.adaptive.states import members

__all__ = ["CLOSE", "FINISH", "StateValue", "StateValues"]

CLOSE = 1e-9  # bits; divergences of a float pmf below this count as zero

FINISH = -1  # the action of a state without a core: reveal all masked positions, if any


@dataclass(frozen=True, eq=False)
class StateValue:
    """The expected cost and steps of a policy from a state on, along trajectories of the data.

    Attributes:
        number: Equal for equal actions from here on.
        action: Index of the next action in the graph, or :data:`FINISH`.
        kl: Expected sum of the remaining costs, bits.
        steps: Expected number of remaining steps.
    """

    number: int
    action: int
    kl: Any
    steps: Any


class StateValues:
    """All values of a graph; exact for an exact pmf, floats otherwise."""

    def __init__(self, graph: StateGraph) -> None:
        self.graph, self.exact = graph, graph.pmf.is_exact
        zero, one = (fmpq(0), fmpq(1)) if self.exact else (0.0, 1.0)
        self.nothing: Bits = LogNumber() if self.exact else 0.0  # no bits
        self._last = StateValue(0, FINISH, self.nothing, zero), StateValue(1, FINISH, self.nothing, one)
        self._values: dict[tuple[int, ...], StateValue] = {}
        self._costs: dict[int, Bits] = {}
        self._entropies: dict[tuple[int, int], LogNumber] = {}
        self._rows: dict[int, NDArray[np.int64]] = {}

    def finish(self, state_class: int) -> StateValue:
        """Return the value of a state that is done or free."""
        return self._last[0] if state_class == DONE else self._last[1]

    def action_value(self, action: int, ahead: Sequence[StateValue]) -> StateValue:
        """Return the value of an action that is followed by ``ahead``, one value per move."""
        key = (action, *(o.number for o in ahead))
        if key not in self._values:
            shares = self._shares(action)
            kl: Any = self.cost(action)
            for share, o in zip(shares, ahead, strict=True):
                if o.kl:
                    kl = kl + o.kl * share
            steps = 1 + sum(
                (o.steps * share for share, o in zip(shares, ahead, strict=True)), self._last[0].steps
            )
            self._values[key] = StateValue(len(self._values) + 2, action, kl, steps)
        return self._values[key]

    def cost(self, action: int) -> Bits:
        """Return the total correlation of the block of an action at its state."""
        if not self.exact:
            return float(self.graph.cost[action])
        if action not in self._costs:
            state_class, block = int(self.graph.state_class[action]), int(self.graph.block[action])
            loose = block & int(self._state_of(state_class)[2])
            singles = [self._entropy(state_class, 1 << i) for i in members(loose)]
            self._costs[action] = sum(singles[1:], singles[0]) - self._entropy(state_class, loose)
        return self._costs[action]

    def is_zero(self, bits: Bits) -> bool:
        """Return whether a divergence is zero, decided exactly, or within 1e-9 bits for floats."""
        return bits == 0 if isinstance(bits, LogNumber) else bits <= CLOSE

    def steps(self, value: StateValue) -> Fraction | float:
        """Return the expected steps of a value as a Fraction or a float."""
        return to_fraction(value.steps) if self.exact else float(value.steps)

    def _shares(self, action: int) -> list[Any]:
        start, stop = self.graph.starts[action : action + 2].tolist()
        if not self.exact:
            return self.graph.chance[start:stop].tolist()
        mask, state, _ = self._state_of(int(self.graph.state_class[action]))
        total = int(self.graph.states.layers[mask].weights[state])
        return [fmpq(w, total) for w in self.graph.weight[start:stop].tolist()]

    def _state_of(self, state_class: int) -> tuple[int, int, int]:
        mask, state = self.graph.states.where[state_class - 2]
        return mask, state, int(self.graph.states.layers[mask].loose[state])

    def _entropy(self, state_class: int, positions: int) -> LogNumber:
        """Return ``H(y_S | x_C) = log2 W - sum_x (w_x / W) log2 w_x`` at the representative state of the class."""
        key = state_class, positions
        if key not in self._entropies:
            states = self.graph.states
            mask, state, _ = self._state_of(state_class)
            if state_class not in self._rows:
                self._rows[state_class] = np.flatnonzero(states.layers[mask].inverse == state)
            after = states.layers[mask | positions]
            weights = after.weights[np.unique(after.inverse[self._rows[state_class]])]
            values, counts = np.unique(weights, return_counts=True)
            pairs = zip(values.tolist(), counts.tolist(), strict=True)
            total = int(states.layers[mask].weights[state])
            self._entropies[key] = LogNumber.weighted_sum(
                [(1, total), *((Fraction(-w * count, total), w) for w, count in pairs)]
            )
        return self._entropies[key]

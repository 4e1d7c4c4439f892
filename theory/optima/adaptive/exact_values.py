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

from theory.information.measures import Bits
from theory.numbers.arithmetic import to_fraction
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.equivalence_classes import DONE
from theory.optima.adaptive.state_graph import StateGraph
from theory.optima.adaptive.states import members

__all__ = ["CLOSE", "FINISH", "Ledger", "Outlook"]

CLOSE = 1e-9  # bits; divergences of a float pmf below this count as zero

FINISH = -1  # the action of a state without a core: reveal all masked positions, if any


@dataclass(frozen=True, eq=False)
class Outlook:
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


class Ledger:
    """All values of a graph; exact for an exact pmf, floats otherwise."""

    def __init__(self, graph: StateGraph) -> None:
        self.graph, self.exact = graph, graph.pmf.is_exact
        zero, one = (fmpq(0), fmpq(1)) if self.exact else (0.0, 1.0)
        self.nothing: Bits = LogNumber() if self.exact else 0.0  # no bits
        self._last = Outlook(0, FINISH, self.nothing, zero), Outlook(1, FINISH, self.nothing, one)
        self._outlooks: dict[tuple[int, ...], Outlook] = {}
        self._costs: dict[int, Bits] = {}
        self._entropies: dict[tuple[int, int], LogNumber] = {}
        self._rows: dict[int, NDArray[np.int64]] = {}

    def finish(self, kind: int) -> Outlook:
        """Return the value of a state that is done or free."""
        return self._last[0] if kind == DONE else self._last[1]

    def outlook(self, action: int, ahead: Sequence[Outlook]) -> Outlook:
        """Return the value of an action that is followed by ``ahead``, one value per move."""
        key = (action, *(o.number for o in ahead))
        if key not in self._outlooks:
            shares = self._shares(action)
            kl: Any = self.cost(action)
            for share, o in zip(shares, ahead, strict=True):
                if o.kl:
                    kl = kl + o.kl * share
            steps = 1 + sum(
                (o.steps * share for share, o in zip(shares, ahead, strict=True)), self._last[0].steps
            )
            self._outlooks[key] = Outlook(len(self._outlooks) + 2, action, kl, steps)
        return self._outlooks[key]

    def cost(self, action: int) -> Bits:
        """Return the total correlation of the block of an action at its state."""
        if not self.exact:
            return float(self.graph.cost[action])
        if action not in self._costs:
            kind, block = int(self.graph.kind[action]), int(self.graph.block[action])
            loose = block & int(self._state_of(kind)[2])
            singles = [self._entropy(kind, 1 << i) for i in members(loose)]
            self._costs[action] = sum(singles[1:], singles[0]) - self._entropy(kind, loose)
        return self._costs[action]

    def is_zero(self, bits: Bits) -> bool:
        """Return whether a divergence is zero, decided exactly, or within 1e-9 bits for floats."""
        return bits == 0 if isinstance(bits, LogNumber) else bits <= CLOSE

    def steps(self, outlook: Outlook) -> Fraction | float:
        """Return the expected steps of a value as a Fraction or a float."""
        return to_fraction(outlook.steps) if self.exact else float(outlook.steps)

    def _shares(self, action: int) -> list[Any]:
        start, stop = self.graph.starts[action : action + 2].tolist()
        if not self.exact:
            return self.graph.chance[start:stop].tolist()
        mask, state, _ = self._state_of(int(self.graph.kind[action]))
        total = int(self.graph.states.layers[mask].weights[state])
        return [fmpq(w, total) for w in self.graph.weight[start:stop].tolist()]

    def _state_of(self, kind: int) -> tuple[int, int, int]:
        mask, state = self.graph.states.where[kind - 2]
        return mask, state, int(self.graph.states.layers[mask].loose[state])

    def _entropy(self, kind: int, positions: int) -> LogNumber:
        """Return ``H(y_S | x_C) = log2 W - sum_x (w_x / W) log2 w_x`` at the representative state of the class."""
        key = kind, positions
        if key not in self._entropies:
            states = self.graph.states
            mask, state, _ = self._state_of(kind)
            if kind not in self._rows:
                self._rows[kind] = np.flatnonzero(states.layers[mask].inverse == state)
            after = states.layers[mask | positions]
            weights = after.weights[np.unique(after.inverse[self._rows[kind]])]
            values, counts = np.unique(weights, return_counts=True)
            pairs = zip(values.tolist(), counts.tolist(), strict=True)
            total = int(states.layers[mask].weights[state])
            self._entropies[key] = LogNumber.weighted_sum(
                [(1, total), *((Fraction(-w * count, total), w) for w, count in pairs)]
            )
        return self._entropies[key]

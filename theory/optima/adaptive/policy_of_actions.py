"""Decisions at the actual states from the best actions of their classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from theory.information.measures import Bits
from theory.numbers.arithmetic import to_fraction
from theory.numbers.rounding import gamma
from theory.optima.adaptive.best_actions import Search
from theory.optima.adaptive.exact_values import FINISH
from theory.optima.adaptive.policy_table import AdaptivePolicy, Decision
from theory.optima.adaptive.state_graph import StateGraph
from theory.optima.adaptive.states import States, members

__all__ = ["policy_of"]


@dataclass(frozen=True)
class _Visit:
    """A reached state: its place in its layer, its probability under the decoder's own runs, and its predecessor."""

    state: int
    decoder: Any
    step: int
    before: int | None


def policy_of(search: Search) -> AdaptivePolicy:
    """Return the policy that a search found.

    The steps of the decoder's own runs are counted as well: a run that draws impossible tokens leaves the support and
    ends with one more step.
    """
    return _PolicyBuilder(search).policy()


class _PolicyBuilder:
    def __init__(self, search: Search) -> None:
        self.search, self.state_values = search, search.state_values
        self.graph: StateGraph = self.state_values.graph
        self.states: States = self.graph.states
        self.decisions: list[Decision] = []
        self.decoder_steps: Any = self._number(0)

    def _number(self, value: int) -> Any:
        return fmpq(value) if self.state_values.exact else float(value)

    def policy(self) -> AdaptivePolicy:
        pending = {0: [_Visit(0, self._number(1), 1, None)]}
        while pending:
            mask = min(pending)  # every step leads to a superset, a larger integer
            self._layer(mask, pending.pop(mask), pending)
        order = sorted(range(len(self.decisions)), key=lambda j: self.decisions[j].step)
        place = {j: k for k, j in enumerate(order)}
        decisions = [self.decisions[j] for j in order]
        renamed = [_moved(d, None if d.before is None else place[d.before]) for d in decisions]
        steps = to_fraction(self.decoder_steps) if self.state_values.exact else float(self.decoder_steps)
        return AdaptivePolicy(
            alphabets=self.graph.pmf.alphabets,
            decisions=tuple(renamed),
            steps=steps,
            steps_error=0.0 if self.state_values.exact else self._error(),
        )

    def _error(self) -> float:
        """Return a bound on the error of float steps.

        A token is drawn with a quotient of sums of at most N floats, at most n on the way to a state; the steps are
        three sums of such products, each at most n, with one term for each decision or state after one.
        """
        pmf = self.graph.pmf
        terms = 4 * (len(self.decisions) + pmf.n) + 8
        return 3 * pmf.n * gamma(pmf.n * (2 * len(pmf) + 4) + terms) * (1 + 2.0**-40)

    def _layer(self, mask: int, visits: list[_Visit], pending: dict[int, list[_Visit]]) -> None:
        by_block: dict[int, dict[int, tuple[_Visit, int]]] = {}
        for visit in visits:
            block, cost = self._choice(mask, visit)
            by_block.setdefault(block, {})[visit.state] = visit, len(self.decisions)
            self._decide(mask, visit, block, cost)
            self.decoder_steps += visit.decoder
        for block, chosen in by_block.items():
            self._reveal(mask, block, chosen, pending)

    def _choice(self, mask: int, visit: _Visit) -> tuple[int, Bits]:
        """Return the block in the names of this state, free positions included, and its cost."""
        states, rest = self.states, self.states.full & ~mask
        left = None if self.search.budget is None else self.search.budget - visit.step + 1
        state_class = states.state_class(mask, visit.state)
        action = self.search.choose(state_class, left).action
        if action == FINISH:
            return rest, self.state_values.nothing
        core = states.core(mask, visit.state)
        twin = states.core(*states.where[state_class - 2])  # the core positions of the representative state
        taken = int(self.graph.block[action])
        kept = sum(1 << i for i, j in zip(core, twin, strict=True) if not taken >> j & 1)
        return rest & ~kept, self.state_values.cost(action)

    def _decide(self, mask: int, visit: _Visit, block: int, cost: Bits) -> None:
        layer, pmf = self.states.layers[mask], self.graph.pmf
        codes = pmf.codes[layer.first[visit.state]].tolist()
        weight = layer.weights[visit.state]
        decision = Decision(
            revealed=tuple(code if mask >> i & 1 else -1 for i, code in enumerate(codes)),
            block=members(block),
            step=visit.step,
            probability=float(weight) if pmf.total is None else Fraction(int(weight), pmf.total),
            cost=cost,
            before=visit.before,
        )
        self.decisions.append(decision)

    def _reveal(
        self, mask: int, block: int, chosen: dict[int, tuple[_Visit, int]], pending: dict[int, list[_Visit]]
    ) -> None:
        """Add the states after the block; runs that leave the support there end after one more step."""
        states, after = self.states, self.states.layers[mask | block]
        if mask | block == states.full:
            return
        parents = states.layers[mask].inverse[after.first]
        kept = self._number(0)
        for state in np.flatnonzero(np.isin(parents, list(chosen))).tolist():
            visit, number = chosen[int(parents[state])]
            own = visit.decoder * self._drawn(mask, visit.state, block, int(after.first[state]))
            kept += own
            pending.setdefault(mask | block, []).append(_Visit(state, own, visit.step + 1, number))
        self.decoder_steps += sum((visit.decoder for visit, _ in chosen.values()), self._number(0)) - kept

    def _drawn(self, mask: int, state: int, block: int, outcome: int) -> Any:
        """Return the probability that independent draws give the tokens of an outcome."""
        total, p = self.states.layers[mask].weights[state], self._number(1)
        for i in members(block):
            layer = self.states.layers[mask | 1 << i]
            weight = layer.weights[layer.inverse[outcome]]
            p = p * (fmpq(int(weight), int(total)) if self.state_values.exact else float(weight / total))
        return p


def _moved(decision: Decision, before: int | None) -> Decision:
    return replace(decision, before=before)

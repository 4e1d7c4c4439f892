"""Exact decode of a policy without memory, revealed set by revealed set.

States are the revealed sets C with their tokens. States inside the support are kept one by one; outside it the ideal
model's marginals no longer depend on the tokens, so one state per C is enough for exact step counts. For scheduled
policies the number of the step is part of the state. Masses are kept by the number of model calls so far, which gives
its distribution as well.

Two masses are moved through the same states: that of the decoder's own runs (distribution, accuracy, kl, steps) and
that of the runs driven by ``y ~ P`` (path_kl, see :mod:`theory.decoding.path_divergence`, and steps_under_data).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.call_distribution import StepDistribution, distribution_of_calls
from theory.decoding.lookahead import SetsAhead, sets_ahead
from theory.decoding.path_divergence import PathDraws
from theory.decoding.result import Decode, ValidSet, assembled
from theory.decoding.set_states import Asked, SetStates, positions_of
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import Budget
from theory.numbers.balls import ball_precision, is_zero
from theory.numbers.unseen import look_ahead
from theory.policies.policy import Policy
from theory.policies.set_distributions import by_set, inclusion
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["Masses", "Moving", "PolicyRun", "total"]

_RUNS, _MORE_RUNS = 100, 1000  # sampled runs of a look ahead
_IDLE = 10_000  # consecutive steps without a token, far above every published schedule

_Key = tuple[int, int]  # revealed set, number of the step (0 for policies that do not read it)


@dataclass(eq=False)
class Masses:
    """Probabilities of states with one revealed set: a row per group of outcomes that agree on it.

    Attributes:
        decoder: The probability that the decoder's own run visits the state.
        data: The same for runs driven by P.
    """

    decoder: NDArray[Any]
    data: NDArray[Any]

    def added(self, own: NDArray[Any], data: NDArray[Any], rows: Any = slice(None)) -> None:
        """Add probabilities to some rows."""
        self.decoder[rows] += own
        self.data[rows] += data


Moving = Mapping[int, Masses]  # by number of calls so far


class PolicyRun:
    """Probability flowing from the fully masked state to the outcomes, revealed set by revealed set."""

    def __init__(
        self,
        pmf: JointPMF,
        policy: Policy,
        transform: Transform,
        off_support: str,
        budget: Budget | None = None,
    ) -> None:
        self.pmf, self.policy, self.transform, self.off_support = pmf, policy, transform, off_support
        self.clocked: bool = getattr(policy, "clocked", False)
        self.full = (1 << pmf.n) - 1
        self.states = SetStates(pmf, policy, transform, off_support)
        what = f"decoding set by set, {len(pmf)} outcomes,"
        planned = self.states.clocked_seconds > 0
        remedy = "use a smaller steps=, or fewer positions" if planned else "use fewer positions"
        self.budget = budget or Budget(what, remedy)
        self.spent = 0.0  # seconds
        self.ahead = SetsAhead(seconds=0)
        one = self.states.zeros(1) + 1
        # by number of calls so far: masses on the support, and mass off it
        self.layers: dict[_Key, dict[int, Masses]] = {(0, 0): {0: Masses(one, one.copy())}}
        self.lost: dict[_Key, dict[int, Any]] = {}
        self.stopped: dict[int, Any] = {}  # mass of runs that stop off the support
        self._pending: list[_Key] = [(0, 0)]  # a heap
        self._due = {(0, 0)}
        self._idle = (0, 0)  # revealed set, steps in a row that left it
        self.steps = self.steps_under_data = self.states.kind.const(0)
        self.draws = PathDraws(self.states.kind)

    def run(self) -> None:
        """Visit the states by revealed set, then clock: every step leads to a superset, or the clock goes on."""
        with ball_precision():
            self._visit_all()

    def _visit_all(self) -> None:
        while self._pending:
            key = heappop(self._pending)
            self._due.remove(key)
            if idle := self._idle_calls(key):
                self._wait(key, idle)
                continue
            self._check_progress(key)
            if key in self.layers:
                self._advance(key, self.layers.pop(key))
            if key in self.lost:
                self._advance_lost(key, self.lost.pop(key))

    def _visit(self, key: _Key) -> None:
        """Record that a state has mass to move."""
        if key[0] != self.full and key not in self._due:
            self._due.add(key)
            heappush(self._pending, key)

    @property
    def most(self) -> float:
        """Seconds of every set, and of every subset of the others taken from it."""
        return self.states.most_seconds

    @property
    def memory(self) -> int:
        """Bytes of the states of one set."""
        return self.states.memory

    def foresee(self) -> SetsAhead:
        """Return what sampled runs tell of the decode."""
        found = look_ahead(
            lambda runs: sets_ahead(self.states, runs), self.budget, few=_RUNS, many=_MORE_RUNS
        )
        self.ahead = replace(found, seconds=max(found.seconds, self.states.clocked_seconds))
        return self.ahead

    def ask_first(self) -> object:
        """Ask the policy about the fully masked state."""
        return self.states.ask(0, 0, np.zeros(1, dtype=np.int64))

    def _spend(self, seconds: float, mask: int) -> None:
        """Count work at a revealed set; at least the known ones, and what is foreseen beyond it, are to follow."""
        self.spent += seconds
        pending = len(self._pending) * self.states.set_seconds(1)
        self.budget.spend(seconds, max(pending, self.ahead.rest(mask, self.spent)))

    def _idle_calls(self, key: _Key) -> int:
        """Return for how many calls a schedule takes nothing in these states."""
        rule: Any = self.policy
        if not getattr(rule, "scheduled", False):
            return 0
        masked = np.array([[not key[0] >> i & 1 for i in range(self.pmf.n)]])
        return rule.idle_calls(View(self.states.fallback, masked, self.pmf.numbers, step=key[1]))

    def _wait(self, key: _Key, idle: int) -> None:
        """Move the mass of some states by ``idle`` steps."""
        later = (key[0], key[1] + idle)
        for calls, masses in self.layers.pop(key, {}).items():
            self.steps += idle * masses.decoder.sum()
            self.steps_under_data += idle * masses.data.sum()
            self._masses(later, calls + idle, len(masses.decoder)).added(masses.decoder, masses.data)
        for calls, mass in self.lost.pop(key, {}).items():
            self.steps += idle * mass
            self._lose(later, calls + idle, mass)
        self._visit(later)

    def _masses(self, key: _Key, calls: int, states: int) -> Masses:
        """Return the masses of some states, zeros if not visited."""
        there = self.layers.setdefault(key, {})
        if calls not in there:
            there[calls] = Masses(self.states.zeros(states), self.states.zeros(states))
        return there[calls]

    def _lose(self, key: _Key, calls: int, mass: Any) -> None:
        """Move mass off the support, or end runs that stop there."""
        there = self.stopped if self.off_support == "stop" else self.lost.setdefault(key, {})
        there[calls] = there.get(calls, self.states.kind.const(0)) + mass

    def _after(self, key: _Key, chosen: int) -> _Key:
        mask, step = key
        if not chosen and not self.clocked:
            raise InputError(f"policy {self.policy} takes no position; it must take at least one.")
        if chosen & mask or chosen > self.full:
            raise InputError(f"policy {self.policy} takes a position that is not masked.")
        target = (mask | chosen, step + self.clocked)
        self._visit(target)
        return target

    def _check_progress(self, key: _Key) -> None:
        self._idle = (key[0], self._idle[1] + 1 if key[0] == self._idle[0] else 0)
        if self._idle[1] > _IDLE:
            raise InputError(f"policy {self.policy} makes no progress: {_IDLE} steps without a position.")

    # -- one revealed set -------------------------------------------------------------------------------------

    def _advance(self, key: _Key, layer: dict[int, Masses]) -> None:
        own, data = (
            total(masses) for masses in zip(*((m.decoder, m.data) for m in layer.values()), strict=True)
        )
        active = np.flatnonzero(~(is_zero(own) & is_zero(data)))
        self._spend(self.states.set_seconds(len(active)), key[0])
        asked = self.states.ask(key[0], key[1], active)
        self.steps += own[active].sum()
        self.steps_under_data += data[active].sum()
        taken = self.states.kind.converted(inclusion(asked.distributions, self.pmf.n))[asked.index]
        self.draws.add(data[active][:, None] * taken, asked.probs, asked.q)
        row_of = np.full(len(own), -1)
        row_of[active] = np.arange(len(active))
        for chosen, share in by_set(asked.distributions).items():
            part = self.states.kind.converted(share)[asked.index]
            moving = {c: Masses(m.decoder[active] * part, m.data[active] * part) for c, m in layer.items()}
            self._reveal(key, chosen, row_of, asked, moving)

    def _reveal(
        self, key: _Key, chosen: int, row_of: NDArray[np.int64], asked: Asked, moving: Moving
    ) -> None:
        """Move the mass of each state that picks the set ``chosen`` to the states after the draw."""
        target = self._after(key, chosen)
        after, places = self.states.groups(target[0]), positions_of(chosen)
        parent = asked.groups.inverse[after.first]
        live = np.flatnonzero(row_of[parent] >= 0)
        rows = row_of[parent[live]]
        self._spend(self.states.pair_seconds(len(live), len(places)), key[0])
        drawn = [asked.q[rows, i, self.pmf.codes[after.first[live], i]] for i in places]
        ratio = self.states.ratio(target[0], live, asked.weights[parent[live]])
        # where every possible draw stays in the support nothing is lost, which balls alone could not tell
        options = np.prod([(~is_zero(asked.q[:, i])).sum(axis=1) for i in places], axis=0)
        for calls, masses in moving.items():
            own = masses.decoder[rows]
            for chance in drawn:
                own = own * chance
            there = self._masses(target, calls + 1, after.count)
            there.added(own, masses.data[rows] * ratio, live)
            stay = np.bincount(rows[~is_zero(own)], minlength=len(masses.decoder))
            leaves = ~is_zero(masses.decoder) & (stay < options)
            if leaves.any():
                self._lose(target, calls + 1, masses.decoder[leaves].sum() - own[leaves[rows]].sum())

    def _advance_lost(self, key: _Key, lost: Mapping[int, Any]) -> None:
        """Move mass off the support, where the marginals depend on C alone."""
        if (mass := total(lost.values())) == 0:
            return
        self.steps += mass
        for chosen, share in self.states.plan_outside(*key):
            target = self._after(key, chosen)
            for calls, mass in lost.items():
                self._lose(target, calls + 1, mass * share)

    # -- the result -------------------------------------------------------------------------------------------

    def ends(self) -> NDArray[Any]:
        """Return Q on the support in the order of its outcomes: rationals, or balls."""
        groups = self.states.groups(self.full)
        with ball_precision():
            ends = [masses.decoder for _, masses in self._finished()]
            return sum(ends, self.states.zeros(groups.count))[groups.inverse]

    def _finished(self) -> list[tuple[int, Masses]]:
        return [
            item for (mask, _), there in self.layers.items() if mask == self.full for item in there.items()
        ]

    def step_distribution(self) -> StepDistribution:
        """Return the distribution of the number of model calls, up to the stop for runs that ``stop``."""
        finished = self._finished()
        lost = [at for (mask, _), there in self.lost.items() if mask == self.full for at in there.items()]
        with ball_precision():
            runs = [(calls, masses.decoder.sum()) for calls, masses in finished]
            data = [(calls, masses.data.sum()) for calls, masses in finished]
            return distribution_of_calls(
                [*self.stopped.items(), *runs, *lost], data, proven=self.states.proven
            )

    def result(self, valid: ValidSet) -> Decode:
        """Return the result; ``valid`` as in :func:`theory.decoding.decoder.decode`."""
        with ball_precision():
            return assembled(
                self.pmf,
                self.ends(),
                valid,
                path_kl=self.draws.path_kl(self.pmf),
                steps=self.steps,
                steps_under_data=self.steps_under_data,
                off_support=self.off_support,
                numbers=self.states.kind,
                proven=self.states.proven,
                step_distribution=self.step_distribution(),
            )


def total(parts: Iterable[Any]) -> Any:
    """Return the sum of at least one number or array."""
    first, *others = parts
    return sum(others, first)

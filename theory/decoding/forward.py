"""Probability flowing from the fully masked state to the outcomes, revealed set by revealed set.

States are the revealed sets C with the tokens on them. States inside the support are kept one by one; outside it the
ideal model's marginals no longer depend on the tokens, so that one state per C is enough for exact step counts. For
policies that read the clock the number of the step is part of the state.

Two flows run through the same states: the decoder's own runs (distribution, accuracy, kl, steps) and the runs driven by
``y ~ P`` (path_kl, see :mod:`theory.decoding.path_divergence`, and steps_under_data).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.decoding.forward_cost import FlowCost, expected_work
from theory.decoding.path_divergence import PathDraws
from theory.decoding.result import Decode, ValidSet, assembled
from theory.distributions.grouping import Groups
from theory.distributions.listed_model import ListedModel
from theory.distributions.listed_model_balls import BallModel, BallWeights
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.distributions.tempering_balls import drawn_balls, scored_balls
from theory.limits import require_memory, require_operations
from theory.numbers.arithmetic import EXACT, FLOAT64, Numbers
from theory.numbers.balls import ball_precision, balls, is_zero, zeros_of
from theory.policies.foreign import blamed, plan_of
from theory.policies.policy import Policy
from theory.policies.ranked import SetDistribution
from theory.policies.rules.scheduled import Scheduled
from theory.policies.set_distributions import by_set, inclusion, usable_distributions
from theory.policies.view import UNKNOWN, View
from theory.validation import InputError

__all__ = ["Flow"]

_CLOCKED_PAIRS = 150_000  # the same where the clock makes every step differ: about a minute
_REMEMBERED = 4_000_000  # rows of groups
_IDLE = 10_000  # steps in a row without a token: far beyond every published schedule

_Key = tuple[int, int]  # revealed set, number of the step (0 for policies that do not read it)


@dataclass(eq=False)
class _Layer:
    """The states with one revealed set: a row per group of outcomes that agree on it."""

    own: NDArray[Any]  # probability that the decoder's own run visits the state
    data: NDArray[Any]  # the same for runs driven by P


class Flow:
    """Probability flowing from the fully masked state to the outcomes, revealed set by revealed set."""

    def __init__(self, pmf: JointPMF, policy: Policy, transform: Transform, off_support: str) -> None:
        self.pmf, self.policy, self.transform, self.off_support = pmf, policy, transform, off_support
        self.numbers: Numbers = EXACT if pmf.is_exact else FLOAT64
        self.clocked: bool = getattr(policy, "clocked", False)
        self.proven = True  # until the rule gives a chance as a float
        bits = 0 if pmf.total is None else pmf.total.bit_length()
        rational: bool = getattr(policy, "rational", True)
        self.exact = pmf.is_exact and rational and transform.keeps_rational(bits)
        self.full = (1 << pmf.n) - 1
        self.cost = FlowCost(pmf=pmf, balls=not self.exact)
        self.width = max(len(a) for a in pmf.alphabets)
        size = len(pmf) * pmf.n * self.width * 120
        require_memory(size, f"the marginals of {len(pmf)} states", remedy="use fewer outcomes or positions")
        self._weights = None if self.exact else BallWeights(pmf)
        self.layers: dict[_Key, _Layer] = {(0, 0): _Layer(self._ones(1), self._ones(1))}
        self.lost: dict[_Key, Any] = {}  # mass off the support
        self._pending: list[_Key] = [(0, 0)]  # a heap
        self._due = {(0, 0)}
        self._known: dict[int, Groups] = {}
        self._idle = (0, 0)  # revealed set, steps in a row that left it
        self.steps = self._zero()
        self.steps_under_data = self._zero()
        self.draws = PathDraws(exact=self.exact)

    # numbers of the flow: rationals where the result can be rational, else balls
    def _zero(self) -> Any:
        return fmpq(0) if self.exact else arb(0)

    def _ones(self, size: int) -> NDArray[Any]:
        return self._zeros(size) + 1

    def _zeros(self, size: int) -> NDArray[Any]:
        return zeros_of(size) if self._weights else np.array([fmpq(0)] * size, dtype=object)

    def _flow_numbers(self, values: Any) -> NDArray[Any]:
        array = np.asarray(values, dtype=object)
        return array if self.exact else balls(array)

    def _groups(self, mask: int) -> Groups:
        if not self.clocked:  # every set is met once
            return self.pmf.groups(_positions(mask))
        if mask not in self._known:
            if len(self._known) * len(self.pmf) > _REMEMBERED:
                self._known.clear()
            self._known[mask] = self.pmf.groups(_positions(mask))
        return self._known[mask]

    def run(self) -> None:
        """Visit the states by revealed set, then clock: every step leads to a superset, or the clock goes on."""
        self._check_cost()
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
        """Note that a state has mass to move on."""
        if key[0] != self.full and key not in self._due:
            self._due.add(key)
            heappush(self._pending, key)

    def _check_cost(self) -> None:
        """Raise before a run of many steps in which every set may be taken at each, or of too many sets."""
        steps = getattr(self.policy, "steps", None)
        if self.clocked and isinstance(steps, int) and not isinstance(self.policy, Scheduled):
            # 3^n pairs of a revealed and a chosen set in each step between; the fractions grow with the steps
            pairs = max(steps - 2, 0) * 3**self.pmf.n + 2 * 2**self.pmf.n
            require_operations(
                pairs * (500 + steps) // 500,
                f"following {self.policy} on {self.pmf.n} positions",
                limit=_CLOCKED_PAIRS,
                remedy="use a smaller steps=, or fewer positions",
            )
        if not self.cost.is_brief:
            stop = self.off_support == "stop"
            ahead = expected_work(self.cost, self._oracle, self.policy, self.transform, stop=stop)
            self.cost.require(ahead=ahead)

    def _idle_calls(self, key: _Key) -> int:
        """Return for how many calls a schedule takes nothing in these states: they are counted, not made."""
        if not isinstance(self.policy, Scheduled):
            return 0
        masked = np.array([[not key[0] >> i & 1 for i in range(self.pmf.n)]])
        return self.policy.idle_calls(View(self._fallback, masked, self.numbers, step=key[1]))

    def _wait(self, key: _Key, calls: int) -> None:
        """Move the mass of some states ``calls`` steps on."""
        later = (key[0], key[1] + calls)
        if (layer := self.layers.pop(key, None)) is not None:
            self.steps += calls * layer.own.sum()
            self.steps_under_data += calls * layer.data.sum()
            there = self.layers.setdefault(
                later, _Layer(self._zeros(len(layer.own)), self._zeros(len(layer.own)))
            )
            there.own += layer.own
            there.data += layer.data
        if (lost := self.lost.pop(key, None)) is not None:
            self.lost[later] = self.lost.get(later, self._zero()) + lost
            self.steps += self._zero() if self.off_support == "stop" else calls * lost
        self._visit(later)

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

    def _advance(self, key: _Key, layer: _Layer) -> None:
        mask = key[0]
        groups = self._groups(mask)
        weights = self.pmf.group_weights(groups)
        active = np.flatnonzero(~(is_zero(layer.own) & is_zero(layer.data)))
        self.cost.add_set(len(active))
        self.cost.require(sets=len(self._pending))
        self.cost.require(ahead=self.cost.rest(mask))
        probs = self._marginals(mask, groups, weights)[active]
        codes = self.pmf.codes[groups.first[active]]
        if self._weights is None:
            index, distributions = self._plan(key, probs, codes)
            q = self.transform.draw(probs, self.numbers)
        else:
            weights = self._weights.of(mask, groups)
            scored, probs = probs, self._weights.marginals(groups, weights, active, probs)
            index, distributions = self._plan(key, scored, codes, probs)
            q = drawn_balls(self.transform, scored, self.numbers, probs)
        row_of = np.full(groups.count, -1)
        row_of[active] = np.arange(len(active))
        own, data = layer.own[active], layer.data[active]
        self.steps += own.sum()
        self.steps_under_data += data.sum()
        reach = data[:, None] * self._flow_numbers(inclusion(distributions, self.pmf.n))[index]
        self.draws.add(reach, probs, q)
        for chosen, share in by_set(distributions).items():
            part = self._flow_numbers(share)[index]
            self._reveal(key, chosen, row_of, groups, weights, q, own * part, data * part)

    def _plan(
        self,
        key: _Key,
        probs: NDArray[Any],
        codes: NDArray[np.int64],
        exact: NDArray[Any] | None = None,
    ) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the distribution of the set at each state: an index per state, and all; ``exact``: in balls."""
        mask, step = key
        masked = np.array([[not mask >> i & 1 for i in range(self.pmf.n)]] * len(probs))
        revealed = np.where(masked, -1, codes)
        scored = self.transform.scores_read(probs, self.numbers)
        view = View(
            scored,
            masked,
            self.numbers,
            revealed=revealed,
            step=step,
            tokens=revealed,
            oracle=self._oracle,
            in_balls=None
            if exact is None
            else lambda: scored_balls(self.transform, probs, self.numbers, exact),
        )
        plan = plan_of(self.policy, view)
        with blamed(self.policy, "plan"):
            index, distributions = plan.distribution()
            distributions, proven = usable_distributions(distributions, exact=self.exact)
        self.proven &= proven
        return index, distributions

    def _marginals(self, mask: int, groups: Groups, weights: NDArray[Any]) -> NDArray[Any]:
        """Return ``P(y_i = v | state)``, shape (G, n, V), zero rows at revealed positions."""
        counts = np.zeros((groups.count, self.pmf.n, self.width), dtype=self.pmf.weights.dtype)
        for i in range(self.pmf.n):
            if not mask >> i & 1:
                np.add.at(counts[:, i, :], (groups.inverse, self.pmf.codes[:, i]), self.pmf.weights)
        return self.numbers.ratio(counts, weights[:, None, None])

    def _reveal(
        self,
        key: _Key,
        chosen: int,
        row_of: NDArray[np.int64],
        groups: Groups,
        weights: NDArray[Any],
        q: NDArray[Any],
        own: NDArray[Any],
        data: NDArray[Any],
    ) -> None:
        """Move the mass of each state that picks the set ``chosen`` to the states after the draw."""
        target = self._after(key, chosen)
        after = self._groups(target[0])
        parent = groups.inverse[after.first]
        rows = row_of[parent]
        live = np.flatnonzero(rows >= 0)
        rows = rows[live]
        drawn = own[rows]
        self.cost.add_pair(len(live), chosen.bit_count())
        for i in _positions(chosen):
            drawn = drawn * q[rows, i, self.pmf.codes[after.first[live], i]]
        if self._weights is None:
            ratio = EXACT.ratio(self.pmf.group_weights(after)[live], weights[parent[live]])
        else:
            ratio = self._weights.ratio(self._weights.of(target[0], after)[live], weights[parent[live]])
        layer = self.layers.setdefault(target, _Layer(self._zeros(after.count), self._zeros(after.count)))
        layer.own[live] += drawn
        layer.data[live] += data[rows] * ratio
        # where every possible draw stays in the support nothing is lost, which balls alone could not tell
        options = np.prod([(~is_zero(q[:, i])).sum(axis=1) for i in _positions(chosen)], axis=0)
        stay = np.bincount(rows[~is_zero(drawn)], minlength=len(own))
        leaves = ~is_zero(own) & (stay < options)
        if leaves.any():
            lost = own[leaves].sum() - drawn[leaves[rows]].sum()
            self.lost[target] = self.lost.get(target, self._zero()) + lost

    def _advance_lost(self, key: _Key, mass: Any) -> None:
        """Mass off the support: the marginals are the same whatever the tokens, so only C matters."""
        if self.off_support == "stop" or mass == 0:
            return
        _, distributions = self._plan(
            key, self._fallback, np.full((1, self.pmf.n), UNKNOWN), self._fallback_balls
        )
        self.steps += mass
        for chosen, p in distributions[0]:
            target, share = self._after(key, chosen), mass * p
            self.lost[target] = self.lost.get(target, self._zero()) + share

    @cached_property
    def _oracle(self) -> ListedModel:
        return ListedModel.by_code(self.pmf, self.off_support)

    @cached_property
    def _fallback(self) -> NDArray[Any]:
        """The marginals that the ideal model returns off the support, shape (1, n, V)."""
        return self._oracle.fallback[None]

    @cached_property
    def _fallback_balls(self) -> NDArray[Any] | None:
        """The same in balls; ``None`` in an exact run."""
        if self._weights is None:
            return None
        if self.pmf.is_exact:
            return balls(self._fallback)
        model = BallModel(self._oracle, self.pmf.weights, self.off_support)
        return model.marginals(np.full((1, self.pmf.n), UNKNOWN))

    # -- the result -------------------------------------------------------------------------------------------

    def ends(self) -> NDArray[Any]:
        """Return Q on the support in the order of its outcomes: rationals, or balls."""
        groups = self._groups(self.full)
        with ball_precision():
            ends = [layer.own for (mask, _), layer in self.layers.items() if mask == self.full]
            return sum(ends, self._zeros(groups.count))[groups.inverse]

    def result(self, valid: ValidSet) -> Decode:
        """Return what the finished flow says; ``valid`` as in :func:`theory.decoding.decoder.decode`."""
        with ball_precision():
            return assembled(
                self.pmf,
                self.ends(),
                valid,
                path_kl=self.draws.path_kl(self.pmf),
                steps=self.steps,
                steps_under_data=self.steps_under_data,
                off_support=self.off_support,
                exact=self.exact,
                proven=self.proven,
            )


def _positions(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]

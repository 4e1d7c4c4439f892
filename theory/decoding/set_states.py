"""States with one revealed set, seen by the ideal model and a policy at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.result import numbers_of_result
from theory.distributions.grouping import Groups
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT
from theory.policies.checked_calls import checked_plan, errors_in_one_line
from theory.policies.plan import SetDistribution
from theory.policies.policy import Policy
from theory.policies.set_distributions import usable_distributions
from theory.policies.view import UNKNOWN, View

__all__ = ["Asked", "SetStates", "positions_of"]

_REMEMBERED = 4_000_000  # rows of groups; with balls a third
# seconds, fitted to fifteen decodes of 31 to 2,055 sets; all within a factor of two of the times measured
_SET, _MARGINAL = 1.45e-3, 1.75e-6  # a revealed set, and a marginal of one of its states
_PLACE = 4.5e-8  # an outcome at a position, for each revealed set
_PAIR, _OUTCOME = 2.4e-4, 8e-8  # a revealed and a chosen set, and an outcome looked at
_MOVE, _DRAW = 1.2e-6, 4e-7  # a state moved to a larger set, and a token drawn for it
_LARGE = 500  # a number of positions that no decode survives: powers of it are still floats
_CLOCKED_PAIR = 4e-4  # seconds of a revealed and a chosen set where the clock makes every step differ
_BALLS = 3  # how much longer all of it takes, and how much larger it is, in ball arithmetic


@dataclass(frozen=True, eq=False)
class Asked:
    """Marginals and sets of some states with one revealed set.

    Attributes:
        groups: All states of the set, as groups of outcomes.
        weights: Their weights, shape (G,).
        probs: The ideal marginals, shape (B, n, V): rationals or balls.
        q: The distributions that tokens are drawn from, of the same shape.
        index: The number of the distribution of each state, shape (B,).
        distributions: Distributions of the set that the policy chooses.
    """

    groups: Groups
    weights: NDArray[Any]
    probs: NDArray[Any]
    q: NDArray[Any]
    index: NDArray[np.int64]
    distributions: list[SetDistribution]


class SetStates:
    """The states of a decode, asked about by revealed set.

    Args:
        pmf: The target.
        policy: A policy without memory.
        transform: Temperature and truncation.
        off_support: What the model returns after an impossible token.

    Attributes:
        kind: The kind of number of the result: rationals where it can be rational, else balls.
        read: The target in numbers that results are computed from: integers, or its floats as balls.
        proven: Whether the balls contain the true values; false once the rule gives a float chance.
    """

    def __init__(self, pmf: JointPMF, policy: Policy, transform: Transform, off_support: str) -> None:
        self.pmf, self.policy, self.transform, self.off_support = pmf, policy, transform, off_support
        self.kind, self.read = numbers_of_result(pmf, policy, transform), pmf.in_balls()
        self.proven = True
        self.width = max(len(a) for a in pmf.alphabets)
        self._slower = 1 if self.kind is EXACT else _BALLS
        self._known: dict[int, tuple[Groups, NDArray[Any]]] = {}

    @property
    def memory(self) -> int:
        """Bytes of the marginals of the states of one set."""
        return len(self.pmf) * self.pmf.n * self.width * 120

    def set_seconds(self, states: int) -> float:
        """Return the seconds of a revealed set with so many states."""
        marginals = states * self.pmf.n * self.width
        look = len(self.pmf) * self.pmf.n * _PLACE
        return (_SET + look + marginals * _MARGINAL) * self._slower

    def pair_seconds(self, moved: int, taken: int) -> float:
        """Return the seconds of a chosen set of ``taken`` positions, for so many states after it."""
        moves = moved * (_MOVE + taken * _DRAW)
        return (_PAIR + len(self.pmf) * _OUTCOME + moves) * self._slower

    @property
    def most_seconds(self) -> float:
        """Seconds of every set, and of every subset of the others taken from it, at each step of a clocked policy."""
        n, outcomes = min(self.pmf.n, _LARGE), len(self.pmf)
        once = 2.0**n * self.set_seconds(outcomes) + 3.0**n * self.pair_seconds(outcomes, n)
        return max(once * max(self._steps, 1), self.clocked_seconds)

    @property
    def clocked_seconds(self) -> float:
        """Seconds where every set may be taken at each step, else zero; the fractions grow with the steps."""
        n, steps = min(self.pmf.n, _LARGE), self._steps
        pairs = max(steps - 2, 0) * 3.0**n + 2 * 2.0**n if steps else 0.0
        return pairs * (500 + steps) / 500 * _CLOCKED_PAIR

    @property
    def _steps(self) -> int:
        """The steps of a policy that may take any set at each; zero for others."""
        steps = getattr(self.policy, "steps", 0)
        every = getattr(self.policy, "clocked", False) and isinstance(steps, int)
        return steps if every and not getattr(self.policy, "scheduled", False) else 0

    def zeros(self, size: int) -> NDArray[Any]:
        """Return an array of zeros."""
        return np.full(size, self.kind.const(0), dtype=object)

    def groups(self, mask: int) -> Groups:
        """Return the states of a revealed set, as groups of outcomes that agree on it."""
        return self._look_up(mask)[0]

    def _look_up(self, mask: int) -> tuple[Groups, NDArray[Any]]:
        """Return the states of a revealed set, and their weights."""
        if mask not in self._known:
            if len(self._known) * len(self.pmf) * self._slower > _REMEMBERED:
                self._known.clear()
            groups = self.pmf.groups(positions_of(mask))
            self._known[mask] = groups, self.read.group_weights(groups)
        return self._known[mask]

    def ask(self, mask: int, step: int, active: NDArray[np.int64]) -> Asked:
        """Ask the model and the policy about some of the states with one revealed set."""
        groups, weights = self._look_up(mask)
        seen = self._marginals(self.pmf, mask, groups, active)
        probs = seen if self.pmf.is_exact else self._marginals(self.read, mask, groups, active)
        probs = self.kind.converted(probs)
        balls = None if self.kind is EXACT else probs
        index, distributions = self.plan(mask, step, seen, self.pmf.codes[groups.first[active]], balls)
        q = self.transform.draw(seen, self.pmf.numbers, balls)
        return Asked(groups, weights, probs, q, index, distributions)

    def plan(
        self,
        mask: int,
        step: int,
        probs: NDArray[Any],
        codes: NDArray[np.int64],
        balls: NDArray[Any] | None,
    ) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the index of each state into the list of set distributions; ``balls`` are the marginals as balls."""
        masked = np.array([[not mask >> i & 1 for i in range(self.pmf.n)]] * len(probs))
        revealed = np.where(masked, -1, codes)
        numbers, scores = self.pmf.numbers, self.transform.scores_read
        view = View(
            scores(probs, numbers),
            masked,
            numbers,
            revealed=revealed,
            step=step,
            tokens=revealed,
            model=self.model,
            in_balls=None if balls is None else lambda: scores(probs, numbers, balls),
        )
        plan = checked_plan(self.policy, view)
        with errors_in_one_line(self.policy, "plan"):
            index, distributions = plan.distribution()
            distributions, proven = usable_distributions(distributions, self.kind)
        self.proven &= proven
        return index, distributions

    def plan_outside(self, mask: int, step: int) -> SetDistribution:
        """Return the distribution of the set off the support, which does not depend on the tokens."""
        codes = np.full((1, self.pmf.n), UNKNOWN)
        return self.plan(mask, step, self.fallback, codes, self.fallback_balls)[1][0]

    def ratio(self, target: int, after: NDArray[np.int64], before: NDArray[Any]) -> NDArray[Any]:
        """Return the probability under the data of some states of a revealed set, given those they come from.

        Args:
            target: The revealed set.
            after: Its states.
            before: The weights of the states that they come from.
        """
        after_weights = self._look_up(target)[1][after]
        return self.kind.converted(self.read.numbers.ratio(after_weights, before))

    def _marginals(self, pmf: JointPMF, mask: int, groups: Groups, active: NDArray[np.int64]) -> NDArray[Any]:
        """Return ``P(y_i = v | state)`` of some states, shape (B, n, V), zero rows at revealed positions."""
        counts = np.zeros((len(active), pmf.n, self.width), dtype=pmf.weights.dtype)
        row_of = np.full(groups.count, -1)
        row_of[active] = np.arange(len(active))
        rows = row_of[groups.inverse]
        here = np.flatnonzero(rows >= 0)
        for i in range(pmf.n):
            if not mask >> i & 1:
                np.add.at(counts[:, i, :], (rows[here], pmf.codes[here, i]), pmf.weights[here])
        return pmf.numbers.ratio(counts, pmf.group_weights(groups)[active][:, None, None])

    @cached_property
    def model(self) -> ListedModel:
        """The ideal model."""
        return ListedModel.by_code(self.pmf, self.off_support)

    @cached_property
    def fallback(self) -> NDArray[Any]:
        """The marginals that the ideal model returns off the support, shape (1, n, V)."""
        return self.model.fallback[None]

    @cached_property
    def fallback_balls(self) -> NDArray[Any] | None:
        """The same in balls; ``None`` in an exact run."""
        if self.kind is EXACT:
            return None
        return self.kind.converted(ListedModel.by_code(self.read, self.off_support).fallback[None])

    def drawn_outside(self) -> NDArray[Any]:
        """Return the distributions that tokens are drawn from off the support, shape (n, V)."""
        return self.transform.draw(self.fallback, self.pmf.numbers, self.fallback_balls)[0]


def positions_of(mask: int) -> Sequence[int]:
    """Return the positions of a bit mask.

    Example:
        >>> positions_of(0b101)
        [0, 2]
    """
    return [i for i in range(mask.bit_length()) if mask >> i & 1]

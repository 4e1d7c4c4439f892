"""States with one revealed set, seen by the ideal model and a policy at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.distributions.grouping import Groups
from theory.distributions.listed_model import ListedModel
from theory.distributions.listed_model_balls import BallModel, BallWeights
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.distributions.tempering_balls import drawn_balls, scored_balls
from theory.numbers.arithmetic import EXACT, FLOAT64, Numbers
from theory.numbers.balls import balls, zeros_of
from theory.policies.checked_calls import checked_plan, errors_in_one_line
from theory.policies.policy import Policy
from theory.policies.ranked import SetDistribution
from theory.policies.rules.scheduled import Scheduled
from theory.policies.set_distributions import usable_distributions
from theory.policies.view import UNKNOWN, View

__all__ = ["Asked", "SetStates", "positions_of"]

_REMEMBERED = 4_000_000  # rows of groups
# seconds, fitted to fifteen decodes of 31 to 2,055 sets; all within a factor of two of the times measured
_SET, _MARGINAL = 1.45e-3, 1.75e-6  # a revealed set, and a marginal of one of its states
_PLACE = 4.5e-8  # an outcome at a position, for each revealed set
_PAIR, _OUTCOME = 2.4e-4, 8e-8  # a revealed and a chosen set, and an outcome looked at
_MOVE, _DRAW = 1.2e-6, 4e-7  # a state moved to a larger set, and a token drawn for it
_LARGE = 500  # a number of positions that no decode survives: powers of it are still floats
_CLOCKED_PAIR = 4e-4  # seconds of a revealed and a chosen set where the clock makes every step differ
_BALLS = 3  # how much longer all of it takes in ball arithmetic


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
        exact: Whether all numbers are rationals; else they are balls.
        proven: Whether the balls contain the true values; false once the rule gives a float chance.
    """

    def __init__(self, pmf: JointPMF, policy: Policy, transform: Transform, off_support: str) -> None:
        self.pmf, self.policy, self.transform, self.off_support = pmf, policy, transform, off_support
        self.numbers: Numbers = EXACT if pmf.is_exact else FLOAT64
        self.proven = True
        bits = 0 if pmf.total is None else pmf.total.bit_length()
        rational: bool = getattr(policy, "rational", True)
        self.exact = pmf.is_exact and rational and transform.keeps_rational(bits)
        self.width = max(len(a) for a in pmf.alphabets)
        self._weights = None if self.exact else BallWeights(pmf)
        self._known: dict[int, Groups] = {}

    @property
    def memory(self) -> int:
        """Bytes of the marginals of the states of one set."""
        return len(self.pmf) * self.pmf.n * self.width * 120

    def set_seconds(self, states: int) -> float:
        """Return the seconds of a revealed set with so many states."""
        marginals = states * self.pmf.n * self.width
        look = len(self.pmf) * self.pmf.n * _PLACE
        return (_SET + look + marginals * _MARGINAL) * (1 if self.exact else _BALLS)

    def pair_seconds(self, moved: int, taken: int) -> float:
        """Return the seconds of a chosen set of ``taken`` positions, for so many states after it."""
        moves = moved * (_MOVE + taken * _DRAW)
        return (_PAIR + len(self.pmf) * _OUTCOME + moves) * (1 if self.exact else _BALLS)

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
        return steps if every and not isinstance(self.policy, Scheduled) else 0

    # numbers: rationals where the result can be rational, else balls
    def zero(self) -> Any:
        """Return zero."""
        return fmpq(0) if self.exact else arb(0)

    def zeros(self, size: int) -> NDArray[Any]:
        """Return an array of zeros."""
        return zeros_of(size) if self._weights else np.array([fmpq(0)] * size, dtype=object)

    def converted(self, values: Any) -> NDArray[Any]:
        """Return chances of the policy as numbers of this decode."""
        array = np.asarray(values, dtype=object)
        return array if self.exact else balls(array)

    def groups(self, mask: int) -> Groups:
        """Return the states of a revealed set, as groups of outcomes that agree on it."""
        if mask not in self._known:
            if len(self._known) * len(self.pmf) > _REMEMBERED:
                self._known.clear()
            self._known[mask] = self.pmf.groups(positions_of(mask))
        return self._known[mask]

    def ask(self, mask: int, step: int, active: NDArray[np.int64]) -> Asked:
        """Ask the model and the policy about some of the states with one revealed set."""
        groups = self.groups(mask)
        weights = self.pmf.group_weights(groups)
        scored = self._marginals(mask, groups, weights)[active]
        codes = self.pmf.codes[groups.first[active]]
        if self._weights is None:
            index, distributions = self.plan(mask, step, scored, codes)
            return Asked(
                groups, weights, scored, self.transform.draw(scored, self.numbers), index, distributions
            )
        weights = self._weights.of(mask, groups)
        probs = self._weights.marginals(groups, weights, active, scored)
        index, distributions = self.plan(mask, step, scored, codes, probs)
        q = drawn_balls(self.transform, scored, self.numbers, probs)
        return Asked(groups, weights, probs, q, index, distributions)

    def plan(
        self,
        mask: int,
        step: int,
        probs: NDArray[Any],
        codes: NDArray[np.int64],
        exact: NDArray[Any] | None = None,
    ) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the index of each state into the list of set distributions; ``exact`` are the marginals in balls."""
        masked = np.array([[not mask >> i & 1 for i in range(self.pmf.n)]] * len(probs))
        revealed = np.where(masked, -1, codes)
        view = View(
            self.transform.scores_read(probs, self.numbers),
            masked,
            self.numbers,
            revealed=revealed,
            step=step,
            tokens=revealed,
            model=self.model,
            in_balls=None
            if exact is None
            else lambda: scored_balls(self.transform, probs, self.numbers, exact),
        )
        plan = checked_plan(self.policy, view)
        with errors_in_one_line(self.policy, "plan"):
            index, distributions = plan.distribution()
            distributions, proven = usable_distributions(distributions, exact=self.exact)
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
        groups = self.groups(target)
        if self._weights is None:
            return EXACT.ratio(self.pmf.group_weights(groups)[after], before)
        return self._weights.ratio(self._weights.of(target, groups)[after], before)

    def _marginals(self, mask: int, groups: Groups, weights: NDArray[Any]) -> NDArray[Any]:
        """Return ``P(y_i = v | state)``, shape (G, n, V), zero rows at revealed positions."""
        counts = np.zeros((groups.count, self.pmf.n, self.width), dtype=self.pmf.weights.dtype)
        for i in range(self.pmf.n):
            if not mask >> i & 1:
                np.add.at(counts[:, i, :], (groups.inverse, self.pmf.codes[:, i]), self.pmf.weights)
        return self.numbers.ratio(counts, weights[:, None, None])

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
        if self._weights is None:
            return None
        if self.pmf.is_exact:
            return balls(self.fallback)
        model = BallModel(self.model, self.pmf.weights, self.off_support)
        return model.marginals(np.full((1, self.pmf.n), UNKNOWN))

    def drawn_outside(self) -> NDArray[Any]:
        """Return the distributions that tokens are drawn from off the support, shape (n, V)."""
        if self.fallback_balls is None:
            return self.transform.draw(self.fallback, self.numbers)[0]
        return drawn_balls(self.transform, self.fallback, self.numbers, self.fallback_balls)[0]


def positions_of(mask: int) -> Sequence[int]:
    """Return the positions of a bit mask.

    Example:
        >>> positions_of(0b101)
        [0, 2]
    """
    return [i for i in range(mask.bit_length()) if mask >> i & 1]

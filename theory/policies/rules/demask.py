"""DEMASK rule, positions that hardly depend on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.distributions.listed_model import ListedModel
from theory.limits import Budget
from theory.numbers.arithmetic import EXACT, Array, ExactNumbers, order_codes
from theory.policies.policy import RankedPolicy, register
from theory.policies.ranked import Ranked, SetDistribution
from theory.policies.view import Model, View
from theory.validation import InputError, choice, exact_fraction

__all__ = ["DEMASK", "BudgetedRanking", "influence"]

_PAIR, _LIMIT = 5e-6, 5  # seconds of a pair (considered set, taken set) of one state; at most
_INT64_SAFE = 1 << 28  # masses below this have sums of products that are exact in int64


@register("demask")
@dataclass(frozen=True, kw_only=True)
class DEMASK(RankedPolicy):
    """Take positions by descending score while their dependency stays within a budget.

    ``D_ij`` is the influence of j on i: the expected total variation distance between ``p_i`` and ``p_i`` given the
    token at j. A position that comes after the set S costs ``sum_{j in S} D_ij``; the first one is always taken.
    If influences are sub-additive, the sum of all costs bounds TV(product, joint) of the step.

    Source: as described in arXiv 2604.02560 (abstract). There D comes from a trained predictor; here the model itself
    is asked, exactly. Neither the algorithm of the paper nor the code of liranringel/demask was available: ``per`` and
    ``stop`` cover the readings of "bounded cumulative dependency".

    With exact marginals the rule is exact. The model is asked n V more times in a step. Pairwise influence misses
    dependence among three or more tokens: parity has D = 0 everywhere and is decoded in one step.

    Attributes:
        budget: At least 0. With 0 only independent positions go together.
        per: ``set``: the sum of the costs stays within the budget; ``position``: each cost does.
        stop: ``True``: end at the first position that does not fit; ``False``: skip it.

    Example:
        >>> str(DEMASK(budget=0.5))
        'demask:budget=1/2'
    """

    example: ClassVar[str] = "demask:budget=0.3"
    source: ClassVar[str] = "DEMASK, arXiv 2604.02560"
    release: ClassVar[str] = "no code found"
    formula: ClassVar[str] = "by descending score, while sum of D_ij over taken pairs <= budget"
    cost: ClassVar[str] = "n V model calls"
    asks: ClassVar[bool] = True
    budget: Fraction
    per: str = "set"
    stop: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ties == "all":
            raise InputError("demask takes one position after the other; ties must be random or lowest.")
        choice(self.per, "per", ("set", "position"))
        choice(self.stop, "stop", (False, True))
        object.__setattr__(self, "budget", exact_fraction(self.budget, "budget"))
        if self.budget < 0:
            raise InputError(f"budget must be at least 0, got {self.budget}.")

    def rank(self, view: View, scores: Array) -> Ranked:
        """Return the plan."""
        return BudgetedRanking(view, scores, view.left, self.ties, rule=self, costs=influence(view))


def influence(view: View) -> Array:
    """Return ``D_ij = sum_v p_j(v) TV(p_i(. | x_j = v), p_i)``, shape (B, n, n), between competing positions.

    The model is asked with every token at every competing position, one position at a time; tokens that are
    impossible there in all rows are skipped. For a listed distribution outcomes are counted instead.
    """
    tokens, model = view.asked()
    if isinstance(model, ListedModel) and isinstance(view.numbers, ExactNumbers):
        return _counted(view, np.asarray(tokens), model)
    return _asked(view, tokens, model)


def _asked(view: View, tokens: Array, model: Model) -> Array:
    xp, numbers = view.numbers.xp, view.numbers

    def ask(states: Array) -> Array:
        answers = model.ask(states)
        return answers if isinstance(numbers, ExactNumbers) else EXACT.floats(answers)

    now = ask(tokens[:, None, :])[:, 0]  # (B, n, V)
    possible = xp.any(xp.astype(now > 0, xp.bool) & view.candidates[:, :, None], axis=0)
    index = xp.cumulative_sum(xp.ones_like(tokens[0]), axis=0) - 1
    half = numbers.const(Fraction(1, 2))
    columns: list[Any] = []
    for j in range(now.shape[1]):
        every = xp.nonzero(possible[j])[0]  # the K tokens that j may have
        if not every.shape[0]:
            columns.append(xp.zeros_like(now[:, :, 0]))
            continue
        here = (index == j)[None, None, :]
        states = xp.where(here, every[None, :, None], tokens[:, None, :])
        moved = xp.sum(xp.abs(ask(states) - now[:, None]), axis=-1)  # (B, K, n)
        columns.append(xp.sum(now[:, j, every][:, :, None] * moved, axis=1) * half)
    return xp.stack(columns, axis=2)


def _counted(view: View, tokens: NDArray[np.int64], model: ListedModel) -> NDArray[Any]:
    """Return the influence from weights of outcomes.

    With mass m, counts c_i(w) and, given x_j = v, mass c_j(v) and counts c'_i(w),
    ``D_ij = sum_v c_j(v)/m 1/2 sum_w |c'_i(w)/c_j(v) - c_i(w)/m| = sum_{v,w} |m c'_i(w) - c_j(v) c_i(w)| / (2 m^2)``.
    Off the support it is zero.
    """
    mass, counts = model.counts(tokens)
    rows, n = tokens.shape
    if mass.max(initial=0) >= _INT64_SAFE:  # products of two masses, summed over the tokens
        mass, counts = mass.astype(object), counts.astype(object)
    total = np.zeros((rows, n, n), dtype=counts.dtype)
    for j in range(n):
        row, v = np.nonzero((counts[:, j] != 0) & np.asarray(view.candidates)[:, j, None])
        states = tokens[row].copy()
        states[:, j] = v
        _, after = model.counts(states)
        scale = (slice(None), None, None)
        moved = np.abs(mass[row][scale] * after - counts[row, j, v][scale] * counts[row]).sum(axis=2)
        np.add.at(total[:, :, j], row, moved)
    return view.numbers.ratio(total, np.where(mass == 0, 1, 2 * mass * mass)[:, None, None])


@dataclass(frozen=True, eq=False)
class BudgetedRanking(Ranked):
    """The step of DEMASK, which takes in ranked order what fits the budget.

    Attributes:
        rule: The rule, with its budget.
        costs: ``D_ij``, shape (B, n, n).
    """

    rule: DEMASK | None = None
    costs: Array | None = None

    def expanded(self, index: Array) -> BudgetedRanking:
        """Return the step of a larger batch whose row b is row ``index[b]`` of this one."""
        _, costs = self._parts()
        return replace(self, **vars(super().expanded(index)) | {"costs": costs[index]})

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the exact distribution of the set of each row."""
        levels, costs = self.levels(), np.asarray(self.costs)
        shared = costs.reshape(len(costs), -1)
        if shared.dtype == np.dtype(object):
            shared = order_codes(shared)[0]
        _, first, index = np.unique(
            np.concatenate([levels, shared], axis=1), axis=0, return_index=True, return_inverse=True
        )
        rows = zip(levels[first].tolist(), costs[first].tolist(), strict=True)
        return index.reshape(-1), [self._distribution(*row) for row in rows]

    def sizes(self) -> NDArray[np.int64]:
        """Return how many positions each row takes.

        Raises:
            InputError: If the number depends on how ties fall.
        """
        index, distributions = self.distribution()
        if any(len({chosen.bit_count() for chosen, _ in distribution}) > 1 for distribution in distributions):
            raise InputError("the number of positions that demask takes depends on its random ties here.")
        return np.array([distribution[0][0].bit_count() for distribution in distributions], dtype=np.int64)[
            index
        ]

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row; the uniform numbers, shape (B, n), break the ties."""
        xp, numbers, candidates = self.view.numbers.xp, self.view.numbers, self.view.candidates
        rule, costs = self._parts()
        n = self.scores.shape[1]
        if self.ties == "lowest":
            uniforms = (xp.cumulative_sum(xp.ones_like(uniforms), axis=1) - 1) / n
        order = xp.argsort(xp.astype(self.levels(), uniforms.dtype) + uniforms, axis=1)
        index = xp.cumulative_sum(xp.ones_like(order), axis=1) - 1
        budget = numbers.const(rule.budget) + numbers.tolerance
        taken = xp.zeros_like(candidates)
        spent = xp.zeros_like(costs[:, 0, 0])
        going = xp.any(candidates, axis=1)
        for place in range(n):
            here = index == order[:, place : place + 1]
            cost = xp.sum(
                xp.where(here[:, :, None] & taken[:, None, :], costs, xp.zeros_like(costs)), axis=(1, 2)
            )
            total = cost if rule.per == "position" else spent + cost
            fits = xp.astype(total <= budget, xp.bool) & going
            if rule.stop:
                going = fits
            taken = taken | (here & candidates & fits[:, None])
            spent = xp.where(fits, spent + cost, spent)
        return taken

    def _parts(self) -> tuple[DEMASK, Array]:
        assert self.rule is not None
        return self.rule, self.costs

    def _distribution(self, levels: Sequence[int], costs: Sequence[Sequence[Any]]) -> SetDistribution:
        """Sum over every order of the ranking: the next position is any of the best not yet considered."""
        rule, _ = self._parts()
        n = len(levels)
        work = Budget("the orders of equal positions", "use fewer positions", limit=_LIMIT)
        work.require(3 ** sum(level < n for level in levels), _PAIR)
        budget = self.view.numbers.const(rule.budget) + self.view.numbers.tolerance

        @cache
        def rest(considered: int, taken: int, spent: Any) -> dict[int, fmpq]:
            left = [i for i in range(n) if levels[i] < n and not considered >> i & 1]
            if not left:
                return {taken: fmpq(1)}
            least = min(levels[i] for i in left)
            nexts = [i for i in left if levels[i] == least]
            nexts = nexts[:1] if self.ties == "lowest" else nexts
            out: dict[int, fmpq] = {}
            for i in nexts:
                cost = sum(costs[i][j] for j in range(n) if taken >> j & 1)
                fits = (cost if rule.per == "position" else spent + cost) <= budget
                if fits:
                    after = rest(considered | 1 << i, taken | 1 << i, spent + cost)
                else:
                    after = {taken: fmpq(1)} if rule.stop else rest(considered | 1 << i, taken, spent)
                for chosen, p in after.items():
                    out[chosen] = out.get(chosen, fmpq(0)) + p / len(nexts)
            return out

        return tuple(rest(0, 0, self.view.numbers.const(0)).items())

"""Tokens that a rule takes in one step of a layout, by kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import product
from math import comb, prod
from typing import Any

import numpy as np
from flint import fmpq

from theory.decoding.structured.layout_marginals import Falling, LayoutMarginals
from theory.numbers.arithmetic import EXACT
from theory.policies.policy import RankedPolicy
from theory.policies.process import Process
from theory.policies.ranked import Ranked
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["LONGEST", "LayoutSteps", "Move", "NotRankedError"]

LONGEST = 10_000  # calls of a block

_BY = ("random", "confidence", "margin", "entropy", "left_to_right")
_ONLY = (
    f"a layout is decoded exactly by ranked rules without memory and with random ties, by {', '.join(_BY)}."
)
Move = tuple[
    int, int, fmpq, list[tuple[int, int]]
]  # known items, certain tokens taken, probability, (item, tokens)


class NotRankedError(InputError):
    """The rule reads more than the kinds of tokens, so that layouts do not decode it."""


@dataclass(frozen=True, eq=False)
class LayoutSteps:
    """The steps of one rule; what it takes is asked once for each kind of state.

    Attributes:
        marginals: Of the items.
        policy: The rule.

    Raises:
        NotRankedError: For a rule that reads more than probabilities, or breaks ties by place.
    """

    marginals: LayoutMarginals
    policy: RankedPolicy
    _taken: dict[Any, tuple[int, list[int], int]] = field(default_factory=dict)
    _moves: dict[Any, list[Move]] = field(default_factory=dict)
    _lengths: dict[Any, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rule: Any = self.policy
        ranked = isinstance(rule, RankedPolicy) and not isinstance(rule, Process)
        if not ranked or rule.by not in _BY or rule.ties != "random" or rule.asks or rule.reads_places:
            raise NotRankedError(_ONLY)
        if rule.confidence != "max":
            raise NotRankedError(
                "a layout is decoded with the largest probability as confidence, not a sampled one."
            )

    def idle(self, used: int) -> int:
        """Return how many calls a block still waits that was finished after ``used``; only schedules wait."""
        return max(0, int(getattr(self.policy, "steps", 0)) - used) if self.policy.clocked else 0

    def number(self, masked: int, size: int, step: int) -> int:
        """Return how many tokens a rule takes that no probability decides.

        Args:
            masked: The masked tokens of the block.
            size: The length of the block.
            step: The number of calls in this block before.
        """
        view = replace(self._view([(fmpq(1),)] * size, step), masked=np.arange(size)[None] < masked)
        plan = self.policy.plan(view)
        if not isinstance(plan, Ranked):  # the set itself is drawn
            raise NotRankedError(_ONLY)
        return int(np.asarray(plan.take)[0])

    def from_left(self, kinds: tuple[int, ...], done: int, step: int) -> int:
        """Return how many positions of a block a rule from left to right takes.

        Args:
            kinds: The kind of the marginal at each position, -1 for a certain token.
            done: How many positions are revealed.
            step: The number of calls in this block before.
        """
        key = (kinds, done, step if self.policy.clocked else 0)
        if key not in self._lengths:
            view = self._view(
                [(fmpq(1),) if kind < 0 else self.marginals.kinds[kind] for kind in kinds], step
            )
            view = replace(view, masked=np.arange(len(kinds))[None] >= done)
            plan = self.policy.plan(view)
            if not isinstance(plan, Ranked):  # the set itself is drawn
                raise NotRankedError(_ONLY)
            self._lengths[key] = int(np.asarray(plan.take)[0])
        return self._lengths[key]

    def _view(self, rows: list[Falling], step: int) -> View:
        width = max(map(len, rows))
        probs = np.array([[*row, *[fmpq(0)] * (width - len(row))] for row in rows], dtype=object)[None]
        return View(probs, np.ones((1, len(rows)), dtype=bool), EXACT, step=step)

    def moves(
        self, y: int, known: int, certain: int, tokens: tuple[int, ...], size: int, step: int
    ) -> list[Move]:
        """Return what a step of one state may take.

        Args:
            y: The outcome whose values the known items have.
            known: The items with a revealed token, as a bit mask.
            certain: How many tokens of the block are masked and certain.
            tokens: How many tokens of each item the block has.
            size: The length of the block.
            step: The number of calls in this block before.
        """
        kinds = self.marginals.kind(known, y)
        items = [i for i, t in enumerate(tokens) if t and not known >> i & 1]
        state = tuple((kinds[i], tokens[i]) for i in items)
        key = (known, state, certain, size, step if self.policy.clocked else 0)
        if key not in self._moves:
            self._moves[key] = [
                (
                    known | sum(1 << i for i, a in zip(items, taken, strict=True) if a),
                    of_certain,
                    share,
                    [(i, a) for i, a in zip(items, taken, strict=True) if a],
                )
                for taken, of_certain, share in self.parts(state, certain, size, step)
            ]
        return self._moves[key]

    def parts(
        self, state: tuple[tuple[int, int], ...], certain: int, size: int, step: int
    ) -> list[tuple[tuple[int, ...], int, fmpq]]:
        """Return how many tokens a step may take of each group, of the certain ones, and with what probability.

        Args:
            state: The kind of the marginal of each group and how many masked tokens the block has of it.
            certain: How many tokens of the block are masked and certain.
            size: The length of the block.
            step: The number of calls in this block before.
        """
        take, levels, sure = self._take(state, certain, size, step)
        return _parts(take, levels, sure, [count for _, count in state], certain)

    def _take(
        self, state: tuple[tuple[int, int], ...], certain: int, size: int, step: int
    ) -> tuple[int, list[int], int]:
        """How many tokens the rule takes, the rank of each item's tokens, and that of certain ones."""
        order = sorted(range(len(state)), key=lambda j: state[j])  # the order of the items does not matter
        key = (tuple(state[j] for j in order), certain, size, step if self.policy.clocked else 0)
        if key not in self._taken:
            sure = (fmpq(1),)
            rows = [self.marginals.kinds[state[j][0]] for j in order for _ in range(state[j][1])]
            rows += [sure] * (size - len(rows))
            unknown = sum(count for _, count in state)
            view = replace(self._view(rows, step), masked=np.arange(size)[None] < certain + unknown)
            plan = self.policy.plan(view)
            if not isinstance(plan, Ranked):  # the set itself is drawn
                raise NotRankedError(_ONLY)
            levels = np.asarray(plan.levels())[0].tolist()
            starts = np.cumsum([0, *(state[j][1] for j in order)]).tolist()
            ranks = [levels[start] for start in starts[:-1]]
            self._taken[key] = int(np.asarray(plan.take)[0]), ranks, levels[unknown] if certain else -1
        take, ranks, rank_of_certain = self._taken[key]
        return take, [ranks[order.index(j)] for j in range(len(state))], rank_of_certain


def _parts(
    take: int, levels: list[int], sure: int, counts: list[int], certain: int
) -> list[tuple[tuple[int, ...], int, fmpq]]:
    """Return the tokens taken of each item, the certain ones taken, and the probability of each combination.

    Tokens of a better rank than the last one all go; of the last rank, ``rest`` of ``total`` go at random.
    """
    sizes = defaultdict[int, int](int)
    for level, count in [*zip(levels, counts, strict=True), (sure, certain)]:
        sizes[level] += count
    before, last = 0, -1
    for last in sorted(level for level, count in sizes.items() if count):
        if before + sizes[last] >= take:
            break
        before += sizes[last]
    rest, total = take - before, sizes[last]
    ranges = [
        range(count, count + 1) if level < last else range(count + 1) if level == last else range(1)
        for level, count in zip(levels, counts, strict=True)
    ]
    found: list[tuple[tuple[int, ...], int, fmpq]] = []
    for taken in product(*ranges):
        split = [(t, a) for t, a, level in zip(counts, taken, levels, strict=True) if level == last]
        random = rest - sum(a for _, a in split)
        if random < 0 or random > (certain if sure == last else 0):
            continue
        ways = prod(comb(t, a) for t, a in split) * (comb(certain, random) if sure == last else 1)
        of_certain = random if sure == last else certain if 0 <= sure < last else 0
        found.append((taken, of_certain, fmpq(ways, comb(total, rest))))
    return found

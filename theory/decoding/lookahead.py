"""Estimate of the states of an exact decode from a few sampled runs.

The states reached at a step by independent runs give a lower bound on their number. With f1 states found once and f2
twice among D different ones, ``D + f1 (f1 - 1) / (2 (f2 + 1))`` estimates a lower bound of their number, for any
probabilities (Chao, Scand. J. Statist. 11 (1984) 265, in the bias-free form for equal ones). A few of the states are
then split exactly, which gives the work of a state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.decoding.exact_chance import ExactChance
from theory.decoding.idle_calls import idle_on
from theory.decoding.process_cost import RunCost
from theory.decoding.sampled_chance import SampleChance
from theory.decoding.state_keys import StateKeys
from theory.distributions.distribution import MASK
from theory.distributions.grouping import row_keys
from theory.distributions.listed_model import ListedModel
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT
from theory.numbers.unseen import least_number
from theory.policies.board import Board
from theory.policies.foreign import finished_rows, stepped
from theory.policies.process import Process

__all__ = ["Pilot", "first_board", "sampled_steps"]

_RUNS, _MORE_RUNS = 100, (1000, 500, 200)
_NEW = 0.8  # share of runs with a state of their own above which the estimate says little
_TRIED, _SPLIT = 16, 50_000  # states split exactly at a step, and the rows they may become
_STEPS = 64  # steps looked at
_SHARE = 20  # the look ahead takes no more than one part in so many of the limit
_SMALL = 5_000  # states: below this no estimate is made


def first_board(model: ListedModel, transform: Transform, **weights: Any) -> Board:
    """Return one fully masked row."""
    tokens = np.full((1, model.n), MASK)
    return Board(
        tokens=tokens,
        probs=model.marginals(tokens),
        memory={},
        weights=weights,
        numbers=model.numbers,
        transform=transform,
        oracle=model,
        step=0,
        rates=EXACT,
    )


def sampled_steps(
    process: Process, rule: object, start: Board, *, runs: int, stop: bool = False
) -> Iterator[tuple[Board, Board]]:
    """Yield the board before and after each of the first steps of independent runs; finished ones drop out.

    Possible tokens are equally probable, since states count, not their probabilities.

    Args:
        process: The rule as a process.
        rule: The rule itself, for its idle calls.
        start: One row that the process has started, from which all runs start; the oracle is a listed model.
        runs: How many.
        stop: Whether runs end off the support.
    """
    chance, model = _FlatChance(np.random.default_rng(0).random), start.oracle
    assert isinstance(model, ListedModel)
    board = replace(start, weights={}).take(np.zeros(runs, dtype=np.int64))
    for _ in range(_STEPS):
        left = ~np.asarray(finished_rows(process, board))
        if stop:
            left &= model.mass(board.tokens) != 0
        if not left.any():
            return
        board = board.take(np.flatnonzero(left))
        board = replace(board, probs=model.marginals(board.tokens))
        board = replace(board, step=board.step + idle_on(rule, board))
        after = stepped(process, board, chance)
        yield board, after
        board = replace(after, weights={}, numbers=start.numbers, step=board.step + 1)


@dataclass(frozen=True)
class _Ahead:
    """A step: its states at least, and nanoseconds of their rows and of questions to the model."""

    states: float
    rows: int
    questions: int


@dataclass(kw_only=True)
class Pilot:
    """The look ahead of a process.

    Attributes:
        process: The rule as a process.
        rule: The rule itself.
        chance: The exact chance of the run; only its kind of numbers is used.
        cost: What the run may take.
        planned: The number of steps, zero if unknown.
        stop: Whether runs end off the support.
        ahead: What was found of each step.
    """

    process: Process
    rule: object
    chance: ExactChance
    cost: RunCost
    planned: int
    stop: bool
    ahead: dict[int, _Ahead] = field(default_factory=dict[int, _Ahead])

    def rest(self, step: int, rows: int) -> int:
        """Return the nanoseconds of all steps after ``step``, whose rows have turned out to take so many.

        Where these are more, or fewer, than was estimated, so will be the later ones.
        """
        if step not in self.ahead:
            return 0
        factor = rows / max(self.ahead[step].rows, 1)
        later = [ahead for at, ahead in self.ahead.items() if at > step]
        return int(sum(factor * ahead.rows + ahead.questions for ahead in later))

    def require_affordable(self, start: Board) -> None:
        """Raise if the run would take too long, as far as sampled runs from ``start``, one row, can tell."""
        n, width = start.probs.shape[1:]
        if (width + 1) ** n <= _SMALL:
            return
        saturated, each = self._look(start, _RUNS)
        runs = next((m for m in _MORE_RUNS if self.cost.affords(each * m, _SHARE)), 0)
        if saturated and runs:
            self._look(start, runs)

    def _look(self, start: Board, runs: int) -> tuple[bool, int]:
        """Raise if the estimate from so many runs is too much.

        Return whether more runs would say more, and the nanoseconds of one.
        """
        self.cost.begin()
        model = self.cost.model.agreement
        keys, saturated = StateKeys(self.process), False
        self.ahead.clear()
        before = model.work
        for board, _ in sampled_steps(self.process, self.rule, start, runs=runs, stop=self.stop):
            asked, met, shown = model.work - before, keys.of(board), row_keys(board.tokens)
            states = least_number(met)
            rows = self._rows_of_a_state(board, met)
            what = f"the states of one step, at least, of {self.process},"
            self.cost.require_rows(int(states * rows), what)
            # the model is asked about tokens, whatever the memory
            questions = int(asked * least_number(shown) / len(set(shown)))
            self.ahead[board.step] = _Ahead(states, int(states * rows * self.cost.of_rows(1)), questions)
            saturated |= Counter(Counter(met).values())[1] > _NEW * len(met)
            self.cost.rows += self.cost.of_rows(len(met))
            before = model.work
        each = self.cost.spent // runs
        self.cost.begin()
        self.cost.require(sum(step.rows + step.questions for step in self.ahead.values()) + self._unseen())
        return saturated, each

    def _unseen(self) -> int:
        """Return the nanoseconds of the planned steps that were not looked at, each like the last that was."""
        if len(self.ahead) < _STEPS:
            return 0
        last = max(self.ahead)
        return max(self.planned - last - 1, 0) * self.ahead[last].rows

    def _rows_of_a_state(self, board: Board, met: list[bytes]) -> float:
        """Return into how many rows, at least, a step splits a state: the mean over a few."""
        few = np.array(list({key: row for row, key in enumerate(met)}.values())[:_TRIED])
        one: Any = fmpq(1) if self.chance.exact else arb(1)
        ones = self.chance.numbers([one] * len(few))
        weighted = replace(board.take(few), weights={"own": ones, "data": ones})
        chance = ExactChance(
            self.chance.model, exact=self.chance.exact, floats=self.chance.floats, check_rows=_few_rows
        )
        try:
            after = stepped(self.process, chance.asked(weighted), chance)
        except _ManyRows as many:
            return many.rows / len(few)
        return len(after.tokens) / len(few)


class _FlatChance(SampleChance):
    """Chance with equally probable tokens, so that rare states are found more often."""

    def flip(self, board: Board, probability: Any) -> tuple[Board, NDArray[np.bool_]]:
        """Return fair choices where both results are possible."""
        p = EXACT.floats(probability)
        return super().flip(board, np.where((p > 0) & (p < 1), 0.5, p))

    def distribution(self, board: Board, index: Any) -> NDArray[np.float64]:
        """Return what tokens are drawn from, up to a factor."""
        return (super().distribution(board, index) > 0).astype(np.float64)


class _ManyRows(Exception):
    """More rows than an estimate should make."""

    def __init__(self, rows: int) -> None:
        self.rows = rows


def _few_rows(rows: int, what: str) -> None:  # noqa: ARG001
    if rows > _SPLIT:
        raise _ManyRows(rows)

"""Exact decode of a rule with memory, all rows of a step at a time."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.decoding.call_distribution import StepDistribution, distribution_of_calls
from theory.decoding.exact_chance import ExactChance
from theory.decoding.idle_calls import idle_on
from theory.decoding.lookahead import Pilot, first_board
from theory.decoding.process_cost import RunCost
from theory.decoding.result import AnswerDistribution, Decode, ValidSet, assembled
from theory.decoding.state_keys import StateKeys
from theory.distributions.distribution import MASK
from theory.distributions.listed_model import ListedModel
from theory.distributions.listed_model_balls import BallModel
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.balls import ball_precision, is_zero
from theory.numbers.log_sums import log_sum
from theory.policies.board import Board
from theory.policies.foreign import finished_rows, started, stepped
from theory.policies.process import Process
from theory.policies.rules.scheduled import Scheduled
from theory.validation import InputError

__all__ = ["decode_process", "process_distribution", "process_ends", "process_masked"]

_STEPS = 10_000  # model calls of one run of a rule that does not say how many it makes
_LONG = 16  # steps: with fewer, it is the rows that take long
_STEP = 3 * 10**6  # nanoseconds of a step beside its rows


def decode_process(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str, valid: ValidSet
) -> Decode:
    """Return the exact decode of a rule with memory; see :func:`theory.decoding.decoder.decode`."""
    run = _Run(pmf, process, transform, off_support)
    distribution = run.finish()
    follows = run.chance.follows_data
    with ball_precision():
        return assembled(
            pmf,
            run.chance.numbers([distribution.get(y, run.zero) for y in map(tuple, run.model.ids.tolist())]),
            valid,
            path_kl=run.path_kl() if follows else None,
            steps=run.steps,
            steps_under_data=run.steps_under_data if follows else None,
            off_support=off_support,
            exact=run.exact,
            proven=run.proven,
            step_distribution=run.step_distribution(),
        )


def process_distribution(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> AnswerDistribution:
    """Return ``Q(y)`` of every outcome of a rule; see :func:`theory.decoding.output.output_distribution`."""
    run = _Run(pmf, process, transform, off_support)
    tokens = run.model.names[0]
    finished = run.finish()
    if run.unfinished:
        raise InputError(
            f"rule {process} leaves masks in some answers, which are no outcomes: there is no distribution of all."
        )
    distribution = {tuple(tokens[v] for v in y): q for y, q in finished.items() if q != 0}
    return AnswerDistribution(distribution, proven=run.proven)


def process_masked(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> tuple[tuple[Any, ...], bool]:
    """Return the expected number of masked positions before each model call, zero for finished runs.

    They are rationals (``fmpq``) or balls; the second entry says whether the balls hold the true values.
    """
    run = _Run(pmf, process, transform, off_support)
    run.finish()
    return tuple(run.masked), run.proven


def process_ends(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> tuple[dict[tuple[int, bool], Any], bool]:
    """Return the joint distribution of (number of model calls, whether the outcome is in the support).

    Probabilities are rationals (``fmpq``) or balls; the second entry says whether the balls hold the true values.
    """
    run = _Run(pmf, process, transform, off_support)
    run.finish()
    return dict(sorted(run.ends.items())), run.proven


class _Run:
    """One exact run from the fully masked state."""

    def __init__(self, pmf: JointPMF, process: Process, transform: Transform, off_support: str) -> None:
        self.process, self.stop = process, off_support == "stop"
        self.clocked: bool = getattr(process, "clocked", False)
        bits = 0 if pmf.total is None else pmf.total.bit_length()
        rational: bool = getattr(process, "rational", True)
        self.exact = pmf.is_exact and rational and transform.keeps_rational(bits)
        self.rule = getattr(process, "policy", process)
        steps = getattr(self.rule, "steps", None)
        self.planned = steps if isinstance(steps, int) else 0
        self.model = ListedModel.by_token(pmf, off_support)
        self.cost = RunCost(
            what=f"following {process}" + (f" for {self.planned} steps" if self.planned else ""),
            remedy="use a smaller steps=, or fewer positions"
            if self.planned > _LONG
            else "use fewer positions",
            model=self.model,
        )
        floats = None if pmf.is_exact else BallModel(self.model, pmf.weights, off_support)
        self.chance = ExactChance(
            self.model, exact=self.exact, floats=floats, check_rows=self.cost.require_rows
        )
        self.keys = StateKeys(process)
        self.zero: Any = fmpq(0) if self.exact else arb(0)
        self.steps = self.steps_under_data = self.zero
        one = self.chance.numbers([fmpq(1)])
        board = first_board(self.model, transform, own=one, data=one)
        self.board = started(process, self.chance.asked(board))
        self.pilot = Pilot(
            process=process,
            rule=self.rule,
            chance=self.chance,
            cost=self.cost,
            planned=self._planned_steps,
            stop=self.stop,
        )
        self.distribution: dict[tuple[int, ...], Any] = {}
        self.unfinished = False  # whether runs ended with masks
        self.ends: dict[tuple[int, bool], Any] = {}  # (model calls, possible answer)
        self.calls: tuple[dict[int, Any], dict[int, Any]] = (
            {},
            {},
        )  # distribution of the calls, of own runs and of data
        self.masked: list[Any] = []  # expected number of masked positions before each call

    @property
    def proven(self) -> bool:
        """Whether the balls of the run hold the true values."""
        return self.chance.proven

    def step_distribution(self) -> StepDistribution:
        """Return the distribution of the model calls, up to the stop for runs that ``stop``."""
        runs, data = (calls.items() for calls in self.calls)
        return distribution_of_calls(runs, data if self.chance.follows_data else None, proven=self.proven)

    def path_kl(self) -> Any:
        """Return ``E log2 [P(y_S | y_C) / prod q_i]`` summed over the steps; a ball unless exact."""
        if any(ratio == inf for _, ratio in self.chance.path):
            return inf
        if self.exact:
            return log_sum(self.chance.path)
        return sum((amount * ratio.log() for amount, ratio in self.chance.path), arb(0)) / arb(2).log()

    def finish(self) -> dict[tuple[int, ...], Any]:
        """Run to the end and return the distribution of the outcomes as token ids."""
        with ball_precision():
            return self._finish()

    def _finish(self) -> dict[tuple[int, ...], Any]:
        self._look_ahead()
        self.model.watch = self.cost.require
        while True:
            self._collect()
            board = self.board
            if not len(board.tokens):
                return self.distribution
            if board.step >= (most := max(_STEPS, (self.model.n + 1) * self.planned)):
                raise InputError(f"rule {self.process} has not finished after {most} steps.")
            if idle := idle_on(self.rule, board):
                self._wait(idle)
                continue
            self.steps = self.steps + board.weights["own"].sum()
            self.steps_under_data = self.steps_under_data + board.weights["data"].sum()
            self.masked.append((board.weights["own"] * board.masked.sum(axis=1)).sum())
            start = np.arange(len(board.tokens))
            after = stepped(
                self.process, replace(board, weights={**board.weights, "start": start}), self.chance
            )
            self._check_work(len(after.tokens), board.step + 1)
            self.board = replace(self._merged(board, after), step=board.step + 1)

    def _look_ahead(self) -> None:
        """Raise before the run if a few sampled ones tell that it would take too long."""
        self.pilot.require_affordable(self.board)
        self.cost.begin()

    @property
    def _planned_steps(self) -> int:
        """Steps that are not idle, where they are known: a schedule has at most n of them."""
        return 0 if isinstance(self.rule, Scheduled) else self.planned

    def _wait(self, calls: int) -> None:
        board = self.board
        self.steps = self.steps + calls * board.weights["own"].sum()
        self.steps_under_data = self.steps_under_data + calls * board.weights["data"].sum()
        self.masked += [(board.weights["own"] * board.masked.sum(axis=1)).sum()] * calls
        self.board = replace(board, step=board.step + calls)

    def _check_work(self, rows: int, step: int) -> None:
        """Raise as soon as the rows so far, and those of this step for each that is to come, are too many.

        The numbers grow by about as many bits in each step.
        """
        bits = 0
        if self.exact:
            bits = max(int(weight.q).bit_length() for weight in self.board.weights["own"].tolist())
        spent = self.cost.of_rows(rows, bits)
        self.cost.rows += spent
        # the first step starts from a single row, and says nothing of the others
        left = max(self._planned_steps - step, 0) if step > 1 else 0
        growth = bits * left // (2 * step)  # on average, beyond what they have now
        rest = left * (self.cost.of_rows(rows, bits + growth) + _STEP)
        self.cost.require(max(rest, self.pilot.rest(self.board.step, spent)))

    def _collect(self) -> None:
        """Add finished rows to the distribution, and ask the model about the others."""
        board = self.board
        done = np.asarray(finished_rows(self.process, board))
        answers, own = board.tokens[done], board.weights["own"][done]
        whole = (answers != MASK).all(axis=1)
        if not whole.all():  # not an outcome, so it is wrong and has no mass of the data
            self.unfinished, self.chance.follows_data = True, False
        possible = ((self.model.mass(answers) != 0) & whole).tolist()
        for answer, share, is_possible in zip(answers.tolist(), own.tolist(), possible, strict=True):
            self.distribution[tuple(answer)] = self.distribution.get(tuple(answer), self.zero) + share
            end = (board.step, is_possible)
            self.ends[end] = self.ends.get(end, self.zero) + share
        left = ~done
        if self.stop:
            left &= self.model.mass(board.tokens) != 0
        for distribution, weights in zip(
            self.calls, (board.weights["own"], board.weights["data"]), strict=True
        ):
            if (ended := sum(weights[~left].tolist(), self.zero)) != 0:
                distribution[board.step] = distribution.get(board.step, self.zero) + ended
        board = board.take(np.flatnonzero(left))
        self.board = self.chance.asked(board)

    def _merged(self, before: Board, after: Board) -> Board:
        """Return the board with equal states merged and impossible ones dropped."""
        possible = ~(is_zero(after.weights["own"]) & is_zero(after.weights["data"]))
        after = after.take(np.flatnonzero(possible))
        keys = self.keys.of(after)
        if not self.clocked:
            old = self.keys.of(before)
            if any(
                old[start] == key for start, key in zip(after.weights["start"].tolist(), keys, strict=True)
            ):
                raise InputError(
                    f"rule {self.process} makes no progress: a step may leave a state as it was."
                )
        place: dict[bytes, int] = {}
        index = np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)
        first = np.unique(index, return_index=True)[1]
        weights: dict[str, NDArray[Any]] = {}
        for name in ("own", "data"):
            weights[name] = self.chance.numbers([self.zero] * len(place))
            np.add.at(weights[name], index, after.weights[name])
        return replace(after.take(first), weights=weights)

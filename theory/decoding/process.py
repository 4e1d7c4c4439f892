"""Exact decode of a rule with memory, all rows of a step at a time."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.call_distribution import StepDistribution, distribution_of_calls
from theory.decoding.exact_chance import ExactChance
from theory.decoding.lookahead import RowsAhead, require_runs, rows_ahead
from theory.decoding.result import AnswerDistribution, Decode, ValidSet, assembled, numbers_of_result
from theory.decoding.sampled_steps import first_batch
from theory.decoding.state_keys import StateKeys
from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import MASK
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import Budget, require_memory
from theory.numbers.arithmetic import EXACT
from theory.numbers.balls import ball_precision, is_zero
from theory.numbers.log_sums import log_sum
from theory.numbers.unseen import Foreseen, look_ahead
from theory.policies.checked_calls import checked_finished, checked_start, checked_step
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.validation import InputError

__all__ = ["ProcessRun", "process_distribution", "process_ends", "process_masked"]

MOST_CALLS = 10_000  # model calls of one run of a rule that does not say how many it makes
_LARGE = 600  # a logarithm of a number of states that no run survives
_LONG = 16  # steps: with fewer, it is the rows that take long
_STEP = 3e-3  # seconds of a step beside its rows
_STATE = 6e-4  # seconds of a state at most, where they are few
_RUNS, _MORE_RUNS = 100, 1000  # sampled runs of a look ahead


def process_distribution(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> AnswerDistribution:
    """Return ``Q(y)`` of every outcome of a rule; see :func:`theory.decoding.output.output_distribution`."""
    run = ProcessRun(pmf, process, transform, off_support)
    tokens = run.model.names[0]
    finished = run.finished()
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
    run = ProcessRun(pmf, process, transform, off_support)
    run.finished()
    return tuple(run.masked), run.proven


def process_ends(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> tuple[dict[tuple[int, bool], Any], bool]:
    """Return the joint distribution of (number of model calls, whether the outcome is in the support).

    Probabilities are rationals (``fmpq``) or balls; the second entry says whether the balls hold the true values.
    """
    run = ProcessRun(pmf, process, transform, off_support)
    run.finished()
    return dict(sorted(run.ends.items())), run.proven


class ProcessRun:
    """One exact run from the fully masked state."""

    def __init__(
        self,
        pmf: JointPMF,
        process: Process,
        transform: Transform,
        off_support: str,
        budget: Budget | None = None,
    ) -> None:
        self.pmf, self.process, self.off_support, self.stop = pmf, process, off_support, off_support == "stop"
        self.clocked: bool = getattr(process, "clocked", False)
        self.kind = numbers_of_result(pmf, process, transform)
        self.rule = getattr(process, "policy", process)
        steps = getattr(self.rule, "steps", None)
        self.planned = steps if isinstance(steps, int) else 0
        self.model = ListedModel.by_token(pmf, off_support)
        remedy = "use a smaller steps=, or fewer positions" if self.planned > _LONG else "use fewer positions"
        what = f"following {process}" + (f" for {self.planned} steps" if self.planned else "")
        self.budget = budget or Budget(what, remedy)
        self.ahead, self._first = RowsAhead(seconds=0), True
        read = self.model if pmf.is_exact else ListedModel.by_token(pmf.in_balls(), off_support)
        self.chance = ExactChance(self.model, kind=self.kind, read=read, check_rows=self._check_rows)
        self.keys = StateKeys(process)
        self.zero = self.kind.const(0)
        self.steps = self.steps_under_data = self.zero
        one = self.kind.array([1])
        batch = first_batch(self.model, transform, decoder=one, data=one)
        self.batch = checked_start(process, self.chance.asked(batch))
        self._asked = self.chance.asked_seconds  # of questions that were counted
        self.distribution: dict[tuple[int, ...], Any] = {}
        self.unfinished = False  # whether runs ended with masks
        self.ends: dict[tuple[int, bool], Any] = {}  # (model calls, possible answer)
        self.calls: tuple[dict[int, Any], dict[int, Any]] = (
            {},
            {},
        )  # their distribution, of own runs and of data
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
        return log_sum(self.chance.path, self.kind)

    @property
    def most(self) -> float:
        """Seconds of all states, of which none is met twice."""
        return exp(min(self.model.n * log(self.model.width + 1), _LARGE)) * _STATE

    @property
    def memory(self) -> int:
        """Bytes of a row."""
        return self.chance.bytes_of(1)

    def foresee(self) -> Foreseen:
        """Return what sampled runs tell of this one."""
        settings: dict[str, Any] = {"planned": self._planned_steps, "stop": self.stop}
        self.ahead = look_ahead(
            lambda runs: rows_ahead(self.process, self.rule, self.chance, self.batch, runs=runs, **settings),
            self.budget,
            few=_RUNS,
            many=_MORE_RUNS,
        )
        return self.ahead

    def ask_first(self) -> None:
        """Raise if the rule said in a look ahead that its sets are too many to list."""
        if self.ahead.refusal is not None and not self.ahead.refusal.is_allowed:
            raise self.ahead.refusal

    def finished(self) -> dict[tuple[int, ...], Any]:
        """Return the distribution of the outcomes as token ids, after a look ahead."""
        require_runs([self])
        self.run()
        return self.distribution

    def run(self) -> None:
        """Run to the end."""
        self._asked = self.chance.asked_seconds
        self.model.watch = self._spend
        with ball_precision():
            self._run()

    def result(self, valid: ValidSet) -> Decode:
        """Return what the finished run says; ``valid`` as in :func:`theory.decoding.decoder.decode`."""
        follows = self.chance.follows_data
        with ball_precision():
            ids = map(tuple, self.model.ids.tolist())
            return assembled(
                self.pmf,
                self.kind.array(self.distribution.get(y, self.zero) for y in ids),
                valid,
                path_kl=self.path_kl() if follows else None,
                steps=self.steps,
                steps_under_data=self.steps_under_data if follows else None,
                off_support=self.off_support,
                numbers=self.kind,
                proven=self.proven,
                step_distribution=self.step_distribution(),
            )

    def _run(self) -> None:
        while True:
            self._collect()
            batch = self.batch
            if not len(batch.tokens):
                return
            if batch.step >= (most := max(MOST_CALLS, (self.model.n + 1) * self.planned)):
                raise InputError(f"rule {self.process} has not finished after {most} steps.")
            if idle := batch.idle_calls(self.rule):
                self._wait(idle)
                continue
            self.steps = self.steps + batch.weights["decoder"].sum()
            self.steps_under_data = self.steps_under_data + batch.weights["data"].sum()
            self.masked.append((batch.weights["decoder"] * batch.masked.sum(axis=1)).sum())
            start = np.arange(len(batch.tokens))
            started_at = replace(batch, weights={**batch.weights, "start": start})
            after = checked_step(self.process, started_at, self.chance)
            self._check_work(len(after.tokens), batch.step + 1)
            self.batch = replace(self._merged(batch, after), step=batch.step + 1)

    @property
    def _planned_steps(self) -> int:
        """Steps that are not idle, where they are known: a schedule has at most n of them."""
        return 0 if getattr(self.rule, "scheduled", False) else self.planned

    def _wait(self, calls: int) -> None:
        batch = self.batch
        self.steps = self.steps + calls * batch.weights["decoder"].sum()
        self.steps_under_data = self.steps_under_data + calls * batch.weights["data"].sum()
        self.masked += [(batch.weights["decoder"] * batch.masked.sum(axis=1)).sum()] * calls
        self.batch = replace(batch, step=batch.step + calls)

    def _check_work(self, rows: int, step: int) -> None:
        """Raise as soon as the rows so far, and those of this step for each that is to come, are too many.

        The numbers grow by about as many bits in each step.
        """
        own = self.batch.weights["decoder"].tolist()
        bits = max(int(weight.q).bit_length() for weight in own) if self.kind is EXACT else 0
        seconds = self.chance.seconds_of(rows, bits)
        # the first step starts from a single row, and says nothing of the others
        left = max(self._planned_steps - step, 0) if step > 1 else 0
        growth = bits * left // (2 * step)  # on average, beyond what they have now
        rest = left * (self.chance.seconds_of(rows, bits + growth) + _STEP) if left else 0.0
        if left and self._first:
            self._first = False
            self.budget.require(rest)  # the first estimate of all planned steps keeps to the limit itself
        self._spend(seconds, max(rest, self.ahead.rest(self.batch.step, seconds)))

    def _check_rows(self, rows: int, what: str) -> None:
        """Raise before so many rows of one step are made, if they are too many."""
        require_memory(self.chance.bytes_of(rows), what, remedy=self.budget.remedy)
        self._spend(0.0, self.chance.seconds_of(rows))

    def _spend(self, seconds: float = 0.0, left: float = 0.0) -> None:
        """Count work, and what the model was asked since the last time."""
        asked, self._asked = self.chance.asked_seconds - self._asked, self.chance.asked_seconds
        self.budget.spend(asked + seconds, left)

    def _collect(self) -> None:
        """Add finished rows to the distribution, and ask the model about the others."""
        batch = self.batch
        done = np.asarray(checked_finished(self.process, batch))
        answers, own = batch.tokens[done], batch.weights["decoder"][done]
        whole = (answers != MASK).all(axis=1)
        if not whole.all():  # not an outcome, so it is wrong and has no mass of the data
            self.unfinished, self.chance.follows_data = True, False
        possible = ((self.model.mass(answers) != 0) & whole).tolist()
        for answer, share, is_possible in zip(answers.tolist(), own.tolist(), possible, strict=True):
            self.distribution[tuple(answer)] = self.distribution.get(tuple(answer), self.zero) + share
            end = (batch.step, is_possible)
            self.ends[end] = self.ends.get(end, self.zero) + share
        left = ~done
        if self.stop:
            left &= self.model.mass(batch.tokens) != 0
        both = (batch.weights["decoder"], batch.weights["data"])
        for distribution, weights in zip(self.calls, both, strict=True):
            if (ended := sum(weights[~left].tolist(), self.zero)) != 0:
                distribution[batch.step] = distribution.get(batch.step, self.zero) + ended
        batch = batch.take(np.flatnonzero(left))
        self.batch = self.chance.asked(batch)

    def _merged(self, before: RunBatch, after: RunBatch) -> RunBatch:
        """Return the batch with equal states merged and impossible ones dropped."""
        possible = ~(is_zero(after.weights["decoder"]) & is_zero(after.weights["data"]))
        after = after.take(np.flatnonzero(possible))
        keys = self.keys.of(after)
        if not self.clocked:
            old, starts = self.keys.of(before), after.weights["start"].tolist()
            if any(old[start] == key for start, key in zip(starts, keys, strict=True)):
                raise InputError(
                    f"rule {self.process} makes no progress: a step may leave a state as it was."
                )
        place: dict[bytes, int] = {}
        index = np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)
        weights: dict[str, NDArray[Any]] = {}
        for name in ("decoder", "data"):
            weights[name] = np.full(len(place), self.zero, dtype=object)
            np.add.at(weights[name], index, after.weights[name])
        return replace(after.take(np.unique(index, return_index=True)[1]), weights=weights)

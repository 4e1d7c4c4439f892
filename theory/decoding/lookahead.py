"""Estimated time of exact decodes, from a few sampled runs (:mod:`theory.numbers.unseen`).

Sampled runs give a lower bound on the states of a decode at each step; a few of the states are then split exactly,
which gives the work of a state.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from theory.decoding.exact_chance import ExactChance
from theory.decoding.sampled_steps import SAMPLED_STEPS, first_batch, sampled_steps
from theory.decoding.set_states import SetStates
from theory.decoding.state_keys import StateKeys
from theory.distributions.grouping import row_keys
from theory.distributions.listed_model import ListedModel
from theory.limits import Budget, CostError, require_all, require_memory
from theory.numbers.unseen import Foreseen, is_saturated, least_number
from theory.policies.as_process import Factorised
from theory.policies.checked_calls import checked_plan, checked_step
from theory.policies.process import Chance, Process
from theory.policies.run_batch import RunBatch
from theory.policies.view import UNKNOWN

__all__ = ["RowsAhead", "SetsAhead", "require_runs", "rows_ahead", "set_masks", "sets_ahead"]

_TRIED, _SPLIT = 16, 50_000  # states of a step that are split exactly, and the rows they may become
_ASKED = 0.05  # seconds of questions to the model that such rows may ask
_BRIEF = 20  # below one part in so many of the limit no estimate is made
_EARLY = 10  # before one part in so many of the work the past says little of what follows


class Run(Protocol):
    """An exact decode that has not begun."""

    budget: Budget

    @property
    def most(self) -> float:
        """Seconds that it takes at most, or about so many."""
        ...

    @property
    def memory(self) -> int:
        """Bytes that it needs at least."""
        ...

    def foresee(self) -> Foreseen:
        """Look ahead."""
        ...

    def ask_first(self) -> object:
        """Ask the rule about the first state: it may list too many sets."""
        ...


def require_runs(runs: Sequence[Run]) -> None:
    """Raise before decodes that share one budget if they would take too long together, as far as can be told."""
    budget, what = runs[0].budget, "the states of this decode"
    require_memory(max(run.memory for run in runs), what, remedy="use fewer outcomes or positions", advice=0)
    if budget.affords(sum(run.most for run in runs), _BRIEF):
        return
    ahead = [run.foresee() for run in runs]
    seconds = sum(found.seconds for found in ahead)
    rough = max(found.rough for found in ahead)
    budget.note(rough * seconds)
    require_all(
        lambda: budget.require(seconds),
        lambda: require_memory(
            max(found.memory for found in ahead),
            what,
            remedy=budget.remedy,
            advice=rough,
        ),
        *(run.ask_first for run in runs),
    )


# -- set by set -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SetsAhead(Foreseen):
    """What is foreseen of a decode set by set.

    Attributes:
        met: Some of the revealed sets, ascending.
        up_to: Their work up to a factor, summed over those before each, and over all.
    """

    met: Sequence[int] = ()
    up_to: Sequence[float] = (0.0,)

    def rest(self, mask: int, spent: float) -> float:
        """Return the seconds of the sets after ``mask``, as far as the known ones before and after it tell.

        Sets are visited in ascending order; a third is taken off, as the known ones are not a fair sample.
        """
        done, every = self.up_to[bisect_left(self.met, mask)], self.up_to[-1]
        return 0.0 if done * _EARLY <= every else (every - done) / done * spent * 2 / 3


@dataclass(frozen=True)
class _ShownCodes(Factorised):
    """A policy that is shown the revealed tokens as a decode set by set shows them."""

    model: ListedModel

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Choose and reveal."""
        known = (self.model.mass(batch.tokens) != 0)[:, None] | batch.masked
        view = replace(batch.view(), revealed=np.where(known, batch.tokens, UNKNOWN))
        batch, chosen = chance.choose(batch, checked_plan(self.policy, view))
        return chance.reveal(batch, chosen)


@dataclass
class _Level:
    """What sampled runs met among the sets of one size, or at one step."""

    sets: list[int] = field(default_factory=list[int])
    pairs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def sets_ahead(states: SetStates, runs: int) -> SetsAhead:
    """Return what is foreseen of a decode set by set, from so many sampled runs.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.distributions.tempering import Transform
        >>> from theory.policies import parse_policy
        >>> states = SetStates(JointPMF.uniform(["ab", "ba"]), parse_policy("topk:k=2"), Transform(), "marginal")
        >>> sets_ahead(states, 10).seconds == states.set_seconds(1) + states.pair_seconds(2, 2)
        True
    """
    policy, model, levels = states.policy, states.model, dict[Hashable, _Level]()
    clocked: bool = getattr(policy, "clocked", False)
    start, stop = first_batch(model, states.transform), states.off_support == "stop"
    for before, after in sampled_steps(_ShownCodes(policy, model), policy, start, runs=runs, stop=stop):
        shown, chosen = (set_masks(x) for x in (~before.masked, before.masked & ~after.masked))
        for mask, taken in zip(shown, chosen, strict=True):
            level = levels.setdefault(before.step if clocked else mask.bit_count(), _Level())
            level.sets.append(mask)
            level.pairs.append((mask, taken))
    each = [(_level_seconds(states, level), sorted(set(level.sets))) for level in levels.values()]
    work = dict(sorted((mask, seconds / len(sets)) for seconds, sets in each for mask in sets))
    return SetsAhead(
        seconds=sum(seconds for seconds, _ in each),
        met=list(work),
        up_to=list(accumulate(work.values(), initial=0.0)),
    )


def _level_seconds(states: SetStates, level: _Level) -> float:
    """Return the seconds of the sets and pairs of a level, by the mean of a few."""
    few = list(dict.fromkeys(level.sets))[:_TRIED]
    each = np.mean([states.set_seconds(states.groups(mask).count) for mask in few])
    pairs = list(dict.fromkeys(level.pairs))[:_TRIED]
    moves = np.mean([states.pair_seconds(states.groups(m | s).count, s.bit_count()) for m, s in pairs])
    return float(least_number(level.sets) * each + least_number(level.pairs) * moves)


def set_masks(rows: NDArray[np.bool_]) -> list[int]:
    """Return rows of positions as bit masks, of any number of positions."""
    octets = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in octets]


# -- row by row -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RowsAhead(Foreseen):
    """What is foreseen of an exact run of a rule with memory.

    Attributes:
        steps: Seconds of the rows, and of questions to the model, of each step.
        refusal: What the rule says of the sets of a state that are too many to list.
    """

    steps: dict[int, tuple[float, float]] = field(default_factory=dict[int, tuple[float, float]])
    refusal: CostError | None = None

    def rest(self, step: int, rows: float) -> float:
        """Return the seconds of all steps after ``step``, whose rows have turned out to take so many.

        Where these are more, or fewer, than was estimated, so will be the later ones.
        """
        if step not in self.steps:
            return 0.0
        factor = rows / self.steps[step][0]
        return sum(factor * rows + asked for at, (rows, asked) in self.steps.items() if at > step)


def rows_ahead(
    process: Process,
    rule: object,
    chance: ExactChance,
    start: RunBatch,
    *,
    planned: int,
    stop: bool,
    runs: int,
) -> RowsAhead:
    """Return what is foreseen of an exact run of a rule with memory, from so many sampled runs.

    Args:
        process: The rule as a process.
        rule: The rule itself.
        chance: The exact chance of the run; only its kind of numbers is used.
        start: One row from which all runs start.
        planned: The number of steps, zero if unknown.
        stop: Whether runs end off the support.
        runs: How many.
    """
    keys = StateKeys(process)
    steps, saturated, taken = dict[int, tuple[float, float]](), False, 0.0
    most, states, trial = 0.0, 0.0, _Trial(process, chance)
    before = begin = chance.asked_seconds
    for batch, _ in sampled_steps(process, rule, start, runs=runs, stop=stop):
        asked, met, shown = chance.asked_seconds - before, keys.of(batch), row_keys(batch.tokens)
        number, (rows, peak) = least_number(met), trial.split(batch, met, asked / len(met))
        # the model is asked about tokens, whatever the memory
        steps[batch.step] = chance.seconds_of(number * rows), asked * least_number(shown) / len(set(shown))
        most, states = max(most, number * peak), states + least_number(shown)
        chance.model.forget()
        saturated |= is_saturated(met)
        taken += chance.seconds_of(len(met))
        before = chance.asked_seconds
    last = max(steps, default=0)
    # planned steps that were not looked at, each like the last that was
    unseen = max(planned - last - 1, 0) * steps[last][0] if len(steps) == SAMPLED_STEPS else 0.0
    return RowsAhead(
        seconds=sum(map(sum, steps.values())) + unseen,
        memory=chance.bytes_of(int(most)) + chance.model.bytes_of(int(states)),
        saturated=saturated,
        each=(taken + chance.asked_seconds - begin) / runs,
        steps=steps,
        refusal=trial.refusal,
    )


class _Trial:
    """Splits a few states exactly."""

    def __init__(self, process: Process, chance: ExactChance) -> None:
        self.process, self.refusal, self.peak, self.most = process, None, 0, _SPLIT
        self.chance = ExactChance(
            chance.model, kind=chance.kind, read=chance.read, check_rows=self._check_rows
        )

    def split(self, batch: RunBatch, met: list[bytes], asked: float) -> tuple[float, float]:
        """Return into how many rows, at least, a step splits a state, and the most on the way: means over a few.

        ``asked`` is the seconds of questions to the model for one row: a rule that asks much is tried on fewer rows.
        """
        self.most = int(min(_SPLIT, _ASKED / asked)) if asked else _SPLIT
        few = np.array(list({key: row for row, key in enumerate(met)}.values())[:_TRIED])
        ones = np.full(len(few), self.chance.kind.const(1), dtype=object)
        weighted = replace(batch.take(few), weights={"decoder": ones, "data": ones})
        self.peak = rows = len(few)
        try:
            rows = len(checked_step(self.process, self.chance.asked(weighted), self.chance).tokens)
        except _ManyRows:
            rows = self.peak
        except CostError as error:
            self.refusal = error
        return rows / len(few), max(rows, self.peak) / len(few)

    def _check_rows(self, rows: int, what: str) -> None:  # noqa: ARG002
        self.peak = max(self.peak, rows)
        if rows > self.most:
            raise _ManyRows


class _ManyRows(Exception):
    """More rows than an estimate should make."""

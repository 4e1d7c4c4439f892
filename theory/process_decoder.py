"""The exact run of a process: a finite Markov chain over (tokens, memory), all rows of one step at a time."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory._checks import InputError
from theory.arithmetic import Number, to_fraction
from theory.correlation import Bits
from theory.decoded import Decode, ValidSet, divergence, valid_mass
from theory.exact_chance import ExactChance
from theory.law import MASK
from theory.lognumber import LogNumber
from theory.pmf import JointPMF, Outcome
from theory.policies.board import Board
from theory.policies.process import Process
from theory.states import ListedModel
from theory.temper import Transform

__all__ = ["decode_process", "process_ends", "process_law", "process_masked"]

_STEPS = 10_000  # model calls of one run


def decode_process(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str, valid: ValidSet
) -> Decode:
    """Return the exact decode of a process; see :func:`theory.decoder.decode`."""
    run = _Run(pmf, process, transform, off_support)
    law = run.finish()
    own = run.chance.numbers([law.get(y, run.zero) for y in map(tuple, run.model.ids.tolist())])
    on_support = dict(zip(pmf.outcomes, map(run.public, own.tolist()), strict=True))
    follows = run.chance.follows_data
    return Decode(
        law=on_support,
        accuracy=valid_mass(on_support, valid, exact=run.exact),
        kl=divergence(pmf, own, exact=run.exact),
        path_kl=run.path_kl() if follows else None,
        steps=run.public(run.steps),
        steps_under_data=run.public(run.steps_under_data) if follows else None,
        n=pmf.n,
        off_support=off_support,
    )


def process_law(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> dict[Outcome, Number]:
    """Return ``Q(y)`` of every answer of a process; see :func:`theory.output_law.output_law`."""
    run = _Run(pmf, process, transform, off_support)
    tokens = run.model.names[0]
    return {tuple(tokens[v] for v in y): run.public(q) for y, q in run.finish().items() if q != 0}


def process_masked(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> tuple[Number, ...]:
    """Return the expected number of masked positions before each model call; finished runs count with none."""
    run = _Run(pmf, process, transform, off_support)
    run.finish()
    return tuple(map(run.public, run.masked))


def process_ends(
    pmf: JointPMF, process: Process, transform: Transform, off_support: str
) -> dict[tuple[int, bool], Number]:
    """Return the joint law of (number of model calls, whether the answer is in the support)."""
    run = _Run(pmf, process, transform, off_support)
    run.finish()
    return {end: run.public(mass) for end, mass in sorted(run.ends.items())}


class _Run:
    """One exact run from the fully masked state."""

    def __init__(self, pmf: JointPMF, process: Process, transform: Transform, off_support: str) -> None:
        self.process, self.stop = process, off_support == "stop"
        self.clocked: bool = getattr(process, "clocked", False)
        self.exact = pmf.is_exact and transform.is_rational and getattr(process, "rational", True)
        self.model = ListedModel.by_token(pmf, off_support)
        self.chance = ExactChance(self.model, exact=self.exact)
        self.zero: Any = fmpq(0) if self.exact else 0.0
        self.steps = self.steps_under_data = self.zero
        one = self.chance.numbers([fmpq(1)])
        tokens = np.full((1, pmf.n), MASK)
        self.board = process.start(
            Board(
                tokens=tokens,
                probs=self.model.marginals(tokens),
                memory={},
                weights={"own": one, "data": one},
                numbers=self.model.numbers,
                transform=transform,
                oracle=self.model,
                step=0,
            )
        )
        self.law: dict[tuple[int, ...], Any] = {}
        self.ends: dict[tuple[int, bool], Any] = {}  # (model calls, possible answer)
        self.masked: list[Any] = []  # expected number of masked positions before each call

    def public(self, value: Any) -> Number:
        """Return a number of the run as users see it."""
        return to_fraction(value) if self.exact else float(value)

    def path_kl(self) -> Bits:
        """Return ``E log2 [P(y_S | y_C) / prod q_i]`` summed over the steps."""
        if any(ratio == inf for _, ratio in self.chance.path):
            return inf
        if self.exact:
            return LogNumber.weighted_sum(self.chance.path)
        return float(sum(float(amount) * np.log2(float(ratio)) for amount, ratio in self.chance.path))

    def finish(self) -> dict[tuple[int, ...], Any]:
        """Run to the end and return the law of the answers as token ids."""
        while True:
            self._collect()
            board = self.board
            if not len(board.tokens):
                return self.law
            if board.step >= _STEPS:
                raise InputError(f"rule {self.process} has not finished after {_STEPS} steps.")
            self.steps = self.steps + board.weights["own"].sum()
            self.steps_under_data = self.steps_under_data + board.weights["data"].sum()
            self.masked.append((board.weights["own"] * board.masked.sum(axis=1)).sum())
            start = np.arange(len(board.tokens))
            after = self.process.step(replace(board, weights={**board.weights, "start": start}), self.chance)
            self.board = replace(self._merged(board, after), step=board.step + 1)

    def _collect(self) -> None:
        """Move finished rows to the law, and ask the model about the others."""
        board = self.board
        done = np.asarray(self.process.finished(board))
        for row in np.flatnonzero(done).tolist():
            answer = tuple(board.tokens[row].tolist())
            self.law[answer] = self.law.get(answer, self.zero) + board.weights["own"][row]
            end = (board.step, bool(self.model.mass(board.tokens[row : row + 1])[0] != 0))
            self.ends[end] = self.ends.get(end, self.zero) + board.weights["own"][row]
        left = ~done
        if self.stop:
            left &= self.model.mass(board.tokens) != 0
        board = board.take(np.flatnonzero(left))
        self.board = replace(board, probs=self.model.marginals(board.tokens))

    def _merged(self, before: Board, after: Board) -> Board:
        """Return the board with equal states joined and impossible ones left out."""
        possible = (after.weights["own"] != 0) | (after.weights["data"] != 0)
        after = after.take(np.flatnonzero(possible))
        keys = _keys(after, self.process)
        if not self.clocked:
            old = _keys(before, self.process)
            if any(
                old[start] == key for start, key in zip(after.weights["start"].tolist(), keys, strict=True)
            ):
                raise InputError(
                    f"rule {self.process} makes no progress: a step may leave a state as it was."
                )
        place: dict[Any, int] = {}
        index = np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)
        first = np.unique(index, return_index=True)[1]
        weights: dict[str, NDArray[Any]] = {}
        for name in ("own", "data"):
            weights[name] = self.chance.numbers([self.zero] * len(place))
            np.add.at(weights[name], index, after.weights[name])
        return replace(after.take(first), weights=weights)


def _keys(board: Board, process: Process) -> list[Any]:
    """Return what tells the states of the rows apart."""
    memory = [board.memory[name] for name in sorted(board.memory)]
    keys = [(row.tobytes(), *map(_frozen, parts)) for row, *parts in zip(board.tokens, *memory, strict=True)]
    try:
        hash(tuple(keys[:1]))
    except TypeError as error:
        raise InputError(f"the memory of rule {process} cannot be told apart by value: {error}.") from None
    return keys


def _frozen(value: Any) -> Any:
    return (
        tuple(map(_frozen, value.tolist())) if isinstance(value, np.ndarray) and value.ndim else _item(value)
    )


def _item(value: Any) -> Any:
    return tuple(map(_item, value)) if isinstance(value, list) else value

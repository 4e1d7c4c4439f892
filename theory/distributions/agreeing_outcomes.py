"""Outcomes that agree with a partly revealed sequence, for many states at a time.

States that reveal the same positions are handled together in one pass over the outcomes, a single state by
intersecting one bit set for each revealed token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.distributions.outcomes import MASK

__all__ = ["AgreeingOutcomes"]

# seconds
STATE_SECONDS, _BIT = 1.5e-5, 2e-11  # a single state, and each outcome in its bit sets
PASS_SECONDS, _OUTCOME = 6e-5, 3e-9  # a pass over all outcomes, and each outcome at a position
_ADDED, _BALL = 2e-8, 2.5e-7  # adding an outcome to a state at a position; as a ball

_WORD_BITS = 62
BATCH_CELLS = 1 << 21  # cells of one batch of counts


_NONE = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


@dataclass(eq=False)
class _Sums:
    mass: NDArray[Any]
    counts: NDArray[Any]
    waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=lambda: [_NONE])
    cells: int = 0  # of those that wait


class AgreeingOutcomes:
    """Weights of the outcomes that agree with partly revealed states.

    Args:
        ids: The outcomes as token ids below ``width``, shape (N, n).
        weights: Their weights, shape (N,).
        width: The number of tokens V.

    Attributes:
        seconds: Estimated so far, by measured prices (:mod:`theory.limits`); the same on every machine.

    Example:
        >>> agreeing = AgreeingOutcomes(np.array([[0, 1], [1, 0], [1, 1]]), np.array([1, 1, 2]), 2)
        >>> mass, counts = agreeing.counts(np.array([[MASK, 1], [0, 0]]))
        >>> mass.tolist(), counts[0].tolist()
        ([3, 0], [[1, 2], [0, 3]])
    """

    def __init__(self, ids: NDArray[np.int64], weights: NDArray[Any], width: int) -> None:
        self.ids, self.weights, self.width = ids, weights, width
        self.n = ids.shape[1]
        self.seconds = 0.0
        self._added = _BALL if len(weights) and isinstance(weights[0], arb) else _ADDED
        self._cells = ids + width * np.arange(self.n)  # place of each token in a flat (n, V)

    def rows(self, state: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the outcomes that agree with a state, in ascending order."""
        return self._rows(state.tolist())

    def counts(self, states: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the weight of the outcomes that agree with each state, and of those with ``y_i = v`` among them.

        The states are distinct. Shapes (B,) and (B, n, V).
        """
        sums = _Sums(
            mass=np.zeros(len(states), dtype=self.weights.dtype),
            counts=np.zeros((len(states), self.n, self.width), dtype=self.weights.dtype),
        )
        listed = states.tolist()
        for where, members in _by_places(states) if listed else ():
            together, alone = self._costs(len(where), len(members))
            self.seconds += min(together, alone)
            if together < alone:
                self._add(sums, *self._together(states[members][:, where], where, members))
                continue
            for member in members.tolist():
                rows = self._rows(listed[member])
                self._add(sums, np.full(len(rows), member), rows)
        self._flush(sums)
        return sums.mass, sums.counts

    def batches(self, states: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the states in batches whose counts take a few megabytes."""
        most = max(1, BATCH_CELLS // (self.n * self.width))
        return [states[begin : begin + most] for begin in range(0, len(states), most)]

    def _costs(self, revealed: int, states: int) -> tuple[float, float]:
        """Return the cost of states that reveal the same positions, together and one by one."""
        alone = states * (STATE_SECONDS + len(self.ids) * revealed * _BIT)
        if self.width**revealed >= 1 << _WORD_BITS:
            return inf, alone
        return PASS_SECONDS + (len(self.ids) * (revealed + 2) + states * revealed) * _OUTCOME, alone

    def _rows(self, state: list[int]) -> NDArray[np.int64]:
        """Intersect bit sets."""
        bits, having = self._every, self._having
        for i, token in enumerate(state):
            if token != MASK:
                bits &= having[i][token] if 0 <= token < self.width else 0
        if not bits:
            return np.zeros(0, dtype=np.int64)
        octets = np.frombuffer(bits.to_bytes(-(-len(self.ids) // 8), "little"), dtype=np.uint8)
        return np.flatnonzero(np.unpackbits(octets, bitorder="little"))

    def _together(
        self, tokens: NDArray[np.int64], where: NDArray[np.int64], members: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the outcomes that agree with each state; ``tokens`` are the states at ``where``."""
        radix = self.width ** np.arange(len(where), dtype=np.int64)
        possible = ((tokens >= 0) & (tokens < self.width)).all(axis=1)
        keys = np.where(possible, tokens @ radix, -1)
        order = np.argsort(keys)
        asked = keys[order]
        found = self.ids[:, where] @ radix
        place = np.minimum(np.searchsorted(asked, found), len(asked) - 1)
        rows = np.flatnonzero(asked[place] == found)
        return members[order[place[rows]]], rows

    def _add(self, sums: _Sums, states: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Add outcomes to the states that they agree with; many small additions are made in one."""
        sums.waiting.append((states, rows))
        sums.cells += len(rows) * self.n
        self.seconds += len(rows) * self.n * self._added
        if sums.cells > BATCH_CELLS:
            self._flush(sums)

    def _flush(self, sums: _Sums) -> None:
        states, rows = (np.concatenate(parts) for parts in zip(*sums.waiting, strict=True))
        for begin in range(0, len(rows), most := max(1, BATCH_CELLS // self.n)):
            part = slice(begin, begin + most)
            weights = self.weights[rows[part]]
            np.add.at(sums.mass, states[part], weights)
            places = states[part, None] * (self.n * self.width) + self._cells[rows[part]]
            np.add.at(sums.counts.reshape(-1), places.reshape(-1), np.repeat(weights, self.n))
        sums.waiting, sums.cells = [_NONE], 0

    @cached_property
    def _every(self) -> int:
        return (1 << len(self.ids)) - 1

    @cached_property
    def _having(self) -> list[list[int]]:
        """For each position and token the bit set of its outcomes."""
        return [
            [
                int.from_bytes(np.packbits(self.ids[:, i] == token, bitorder="little").tobytes(), "little")
                for token in range(self.width)
            ]
            for i in range(self.n)
        ]


def _by_places(states: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return sets of revealed positions, each with the states that reveal them."""
    shown = states != MASK
    keys = np.packbits(shown, axis=1)
    _, first, index = np.unique(
        keys.view(np.dtype((np.void, keys.shape[1])))[:, 0], return_index=True, return_inverse=True
    )
    members = np.split(np.argsort(index, kind="stable"), np.cumsum(np.bincount(index))[:-1])
    return [(np.flatnonzero(row), group) for row, group in zip(shown[first], members, strict=True)]

"""Actions in an equivalence class of states, with their costs and successors.

All states that share a revealed set C are handled together for each block S, since the states after S are the groups of
outcomes that agree on C u S. A block must contain every free position of a state, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.optima.adaptive.states import States, members

__all__ = ["BLOCK_SECONDS", "MOVE_BYTES", "Part", "all_parts"]

BLOCK_SECONDS = 1.3e-4  # of a block of positions that the classes of one revealed set take
MOVE_BYTES = 120  # child, weight and probability, and the copies made while ordering them

# ratios of huge weights may underflow to zero, which has no logarithm
_LEAST = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Part:
    """One block taken by several classes that share a revealed set.

    Attributes:
        block: Its positions, as a bit mask.
        state_class: The classes that take it, shape (K,).
        cost: Its total correlation in each, in bits, shape (K,).
        counts: The number of moves of each, shape (K,).
        child: The class that each move leads to, shape (M,), those of the first class first.
        weight: Weight of the move, shape (M,).
        chance: Its probability as a float, shape (M,).
    """

    block: int
    state_class: NDArray[np.int64]
    cost: NDArray[np.float64]
    counts: NDArray[np.int64]
    child: NDArray[np.int64]
    weight: NDArray[Any]
    chance: NDArray[np.float64]


def all_parts(states: States) -> Iterator[Part]:
    """Yield every block of every class, the classes of one revealed set together."""
    classes_at: dict[int, list[int]] = {}
    for state_class, (mask, _) in enumerate(states.where, start=2):
        classes_at.setdefault(mask, []).append(state_class)
    for mask, classes in classes_at.items():
        yield from _Origin(states, mask, classes).parts()


class _Origin:
    """The classes whose representative state has one revealed set."""

    def __init__(self, states: States, mask: int, classes: list[int]) -> None:
        self.states, self.mask = states, mask
        self.layer = states.layers[mask]
        self.classes = np.array(classes)
        self.at = np.array([states.where[state_class - 2][1] for state_class in classes])
        self.row = np.full(self.layer.count, -1)
        self.row[self.at] = np.arange(len(classes))
        self.rest = states.full & ~mask
        cores = [sum(1 << i for i in states.core(mask, state)) for state in self.at.tolist()]
        self.free = self.rest & ~np.array(cores)
        self.class_of = states.class_of_entry

    def parts(self) -> list[Part]:
        """Return all actions, blocks that contain every free position and some others."""
        singles = np.zeros((len(self.classes), self.states.pmf.n))
        for i in members(self.rest):
            rows, _, chance, _ = self._moves(1 << i, np.ones(len(self.classes), dtype=bool))
            singles[:, i] = self._entropies(rows, chance)
        found: list[Part] = []
        block = 0
        while block != self.rest:
            block = (block - self.rest) & self.rest  # the next larger subset of the rest
            taking = ((self.free & ~block) == 0) & ((block & ~self.free) != 0)
            if taking.any():
                found.append(self._part(block, taking, singles))
        return found

    def _part(self, block: int, taking: NDArray[np.bool_], singles: NDArray[np.float64]) -> Part:
        rows, weight, chance, child = self._moves(block, taking)
        cost = singles[:, members(block)].sum(axis=1) - self._entropies(rows, chance)
        classes = len(self.states.classes.cores)
        key, place = np.unique(rows * classes + child, return_inverse=True)  # one move per origin and class
        summed = np.zeros(len(key), weight.dtype)
        np.add.at(summed, place, weight)
        counts = np.bincount(key // classes, minlength=len(self.classes))[taking]
        return Part(
            block=block,
            state_class=self.classes[taking],
            cost=cost[taking],
            counts=counts,
            child=key % classes,
            weight=summed,
            chance=_sums(place, chance, len(key)),
        )

    def _moves(self, block: int, taking: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
        """Return origin row, weight, probability and class of every state after the block."""
        after = self.states.layers[self.mask | block]
        rows = self.row[self.layer.inverse[after.first]]
        live = np.flatnonzero((rows >= 0) & taking[rows])
        rows = rows[live]
        weight = after.weights[live]
        chance = (weight / self.layer.weights[self.at[rows]]).astype(np.float64)
        chance = np.maximum(chance, _LEAST)
        return rows, weight, chance, self.class_of[after.entry[live]]

    def _entropies(self, rows: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
        return -_sums(rows, chance * np.log2(chance), len(self.classes))


def _sums(groups: NDArray[np.int64], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the sum of the values of each group, shape (count,)."""
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64, copy=False)

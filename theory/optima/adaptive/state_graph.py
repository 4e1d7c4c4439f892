"""The graph of equivalence classes of states, with the cost of every block.

An *action* in a class is a block of core positions; the positions that are free in the state join it. Its cost is the
total correlation ``TC(S | x_C)`` at the realised context. A *move* is a class reached by an action, with its
probability. By Wen, Liang and Lu (arXiv 2608.25505, Theorem 1) the divergence of an adaptive policy is the expected sum
of these costs along trajectories of the data: ``D(P || Q) = E_P sum_t TC(S_t | x_{C_t})``.

Actions and moves are stored in flat arrays, ordered by the number of core positions and then by class, so that one pass
of a dynamic programme is a few array operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.pmf import JointPMF
from theory.limits import Budget, require_all, require_memory
from theory.optima.adaptive.actions import BLOCK_SECONDS, MOVE_BYTES, Part, all_parts
from theory.optima.adaptive.graph_forecast import forecast
from theory.optima.adaptive.states import (
    States,
    graph_budget,
    list_states,
    most_moves,
    most_states,
    reading_seconds,
    varying,
)

__all__ = ["Level", "StateGraph", "state_graph", "state_graphs"]

_REMEDY = "use fewer positions or outcomes"
_POSITIONS = 22  # beyond, even counting what the sets hold takes seconds
_FAR = 1000  # reading the sets alone takes so many limits: not worth a look ahead


@dataclass(frozen=True, eq=False)
class Level:
    """The classes with one number of core positions, as slices of the flat arrays.

    Attributes:
        classes: Shape (K,).
        actions: Slice of the actions.
        moves: Slice of the moves.
        action_starts: First action of each class, relative to the slice, shape (K,).
        move_starts: First move of each action, relative to the slice.
    """

    classes: NDArray[np.int64]
    actions: slice
    moves: slice
    action_starts: NDArray[np.int64]
    move_starts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StateGraph:
    """Classes, actions and moves of a pmf.

    Attributes:
        states: The states of the classes.
        state_class: Class of each action, shape (A,).
        block: Positions of each action in the state :attr:`States.where` of its class, as a bit mask, shape (A,).
        cost: Total correlation in bits, float64, shape (A,).
        starts: First move of each action, then the number of moves, shape (A + 1,).
        child: Class that each move leads to, shape (M,).
        weight: Weight of the move; its probability is this over the weight of the state, shape (M,).
        chance: The probability as a float, shape (M,).
    """

    states: States
    state_class: NDArray[np.int64]
    block: NDArray[np.int64]
    cost: NDArray[np.float64]
    starts: NDArray[np.int64]
    child: NDArray[np.int64]
    weight: NDArray[Any]
    chance: NDArray[np.float64]

    @property
    def pmf(self) -> JointPMF:
        """The pmf."""
        return self.states.pmf

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.states.classes.cores)

    @property
    def root(self) -> int:
        """The class of the fully masked state."""
        return self.states.state_class(0, 0)

    def rounding(self, weight: float = 0.0) -> float:
        """Return a bound on the error of a float value ``KL + weight * steps`` of any action, in bits.

        With u = 2^-53 and N outcomes: an entropy is a sum of at most N terms, added one by one, off by
        ``u (N + 6)(log2 N + 2)`` at most; a cost takes n + 1 of them; an expectation over moves adds ``3 u N`` times
        the values, at most ``n (log2 N + weight)``; and n steps add up. For 5,040 outcomes 1e-12 was measured.

        Example:
            >>> state_graph(JointPMF.uniform([(0, 0), (1, 1)])).rounding() < 1e-13
            True
        """
        n, size = self.pmf.n, len(self.pmf)
        return 5 * n * (n + 1) * (size + 8) * (log2(size) + 2 + weight) * 2.0**-53

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """First action and end of the actions of each class, shape (classes, 2)."""
        spans = np.zeros((self.classes, 2), dtype=np.int64)
        for level in self.levels:
            ends = np.append(level.action_starts, level.actions.stop - level.actions.start)
            spans[level.classes] = np.stack([ends[:-1], ends[1:]], axis=1) + level.actions.start
        return spans

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels in ascending order of core positions; moves lead to lower levels."""
        cores = np.array(self.states.classes.cores)[self.state_class]
        bounds = np.flatnonzero(np.diff(cores, prepend=-1, append=-1)).tolist()
        levels: list[Level] = []
        for start, stop in pairwise(bounds):
            classes, first = np.unique(self.state_class[start:stop], return_index=True)
            moves = slice(int(self.starts[start]), int(self.starts[stop]))
            relative = self.starts[start:stop] - moves.start
            levels.append(Level(classes, slice(start, stop), moves, first, relative))
        return tuple(levels)


def state_graph(pmf: PMFLike) -> StateGraph:
    """Return the state graph of a pmf, the input of every adaptive optimum.

    Time and memory grow with ``3^n`` pairs of revealed sets and with the number of states; states whose
    conditional distributions agree up to names are handled once.

    Raises:
        CostError: If the estimate exceeds the limits.

    Example:
        >>> from itertools import permutations
        >>> graph = state_graph(JointPMF.uniform(permutations(range(4))))
        >>> graph.classes, len(graph.block), len(graph.child)  # 15, 7 and 3 blocks of 4, 3 and 2 items
        (5, 25, 25)
    """
    return state_graphs([as_pmf(pmf)])[0]


def state_graphs(pmfs: Sequence[JointPMF], *checks: Callable[[], object]) -> tuple[StateGraph, ...]:
    """Return the graph of each of several distributions; ``checks`` are made with those of the graphs.

    Raises:
        CostError: If the estimate for all of them together exceeds the limits.

    Example:
        >>> [graph.classes for graph in state_graphs([JointPMF.uniform([(0, 0), (1, 1)])] * 2)]
        [3, 3]
    """
    budget = graph_budget(pmfs)
    _require_affordable(pmfs, budget, checks)
    return tuple(_built(pmf, budget) for pmf in pmfs)


def _built(pmf: JointPMF, budget: Budget) -> StateGraph:
    states = list_states(pmf, budget)
    _require(states)
    return _ordered(states, list(all_parts(states)))


def _require_affordable(
    pmfs: Sequence[JointPMF], budget: Budget, checks: Sequence[Callable[[], object]]
) -> None:
    """Raise if the graphs of these distributions would take too long or, all kept, too much memory."""
    of = budget.what.removeprefix("the adaptive optimum of ")
    reading = sum(map(reading_seconds, pmfs))
    if max(pmf.n for pmf in pmfs) > _POSITIONS or not budget.affords(reading / _FAR):
        budget.require(reading)
    counts = [most_states(pmf) for pmf in pmfs]
    kept = sum(
        (4 * len(pmf) << varying(pmf).bit_count()) + 100 * count
        for pmf, count in zip(pmfs, counts, strict=True)
    )
    ahead = [forecast(pmf, budget) for pmf in pmfs]
    seconds = sum(found.seconds for found in ahead)
    rough = max(found.rough for found in ahead)
    budget.note(rough * seconds)
    require_all(
        lambda: budget.require(reading),
        lambda: require_memory(kept, f"up to {sum(counts)} states of {of}", remedy=_REMEDY),
        lambda: budget.require(seconds),
        *checks,
        lambda: require_memory(
            sum(found.memory for found in ahead),
            f"the moves between the states of {of}",
            remedy=_REMEDY,
            advice=rough,
        ),
    )


def _require(states: States) -> None:
    """Raise if the remaining work or moves exceed the limits."""
    sizes, moves = [len(a) for a in states.pmf.alphabets], 0
    counts: dict[int, NDArray[np.int64]] = {}
    for mask, state in states.where:
        if mask not in counts:
            counts[mask] = np.bincount(states.layers[mask].inverse)
        moves += most_moves(int(counts[mask][state]), [sizes[i] for i in states.core(mask, state)])
    states.classes.budget.spend(
        0.0, sum(2 ** (states.pmf.n - mask.bit_count()) for mask in counts) * BLOCK_SECONDS
    )
    require_memory(moves * MOVE_BYTES, f"up to {moves} moves between {states.count} states", remedy=_REMEDY)


def _ordered(states: States, parts: list[Part]) -> StateGraph:
    """Join the parts in the order of the flat arrays."""
    state_class = _joined([p.state_class for p in parts], np.int64)
    counts = _joined([p.counts for p in parts], np.int64)
    order = np.lexsort((state_class, np.array(states.classes.cores)[state_class]))
    starts = np.concatenate([[0], np.cumsum(counts[order])])
    old_starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    # the moves of the j-th action in the new order: its old range, shifted
    moves = np.arange(starts[-1]) + np.repeat(old_starts[order] - starts[:-1], counts[order])
    block = np.repeat(np.array([p.block for p in parts], dtype=np.int64), [len(p.state_class) for p in parts])
    return StateGraph(
        states=states,
        state_class=state_class[order],
        block=block[order],
        cost=_joined([p.cost for p in parts], np.float64)[order],
        starts=starts,
        child=_joined([p.child for p in parts], np.int64)[moves],
        weight=_joined([p.weight for p in parts], states.pmf.weights.dtype)[moves],
        chance=_joined([p.chance for p in parts], np.float64)[moves],
    )


def _joined(arrays: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)

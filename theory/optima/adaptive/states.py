"""All states of decoding a pmf, layer by layer.

A state is a set of revealed positions C with tokens x_C of positive probability: a group of the outcomes that agree on
them. A layer has the states with one revealed set. There are ``sum_C |support of y_C|`` states, at most ``2^n N`` and
usually far fewer.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import group_rows, listing
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.optima.adaptive.canonical_distributions import SmallDistribution
from theory.optima.adaptive.equivalence_classes import DONE, FREE, EquivalenceClasses

__all__ = [
    "Layer",
    "Reader",
    "States",
    "graph_budget",
    "in_order",
    "layer_seconds",
    "list_states",
    "members",
    "most_moves",
    "most_states",
    "reading_seconds",
    "varying",
]

# seconds, fitted to the graphs of eleven distributions, of 6 to 55,447 different distributions of states: all within a
# factor of two
_SET, _LAYER = 1e-6, 6e-4  # a revealed set, and one whose outcomes are read
_LARGE = 900  # positions: two to this power is still a float
_CELL, _LOOSE = 2e-8, 1e-5  # an outcome at a position, and an undecided state


@dataclass(frozen=True, eq=False)
class Layer:
    """The states with one revealed set.

    Attributes:
        first: Index of one outcome of each state, shape (G,).
        inverse: State of each outcome, shape (N,).
        weights: Summed weight of each state, shape (G,).
        loose: Bit mask of the masked positions that still have several tokens, shape (G,).
        entry: Number of the conditional distribution in :attr:`States.classes`, shape (G,).
    """

    first: NDArray[np.int64]
    inverse: NDArray[np.int32]
    weights: NDArray[Any]
    loose: NDArray[np.int64]
    entry: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of states."""
        return self.first.shape[0]


@dataclass(frozen=True, eq=False)
class States:
    """The states of a pmf.

    Attributes:
        pmf: The pmf, outcomes in lexicographic order.
        layers: One per revealed set; the index is its bit mask.
        classes: The classes of the states.
        where: For each class from 2 on a representative: (revealed set, state in its layer).
    """

    pmf: JointPMF
    layers: tuple[Layer, ...]
    classes: EquivalenceClasses
    where: tuple[tuple[int, int], ...]

    @property
    def full(self) -> int:
        """The mask of all positions."""
        return (1 << self.pmf.n) - 1

    @property
    def count(self) -> int:
        """The number of states."""
        return sum(layer.count for layer in self.layers)

    @cached_property
    def class_of_entry(self) -> NDArray[np.int64]:
        """Class of each entry, shape (entries,)."""
        return np.array([entry.state_class for entry in self.classes.entries])

    def state_class(self, revealed: int, state: int) -> int:
        """Return the class of a state."""
        return self.classes.entries[int(self.layers[revealed].entry[state])].state_class

    def core(self, revealed: int, state: int) -> tuple[int, ...]:
        """Return the core positions of a state, in the order of the positions of its class."""
        layer = self.layers[revealed]
        loose = members(int(layer.loose[state]))
        return tuple(loose[j] for j in self.classes.entries[int(layer.entry[state])].order)


def members(mask: int) -> tuple[int, ...]:
    """Return the positions of a bit mask.

    Example:
        >>> members(0b101)
        (0, 2)
    """
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def varying(pmf: JointPMF) -> int:
    """Return the bit mask of the positions with several tokens."""
    return sum(1 << i for i, alphabet in enumerate(pmf.alphabets) if len(alphabet) > 1)


def graph_budget(pmfs: Sequence[JointPMF]) -> Budget:
    """Return the budget of the graphs of some distributions."""
    of = f"{pmfs[0].n} positions and {len(pmfs[0])} outcomes" if len(pmfs) == 1 else f"{len(pmfs)} contexts"
    return Budget(f"the adaptive optimum of {of}", "use fewer positions or outcomes")


def layer_seconds(pmf: JointPMF, loose: float) -> float:
    """Return the seconds of a revealed set with so many undecided states.

    Example:
        >>> round(layer_seconds(JointPMF.uniform(["ab", "ba"]), 2) * 1e9)
        620080
    """
    return _LAYER + len(pmf) * pmf.n * _CELL + loose * _LOOSE


def reading_seconds(pmf: JointPMF) -> float:
    """Return the seconds of reading the outcomes of every set; positions with one token do not matter."""
    every, read = (2.0 ** min(sets, _LARGE) for sets in (pmf.n, varying(pmf).bit_count()))
    return _SET * every + layer_seconds(pmf, 0) * read


def most_states(pmf: JointPMF) -> int:
    """Return a bound on the number of states: a revealed set B has at most ``min(N, prod_{i in B} |V_i|)``.

    Example:
        >>> most_states(JointPMF.uniform([(0, 0), (1, 1)]))
        7
    """
    counts = np.ones(1, dtype=np.int64)
    for alphabet in pmf.alphabets:
        counts = np.concatenate([counts, np.minimum(counts * len(alphabet), len(pmf))])
    return int(counts.sum())


def list_states(pmf: JointPMF, budget: Budget | None = None) -> States:
    """Return all states of a pmf; ``budget`` is that of the graph.

    Raises:
        CostError: If there are too many.

    Example:
        >>> from itertools import permutations
        >>> states = list_states(JointPMF.uniform(permutations(range(4))))
        >>> states.count, states.classes.cores  # done, free, then shuffles of 4, 3 and 2 items
        (209, [0, 0, 4, 3, 2])
    """
    pmf = in_order(pmf)
    classes, where = EquivalenceClasses(budget or graph_budget([pmf])), list[tuple[int, int]]()
    full, telling = (1 << pmf.n) - 1, varying(pmf)
    read: dict[
        int, Layer
    ] = {}  # revealed sets that differ only in positions with one token have the same states
    layers: list[Layer] = []
    for mask in range(full):
        if mask & telling not in read:
            read[mask & telling] = Reader(pmf, mask, classes, where).layer()
        layers.append(read[mask & telling])
    layers.append(Reader(pmf, full, classes, where).layer())  # nothing is masked
    return States(pmf, tuple(layers), classes, tuple(where))


def in_order(pmf: JointPMF) -> JointPMF:
    """Return the pmf with its outcomes in lexicographic order, so that equal distributions have equal listings.

    Example:
        >>> in_order(JointPMF.from_weights(["ba", "ab"], [1, 2])).codes.tolist()
        [[0, 1], [1, 0]]
    """
    order = np.lexsort(pmf.codes.T[::-1])
    return JointPMF(pmf.alphabets, pmf.codes[order], pmf.weights[order], pmf.total)


def most_moves(outcomes: int, alphabet_sizes: Sequence[int]) -> int:
    """Return a bound on the moves of a state, with one move for each block of its core and value of its tokens.

    Args:
        outcomes: The number of outcomes of the state.
        alphabet_sizes: The number of possible tokens at each position of its core.

    Example:
        >>> most_moves(2, [2, 2]), most_moves(100, [2, 2])
        (8, 9)
    """
    return min(outcomes << len(alphabet_sizes), prod(1 + size for size in alphabet_sizes))


class Reader:
    """Reader of one layer, which groups the outcomes and numbers the distribution of every group.

    Attributes:
        loose: As in :class:`Layer`.
    """

    def __init__(
        self, pmf: JointPMF, mask: int, classes: EquivalenceClasses, where: list[tuple[int, int]]
    ) -> None:
        self.pmf, self.mask, self.classes, self.where = pmf, mask, classes, where
        self.alphabet_sizes = [len(a) for a in pmf.alphabets]
        self.groups = groups = group_rows(pmf.codes, self.alphabet_sizes, members(mask))
        local, self.loose = self._local_codes()
        order = np.argsort(groups.inverse, kind="stable")  # the outcomes of a state stay in order
        self.ends = np.concatenate([[0], np.cumsum(np.bincount(groups.inverse, minlength=groups.count))])
        self.local, self.columns = local[order], dict[int, NDArray[Any]]()
        self.scaled = _rescaled(pmf.weights[order], self.ends)

    def layer(self) -> Layer:
        """Return the layer, with the distribution of every state."""
        groups = self.groups
        last = DONE if self.mask == (1 << self.pmf.n) - 1 else FREE  # numbers of the entries of these classes
        entry = np.full(groups.count, last, dtype=np.int64)
        loose = np.flatnonzero(self.loose)
        self.classes.budget.spend(layer_seconds(self.pmf, len(loose)))
        for state in loose.tolist():
            entry[state] = self.entry(state)
        weights = self.pmf.group_weights(groups)
        return Layer(groups.first, groups.inverse.astype(np.int32), weights, self.loose, entry)

    def _local_codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return codes that number the tokens possible in the state, and the masks of undecided positions."""
        local = np.zeros_like(self.pmf.codes)
        loose = np.zeros(self.groups.count, dtype=np.int64)
        for i in range(self.pmf.n):
            if self.mask >> i & 1:
                continue
            key = self.groups.inverse * self.alphabet_sizes[i] + self.pmf.codes[:, i]
            found, index = np.unique(key, return_inverse=True)
            starts = np.searchsorted(found // self.alphabet_sizes[i], np.arange(self.groups.count + 1))
            local[:, i] = index - starts[self.groups.inverse]
            loose |= (np.diff(starts) > 1).astype(np.int64) << i
        return local, loose

    def entry(self, state: int) -> int:
        """Return the number of the distribution of an undecided state."""
        loose = int(self.loose[state])
        if loose not in self.columns:
            self.columns[loose] = np.ascontiguousarray(self.local[:, members(loose)])
        rows = slice(int(self.ends[state]), int(self.ends[state + 1]))
        codes, weights = self.columns[loose][rows], self.scaled[rows]
        key: Hashable = (codes.shape[1], codes.tobytes(), listing(weights))
        before = len(self.classes.cores)
        number = self.classes.entry(key, lambda: SmallDistribution(codes, weights))
        if len(self.classes.cores) > before:
            self.where.append((self.mask, state))
        return number

    def most_moves(self, state: int) -> int:
        """Return :func:`most_moves` of a state, whose distribution is known."""
        loose = members(int(self.loose[state]))
        order = self.classes.entries[self.entry(state)].order
        return most_moves(
            int(self.ends[state + 1] - self.ends[state]), [self.alphabet_sizes[loose[j]] for j in order]
        )


def _rescaled(weights: NDArray[Any], ends: NDArray[np.int64]) -> NDArray[Any]:
    """Divide the weights of each state by their common divisor, floats by their maximum."""
    if weights.dtype == np.float64:
        return weights / np.repeat(np.maximum.reduceat(weights, ends[:-1]), np.diff(ends))
    return weights // np.repeat(np.gcd.reduceat(weights, ends[:-1]), np.diff(ends))

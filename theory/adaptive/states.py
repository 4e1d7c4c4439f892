"""All states of decoding a pmf: revealed positions C with tokens x_C of positive probability, layer by layer.

A layer holds the states with one revealed set; a state is a group of the outcomes that agree on it. There are
``sum_C |support of y_C|`` states, at most ``2^n N`` and usually far fewer.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.adaptive.canonical import SmallLaw
from theory.adaptive.kinds import DONE, FREE, Kinds
from theory.grouping import group_rows
from theory.limits import require_memory, require_operations
from theory.pmf import JointPMF

__all__ = ["Layer", "States", "list_states", "members", "require_states", "state_counts"]

_ROW_STEPS = 4 * 10**8  # tokens read, over all revealed sets: about a minute
_PAIR_STEPS = 10**7  # pairs of revealed sets: about ten minutes


@dataclass(frozen=True, eq=False)
class Layer:
    """The states with one revealed set.

    Attributes:
        first: Index of one outcome of each state, shape (G,).
        inverse: State of each outcome, shape (N,).
        weights: Summed weight of each state, shape (G,).
        loose: Bit mask of the masked positions that still have several tokens, shape (G,).
        entry: Number of the conditional law in :attr:`States.kinds`, shape (G,).
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
        kinds: The laws of the states.
        where: For each kind from 2 on a state of that kind: (revealed set, state in its layer).
    """

    pmf: JointPMF
    layers: tuple[Layer, ...]
    kinds: Kinds
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
    def kind_of_entry(self) -> NDArray[np.int64]:
        """Kind of each entry, shape (entries,)."""
        return np.array([entry.kind for entry in self.kinds.entries])

    def kind(self, revealed: int, state: int) -> int:
        """Return the kind of a state."""
        return self.kinds.entries[int(self.layers[revealed].entry[state])].kind

    def core(self, revealed: int, state: int) -> tuple[int, ...]:
        """Return the core positions of a state, in the order of the positions of its kind."""
        layer = self.layers[revealed]
        loose = members(int(layer.loose[state]))
        return tuple(loose[j] for j in self.kinds.entries[int(layer.entry[state])].order)


def members(mask: int) -> tuple[int, ...]:
    """Return the positions of a bit mask.

    Example:
        >>> members(0b101)
        (0, 2)
    """
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def state_counts(pmf: JointPMF) -> tuple[int, int]:
    """Return bounds on the number of states and of moves between them, by counting alphabets.

    A revealed set B has at most ``min(N, prod_{i in B} |V_i|)`` states, each reached from every subset of B.

    Example:
        >>> state_counts(JointPMF.uniform([(0, 0), (1, 1)]))
        (7, 17)
    """
    sizes = [len(a) for a in pmf.alphabets]
    layers = [
        (mask.bit_count(), min(len(pmf), prod(sizes[i] for i in members(mask)))) for mask in range(1 << pmf.n)
    ]
    return sum(size for _, size in layers), sum(size << count for count, size in layers)


def list_states(pmf: JointPMF) -> States:
    """Return all states of a pmf.

    Raises:
        CostError: If there are too many.

    Example:
        >>> from itertools import permutations
        >>> states = list_states(JointPMF.uniform(permutations(range(4))))
        >>> states.count, states.kinds.cores  # done, free, then shuffles of 4, 3 and 2 items
        (209, [0, 0, 4, 3, 2])
    """
    require_states([pmf])
    order = np.lexsort(pmf.codes.T[::-1])
    pmf = JointPMF(pmf.alphabets, pmf.codes[order], pmf.weights[order], pmf.total)
    kinds, where = Kinds(), list[tuple[int, int]]()
    full, varying = (1 << pmf.n) - 1, _varying(pmf)
    read: dict[
        int, Layer
    ] = {}  # a position with one token tells no states apart: one layer for all sets alike
    layers: list[Layer] = []
    for mask in range(full):
        if mask & varying not in read:
            read[mask & varying] = _Reader(pmf, mask, kinds, where).layer()
        layers.append(read[mask & varying])
    layers.append(_Reader(pmf, full, kinds, where).layer())  # nothing is masked
    return States(pmf, tuple(layers), kinds, tuple(where))


def _varying(pmf: JointPMF) -> int:
    """Return the bit mask of the positions with several tokens."""
    return sum(1 << i for i, alphabet in enumerate(pmf.alphabets) if len(alphabet) > 1)


def require_states(pmfs: Sequence[JointPMF]) -> None:
    """Raise if the adaptive optima of these laws, one after the other, would take too long or too much memory.

    A position with one token splits no state; a set of revealed positions is still walked.
    """
    remedy = "use fewer positions or outcomes"
    sizes = [(_varying(pmf).bit_count(), len(pmf)) for pmf in pmfs]
    of = f"{pmfs[0].n} positions" if len(pmfs) == 1 else f"{len(pmfs)} contexts"
    pairs = sum(max(3**v, 16 << pmf.n) for (v, _), pmf in zip(sizes, pmfs, strict=True))
    require_operations(pairs, f"the adaptive optimum of {of} (3^n)", limit=_PAIR_STEPS, remedy=remedy)
    states = [state_counts(pmf)[0] for pmf in pmfs]
    of = f"{of} and {sizes[0][1]} outcomes" if len(pmfs) == 1 else of
    what = f"up to {sum(states)} states of {of}"
    require_operations(sum(size * v << v for v, size in sizes), what, limit=_ROW_STEPS, remedy=remedy)
    # the graph of every context is kept
    memory = sum((4 * size << v) + 100 * count for (v, size), count in zip(sizes, states, strict=True))
    require_memory(memory, what, remedy=remedy)


class _Reader:
    """Reads one layer: groups the outcomes and names the law of every group."""

    def __init__(self, pmf: JointPMF, mask: int, kinds: Kinds, where: list[tuple[int, int]]) -> None:
        self.pmf, self.mask, self.kinds, self.where = pmf, mask, kinds, where
        self.sizes = [len(a) for a in pmf.alphabets]
        self.groups = group_rows(pmf.codes, self.sizes, members(mask))

    def layer(self) -> Layer:
        groups, pmf = self.groups, self.pmf
        local, loose = self._local_codes()
        order = np.argsort(groups.inverse, kind="stable")  # inside a state the outcomes stay in order
        self.ends = np.concatenate([[0], np.cumsum(np.bincount(groups.inverse, minlength=groups.count))])
        self.local, self.loose, self.columns = local[order], loose, dict[int, NDArray[Any]]()
        self.scaled = _rescaled(pmf.weights[order], self.ends)
        last = DONE if self.mask == (1 << pmf.n) - 1 else FREE  # numbers of the entries of these kinds
        entry = np.full(groups.count, last, dtype=np.int64)
        for state in np.flatnonzero(loose).tolist():
            entry[state] = self._entry(state)
        weights = pmf.group_weights(groups)
        return Layer(groups.first, groups.inverse.astype(np.int32), weights, loose, entry)

    def _local_codes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return codes that count the tokens possible in the state only, and the masks of loose positions."""
        local = np.zeros_like(self.pmf.codes)
        loose = np.zeros(self.groups.count, dtype=np.int64)
        for i in range(self.pmf.n):
            if self.mask >> i & 1:
                continue
            key = self.groups.inverse * self.sizes[i] + self.pmf.codes[:, i]
            found, index = np.unique(key, return_inverse=True)
            starts = np.searchsorted(found // self.sizes[i], np.arange(self.groups.count + 1))
            local[:, i] = index - starts[self.groups.inverse]
            loose |= (np.diff(starts) > 1).astype(np.int64) << i
        return local, loose

    def _entry(self, state: int) -> int:
        loose = int(self.loose[state])
        if loose not in self.columns:
            self.columns[loose] = np.ascontiguousarray(self.local[:, members(loose)])
        rows = slice(int(self.ends[state]), int(self.ends[state + 1]))
        codes, weights = self.columns[loose][rows], self.scaled[rows]
        listing: Hashable = (codes.shape[1], codes.tobytes(), _listed(weights))
        before = len(self.kinds.cores)
        number = self.kinds.entry(listing, lambda: SmallLaw(codes, weights))
        if len(self.kinds.cores) > before:
            self.where.append((self.mask, state))
        return number


def _rescaled(weights: NDArray[Any], ends: NDArray[np.int64]) -> NDArray[Any]:
    """Divide the weights of each state by their common divisor, floats by their maximum."""
    if weights.dtype == np.float64:
        return weights / np.repeat(np.maximum.reduceat(weights, ends[:-1]), np.diff(ends))
    return weights // np.repeat(np.gcd.reduceat(weights, ends[:-1]), np.diff(ends))


def _listed(weights: NDArray[Any]) -> Hashable:
    return tuple(weights.tolist()) if weights.dtype == np.dtype(object) else weights.tobytes()

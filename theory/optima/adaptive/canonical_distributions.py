"""Distributions up to the names of their positions and tokens.

The remaining cost of a state depends on its conditional distribution only, not on the names in it. Two states whose
distributions have the same canonical form share all their values; Shuffle's ``sum_k C(n,k) n!/(n-k)!`` states become n
+ 1.

The form comes from colour refinement of the graph of outcomes, tokens and positions, with ties broken one token at a
time and without backtracking. The form is the whole relabelled distribution, so equal forms always mean equal
distributions; equal distributions may, rarely, get different forms, which costs only time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import group_rows

__all__ = ["SmallDistribution", "canonical_form", "free_positions", "invariant", "restricted"]

_INDEPENDENT = 1e-12  # float ratios: p(x) / (p(x_j) p(x_rest)) is one up to rounding
_PRODUCT_SAFE = 2**31  # sums below this can be multiplied in int64


@dataclass(frozen=True, eq=False)
class SmallDistribution:
    """A distribution without names.

    Attributes:
        codes: Token numbers ``0 .. A_j - 1``, all of which occur, shape (N, m).
        weights: Relative weights, scaled so that equal distributions have equal weights, shape (N,).
    """

    codes: NDArray[np.int64]
    weights: NDArray[Any]

    @property
    def alphabet_sizes(self) -> list[int]:
        """The number of tokens at each position."""
        return (self.codes.max(axis=0) + 1).tolist()


def free_positions(distribution: SmallDistribution) -> list[int]:
    """Return the positions that are independent of all the others.

    Each is independent of the rest, so together they are too: they can join any block at no cost and say nothing about
    the other positions.

    Example:
        >>> bits = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1]])
        >>> free_positions(SmallDistribution(bits, np.ones(4, dtype=np.int64)))
        [0]
    """
    alphabet_sizes = distribution.alphabet_sizes
    return [j for j in range(len(alphabet_sizes)) if _is_free(distribution, alphabet_sizes, j)]


def _is_free(distribution: SmallDistribution, alphabet_sizes: Sequence[int], j: int) -> bool:
    if len(distribution.weights) % alphabet_sizes[j]:
        return False
    rest = group_rows(distribution.codes, alphabet_sizes, [i for i in range(len(alphabet_sizes)) if i != j])
    if rest.count * alphabet_sizes[j] != len(distribution.weights):
        return False
    weights = distribution.weights
    if weights.dtype == np.int64 and int(weights.sum()) >= _PRODUCT_SAFE:
        weights = weights.astype(object)
    single, others = np.zeros(alphabet_sizes[j], weights.dtype), np.zeros(rest.count, weights.dtype)
    np.add.at(single, distribution.codes[:, j], weights)
    np.add.at(others, rest.inverse, weights)
    joint, product = weights * weights.sum(), single[distribution.codes[:, j]] * others[rest.inverse]
    if weights.dtype == np.float64:
        return bool(np.all(np.abs(joint - product) <= _INDEPENDENT * product))
    return bool(np.all(joint == product))


def restricted(distribution: SmallDistribution, positions: Sequence[int]) -> SmallDistribution:
    """Return the distribution of some positions; the weights are rescaled."""
    groups = group_rows(distribution.codes, distribution.alphabet_sizes, positions)
    weights = np.zeros(groups.count, distribution.weights.dtype)
    np.add.at(weights, groups.inverse, distribution.weights)
    return SmallDistribution(distribution.codes[groups.first][:, list(positions)], rescaled(weights))


def rescaled(weights: NDArray[Any]) -> NDArray[Any]:
    """Return integer weights without common divisor, or floats with maximum one."""
    if weights.dtype == np.float64:
        return weights / weights.max()
    return weights // np.gcd.reduce(weights)


def invariant(distribution: SmallDistribution) -> Hashable:
    """Return a cheap key, equal for equal distributions and rarely for different ones."""
    cells: list[tuple[Any, ...]] = []
    for j, size in enumerate(distribution.alphabet_sizes):
        counts = np.bincount(distribution.codes[:, j], minlength=size)
        cells.append(tuple(sorted(counts.tolist())))
    return tuple(sorted(cells)), tuple(sorted(distribution.weights.tolist()))


def canonical_form(distribution: SmallDistribution) -> tuple[Hashable, tuple[int, ...], int]:
    """Return the canonical form, its order of the positions, and how many tokens were read.

    Example:
        >>> one = SmallDistribution(np.array([[0, 0], [0, 1], [1, 2]]), np.ones(3, dtype=np.int64))
        >>> two = SmallDistribution(np.array([[0, 1], [1, 0], [2, 0]]), np.ones(3, dtype=np.int64))
        >>> canonical_form(one)[0] == canonical_form(two)[0], canonical_form(one)[1], canonical_form(two)[1]
        (True, (0, 1), (1, 0))
    """
    alphabet_sizes = distribution.alphabet_sizes
    starts = np.concatenate([[0], np.cumsum(alphabet_sizes)]).tolist()
    position_of = [j for j, size in enumerate(alphabet_sizes) for _ in range(size)]
    cells_of = (distribution.codes + np.array(starts[:-1])).tolist()
    rows_of: list[list[int]] = [[] for _ in position_of]
    for row, cells in enumerate(cells_of):
        for cell in cells:
            rows_of[cell].append(row)
    colours = _Colours(
        position_of, cells_of, rows_of, [0] * len(position_of), _ranks(distribution.weights.tolist())
    )
    colours.refine()
    while (tied := colours.first_tie()) is not None:
        colours.single_out(tied)
        colours.refine()
    order = sorted(range(len(alphabet_sizes)), key=lambda j: sorted(colours.cell[starts[j] : starts[j + 1]]))
    name = {
        c: r for j in order for r, c in enumerate(sorted(range(starts[j], starts[j + 1]), key=colours.of))
    }
    rows = sorted(
        (tuple(name[cells[j]] for j in order), w)
        for cells, w in zip(cells_of, distribution.weights.tolist(), strict=True)
    )
    return (
        (tuple(alphabet_sizes[j] for j in order), tuple(rows)),
        tuple(order),
        colours.passes * distribution.codes.size,
    )


@dataclass(eq=False)
class _Colours:
    """Colours of the tokens ("cells": one per position and token) and of the outcomes."""

    position_of: list[int]
    cells_of: list[list[int]]
    rows_of: list[list[int]]
    cell: list[int]
    row: list[int]
    passes: int = 0

    def of(self, cell: int) -> int:
        return self.cell[cell]

    def refine(self) -> None:
        """Split colours by the colours of the neighbours until nothing splits."""
        count = 0
        while (now := len(set(self.cell)) + len(set(self.row))) > count:
            count = now
            self.passes += 1
            members: dict[int, list[int]] = {}
            for cell, position in enumerate(self.position_of):
                members.setdefault(position, []).append(self.cell[cell])
            position = _ranks([tuple(sorted(members[p])) for p in sorted(members)])
            self.cell = _ranks(
                [
                    (self.cell[c], position[self.position_of[c]], tuple(sorted(self.row[r] for r in rows)))
                    for c, rows in enumerate(self.rows_of)
                ]
            )
            self.row = _ranks(
                [
                    (self.row[r], tuple(sorted(self.cell[c] for c in cells)))
                    for r, cells in enumerate(self.cells_of)
                ]
            )

    def first_tie(self) -> int | None:
        """Return a token of the lowest shared colour, or ``None`` if all colours differ."""
        seen: dict[int, int] = {}
        tied = [
            (colour, seen[colour])
            for c, colour in enumerate(self.cell)
            if colour in seen or seen.update({colour: c})
        ]
        return min(tied)[1] if tied else None

    def single_out(self, cell: int) -> None:
        self.cell = [2 * colour + 1 for colour in self.cell]
        self.cell[cell] -= 1


def _ranks(values: Sequence[Any]) -> list[int]:
    rank = {value: j for j, value in enumerate(sorted(set(values)))}
    return [rank[value] for value in values]

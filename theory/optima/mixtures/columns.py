"""Distinct outcomes and output distributions of all T-step partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.partition import Partition
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.numbers.rationals import to_fmpq
from theory.optima.mixtures.output_distributions import weights_at
from theory.validation import InputError

__all__ = ["Columns", "Targets", "distinct_distributions", "parts_of", "require_columns"]

Targets = JointPMF | Sequence[tuple[Fraction, JointPMF]]

_CELL, _LIMIT = 5e-7, 10  # seconds of one of 2^n sets and an outcome; at most
_SET = 200  # time of a set, in outcomes


def require_columns(parts: Sequence[tuple[Fraction, JointPMF]]) -> None:
    """Raise unless the marginals of every set of positions are affordable."""
    n, cells = max(pmf.n for _, pmf in parts), sum(len(pmf) + _SET for _, pmf in parts)
    budget = Budget(f"the marginals of 2^{n} position sets", "use fewer positions or outcomes", limit=_LIMIT)
    budget.require(cells << n, _CELL)


@dataclass(frozen=True, eq=False)
class Columns:
    """Outcomes merged where ``P(y_B)`` is equal for all B, since then ``Q^S(y)`` is equal for all S."""

    n: int
    exact: bool
    mass: list[Any]  # probability of the merged outcomes, contexts averaged; length K
    marginals: NDArray[Any]  # P(y_B) at row B, a bit mask; fmpq or float64, shape (2^n, K)
    outcomes: int  # before merging, over all contexts

    @classmethod
    def of(cls, targets: Targets) -> Columns:
        """Return the merged outcomes of a target, or of contexts as (weight, pmf) pairs that share one mixture."""
        parts = parts_of(targets)
        lengths = {pmf.n for _, pmf in parts}
        if len(lengths) != 1:
            raise InputError(f"contexts have lengths {sorted(lengths)}; one mixture needs one length.")
        if (total := sum((weight for weight, _ in parts), Fraction(0))) != 1:
            raise InputError(f"weights of contexts must sum to 1, got {total}.")
        n, exact = lengths.pop(), all(pmf.is_exact for _, pmf in parts)
        require_columns(parts)
        number: Any = to_fmpq if exact else float
        merged: dict[tuple[Any, ...], Any] = {}
        for weight, pmf in parts:
            for column, mass in _distinct_columns(pmf):
                key = tuple(map(number, column))
                merged[key] = merged.get(key, 0) + number(weight) * number(mass)
        return cls(
            n, exact, list(merged.values()), np.array(list(merged)).T, sum(len(pmf) for _, pmf in parts)
        )

    def draw(self, revealed: int, block: int) -> list[Any]:
        """Return ``prod_{i in block} P(y_i | y_revealed)`` for each column."""
        before = self.marginals[revealed]
        return np.multiply.reduce(
            [self.marginals[revealed | 1 << i] / before for i in _members(block)]
        ).tolist()


def parts_of(targets: Targets) -> list[tuple[Fraction, JointPMF]]:
    """Return the (weight, pmf) pairs of targets; a single pmf has weight 1."""
    return [(Fraction(1), targets)] if isinstance(targets, JointPMF) else list(targets)


def _distinct_columns(pmf: JointPMF) -> Iterator[tuple[list[Any], Any]]:
    """Yield the distinct columns of ``P(y_B)``, one entry for each set B, with their probabilities."""
    weights = np.stack([weights_at(pmf, _members(mask)) for mask in range(1 << pmf.n)])
    codes = np.unique(weights, return_inverse=True)[1].reshape(
        weights.shape
    )  # columns of objects do not sort
    _, first, index = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    masses = np.zeros(len(first), dtype=pmf.weights.dtype)
    np.add.at(masses, index.reshape(-1), pmf.weights)
    table = np.vstack([weights[:, first], masses])
    for column in pmf.numbers.ratio(table, weights[0, 0]).T.tolist():
        yield column[:-1], column[-1]


def distinct_distributions(columns: Columns, steps: int) -> list[tuple[tuple[Any, ...], Partition]]:
    """Return the different distributions of T-step partitions, one value per column, with a partition for each.

    Partitions grow block by block; those that agree on the revealed set and the distribution so far are merged.
    """
    full = (1 << columns.n) - 1
    if steps == columns.n:  # one token per step: always P
        return [(tuple(columns.marginals[full].tolist()), tuple((i,) for i in range(columns.n)))]
    layer = {0: {(): [(tuple(columns.marginals[0].tolist()), ())]}}
    for left in range(steps - 1, -1, -1):
        after: dict[int, dict[Any, list[Any]]] = {}
        for revealed, chains in layer.items():
            for block in _blocks(full ^ revealed, left):
                factor = columns.draw(revealed, block)
                known = after.setdefault(revealed | block, {})
                for distribution, chain in (entry for entries in chains.values() for entry in entries):
                    grown = tuple(a * b for a, b in zip(distribution, factor, strict=True))
                    # floats find the candidates, since hashing rationals is slow; the exact numbers decide
                    entries = known.setdefault(tuple(map(float, grown)), [])
                    if all(grown != other for other, _ in entries):
                        entries.append((grown, (*chain, tuple(_members(block)))))
        layer = after
    return [entry for entries in layer[full].values() for entry in entries]


def _blocks(masked: int, left: int) -> Iterator[int]:
    """Yield the non-empty subsets of ``masked`` that leave at least ``left`` positions; only itself if that is 0."""
    block = masked
    while block:
        if left <= (masked ^ block).bit_count():
            yield block
        block = (block - 1) & masked if left else 0


def _members(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]

"""``L*_T`` for all T by the programme over 3^r pairs of sets of representatives.

The programme of :mod:`theory.bounds.partitions.subset_program` on the representatives, but for the last block, in which
every position counts: ``L*_T = min_C D[T - 1, C] + sum_i copies_i H(y_i | y_C) - H(Y)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.columns import Columns
from theory.bounds.partitions.subset_program import block_prices, subset_costs, subset_sums
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.numbers.rounding import sum_error

__all__ = ["Programme", "run_programme"]


@dataclass(frozen=True)
class Programme:
    """``L*_T`` of T = 1, ..., r + 1 blocks; more lose nothing.

    Attributes:
        losses: Bits.
        labels: The block of each representative, one array for each T.
        error: A proven bound on the error of each loss.
        separating: A least set of representatives that distinguishes all outcomes of each context.
    """

    losses: list[float]
    labels: list[NDArray[np.int64]]
    error: float
    separating: tuple[int, ...]


def run_programme(parts: Sequence[tuple[Fraction, JointPMF]], columns: Columns) -> Programme:
    """Return the least losses of a distribution with few representatives."""
    r = columns.count
    firsts = [positions[0] for positions in columns.members]
    table = subset_entropies([(weight, pmf.marginal(firsts)) for weight, pmf in parts], exact=False)
    gained = table.gains()
    costs, last = subset_costs(gained), gained @ columns.copies
    everything = (1 << r) - 1
    losses: list[float] = []
    chains: list[NDArray[np.int64]] = []
    for blocks in range(1, r + 2):
        total = costs[blocks - 1] + last
        target = int(np.argmin(total))
        losses.append(float(total[target] - table.h[everything]))
        labels = np.full(r, blocks - 1, dtype=np.int64)
        for t in range(blocks - 1, 0, -1):
            bits = [1 << i for i in range(r) if target >> i & 1]
            sources = subset_sums(np.array(bits))[:-1]
            reach = costs[t - 1, sources] + block_prices(gained, sources, target)
            source = int(sources[np.argmin(reach)])
            labels[[i for i in range(r) if (target ^ source) >> i & 1]] = t - 1
            target = source
        chains.append(labels)
    singles = float(last[0])
    size = 2 * (singles + float(table.h[-1])) + 4 * columns.n * table.error
    error = 2 * sum_error(2 * columns.n + 1, table.error, size)
    return Programme(losses, chains, error, _separating(columns, last, error))


def _separating(columns: Columns, last: NDArray[np.float64], error: float) -> tuple[int, ...]:
    """Return a least set after which nothing is open, decided on the tokens; ``last`` says where to look."""
    near = np.flatnonzero(last <= error)
    keys = columns.cells[:, None]
    for mask in near[np.argsort(np.bitwise_count(near), kind="stable")].tolist():
        chosen = tuple(i for i in range(columns.count) if mask >> i & 1)
        if len(np.unique(np.hstack([keys, columns.codes[:, chosen]]), axis=0)) == len(keys):
            return chosen
    raise AssertionError("outcomes are different")

"""Entropies and least losses over contexts, from all sets of positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from theory.bounds.partitions.partition import Blocks, common_blocks
from theory.bounds.partitions.step_bounds import (
    optimal_bounds,
    optimal_partition_counts,
    require_partitions,
    step_bound,
)
from theory.distributions.contexts import Entries, error_of_mean, expectation
from theory.distributions.distribution import Context, context_pmfs, occurring
from theory.information.subsets.builder import require_table, subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import require_all
from theory.numbers.lognumber import Bits

__all__ = ["bounds_by_context", "table_losses"]


def bounds_by_context(contexts: Sequence[Context]) -> tuple[Bits, ...]:
    """Return ``L*_T`` with the partition chosen for each context (Theorem 3): the mean of the minima.

    T runs to the greatest length. A context of fewer than T positions is decoded one by one and loses nothing.

    Example:
        >>> from fractions import Fraction
        >>> from theory.distributions.distribution import ListedDistribution
        >>> from theory.distributions.pmf import JointPMF
        >>> distributions = [JointPMF.uniform([(0, 0), (1, 1)]), JointPMF.uniform([(0, 0, 0), (1, 1, 1)])]
        >>> half = Fraction(1, 2)
        >>> contexts = [Context(weight=half, distribution=ListedDistribution(pmf)) for pmf in distributions]
        >>> [str(value) for value in bounds_by_context(contexts)]
        ['3/2 log2(2)', '0', '0']
    """
    bounds = [
        (c.weight, optimal_bounds(subset_entropies(c.distribution.pmf())).values) for c in occurring(contexts)
    ]
    longest = max(len(values) for _, values in bounds)
    return tuple(
        expectation([(w, values[t] if t < len(values) else values[-1] * 0) for w, values in bounds])
        for t in range(longest)
    )


def table_losses(contexts: Sequence[Context], partition: Blocks, *, count: bool = False) -> Entries:
    """Return the numbers of contexts from all their sets of positions.

    Args:
        contexts: The contexts; of different lengths they have no common ``L*_T``.
        partition: An ordered partition to price, or ``None``.
        count: Also the number of optimal partitions for each T.
    """
    parts = context_pmfs(contexts)
    pmfs = [pmf for _, pmf in parts]
    common = common_blocks([pmf.n for pmf in pmfs], partition)
    require_all(partial(require_table, *pmfs), later=[partial(require_partitions, pmfs[0].n)])
    tables = [(weight, subset_entropies(pmf)) for weight, pmf in parts]
    own = [0.0 if table.is_exact else table.bound_error for _, table in tables]
    error = own[0] if len(own) == 1 else error_of_mean(parts, own)

    def mean(measure: Callable[[EntropyTable], Any]) -> tuple[Any, float]:
        return expectation([(weight, measure(table)) for weight, table in tables]), error

    found: Entries = {
        "entropy": mean(_joint),
        "total_correlation": mean(lambda table: step_bound(table, [range(table.n)])),
        "dual_total_correlation": mean(_dual),
    }
    found["optimal_bound"] = found["optimal_partitions"] = None, 0.0
    if common:
        average = tables[0][1] if len(tables) == 1 else subset_entropies(parts)
        best = optimal_bounds(average)
        found |= {"optimal_bound": (best.values, best.error), "optimal_partitions": (best.partitions, 0.0)}
        if count:
            found["optimal_partition_counts"] = optimal_partition_counts(average), 0.0
    if len(parts) > 1:
        found["optimal_bound_by_context"] = bounds_by_context(contexts), error
    if partition is not None:
        found["partition_bound"] = mean(lambda table: step_bound(table, partition))
    return found


def _joint(table: EntropyTable) -> Any:
    full = (1 << table.n) - 1
    return table.exact(full) if table.is_exact else float(table.h[full])


def _dual(table: EntropyTable) -> Any:
    # D = H - sum_i (H - H(without i))
    full = (1 << table.n) - 1
    others = [full ^ (1 << i) for i in range(table.n)]
    if table.is_exact:
        return sum((table.exact(mask) for mask in others), table.exact(full) * (1 - table.n))
    return float(table.h[others].sum() - (table.n - 1) * table.h[full])

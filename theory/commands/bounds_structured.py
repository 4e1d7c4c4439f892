"""Results of ``bounds`` and ``schedule`` from an entropy structure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from theory.bounds.block_sizes import optimal_sizes, require_sizes
from theory.bounds.partitions.partition import check_partition
from theory.commands.answer import NamedTask
from theory.information.curves.structures import Structure, interval_curve
from theory.validation import InputError

__all__ = ["structured_bounds", "structured_schedule"]


def structured_bounds(
    task: NamedTask, structure: Structure, partition: Sequence[Sequence[int]] | None, *, other: bool
) -> dict[str, Any]:
    """Return entropies, ``L*_T`` if entropies depend on the size of a set alone, and ``L_T`` of a partition.

    Args:
        task: The task.
        structure: Its subset entropies.
        partition: An ordered partition to price, or ``None``.
        other: Whether adaptive, randomized or counted optima are needed, which are not known in this form.
    """
    n = structure.n
    if other:
        raise InputError(
            "adaptive, randomized and counted optima are known for distributions that can be "
            f"listed, got n = {task.n}; "
            "leave the option out, or use a smaller n."
        )
    if structure.symmetric:
        require_sizes(n, intervals=True)  # refuse before the entropies are computed
    answer: dict[str, Any] = {"task": task.name, "n": task.n}
    answer["entropy"] = structure.mean({n: Fraction(1)})
    singles = structure.mean({1: Fraction(n)})
    answer["total_correlation"] = singles - answer["entropy"]
    answer["dual_total_correlation"] = structure.mean({n - 1: Fraction(n), n: Fraction(1 - n)})
    answer["optimal_bound"] = answer["optimal_partitions"] = None
    if structure.symmetric:  # the cost depends on block sizes alone, so the best sizes give Theorem 2
        best = optimal_sizes(interval_curve(structure))
        answer["optimal_bound"] = list(best.values)
        answer["optimal_sizes"] = [list(sizes) for sizes in best.sizes]
        answer["errors"] = {"optimal_bound": best.error}
    if partition is not None:
        check_partition(partition, n)
        answer["partition_bound"] = structure.bound(partition)
    return answer


def structured_schedule(task: NamedTask, structure: Structure) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order."""
    require_sizes(structure.n, intervals=True)  # refuse before the curve is computed
    curve = interval_curve(structure)
    best = optimal_sizes(curve)
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "information_curve": curve.z}
    answer["optimal_sizes"] = [list(sizes) for sizes in best.sizes]
    return {**answer, "expected_kl": list(best.values), "errors": {"expected_kl": best.error}}

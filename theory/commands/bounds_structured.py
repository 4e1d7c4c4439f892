"""Results of ``bounds`` and ``schedule`` from an entropy structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Protocol

from theory.bounds.block_sizes import optimal_sizes, require_sizes
from theory.bounds.partitions.step_bounds import check_partition
from theory.decoding.tasks.structure import LISTED_LIMIT, structure_of
from theory.distributions.distribution import context_pmfs
from theory.distributions.pmf import JointPMF
from theory.information.curves.structures import Structure, interval_curve
from theory.limits import CostError
from theory.validation import InputError

__all__ = ["listed_or_structured", "structured_bounds", "structured_schedule"]


class Named(Protocol):
    """A task with a name and a size."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def n(self) -> int:
        """Its size."""
        ...


def listed_or_structured(
    task: Any,
    listed: Callable[[], dict[str, Any]],
    long: Callable[[Sequence[tuple[Fraction, JointPMF]]], dict[str, Any]],
    structured: Callable[[Structure], dict[str, Any]],
    *,
    other: bool = False,
) -> dict[str, Any]:
    """Return the answer by all sets of positions, or where that is too costly through the structure or the outcomes.

    ``other`` numbers are wanted that these do not give: then what is too costly says so.
    """
    structure = structure_of(task)
    if structure is None:
        try:
            return listed()
        except CostError:
            if other:
                raise
            return long(context_pmfs(task.contexts()))  # which raises the same if outcomes cannot be listed
    if structure.n > LISTED_LIMIT:
        return structured(structure)
    try:
        return listed()
    except CostError:
        if other:
            raise
        return structured(structure)


def structured_bounds(
    task: Named, structure: Structure, partition: Sequence[Sequence[int]] | None, *, other: bool
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


def structured_schedule(task: Named, structure: Structure) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order."""
    require_sizes(structure.n, intervals=True)  # refuse before the curve is computed
    curve = interval_curve(structure)
    best = optimal_sizes(curve)
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "information_curve": curve.z}
    answer["optimal_sizes"] = [list(sizes) for sizes in best.sizes]
    return {**answer, "expected_kl": list(best.values), "errors": {"expected_kl": best.error}}

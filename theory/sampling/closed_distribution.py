"""Closed-form conditionals of a task as a distribution for sampled runs.

It serves where nothing can be listed. A task with several contexts has one distribution here: given the named position
its output is a single outcome, and with tokens named by position these distributions are equal.
"""

from __future__ import annotations

from typing import Any

from theory.decoding.tasks.structure import structure_of
from theory.distributions.closed.bernoulli_walk import WalkDistribution
from theory.distributions.closed.hidden_place import PlaceDistribution
from theory.distributions.closed.one_hot_blocks import BlocksDistribution
from theory.distributions.contexts import chain_of
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies
from theory.limits import CostError
from theory.sampling.estimates import SampledDistribution

__all__ = ["closed_distribution"]


def closed_distribution(task: Any) -> SampledDistribution | None:
    """Return the distribution of a task in closed form, ``None`` if none is known.

    It comes from ``closed_distribution()`` of the task or its lumped chain, from its structure, or from a single
    context whose distribution is not a list.

    Raises:
        CostError: If the task is too long even for one state.

    Example:
        >>> from synthetic import make_task
        >>> closed_distribution(make_task("bernoulli_walk", 100)), closed_distribution(make_task("tree", 100))
        (WalkDistribution(n=100), None)
    """
    for source in (task, chain_of(task)):
        found = getattr(source, "closed_distribution", None)
        if found is not None:
            return found()
    structure = structure_of(task)
    if isinstance(structure, Gaps):
        return (
            WalkDistribution(structure.n)
            if structure.kind == "walk"
            else PlaceDistribution(structure.n, structure.kind)
        )
    if isinstance(structure, Copies):
        return BlocksDistribution(block=structure.block.n, copies=structure.copies)
    try:
        contexts = task.contexts()
    except CostError:  # only a list
        return None
    distribution = contexts[0].distribution
    return distribution if len(contexts) == 1 and hasattr(distribution, "largest_surprise") else None

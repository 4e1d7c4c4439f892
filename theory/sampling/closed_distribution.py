"""The law of a task as closed-form conditionals: what sampled runs need where nothing can be listed.

A task has one law here though it may have several contexts: given the named position its answer is a single outcome,
and naming the token of each position by itself makes those laws one.
"""

from __future__ import annotations

from typing import Any

from theory.decoding.tasks.structure import structure_of
from theory.distributions.closed.bernoulli_walk import WalkLaw
from theory.distributions.closed.hidden_place import PlaceLaw
from theory.distributions.closed.one_hot_blocks import BlocksLaw
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies
from theory.limits import CostError
from theory.sampling.estimates import SampledLaw

__all__ = ["closed_law"]


def closed_law(task: Any) -> SampledLaw | None:
    """Return the law of a task in closed form, ``None`` if none is known.

    A task or its lumped chain may say it (``closed_law()``), or its structure does; else the law of a single context
    serves if it is not a list.

    Raises:
        CostError: If the task is too long even for one state.

    Example:
        >>> from synthetic import make_task
        >>> closed_law(make_task("bernoulli_walk", 100)), closed_law(make_task("tree", 100))
        (WalkLaw(n=100), None)
    """
    for source in (task, task.chain()):
        found = getattr(source, "closed_law", None)
        if found is not None:
            return found()
    structure = structure_of(task)
    if isinstance(structure, Gaps):
        return WalkLaw(structure.n) if structure.kind == "walk" else PlaceLaw(structure.n, structure.kind)
    if isinstance(structure, Copies):
        return BlocksLaw(block=structure.block.n, copies=structure.copies)
    try:
        contexts = task.contexts()
    except CostError:  # nothing but a list
        return None
    law = contexts[0].law
    return law if len(contexts) == 1 and hasattr(law, "largest_surprise") else None

"""The entropy structure of a task too large to list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory.distributions.contexts import chain_of
from theory.information.curves.structures import Structure

__all__ = ["LISTED_LIMIT", "structure_of"]

LISTED_LIMIT = 16  # positions above which a structure is used, if there is one


def structure_of(task: Any) -> Structure | None:
    """Return the subset entropies of a task or of its lumped chain, if known.

    Example:
        >>> from synthetic import make_task
        >>> structure_of(make_task("shuffle", 1000)).n, structure_of(make_task("tree", 3))
        (1000, None)
    """
    for source in (task, chain_of(task)):
        found: Callable[[], Structure] | None = getattr(source, "structure", None)
        if found is not None:
            return found()
    return None

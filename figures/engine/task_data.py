"""Tasks of the user's own as JSON values, equal if and only if the distributions are equal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from figures.engine.data import canonical_json
from theory.commands.decode_sampled import Structured
from theory.distributions.distribution import Context, ListedDistribution, context_pmfs
from theory.distributions.files.parametric_file import write_parametric
from theory.distributions.files.task_file import FileTask, is_task_file
from theory.distributions.pmf import JointPMF
from theory.limits import Budget

__all__ = ["TaskData", "listed_task", "task_data"]

_OUTCOMES = 10_000
_OUTCOME, _LIMIT = 0.36, 3600  # seconds of an outcome in exact decodes of dozens of policies; at most


@dataclass(frozen=True, kw_only=True)
class TaskData:
    """A task as the input of a figure.

    Attributes:
        name: Its name in titles.
        contexts: A JSON list of weight, outcomes (token ids) and probabilities (texts, or floats).
        note: A note on how the numbers of a file were read, or empty.
        structured: A distribution too large to list, as an entry of a task file; ``contexts`` is then empty.
    """

    name: str
    contexts: list[dict[str, Any]]
    structured: dict[str, Any] | None = None
    note: str = ""

    @property
    def digest(self) -> str:
        """A digest of the distribution, to identify it in a report."""
        distribution = self.contexts if self.structured is None else self.structured
        return hashlib.sha256(canonical_json(distribution).encode()).hexdigest()[:16]


def task_data(name: str, n: int | None = None, *, normalise: bool = False, exact: bool = False) -> TaskData:
    """Return the task of a command-line name, with its outcomes listed or, if they are too many, by parameters.

    The other arguments are those of :func:`synthetic.find_task`.

    Raises:
        InputError: If there is no such task or it cannot be read.
        CostError: If it has too many outcomes to list.
    """
    from synthetic import find_task

    task = find_task(name, n, normalise=normalise, exact=exact)
    title = Path(task.name).name if is_task_file(name) else task.name
    title = title if n is None else f"{title}, n = {n}"
    note = getattr(task, "note", "")
    contexts = task.contexts()
    distribution = contexts[0].distribution
    if (
        len(contexts) == 1
        and isinstance(distribution, Structured)
        and distribution.support_size() > _OUTCOMES
    ):
        return TaskData(name=title, contexts=[], structured=write_parametric(distribution), note=note)
    parts = context_pmfs(contexts)
    count = sum(len(pmf) for _, pmf in parts)
    budget = Budget(f"figures of {count} outcomes", "use a task of fewer outcomes", limit=_LIMIT)
    budget.require(count, _OUTCOME)
    return TaskData(name=title, contexts=[_context(weight, pmf) for weight, pmf in parts], note=note)


def _context(weight: Fraction, pmf: JointPMF) -> dict[str, Any]:
    exact = pmf.is_exact
    return {
        "weight": str(weight),
        "outcomes": pmf.codes.tolist(),
        "probabilities": [str(p) if exact else float(p) for p in pmf.probabilities],
    }


def listed_task(contexts: list[dict[str, Any]]) -> FileTask:
    """Return the task of :attr:`TaskData.contexts`.

    Example:
        >>> data = task_data("city_names")
        >>> listed_task(data.contexts).n
        2
    """
    parts = [
        Context(
            weight=Fraction(part["weight"]),
            distribution=ListedDistribution(JointPMF.from_pairs(part["outcomes"], part["probabilities"])),
        )
        for part in contexts
    ]
    return FileTask(name="listed", parts=tuple(parts))

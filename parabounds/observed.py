"""Observed sequences, whose bounds are estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from parabounds.subject import Subject
from theory.distributions.contexts import listed_task
from theory.distributions.pmf import JointPMF
from theory.sampling.observed import Observed, empirical_task

if TYPE_CHECKING:
    from parabounds.results import Result

__all__ = ["Samples"]


@dataclass(frozen=True, eq=False)
class Samples:
    """Observed sequences.

    Attributes:
        seen: The counts.
        frequencies: The distribution of the observed sequences; without it, for files, one of numbered tokens.
    """

    seen: Observed = field(repr=False)
    frequencies: JointPMF | None = None

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.seen.n

    def __repr__(self) -> str:
        """Return one line."""
        return f"Samples({self.seen.size} sequences, {len(self.seen.counts)} distinct, n = {self.n})"

    def bounds(self, partition: str | None = None, *, policies: Sequence[str] = (), seed: int = 0) -> Result:
        """Return estimates of entropies and losses; see :func:`theory.commands.estimate.estimate_answer`."""
        from parabounds.results import ask_estimate

        return ask_estimate(self.seen, partition, policies=policies, seed=seed)

    @cached_property
    def observed(self) -> Subject:
        """The observed frequencies as a distribution: with few samples far from the true one.

        Its tokens are numbered where the samples come from a file.
        """
        known = self.frequencies
        return Subject(empirical_task(self.seen) if known is None else listed_task(known, "samples"))

    def __getattr__(self, name: str) -> Any:
        """Ask the observed frequencies."""
        if name in ("decode", "compare", "schedule", "frontier", "policy", "trace", "plot_marginals"):
            return getattr(self.observed, name)
        raise AttributeError(f"samples have no {name!r}")

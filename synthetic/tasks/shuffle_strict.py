"""Shuffle with the input order excluded, as the benchmark's grader demands.

The other n! - 1 orders are equally likely. Source: arXiv 2510.04767, the released grader.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.distributions import Arrangements
from synthetic.task import ListTask, register
from theory.distributions.distribution import Distribution

__all__ = ["ShuffleStrict"]


@register("shuffle_strict")
@dataclass(frozen=True, kw_only=True)
class ShuffleStrict(ListTask):
    """Strict shuffle: the uniform distribution on all orders but the input order."""

    smallest = 2

    def distribution(self, index: int | None = None) -> Distribution:  # noqa: ARG002
        """Return the distribution; its outcomes are listed only on request."""
        return Arrangements(self.n, identity=False)

"""Shuffle with the input order excluded, as the benchmark's grader demands. Example: A B C -> B C A.

The other n! - 1 orders are equally likely. Source: arXiv 2510.04767, the released grader.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.laws import Arrangements
from synthetic.task import ListTask, register
from theory.distributions.distribution import Law

__all__ = ["ShuffleStrict"]


@register("shuffle_strict")
@dataclass(frozen=True, kw_only=True)
class ShuffleStrict(ListTask):
    """Strict shuffle: the uniform law on all orders but the input order."""

    smallest = 2

    def law(self, index: int | None = None) -> Law:  # noqa: ARG002
        """Return the structured law: the outcomes are listed only on request."""
        return Arrangements(self.n, identity=False)

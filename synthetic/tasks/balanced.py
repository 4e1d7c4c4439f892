"""Balanced strings, n bits of which half are ones.

Two undecided bits are never independent, so without loss they are revealed one at a time until the rest is constant:
serial depth ``n + 1 - 2 n / (n + 2)``. With a small loss allowed, batches in proportion to what is left suffice, and
the depth grows like the square of log n (arXiv 2608.25505, Theorem 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

__all__ = ["Balanced"]


@register("balanced")
@dataclass(frozen=True, kw_only=True)
class Balanced(PlainTask):
    """The uniform distribution on bit strings with as many ones as zeros."""

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the balanced strings."""
        if self.n % 2:
            raise InputError(f"balanced needs an even n, got {self.n}.")
        require_listable(2 ** (self.n // 2), self.n)  # at most as many, and known at once
        require_listable(comb(self.n, self.n // 2), self.n)
        halves = combinations(range(self.n), self.n // 2)
        return JointPMF.uniform(tuple(int(i in set(ones)) for i in range(self.n)) for ones in halves)

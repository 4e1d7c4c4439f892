"""Bernoulli walk, the sums of the first j of n fair bits.

A Markov chain, which bisection decodes without loss in ceil(log2(n + 1)) steps (arXiv 2608.25505, Theorem 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, product

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.distributions.pmf import JointPMF
from theory.information.curves.gap_structures import Gaps

__all__ = ["BernoulliWalk"]


@register("bernoulli_walk")
@dataclass(frozen=True, kw_only=True)
class BernoulliWalk(PlainTask):
    """The uniform distribution on walks with steps 0 and 1."""

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the walks."""
        require_listable(2**self.n, self.n)
        return JointPMF.uniform(tuple(accumulate(bits)) for bits in product((0, 1), repeat=self.n))

    def structure(self) -> Gaps:
        """Return the subset entropies, binomial between neighbours."""
        return Gaps(self.n, "walk")

"""Repeated bit, n copies of one fair bit.

C = n - 1 bits, D = 1 bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.lumped_chains import CodeChain
from synthetic.plain import PlainTask
from synthetic.task import register
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF

__all__ = ["RepeatedBit"]


@register("repeated_bit")
@dataclass(frozen=True, kw_only=True)
class RepeatedBit(PlainTask):
    """The uniform distribution on the two constant bit strings."""

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the two constant strings."""
        return JointPMF.uniform([(0,) * self.n, (1,) * self.n])

    def chain(self) -> LumpedChain:
        """Return the lumped chain; one bit determines the rest."""
        return CodeChain(self.n, dimension=1, order=2)

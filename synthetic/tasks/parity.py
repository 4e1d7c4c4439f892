"""Parity, bits with an even sum.

C = 1 bit, D = n - 1 bits; any n - 1 bits are independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.lumped_chains import CodeChain
from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF

__all__ = ["Parity"]


@register("parity")
@dataclass(frozen=True, kw_only=True)
class Parity(PlainTask):
    """The uniform distribution on bit strings with an even number of ones."""

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the even-weight strings."""
        require_listable(2 ** (self.n - 1), self.n)
        return JointPMF.uniform((*bits, sum(bits) % 2) for bits in product((0, 1), repeat=self.n - 1))

    def chain(self) -> LumpedChain:
        """Return the lumped chain, fair bits until one is left."""
        return CodeChain(self.n, dimension=self.n - 1, order=2)

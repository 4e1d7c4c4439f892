"""Markov chain: n bits, the first fair, each later one equal to the one before with probability 3/4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.pmf import JointPMF

__all__ = ["MarkovChain"]


@register("markov_chain")
@dataclass(frozen=True, kw_only=True)
class MarkovChain(PlainTask):
    """A sticky two-state Markov chain."""

    def pmf(self) -> JointPMF:
        """Return the law, by weights."""
        require_listable(2**self.n, self.n)
        strings = list(product((0, 1), repeat=self.n))
        return JointPMF.from_weights(
            strings, [prod(3 if bits[i] == bits[i - 1] else 1 for i in range(1, self.n)) for bits in strings]
        )

"""Markov chain of n bits, each equal to the one before with probability ``stay``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from synthetic.plain import PlainTask, sticky
from synthetic.task import register
from theory.distributions.distribution import Context
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["MarkovChain"]


@register("markov_chain")
@dataclass(frozen=True, kw_only=True)
class MarkovChain(PlainTask):
    """A sticky two-state Markov chain; its distribution has a closed form at any length.

    Attributes:
        n: The number of bits.
        stay: The probability that a bit equals the one before.
    """

    stay: Fraction = Fraction(3, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "stay", sticky(self.stay, "stay")[0][0])

    def distribution(self) -> MarkovDistribution:
        """Return the distribution."""
        half = Fraction(1, 2)
        return MarkovDistribution(n=self.n, initial=(half, half), transition=sticky(self.stay, "stay"))

    def pmf(self) -> JointPMF:
        """Return the distribution as a list."""
        return self.distribution().pmf()

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        return (Context(weight=Fraction(1), distribution=self.distribution()),)

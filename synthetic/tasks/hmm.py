"""Hidden Markov model, a sticky hidden bit seen through noise."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from synthetic.plain import PlainTask, sticky
from synthetic.task import register
from theory.distributions.distribution import Context
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["HiddenMarkov"]


@register("hmm")
@dataclass(frozen=True, kw_only=True)
class HiddenMarkov(PlainTask):
    """The shown bits of a sticky two-state hidden Markov model.

    Attributes:
        n: The number of bits.
        stay: The probability that a hidden bit equals the one before.
        right: The probability that a shown bit equals the hidden one.
    """

    stay: Fraction = Fraction(3, 4)
    right: Fraction = Fraction(3, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("stay", "right"):
            object.__setattr__(self, name, sticky(getattr(self, name), name)[0][0])

    def distribution(self) -> HMMDistribution:
        """Return the distribution, whose conditionals come from the forward-backward algorithm at any length."""
        half = Fraction(1, 2)
        hidden, shown = sticky(self.stay, "stay"), sticky(self.right, "right")
        return HMMDistribution(n=self.n, initial=(half, half), transition=hidden, emission=shown)

    def pmf(self) -> JointPMF:
        """Return the distribution of the shown bits as a list."""
        return self.distribution().pmf()

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        return (Context(weight=Fraction(1), distribution=self.distribution()),)

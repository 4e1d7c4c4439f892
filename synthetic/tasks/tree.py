"""Tree of n bits, each equal to its parent with probability ``stay``.

Separators decode it without loss in a number of steps that grows like log n.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from synthetic.plain import PlainTask, require_listable, sticky
from synthetic.task import register
from theory.distributions.pmf import JointPMF

__all__ = ["Tree"]


@register("tree")
@dataclass(frozen=True, kw_only=True)
class Tree(PlainTask):
    """A sticky two-state process on a binary tree in heap order.

    Attributes:
        n: The number of bits.
        stay: The probability that a bit equals that of its parent.
    """

    stay: Fraction = Fraction(3, 4)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "stay", sticky(self.stay, "stay")[0][0])

    def pmf(self) -> JointPMF:
        """Return the distribution, by weights."""
        require_listable(2**self.n, self.n)
        strings = list(product((0, 1), repeat=self.n))
        same, other = self.stay.numerator, self.stay.denominator - self.stay.numerator
        return JointPMF.from_weights(
            strings,
            [
                prod(same if bits[i] == bits[(i - 1) // 2] else other for i in range(1, self.n))
                for bits in strings
            ],
        )

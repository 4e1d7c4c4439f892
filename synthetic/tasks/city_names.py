"""City names, the two-token example of Figure 1 of arXiv 2510.04767.

Both tokens are drawn at once: "New York" and "Mexico City" become "New City". C = 1 bit, one-step accuracy 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from synthetic.task import register
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF

__all__ = ["CityNames"]


@register("city_names")
@dataclass(frozen=True, kw_only=True)
class CityNames:
    """New York, New Orleans, Mexico City and Panama City, equally likely."""

    name: ClassVar[str] = ""
    sizes: ClassVar[bool] = False

    @property
    def n(self) -> int:
        """Two tokens."""
        return 2

    def chain(self) -> None:
        """Two tokens need no lumped chain."""
        return

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        names = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]
        return (Context(weight=Fraction(1), distribution=ListedDistribution(JointPMF.uniform(names))),)

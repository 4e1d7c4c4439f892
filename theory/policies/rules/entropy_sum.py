"""Entropy-sum rule, positions until their entropies reach a budget."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from theory.numbers.arithmetic import Array
from theory.policies.policy import register
from theory.policies.prefix import EntropyPrefix, longest_within, ranks, total
from theory.policies.view import View
from theory.validation import InputError, choice, exact_fraction

__all__ = ["EntropySum"]


@register("entropy_sum")
@dataclass(frozen=True, kw_only=True)
class EntropySum(EntropyPrefix):
    """Go down the ranking until the sum of the entropies exceeds eta; at least one position.

    Source: Cai and Li, arXiv 2603.22248, which does not say whether the position that crosses the budget is taken:
    ``crossing`` selects either.

    Attributes:
        eta: The budget of a step in bits, at least 0.
        crossing: What happens to the position with which the sum exceeds eta: ``drop`` or ``keep``.

    Example:
        >>> EntropySum(eta=1).crossing
        'drop'
    """

    example: ClassVar[str] = "entropy_sum:eta=1"
    source: ClassVar[str] = "Cai and Li, arXiv 2603.22248"
    release: ClassVar[str] = "no code found"
    formula: ClassVar[str] = "largest prefix with sum H <= eta"
    cost: ClassVar[str] = "n V + n log n"
    lumps: ClassVar[bool] = True
    by: str = "entropy"
    eta: Fraction
    crossing: str = "drop"

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.crossing, "crossing", ("drop", "keep"))
        object.__setattr__(self, "eta", exact_fraction(self.eta, "eta"))
        if self.eta < 0:
            raise InputError(f"eta must be at least 0, got {self.eta}.")

    @property
    def budget(self) -> Fraction:
        """Eta."""
        return self.eta

    def number(self, view: View, entropies: Array) -> Array:
        """Return the length of the largest prefix within the budget, plus one if the crossing position goes too."""
        xp, numbers, rank = view.numbers.xp, view.numbers, ranks(view)
        if entropies.dtype == np.dtype(object):
            number = longest_within(view, entropies, total, self.eta)
        else:
            spent = xp.cumulative_sum(entropies, axis=1)
            fits = (spent <= numbers.const(self.eta) + numbers.tolerance) & (rank <= view.left[:, None])
            number = xp.sum(xp.astype(fits, xp.int64), axis=1)
        number = number + (self.crossing == "keep")
        number = xp.where(number < 1, xp.ones_like(number), number)
        return xp.where(number < view.left, number, view.left)

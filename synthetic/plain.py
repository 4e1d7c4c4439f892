"""Tasks without a prompt, as one listed distribution over sequences."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from synthetic.task import SizedTask
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory, scientific
from theory.validation import InputError, exact_fraction

__all__ = ["PlainTask", "is_prime", "require_listable", "sticky"]


@dataclass(frozen=True, kw_only=True)
class PlainTask(SizedTask):
    """One distribution over n tokens; subclasses say which.

    Attributes:
        n: The size, by default the number of positions.
    """

    smallest: ClassVar[int] = 2

    def pmf(self) -> JointPMF:
        """Return the exact distribution as a list of outcomes."""
        raise TypeError(f"{type(self).__name__} does not say what its distribution is.")

    def contexts(self) -> tuple[Context, ...]:
        """Return the single context."""
        return (Context(weight=Fraction(1), distribution=ListedDistribution(self.pmf())),)


def require_listable(outcomes: int, positions: int) -> None:
    """Raise before listing too many outcomes."""
    require_memory(
        outcomes * positions * 80,
        f"listing {outcomes if outcomes < 10**24 else scientific(outcomes)} outcomes of {positions} tokens",
        remedy="use a smaller n",
        advice=0,
    )


def is_prime(q: int) -> bool:
    """Return whether q is prime."""
    from flint import fmpz

    return bool(fmpz(q).is_prime())


def sticky(stay: object, name: str) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
    """Return the transition matrix of a bit that stays as it is with probability ``stay``.

    Raises:
        InputError: If ``stay``, called ``name`` in the message, is no probability.
    """
    p = exact_fraction(stay, name)
    if not 0 <= p <= 1:
        raise InputError(f"{name} must lie in 0..1, got {stay}.")
    return (p, 1 - p), (1 - p, p)

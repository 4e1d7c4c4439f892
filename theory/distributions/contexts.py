"""Tasks given by their contexts, lumped chains of tasks, and expectations over contexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, log2
from typing import Any

from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF

__all__ = ["Entries", "GivenTask", "Parts", "chain_of", "error_of_mean", "expectation", "listed_task"]

Entries = dict[str, tuple[Any, float]]  # numbers by name, each with a bound on its error
Parts = Sequence[tuple[Fraction, JointPMF]]


@dataclass(frozen=True, kw_only=True)
class GivenTask:
    """A task given by its contexts, such as those of a file.

    Attributes:
        name: What it is called.
        parts: Its contexts.
        floats: Whether its probabilities are floats by their digits.
        note: What that changed, in one line, or empty.
        size: Its size, if that is not the length of the longest context.
    """

    name: str
    parts: tuple[Context, ...]
    floats: bool = False
    note: str = ""
    size: int | None = None

    @property
    def n(self) -> int:
        """Its size."""
        return self.size or max(context.distribution.n for context in self.parts)

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts."""
        return self.parts

    def chain(self) -> LumpedChain | None:
        """No lumped chain is known for given contexts."""
        return None


def listed_task(pmf: JointPMF, name: str = "pmf") -> GivenTask:
    """Return a pmf as a task of one context."""
    return GivenTask(name=name, parts=(Context(weight=Fraction(1), distribution=ListedDistribution(pmf)),))


def chain_of(task: Any) -> LumpedChain | None:
    """Return the lumped chain of a task, the same in every context, if it offers one."""
    chain = getattr(task, "chain", None)
    return None if chain is None else chain()


def expectation(pairs: Sequence[tuple[Fraction, Any]]) -> Any:
    """Return ``sum w v`` over positive weights; infinite if one value is, ``None`` if one is missing.

    Example:
        >>> expectation([(Fraction(0), inf), (Fraction(1), Fraction(1, 2))])
        Fraction(1, 2)
    """
    pairs = [(weight, value) for weight, value in pairs if weight]
    if any(value is None for _, value in pairs):
        return None
    if any(value == inf for _, value in pairs):
        return inf
    if any(isinstance(value, float) for _, value in pairs):
        return float(sum(float(weight) * float(value) for weight, value in pairs))
    first, *rest = [value * weight for weight, value in pairs]
    return sum(rest, first)


def error_of_mean(parts: Parts, errors: Sequence[float], rounding: float | None = None) -> float:
    """Return a bound on the error of a float mean over contexts of numbers with these errors.

    ``rounding`` bounds that of one operation; by default numbers have at most n log2 N bits, or are exact if no error
    is given.
    """
    if rounding is None:
        rounding = max(pmf.n * log2(max(len(pmf), 2)) for _, pmf in parts) * 2.0**-52 * any(errors)
    inherited = sum(float(weight) * error for (weight, _), error in zip(parts, errors, strict=True))
    return 1.001 * inherited + (len(parts) + 3) * rounding

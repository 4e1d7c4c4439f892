"""The distribution of the number of model calls, and its mean over contexts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb

from theory.numbers.arithmetic import Number
from theory.numbers.balls import distribution_with_error

__all__ = ["StepDistribution", "distribution_of_calls", "mixed"]

Distribution = Mapping[int, Number]


@dataclass(frozen=True, kw_only=True)
class StepDistribution:
    """The distribution of the number of model calls.

    Attributes:
        runs: Number of calls to its probability in the decoder's own runs; Fractions where the decode is exact.
        data: The same along trajectories driven by P; ``None`` for rules that do not follow the data.
        error: A bound on the error of each float probability; zero if exact, ``None`` without a proof.
    """

    runs: Distribution = field(hash=False)
    data: Distribution | None = field(hash=False)
    error: float | None = 0.0

    @property
    def steps(self) -> Number:
        """``E_Q R``."""
        return _mean(self.runs)

    @property
    def steps_under_data(self) -> Number | None:
        """``E_P R``."""
        return None if self.data is None else _mean(self.data)

    def within(self, calls: int) -> Number:
        """Return ``Q(R <= calls)``.

        Example:
            >>> from fractions import Fraction
            >>> StepDistribution(runs={1: Fraction(1, 4), 3: Fraction(3, 4)}, data=None).within(2)
            Fraction(1, 4)
        """
        return sum((p for r, p in self.runs.items() if r <= calls), next(iter(self.runs.values())) * 0)


def _mean(distribution: Distribution) -> Number:
    terms = [calls * p for calls, p in distribution.items()]
    return sum(terms[1:], terms[0])


def distribution_of_calls(
    runs: Iterable[tuple[int, Any]], data: Iterable[tuple[int, Any]] | None, *, proven: bool = True
) -> StepDistribution:
    """Return the distribution of the calls from the masses of runs that end after each number of calls.

    Args:
        runs: (calls, mass) pairs of the decoder's own runs; masses of one number are added.
        data: The same along trajectories driven by P; ``None`` for rules that do not follow the data.
        proven: Whether balls contain the true values.

    Example:
        >>> from flint import fmpq
        >>> distribution_of_calls([(2, fmpq(1, 4)), (1, fmpq(1, 2)), (2, fmpq(1, 4))], [(1, fmpq(1))]).runs
        {1: Fraction(1, 2), 2: Fraction(1, 2)}
    """
    own, error = _summed(runs)
    true, more = (None, 0.0) if data is None else _summed(data)
    return StepDistribution(runs=own, data=true, error=max(error, more) if proven else None)


def _summed(parts: Iterable[tuple[int, Any]]) -> tuple[Distribution, float]:
    """Return the distribution, without calls of probability zero, and a bound on the error of each probability."""
    distribution: dict[int, Any] = {}
    for calls, mass in parts:
        distribution[calls] = distribution[calls] + mass if calls in distribution else mass
    shown, error = distribution_with_error({calls: mass for calls, mass in distribution.items() if mass != 0})
    unseen = [float(arb(mass).abs_upper()) for mass in distribution.values() if not (mass != 0 or mass == 0)]
    return shown, max([error, *unseen])  # a ball around zero counts as zero


def mixed(parts: Sequence[tuple[Fraction, StepDistribution]]) -> StepDistribution:
    """Return the distribution of the calls in a context drawn with the given weights.

    Example:
        >>> one, two = (StepDistribution(runs={calls: Fraction(1)}, data=None) for calls in (1, 2))
        >>> mixed([(Fraction(1, 4), one), (Fraction(3, 4), two)]).runs
        {1: Fraction(1, 4), 2: Fraction(3, 4)}
    """
    if len(parts) == 1:
        return parts[0][1]
    runs = _mixture([(weight, part.runs) for weight, part in parts])
    known = [part.error for _, part in parts if part.error is not None]
    error = max(known) if len(known) == len(parts) else None
    if error is not None and any(isinstance(p, float) for p in runs.values()):
        error = (error + 2.0**-53) * (1 + 2.0**-50)  # a mean is rounded once
    if any(part.data is None for _, part in parts):
        return StepDistribution(runs=runs, data=None, error=error)
    data = _mixture([(weight, part.data or {}) for weight, part in parts])
    return StepDistribution(runs=runs, data=data, error=error)


def _mixture(parts: Sequence[tuple[Fraction, Mapping[int, Any]]]) -> dict[int, Any]:
    distribution: dict[int, Fraction] = {}
    for weight, part in parts:
        for calls, p in part.items():
            distribution[calls] = distribution.get(calls, Fraction(0)) + Fraction(p) * weight
    floats = any(isinstance(p, float) for _, part in parts for p in part.values())
    return {calls: float(p) if floats else p for calls, p in sorted(distribution.items())}

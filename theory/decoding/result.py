"""The result of a decode, from the output distribution to steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from flint import arb
from numpy.typing import NDArray

from theory.decoding.call_distribution import StepDistribution
from theory.distributions.outcomes import Outcome
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform, numbers_of_powers
from theory.numbers.arithmetic import Number, ProvenNumbers
from theory.numbers.balls import BALLS, ball_precision, is_zero, with_errors
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import Bits
from theory.validation import InputError

__all__ = [
    "OFF_SUPPORT",
    "AnswerDistribution",
    "Decode",
    "LumpedDecode",
    "ValidSet",
    "assembled",
    "divergence",
    "numbers_of_result",
    "valid_mass",
]

OFF_SUPPORT = ("marginal", "uniform", "stop")
ValidSet = Iterable[Outcome] | Callable[[Outcome], bool] | None


class AnswerDistribution(dict[Outcome, Number]):
    """Probabilities of outcomes, with a bound on the error of each.

    Attributes:
        error: A proven bound on the absolute error of every float; zero for Fractions, ``None`` for a user's rule with
            float chances.
    """

    def __init__(self, distribution: Mapping[Outcome, Any], *, proven: bool) -> None:
        """Convert rationals and balls; ``proven`` says whether the balls contain the true values."""
        shown, errors = with_errors(distribution)
        super().__init__(shown)
        self.error = max(errors.values(), default=0.0) if proven or not errors else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Decode:
    """The result of decoding a pmf with a policy, exact as Fractions and LogNumbers, else floats with errors.

    Attributes:
        distribution: ``Q(y)`` for every y of the support of P; the rest is ``1 - sum``
            (:func:`theory.decoding.output.output_distribution` lists it). ``distribution.error`` bounds the error of
            each float.
        accuracy: ``Q(V)`` of the valid set V.
        kl: ``D(P || Q)`` in bits; infinite when Q misses part of the support.
        path_kl: The divergence along the realised path, at least ``kl``; equal for a policy without random choices.
            ``None`` for rules without Theorem 1, which look at drawn tokens or mask again.
        steps: Expected number of model calls of the decoder's own runs, up to the last token.
        steps_under_data: The same along trajectories driven by P; ``None`` where ``path_kl`` is.
        n: Number of positions.
        off_support: The convention off the support, which changes the steps, and everything for remasking rules.
        errors: Proven bounds on the absolute errors of the floats among ``accuracy``, ``kl``, ``path_kl``, ``steps``
            and ``steps_under_data`` (:mod:`theory.numbers.balls`). Empty for an exact decode, and for a user's rule
            with float chances, where nothing is proved.
        step_distribution: The distribution of the number of model calls.
    """

    distribution: AnswerDistribution
    accuracy: Number
    kl: Bits
    path_kl: Bits | None
    steps: Number
    steps_under_data: Number | None
    step_distribution: StepDistribution
    n: int
    off_support: str = "marginal"
    errors: Mapping[str, float] = field(default_factory=dict[str, float])

    def __repr__(self) -> str:
        """Return one line with rounded numbers."""
        numbers = f"accuracy {float(self.accuracy):.4g}, KL {float(self.kl):.4g} bits, {float(self.steps):.4g} steps"
        return f"Decode({len(self.distribution)} possible answers of {self.n} positions: {numbers})"

    @property
    def tokens_per_step(self) -> Number:
        """``n / steps``."""
        return self.n / self.steps


@dataclass(frozen=True, kw_only=True)
class LumpedDecode:
    """The result of a lumped decode, with the fields of :class:`Decode`.

    ``kl`` is ``None`` where the symmetry argument does not apply (random choices that treat positions unequally).
    ``errors`` has a proven bound on the error of each float; none for exact numbers. ``step_distribution`` is the
    distribution of the model calls, ``None`` where a decode does not give it.
    """

    accuracy: Number
    kl: Bits | None
    path_kl: Bits
    steps: Number
    steps_under_data: Number
    n: int
    errors: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    step_distribution: StepDistribution | None = None

    @property
    def tokens_per_step(self) -> Number:
        """``n / steps``."""
        return self.n / self.steps


def numbers_of_result(pmf: JointPMF, rule: object, transform: Transform) -> ProvenNumbers:
    """Return the kind of number of a decode: rationals where the result can be rational, else balls."""
    bits = 0 if pmf.total is None else pmf.total.bit_length()
    rational = pmf.is_exact and getattr(rule, "rational", True)
    return numbers_of_powers(transform.temperature, bits) if rational else BALLS


def assembled(
    pmf: JointPMF,
    own: NDArray[Any],
    valid: ValidSet,
    *,
    path_kl: Any,
    steps: Any,
    steps_under_data: Any,
    off_support: str,
    numbers: ProvenNumbers,
    proven: bool,
    step_distribution: StepDistribution,
) -> Decode:
    """Return the decode of a finished run.

    Args:
        pmf: The target.
        own: Q on its outcomes, in their order: rationals or balls.
        valid: As in :func:`theory.decoding.decoder.decode`.
        path_kl: A LogNumber or a ball; infinite; or ``None``.
        steps: A rational or a ball.
        steps_under_data: The same, or ``None``.
        off_support: The convention.
        numbers: The kind of number of the result.
        proven: Whether the balls hold the true values.
        step_distribution: As in :class:`Decode`.
    """
    distribution = dict(zip(pmf.outcomes, own.tolist(), strict=True))
    found = {
        "accuracy": valid_mass(distribution, valid),
        "kl": divergence(pmf, own, numbers),
        "path_kl": path_kl,
    }
    found |= {"steps": steps, "steps_under_data": steps_under_data}
    values, errors = with_errors(found)
    return Decode(
        distribution=AnswerDistribution(distribution, proven=proven),
        n=pmf.n,
        off_support=off_support,
        errors=errors if proven else {},
        step_distribution=step_distribution,
        **values,
    )


def valid_mass(distribution: Mapping[Outcome, Any], valid: ValidSet) -> Any:
    """Return ``Q(V)``, with V the support by default."""
    if valid is None:
        return sum(distribution.values())
    if callable(valid):
        return sum(q for y, q in distribution.items() if valid(y))
    chosen = set(map(tuple, valid))
    if not chosen <= set(distribution):
        raise InputError("the valid set must be a part of the support of the pmf.")
    return sum(q for y, q in distribution.items() if y in chosen)


def divergence(pmf: JointPMF, own: NDArray[Any], numbers: ProvenNumbers) -> Bits | arb:
    """Return ``D(P || Q)`` in bits, with Q given on the outcomes of ``pmf`` in their order, as ``numbers``.

    A ball for balls, and where the exact form would take long (:func:`theory.numbers.log_sums.log_sum`).
    """
    if is_zero(own).any():
        return inf
    with ball_precision():
        weights = numbers.array(pmf.weights.tolist())
        total = weights.sum()
        pairs = zip(weights.tolist(), (weights / (own * total)).tolist(), strict=True)
        return log_sum(pairs, numbers, total=total)

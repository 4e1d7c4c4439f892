"""Bounds on accuracy from a KL divergence, and what it cannot say.

P is the target with support V, Q the output distribution of a decoder, of which only the values on V are needed.

**Floor.** ``D(P||Q) = log2 1/Q(V) + D(P || Q(.|V))``, so accuracy ``Q(V) >= 2^-KL`` with equality iff ``Q(.|V) = P``.
There is no upper bound: a point mass in V has accuracy 1 and infinite KL.
**Total variation.** ``TV >= 1 - Q(V)``; ``TV <= sqrt(KL ln2 / 2)`` (Pinsker) and ``TV <= sqrt(1 - 2^-KL)``
(Bretagnolle and Huber 1979).
**Rejection.** Proposals from Q are turned into exact samples of P by accepting y with probability ``P(y)/(M Q(y))``;
``M = max_y P/Q = 2^D_inf`` proposals are needed on average, and ``D_inf >= KL`` (Zhang et al., arXiv 2602.00286,
state ``M >= e^TC`` in nats; equality for shuffle and replace_random in one step). Unit: bits.

**Error rates** (Feng et al., arXiv 2502.09622). The sequence error rate is ``SER = 1 - Q(V)``. The token error rate is
a perplexity, ``log2 TER = E_P[-(1/|x|) log2 Q(x)]``; for answers of one length n it is ``(H(P) + D(P || Q)) / n``,
least at Q = P. ``SER <= 1 - 2^-KL = 1 - 2^(H(P) - n log2 TER)``: a small token error bounds the sequence error, but
with n in the exponent.

Product distributions are in ``theory/bounds/accuracy/one_step.py``.

Float distributions are read as exact numbers. Each result is then the float nearest to the true value, within one unit
in the last place, or ``2^-100`` where terms cancel. Decisions (a token that is never drawn, mass off the support) are
made on these exact numbers, within 1e-9 for mass.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, nextafter, prod
from typing import Any

import numpy as np
from flint import arb

from theory.distributions.outcomes import Outcome
from theory.distributions.pmf import JointPMF
from theory.distributions.weights import SUM_TOLERANCE
from theory.information.measures import entropy
from theory.numbers.arithmetic import EXACT, Number, ProvenNumbers
from theory.numbers.balls import BALLS, ball_precision, public
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import Bits, LogNumber
from theory.validation import InputError

__all__ = [
    "accuracy_excess",
    "accuracy_floor",
    "forward_kl",
    "max_divergence",
    "rejection_cost",
    "reverse_kl",
    "sequence_error_rate",
    "token_error_rate",
    "total_variation",
    "total_variation_ceiling",
]

OutputDistribution = Mapping[Outcome, Number]  # Q(y), at least on the support of P; other entries are ignored

_PRECISION = 128  # bits of the intervals that are rounded to floats


def forward_kl(pmf: JointPMF, distribution: OutputDistribution) -> Bits:
    """Return ``D(P || Q)`` in bits; exact for exact P and Q, infinite when Q misses part of the support.

    Example:
        >>> forward_kl(JointPMF.uniform([(0, 1), (1, 0)]), {(0, 1): Fraction(1, 4), (1, 0): Fraction(1, 4)})
        LogNumber('log2(2)')
    """
    pairs, numbers = _pairs(pmf, distribution)
    return _log_mean([(p, p, q) for p, q in pairs], numbers)


def accuracy_floor(kl: Bits) -> Number:
    """Return ``2^-KL``, a lower bound on the accuracy ``Q(V)``.

    Returns:
        A Fraction where an exact KL makes it rational, else a float, rounded downwards.

    Example:
        >>> accuracy_floor(3 * LogNumber.log2(Fraction(4, 3))), accuracy_floor(1.0)
        (Fraction(27, 64), 0.5)
    """
    if not isinstance(kl, LogNumber):
        if kl == inf or float(kl).is_integer():
            return 2.0**-kl
        with ball_precision():
            floor = float((-arb(kl) * arb(2).log()).exp().lower())
        return nextafter(floor, 0.0) if floor > 0 else 0.0
    if all(r.denominator == 1 for r in kl.terms.values()):
        return prod((Fraction(base) ** -int(r) for base, r in kl.terms.items()), start=Fraction(1))
    ball = (-kl.interval(_PRECISION) * arb(2).log()).exp()
    return nextafter(float(ball.lower()), 0.0)


def accuracy_excess(pmf: JointPMF, distribution: OutputDistribution) -> Bits:
    """Return ``log2 Q(V) + KL = D(P || Q(.|V))``: how far accuracy is above its floor; zero iff it is attained.

    Example:
        >>> p = JointPMF.uniform([(0, 1), (1, 0)])
        >>> accuracy_excess(p, {(0, 1): Fraction(1, 2), (1, 0): Fraction(1, 8)})
        LogNumber('-2 log2(2) + log2(5)')
    """
    pairs, numbers = _pairs(pmf, distribution)
    with ball_precision():
        own = numbers.array(q for _, q in pairs).sum()
        return _log_mean([*((p, p, q) for p, q in pairs), (1, own, 1)], numbers)


def total_variation(pmf: JointPMF, distribution: OutputDistribution) -> Number:
    """Return ``TV(P, Q) = sum_{y in V} max(P(y) - Q(y), 0)``, half the L1 distance; exact for exact P and Q.

    Example:
        >>> total_variation(JointPMF.uniform([(0, 1), (1, 0)]), {(0, 1): Fraction(1, 4), (1, 0): Fraction(1, 4)})
        Fraction(1, 2)
    """
    pairs, numbers = _pairs(pmf, distribution)
    with ball_precision():
        parts = (numbers.const(p) - numbers.const(q) for p, q in pairs if p > q)
        return public(sum(parts, numbers.const(0)))


def total_variation_ceiling(kl: Bits) -> float:
    """Return ``min(sqrt(KL ln2 / 2), sqrt(1 - 2^-KL))``, an upper bound on TV, rounded upwards.

    Args:
        kl: Bits. If rounding made a float negative, its absolute value is used.

    Example:
        >>> round(total_variation_ceiling(1.0), 6), total_variation_ceiling(LogNumber()), total_variation_ceiling(inf)
        (0.588705, 0.0, 1.0)
    """
    if kl == 0 or kl == inf:
        return float(kl != 0)
    if kl < (0 if isinstance(kl, LogNumber) else -SUM_TOLERANCE):
        raise InputError(f"a KL divergence must not be negative, got {kl}.")
    nats = (kl.interval(_PRECISION) if isinstance(kl, LogNumber) else arb(abs(kl))) * arb(2).log()
    squares = (nats / 2, -(-nats).expm1())
    return min(nextafter(float(square.sqrt().upper()), inf) for square in squares)


def reverse_kl(pmf: JointPMF, distribution: OutputDistribution) -> Bits:
    """Return ``D(Q || P)`` in bits, infinite if Q has mass off the support of P.

    Example:
        >>> p = JointPMF.uniform([(0, 1), (1, 0)])
        >>> reverse_kl(p, {(0, 1): Fraction(1)}), reverse_kl(p, {(0, 1): Fraction(1, 2)})
        (LogNumber('log2(2)'), inf)
    """
    pairs, numbers = _pairs(pmf, distribution)
    if abs(1 - sum(q for _, q in pairs)) > (0 if numbers is EXACT else SUM_TOLERANCE):
        return inf
    return _log_mean([(q, q, p) for p, q in pairs if q != 0], numbers)


def rejection_cost(pmf: JointPMF, distribution: OutputDistribution) -> Number:
    """Return ``M = max_y P(y)/Q(y)``, the expected proposals from Q for one exact sample of P; may be infinite.

    Example:
        >>> rejection_cost(JointPMF.uniform([(0, 1), (1, 0)]), {(0, 1): Fraction(1, 4), (1, 0): Fraction(1, 4)})
        Fraction(2, 1)
    """
    cost, numbers = _largest_ratio(pmf, distribution)
    if numbers is EXACT or cost == inf:
        return cost
    return float(cost) if cost <= sys.float_info.max else inf


def max_divergence(pmf: JointPMF, distribution: OutputDistribution) -> Bits:
    """Return ``D_inf(P || Q) = log2 max_y P(y)/Q(y)``, at least ``D(P || Q)``; equal iff P/Q is constant on V."""
    cost, numbers = _largest_ratio(pmf, distribution)
    return inf if cost == inf else _log_mean([(1, cost, 1)], numbers)


def _largest_ratio(pmf: JointPMF, distribution: OutputDistribution) -> tuple[Any, ProvenNumbers]:
    """Return ``max_y P(y)/Q(y)``, a Fraction or infinite, and the kind of number of P and Q."""
    pairs, numbers = _pairs(pmf, distribution)
    if any(q == 0 for _, q in pairs):
        return inf, numbers
    return max(Fraction(p) / Fraction(q) for p, q in pairs), numbers


def _log_mean(terms: Sequence[tuple[Any, Any, Any]], numbers: ProvenNumbers) -> Bits:
    """Return ``sum w log2(a / b)`` over (w, a, b), all above zero; infinite if some b is zero."""
    if any(b == 0 for _, _, b in terms):
        return inf
    number = numbers.const
    pairs = ((number(w), number(a) / number(b)) for w, a, b in terms)
    return public(log_sum(pairs, numbers))


def _pairs(pmf: JointPMF, distribution: OutputDistribution) -> tuple[list[tuple[Any, Any]], ProvenNumbers]:
    """Return (P(y), Q(y)) on the support, and the kind of number; raise unless Q adds up to at most 1."""
    pairs = [(p, _number(distribution.get(y, Fraction(0)))) for y, p in pmf]
    exact = pmf.is_exact and not any(isinstance(q, float) for _, q in pairs)
    bad = next((q for _, q in pairs if not q >= 0), None)
    if bad is not None:
        raise InputError(f"a probability of the distribution must be at least 0, got {bad}.")
    total = sum(q for _, q in pairs)
    if total > 1 + (0 if exact else SUM_TOLERANCE):
        raise InputError(f"the distribution sums to {total} on the support; it must not exceed 1.")
    return pairs, EXACT if exact else BALLS


def _number(value: Any) -> Any:
    """Return a numpy float as a Python float."""
    return float(value) if isinstance(value, np.floating) else value


def sequence_error_rate(pmf: JointPMF, distribution: OutputDistribution) -> Number:
    """Return ``SER = 1 - Q(V)``, V the support of ``pmf``; exact for an exact distribution.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.information.measures import product_of_marginals
        >>> equal = JointPMF.uniform([(0, 0), (1, 1)])
        >>> sequence_error_rate(equal, dict(product_of_marginals(equal)))
        Fraction(1, 2)
    """
    return 1 - sum((distribution.get(y, Fraction(0)) for y in pmf.outcomes), Fraction(0))


def token_error_rate(pmf: JointPMF, distribution: OutputDistribution) -> Bits:
    """Return ``log2 TER = (H(P) + D(P || Q)) / n`` in bits for each token; infinite where Q misses an outcome.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> from theory.information.measures import product_of_marginals
        >>> equal = JointPMF.uniform([(0, 0), (1, 1)])
        >>> token_error_rate(equal, dict(equal)), token_error_rate(equal, dict(product_of_marginals(equal)))
        (LogNumber('1/2 log2(2)'), LogNumber('log2(2)'))
    """
    kl, own = forward_kl(pmf, distribution), entropy(pmf)
    if kl == inf:
        return inf
    if isinstance(kl, float) or isinstance(own, float):
        return (float(own) + float(kl)) / pmf.n
    return (own + kl) / pmf.n

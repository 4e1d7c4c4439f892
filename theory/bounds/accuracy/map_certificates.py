"""Conditions under which the most probable tokens form the most probable sequence.

Let ``c_j`` be the largest probability of position j's marginal, ``s_j`` the second largest, ``x*`` the sequence of the
most probable tokens (the mode of the product of the marginals) and ``f_j = 1 - c_j``.

**Worst case.** Whole marginals certify x* iff no joint distribution with them has an equally likely rival:
:mod:`theory.bounds.accuracy.worst_case`.

**Known forms.** With ``L_n = max(0, sum c_j - (n-1))`` and ``U_n = 1 - min c_j`` (Frechet), ``L_n > U_n`` certifies x*
(Fast-dLLM++, arXiv 2606.02955, Theorem 4.1). Knowing the c_j alone no weaker condition does: put ``min(c_j, 1 - c_j)``
on one second token. All ``c_j > 1 - eps`` with ``(n+1) eps <= 1`` (Fast-dLLM, arXiv 2505.22618, Theorem 1) is its case
of equal confidences, tight for n >= 2; at n = 1 the two modes are the same.

**Greedy decoding.** A certified x* is also what greedy decoding one token at a time returns, in any order: after any
part ``x*_C`` of it ``P(x*_C, x*_i) >= P(x*) >= 1 - sum f_j > s_i >= P(x*_C, y_i = v)``. In general they differ.

**Stability.** If Q has its mode x* ahead of every other outcome by ``Delta`` and ``TV(P, Q) < Delta/2``, x* is the
unique mode of P: ``P(x*) >= Q(x*) - TV > Q(x) + TV >= P(x)``. For Q the product of the marginals Pinsker gives the
sufficient condition ``TC_nats < Delta^2/2`` (arXiv 2606.02955, Lemma 4.6 and Corollary 4.7), and greedy decoding
agrees as well: marginals of Q lead by at least ``Delta``, marginals of P differ from them by at most TV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log, prod
from typing import Any

from flint import arb, ctx

from theory.bounds.accuracy.worst_case import Marginals, checked_marginals, checked_probability
from theory.distributions.pmf import JointPMF
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rationals import to_fmpq
from theory.validation import InputError, exact_fraction, positive_int

__all__ = [
    "FrechetProfile",
    "certified_prefix",
    "frechet_profile",
    "mode_gap",
    "mode_is_stable",
    "mode_is_stable_under",
    "threshold_certificate",
    "threshold_counterexample",
    "variation_from_product",
]

# -- confidences alone ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FrechetProfile:
    """The bounds of arXiv 2606.02955 for the m most confident positions.

    Attributes:
        lower: ``L_m = max(0, sum c_j - (m-1)) <= P(x*)``.
        upper: ``U_m = 1 - c_(m) >= P(x)`` for every other x.
    """

    lower: Fraction
    upper: Fraction

    @property
    def gap(self) -> Fraction:
        """``G_m = L_m - U_m``; positive: the mode is certified."""
        return self.lower - self.upper


def frechet_profile(confidences: Sequence[Any]) -> tuple[FrechetProfile, ...]:
    """Return (L_m, U_m) of the m most confident positions for m = 1..n; G_m does not increase in m.

    Args:
        confidences: ``c_j``, exact (a float is read as the decimal that it prints).

    Example:
        >>> [str(step.gap) for step in frechet_profile([0.8, 0.9, 0.6])]
        ['4/5', '1/2', '-1/10']
    """
    tops = sorted((checked_probability(c) for c in confidences), reverse=True)
    sums = [sum(tops[: m + 1], Fraction(0)) for m in range(len(tops))]
    return tuple(
        FrechetProfile(lower=max(Fraction(0), total - m), upper=1 - tops[m]) for m, total in enumerate(sums)
    )


def certified_prefix(confidences: Sequence[Any], delta: Any = 0) -> int:
    """Return the largest m with ``G_m > delta``, or 0; Fast-dLLM++ reveals m positions in one step (delta = 0.25).

    Example:
        >>> certified_prefix([0.8, 0.9, 0.6]), certified_prefix([0.8, 0.9, 0.6], 0.75)
        (2, 1)
    """
    bound = exact_fraction(delta, "delta")
    return sum(step.gap > bound for step in frechet_profile(confidences))


def threshold_certificate(confidences: Sequence[Any]) -> bool:
    """Return whether Theorem 1 of arXiv 2505.22618 certifies the mode, ``(n+1) (1 - min c_j) < 1``.

    That is: some eps has ``(n+1) eps <= 1`` and all ``c_j > 1 - eps``.

    Example:
        >>> threshold_certificate(["3/4", "3/4"]), threshold_certificate(["2/3", "2/3"])
        (True, False)
    """
    tops = [checked_probability(c) for c in confidences]
    if not tops:
        raise InputError("confidences of at least one position are needed.")
    return (len(tops) + 1) * (1 - min(tops)) < 1


def threshold_counterexample(n: int, eps: Any) -> JointPMF:
    """Return a pmf with all ``c_j > 1 - eps`` whose product mode is no joint mode, n >= 2, ``eps > 1/(n+1)``.

    The product mode 0...0 is unique; it has probability ``1 - n f``, the n words with a single 1 have f > 1/(n+1) each.

    Example:
        >>> pmf = threshold_counterexample(2, "0.34")
        >>> pmf.probability((0, 0)), pmf.probability((1, 0)), pmf.marginal([0]).probability((0,))
        (Fraction(49, 150), Fraction(101, 300), Fraction(199, 300))
    """
    limit = exact_fraction(eps, "eps")
    if positive_int(n, "n") < 2 or limit * (n + 1) <= 1:
        raise InputError(
            f"there is a counterexample for n >= 2 and eps > 1/(n+1) only, got n = {n}, eps = {eps}."
        )
    half = Fraction(1, n) + Fraction(1, n + 1)  # twice a point strictly between the threshold and 1/n <= 1/2
    fail = (Fraction(1, n + 1) + min(limit, half / 2)) / 2
    words = [tuple(int(i == j) for i in range(n)) for j in range(-1, n)]
    return JointPMF.from_pairs(words, [1 - n * fail] + [fail] * n)


def variation_from_product(confidences: Sequence[Any]) -> Fraction:
    """Return ``min(1, sum_j (1 - c_j))``, at least the total variation between P and the product of its marginals.

    Proof: both put at least ``1 - sum f_j`` on the most probable tokens x*, so they share that much. With all ``f_j <
    eps`` it is below ``n eps``, and thus never above the ``(3n - 1) eps / 2`` of arXiv 2505.22618, Theorem 1.

    Example:
        >>> variation_from_product(["9/10", "4/5"])
        Fraction(3, 10)
    """
    return min(Fraction(1), sum((1 - checked_probability(c) for c in confidences), Fraction(0)))


# -- stability ------------------------------------------------------------------------------------------------


def mode_gap(marginals: Marginals) -> Fraction:
    """Return ``Delta_Q = prod c_j (1 - max s_j/c_j)``, the lead of the most probable outcome over the second.

    Example:
        >>> mode_gap([["2/3", "1/3"], ["3/4", "1/4"]])
        Fraction(1, 4)
    """
    rows = [sorted(row, reverse=True) for row in checked_marginals(marginals)]
    return prod((row[0] for row in rows), start=Fraction(1)) * (
        1 - max((row[1] / row[0] for row in rows if row[1:]), default=Fraction(0))
    )


def mode_is_stable(gap: Any, variation: Any) -> bool:
    """Return whether ``TV(P, Q) < Delta_Q/2``, so that the mode of Q is the unique mode of P."""
    return 2 * variation < gap


def mode_is_stable_under(gap: Any, correlation: Bits) -> bool:
    """Return whether ``TC_nats < Delta_Q^2/2``, so that the product mode is the unique joint mode.

    Args:
        gap: ``Delta_Q`` of the product of the marginals, exact for an exact decision.
        correlation: ``TC`` in **bits**; the comparison of a LogNumber is exact.

    Example:
        >>> mode_is_stable_under(Fraction(1, 2), LogNumber.log2(Fraction(17, 16)))
        True
    """
    limit = exact_fraction(gap, "the gap") ** 2 / 2
    if not isinstance(correlation, LogNumber):
        return correlation * log(2) < limit
    if correlation == 0:
        return limit > 0
    precision = 64
    while (
        True
    ):  # terminates: a non-zero LogNumber in nats is the logarithm of an algebraic number, hence irrational
        with ctx.workprec(precision):
            ahead = arb(to_fmpq(limit)) - correlation.interval(precision) * arb(2).log()
        if ahead > 0 or ahead < 0:
            return bool(ahead > 0)
        precision *= 2

r"""Limits of the best block sizes for Shuffle of many items.

Wen, Liang, Lu (arXiv 2608.25505). The finite optima are in :mod:`theory.bounds.schedules.shuffle`: ``E_{n,R}`` is the
least divergence of R batches of n items, and ``g(M, B) = log2(M^B / (M)_B)`` that of one batch of B of M items.
"""

from __future__ import annotations

from fractions import Fraction
from math import log
from typing import Any

from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["asymptotic_kl", "frontier", "half_rounds", "rounds_at_least", "unplaced_share"]


def frontier(r: Any) -> LogNumber:
    r"""Return ``eps_*(r)``: the limit of the least divergence with r n rounds expected, n growing (Theorem 10).

    There ``eps_*(r) = sup_L [int_0^1 h_L(m) dm - L r]``, ``h_L(m) = min_B [(B - 1) log2(e) / (2 m) + L / B]``. Its
    closed form, derived here: batch B serves ``a B (B-1)/2 < m < a B (B+1)/2`` with ``a = 1 / (L ln 2)``; with k the
    largest batch, integrating 1/B gives ``r = 1/k + a (k - 1)/2``, so ``k = floor(2 / r)``, and integrating the cost

        eps_*(r) = 1/2 [ sum_{B=2}^{k-1} (B - 1) log2((B + 1)/(B - 1)) + (k - 1) log2(1 / (k r - 1)) ].

    Args:
        r: Rounds per item, in (0, 1].

    Example:
        >>> frontier("3/4"), frontier("1/2")  # 1/2 log2(1 / (2 r - 1)) for r >= 2/3
        (LogNumber('1/2 log2(2)'), LogNumber('log2(2) + 1/2 log2(3)'))
    """
    rate = exact_fraction(r, "r")
    if not 0 < rate <= 1:
        raise InputError(f"r must lie in (0, 1], got {r}.")
    k = int(2 / rate)
    terms = [(Fraction(b - 1, 2), Fraction(b + 1, b - 1)) for b in range(2, k)]
    return LogNumber.weighted_sum([*terms, (Fraction(1 - k, 2), k * rate - 1)])


def half_rounds(n: int) -> tuple[int, ...]:
    """Return t triples, n/2 - 2t pairs and t singles, t the integer next to n/6: n/2 rounds of bounded cost.

    Proof: ``g(M, B) <= (B - 1)/2 log2(M / (M - B))``, because ``(M - j)(M - B + j) >= M (M - B)``. The sum telescopes
    within each size to ``log2 n - 1/2 log2(t (n - 3t))``, and ``t (n - 3t) >= (n^2 - 4) / 12`` for even n. So for
    even n >= 4

        E_{n,n/2} < 1 + 1/2 log2 3 + 1/2 log2(n^2 / (n^2 - 4)),

    and ``1 + 1/2 log2 3 = frontier(1/2)`` is the limit. n/2 equal pairs cost ``1/2 log2(pi n / 2)``, without bound.

    Example:
        >>> half_rounds(14)
        (3, 3, 2, 2, 2, 1, 1)
    """
    size = positive_int(n, "n")
    if size % 2:
        raise InputError(f"n must be even, got {n}.")
    triples = round(Fraction(size, 6))
    return (3,) * triples + (2,) * (size // 2 - 2 * triples) + (1,) * triples


def rounds_at_least(n: int, epsilon: float) -> float:
    """Return ``max(n / (1 + 2 eps ln 2), n 2^-eps)``, a lower bound on the rounds of a rule of divergence eps bits.

    Theorem 6 and Proposition 3 of the paper. For fixed batches: ``g(M, B) >= B (B - 1) / (2 n ln 2)`` and
    Cauchy-Schwarz give the first. ``2^g(M, B) >= M / (M - B + 1)`` and ``M_t >= R - t + 1`` give ``2^eps >= n / R``.
    Rounded downwards for the given float epsilon; each has at most 12 roundings of 2^-53.
    """
    return max(n / (1 + 2 * epsilon * log(2)), n * 2.0**-epsilon) * (1 - 2.0**-48)


def unplaced_share(rounds: int) -> Any:
    """Return ``rho_R``: ``rho_1 = 0``, ``rho_R = e^(rho_{R-1} - 1)`` (Theorem 8), a sympy expression.

    The limit of the share of items left after the first of R best batches: ``x ln x - x rho_{R-1}``, the cost per item
    of leaving the share x, is least at ``x = e^(rho_{R-1} - 1)``, where it is ``-rho_R``.

    Example:
        >>> unplaced_share(2), unplaced_share(3)
        (exp(-1), exp(-1 + exp(-1)))
    """
    import sympy

    share: Any = sympy.Integer(0)
    for _ in range(positive_int(rounds, "rounds") - 1):
        share = sympy.exp(share - 1)
    return share


def asymptotic_kl(rounds: int) -> Any:
    """Return ``n (1 - rho_R) / ln 2 - log2(2 pi n) / 2``: ``E_{n,R}`` up to O(1) for fixed R (Theorem 8), in sympy."""
    import sympy

    n = sympy.Symbol("n", positive=True)
    return (n * (1 - unplaced_share(rounds)) - sympy.log(2 * sympy.pi * n) / 2) / sympy.log(2)

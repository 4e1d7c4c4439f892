"""Entropy, total correlation, dual total correlation and KL divergence, in bits.

``C(S|G) = sum_{i in S} H(y_i|G) - H(S|G) >= 0`` is the least KL error of any sampler that draws the block S in
one parallel step after G is revealed (ParallelBench, arXiv 2510.04767, Section 4). Exact pmfs give a
:class:`~theory.numbers.lognumber.LogNumber`, float pmfs a float. Nothing is clipped: a float result may be a rounding
error below zero; :func:`entropy_sum_error` and :func:`kl_error` bound it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import inf, log2, prod
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rounding import entropy_error, gamma, pairwise_depth, sum_error
from theory.validation import InputError

__all__ = [
    "conditional_entropy",
    "dual_total_correlation",
    "entropy",
    "entropy_interval",
    "entropy_sum_error",
    "kl_divergence",
    "kl_error",
    "product_of_marginals",
    "total_correlation",
]


def entropy(pmf: PMFLike, positions: Sequence[int] | None = None) -> Bits:
    """Return the joint entropy ``H(y_S)`` of the tokens at ``positions`` (all by default).

    With integer weights ``w`` over a total ``D``: ``H = log2 D - (1/D) sum_w w log2 w``.

    Example:
        >>> entropy(JointPMF.uniform([(0, 1), (1, 0), (2, 2)]))
        LogNumber('log2(3)')
    """
    pmf = as_pmf(pmf)
    if positions is None:
        positions = range(pmf.n)
    pmf.check_positions(positions)
    weights = pmf.group_weights(pmf.groups(positions))
    if pmf.total is None:
        return -float(np.sum(weights * np.log2(weights)))
    values, counts = np.unique(weights, return_counts=True)
    pairs = zip(values.tolist(), counts.tolist(), strict=True)
    terms = [(Fraction(-w * count, pmf.total), w) for w, count in pairs]
    return LogNumber.weighted_sum([(1, pmf.total), *terms])


def entropy_interval(pmf: JointPMF, positions: Sequence[int], precision: int) -> arb:
    """Return an interval (python-flint ``arb``) that contains ``H(y_S)`` of an exact pmf; no weight is factored.

    Example:
        >>> ball = entropy_interval(JointPMF.uniform([(0,), (1,), (2,)]), [0], 128)
        >>> ball.overlaps(LogNumber.log2(3).interval(128)), ball.rel_accuracy_bits() > 100
        (True, True)
    """
    if pmf.total is None:
        raise InputError("an interval needs exact probabilities; write them as fractions.")
    values, counts = np.unique(pmf.group_weights(pmf.groups(positions)), return_counts=True)
    with ctx.workprec(precision):
        terms = (w * c * arb(w).log() for w, c in zip(values.tolist(), counts.tolist(), strict=True))
        return (arb(pmf.total).log() - sum(terms, arb(0)) / pmf.total) / arb(2).log()


def conditional_entropy(pmf: PMFLike, positions: Sequence[int], given: Sequence[int] = ()) -> Bits:
    """Return ``H(S|G) = H(S u G) - H(G)``."""
    pmf = as_pmf(pmf)
    _check_once(positions, given)
    if not given:
        return entropy(pmf, positions)
    return entropy(pmf, sorted({*positions, *given})) - entropy(pmf, given)


def _check_once(*sets: Sequence[int]) -> None:
    for positions in sets:
        if len(set(positions)) < len(positions):
            raise InputError(f"positions {list(positions)} contain one twice.")


def total_correlation(
    pmf: PMFLike, positions: Sequence[int] | None = None, given: Sequence[int] = ()
) -> Bits:
    """Return the conditional total correlation ``C(S|G)``.

    Args:
        pmf: The joint pmf, or what :func:`theory.distributions.given.as_pmf` makes it of.
        positions: The block S; by default every position outside ``given``.
        given: Positions G already revealed; averaged over, as in Theorem 1 of arXiv 2510.04767.

    Returns:
        Bits, at least zero; zero iff the tokens of S are independent given those of G.

    Example:
        >>> total_correlation([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        LogNumber('log2(2)')
    """
    pmf = as_pmf(pmf)
    block = [i for i in range(pmf.n) if i not in set(given)] if positions is None else list(positions)
    _check_once(block, given)
    if set(block) & set(given):
        raise InputError(
            f"positions {sorted(set(block) & set(given))} are in the block and in the given set."
        )
    singles = [conditional_entropy(pmf, [i], given) for i in block]
    return (
        sum(singles[1:], singles[0]) - conditional_entropy(pmf, block, given) if block else entropy(pmf, ())
    )


def dual_total_correlation(pmf: PMFLike, positions: Sequence[int] | None = None) -> Bits:
    """Return ``D(S) = H(S) - sum_{i in S} H(y_i | S without i)``.

    Example:
        >>> dual_total_correlation(JointPMF.uniform([(0, 0), (1, 1)]))
        LogNumber('log2(2)')
    """
    pmf = as_pmf(pmf)
    block = list(range(pmf.n)) if positions is None else list(positions)
    total = entropy(pmf, block)
    for i in block:
        total = total - conditional_entropy(pmf, [i], [j for j in block if j != i])
    return total


def entropy_sum_error(pmf: JointPMF, terms: int = 1) -> float:
    """Return a proven bound on the error of a float sum or difference of ``terms`` entropies of marginals, bits.

    An entropy has one term, ``H(S|G)`` two, the total correlation of m positions m + 1 (2 m + 2 when some are given),
    the dual total correlation 2 m + 1. Zero for an exact pmf. The depths of the sums (``theory/numbers/rounding.py``)
    are those of adding cells one outcome after another and terms by ``numpy.sum``; no entropy exceeds ``log2 N``.

    Example:
        >>> p = JointPMF.from_pairs([(0, 0), (1, 1)], [0.5, 0.5])
        >>> abs(total_correlation(p) - 1) <= entropy_sum_error(p, 3) < 1e-13
        True
    """
    if pmf.is_exact:
        return 0.0
    count = len(pmf)
    each = entropy_error(count, cell_depth=count - 1, sum_depth=pairwise_depth(count))
    return sum_error(terms, each, terms * (log2(count) + each))


def kl_error(p: JointPMF, q: JointPMF) -> float:
    """Return a proven bound on the error of :func:`kl_divergence`; zero if both pmfs are exact.

    A float ratio a / b is off by three roundings (two of the probabilities, one of the division), its logarithm by
    ``gamma_3 log2 e`` and eight relative roundings; the weight, the product and N - 1 additions follow:
    ``gamma_{N+10} sum a |log2(a/b)| + 5 gamma_3``, with a factor for the float evaluation of this sum itself.
    """
    if p.is_exact and q.is_exact:
        return 0.0
    pairs = [(a, q.probability(outcome)) for outcome, a in p]
    if any(b == 0 for _, b in pairs):
        return 0.0  # infinite for all pmfs that round to these
    size = sum(float(a) * abs(_log_ratio(a, b)) for a, b in pairs)
    return 1.01 * (gamma(len(pairs) + 10) * size + 5 * gamma(3))


def kl_divergence(p: PMFLike, q: PMFLike) -> Bits:
    """Return ``D(P || Q) = sum_y P(y) log2(P(y)/Q(y))``; infinite when Q misses part of the support of P.

    Example:
        >>> p = JointPMF.uniform([(0, 0), (1, 1)])
        >>> q = JointPMF.uniform([(0, 0), (0, 1), (1, 0), (1, 1)])
        >>> kl_divergence(p, q), kl_divergence(q, p)
        (LogNumber('log2(2)'), inf)
    """
    p, q = as_pmf(p), as_pmf(q)
    if p.n != q.n:
        raise InputError(f"the pmfs have {p.n} and {q.n} positions; they must agree.")
    pairs = [(probability, q.probability(outcome)) for outcome, probability in p]
    if any(b == 0 for _, b in pairs):
        return inf
    if p.is_exact and q.is_exact:
        return LogNumber.weighted_sum((a, Fraction(a) / Fraction(b)) for a, b in pairs)
    return float(sum(float(a) * _log_ratio(a, b) for a, b in pairs))


def _log_ratio(a: Any, b: Any) -> float:
    """Return ``log2(a / b)`` of positive numbers, also beyond the range of floats."""
    least, below = sys.float_info.min, float(b)
    ratio = float(a) / below if below else inf
    if min(ratio, below, float(a)) >= least and ratio < inf:
        return log2(ratio)
    exact = Fraction(a) / Fraction(b)
    with ctx.workprec(128):
        return float(arb(fmpq(exact.numerator, exact.denominator)).log() / arb(2).log())


def product_of_marginals(pmf: PMFLike) -> JointPMF:
    """Return ``prod_i P(y_i)``: the output distribution of drawing every token at once. ``C = D(P || product)``.

    Raises:
        CostError: If the product support, ``prod_i |V_i|`` outcomes, would not fit in memory.

    Example:
        >>> p = JointPMF.uniform([(0, 0), (1, 1)])
        >>> kl_divergence(p, product_of_marginals(p)) == total_correlation(p)
        True
    """
    pmf = as_pmf(pmf)
    size = prod(len(alphabet) for alphabet in pmf.alphabets)
    require_memory(
        size * pmf.n * 100, f"the product of the marginals ({size} outcomes)", remedy="use fewer positions"
    )
    singles = [list(pmf.marginal([i])) for i in range(pmf.n)]
    outcomes = [tuple(y[0] for y, _ in tokens) for tokens in product(*singles)]
    return JointPMF.from_pairs(outcomes, [prod(p for _, p in tokens) for tokens in product(*singles)])

r"""Proven bounds on the rounding error of ``log2 P(y)``.

Roundings are counted as in :mod:`theory.distributions.parametric.markov_errors`: P(y) is a sum of products of
positive numbers.

**Markov chains.** n factors, each rounded once; nothing else is inexact.

**Hidden Markov models** with K states. A step multiplies the message by a matrix (K + 1 with the entries' own
rounding), by the evidence (2) and divides it by its sum: whatever that sum is, it is multiplied in again, so
the division counts 1. Over n steps and the last sum P is within ``n (K + 4)`` roundings. Underflow takes at
most ``K^2 2^-1074`` off a message of sum one. Of what is lost before step j at most ``prod_{i >= j} max_h
e_i(h)`` would have reached the end, e the evidence, so that the relative loss is at most ``n K^2 2^-1074
2^x`` with ``x = sum_i log2 max_h e_i(h) - log2 P``: nothing up to x = 900. Beyond, values are computed in
logarithms.

**Grammars** with R binary rules. A span of w words adds a product, at most w - 1 splits and R terms with their weights
to the roundings of its two parts, and a derivation has n - 1 such spans: P is within ``2 n + (n - 1)(n + R + 2)``, the
normalisation, with V words at every place, within ``n (V + 1) + (n - 1)(n + R + 2)``. Charts carry binary exponents; no
entry is below the least likely derivation, so that nothing underflows while n words and n - 1 rules of least
probability stay above 2^-900.

**Other** values are compared with balls (:mod:`theory.distributions.parametric.likelihood_balls`) if that
takes a few seconds at most for all of them. Otherwise, and where the value of a possible sequence is
``-inf``, the bound is infinite.

The logarithms, 8 roundings each, have one sign up to the roundings of P and pass at most n additions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf, log2, nextafter

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.distributions.parametric.forward_backward import strained
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.likelihood_balls import (
    MOST,
    grammar_bits,
    grammar_products,
    hmm_bits,
    hmm_products,
)
from theory.distributions.parametric.markov import MarkovDistribution
from theory.numbers.balls import ball_precision
from theory.numbers.rounding import gamma

__all__ = ["log_prob_error"]

_SAFE = 900.0  # bits below one at which underflow cannot matter
_BITS = 1.45  # log2 e
_SPARE = 1.02

Bits = NDArray[np.float64]


def log_prob_error(
    distribution: MarkovDistribution | HMMDistribution | GrammarDistribution, answers: NDArray[np.int64]
) -> Bits:
    """Return a bound on the error of ``log_prob(answers)`` for each row, in bits; infinite where none is proven.

    Args:
        distribution: The distribution.
        answers: Token ids, shape (B, n).

    Example:
        >>> sticky = [["3/4", "1/4"], ["1/4", "3/4"]]
        >>> distribution = HMMDistribution(n=300, initial=["1/2", "1/2"], transition=sticky, emission=sticky)
        >>> bool(log_prob_error(distribution, np.zeros((1, 300), dtype=np.int64))[0] < 1e-11)
        True
    """
    rows = np.asarray(answers)
    if isinstance(distribution, MarkovDistribution):
        return distribution.log_prob_error(rows)
    return (
        _of_hmm(distribution, rows)
        if isinstance(distribution, HMMDistribution)
        else _of_grammar(distribution, rows)
    )


def _of_hmm(distribution: HMMDistribution, rows: NDArray[np.int64]) -> Bits:
    bits, evidence = distribution.log_prob(rows), distribution.evidence(rows)
    finite = np.isfinite(bits)
    size = np.where(finite, np.abs(bits), 0.0)
    error = _SPARE * (
        _BITS * gamma(distribution.n * (len(distribution.start) + 4)) + gamma(distribution.n + 8) * (size + 1)
    )
    by_logs = strained(distribution.start, distribution.moves, evidence, bits, spare=1.0)
    error[by_logs] = _distances(
        bits[by_logs], hmm_products(distribution), lambda j: hmm_bits(distribution, rows[by_logs][j].tolist())
    )
    return np.where(finite | by_logs, error, 0.0)


def _of_grammar(distribution: GrammarDistribution, rows: NDArray[np.int64]) -> Bits:
    rules, top = distribution.split
    shown = [p for words in rules.words.values() for p in words.values() if p]
    chances = [rule.probability for rule in rules.binary if rule.probability]
    deepest = distribution.n * _surprise(shown) + (distribution.n - 1) * _surprise(chances)
    bits = distribution.log_prob(rows)
    if deepest > _SAFE:
        products = grammar_products(rules, distribution.n)
        return _distances(
            bits, products, lambda j: grammar_bits(rules, top, [distribution.tokens[v] for v in rows[j]])
        )
    inner = (distribution.n - 1) * (distribution.n + len(rules.binary) + 2)
    words = len({word for those in rules.words.values() for word in those})
    inherited = gamma(inner + 2 * distribution.n) + gamma(inner + distribution.n * (words + 1))
    # two sums of a logarithm and an exponent, neither above `deepest` in size
    error = _SPARE * (_BITS * inherited + gamma(12) * 4 * (deepest + 2))
    return np.where(np.isfinite(bits), error, 0.0)


def _distances(values: Bits, products: int, truth: Callable[[int], arb]) -> Bits:
    """Return bounds on the distance of floats to the balls ``truth(j)`` of so many products each."""
    finite = np.flatnonzero(np.isfinite(values))
    errors = np.full(len(values), inf)
    if len(finite) * products <= MOST:
        with ball_precision():
            balls = [(truth(j) - arb(float(values[j]))).abs_upper() for j in finite.tolist()]
        errors[finite] = [nextafter(float(ball), inf) for ball in balls]
    return errors


def _surprise(chances: Sequence[Fraction]) -> float:
    """Return the largest ``-log2 p``."""
    return max((log2(p.denominator) - log2(p.numerator) for p in chances), default=0.0)

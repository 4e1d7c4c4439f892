r"""Proven bounds on the rounding error of float numbers of Markov chains.

Let u = 2^-53 and ``gamma_k = k u / (1 - k u)``. A float x' > 0 is *within k roundings* of x if
``|ln(x'/x)| <= -k ln(1 - u)``; then ``|x' - x| <= gamma_k x``. Products and quotients add their roundings and one more,
sums of non-negative terms have those of the worst term and one for each addition of a non-zero term (Higham, Accuracy
and Stability of Numerical Algorithms, 2002, Section 3.1). Rows have V exact probabilities, each rounded once; no column
of a transition matrix has more than c non-zeros (the *depth*).

**Powers.** ``P(y_b | y_a)`` for d = b - a is a product of d matrices in any order: within ``k_d = d + (d - 1) c``
roundings if single steps are multiplied on one by one, ``d + (d - 1) V`` in any case, and ``P(y_i)`` within
``m_i = 1 + i (1 + c)``. Products below the smallest normal float lose at most 2^-1075 each: rows that sum to one pass
on no more than they get, so that all of it stays below 2^-1000 in any entry, for n up to 10^5.

**Gap entropies.** Let ``f(x) = -x log2 x``. As in :mod:`theory.numbers.rounding`, cells within k roundings move the
entropy H of a row by at most ``gamma_k (H + (1 + gamma_k) log2 e)``. A logarithm is within 8 u relative, product and
additions add V; at most one cell exceeds one, by ``gamma_k``, so the terms are at most ``2 (1 + gamma_k) gamma_k log2
e`` larger in sum than their total. Together a row is off by at most ``gamma_{k+V+8} H + 1.51 gamma_k``: the second
part stays for nearly deterministic rows, where f is steep at 0 and has slope -log2 e at 1. The mean over rows, with
weights within m roundings and V more, is off by at most ``gamma_{k+m+2V+8} g + 1.53 gamma_k``. With g bounded by its
float, and ``1 / (1 - gamma) < 1.0102``,

    ``E(a, b) = 1.02 (gamma_{k+m+2V+8} |g'| + 1.53 gamma_k)``,   k = k_{b-a}, m = m_a;   k = m_b, m = 0 for a = -1.

What is left of 1.02 covers underflow (``f(2^-1000) < 2^-990`` a cell) and the rounding of E itself.

**Signed sums of gap entropies** (``H(Y)``, total correlation, ``L_T``) are rounded once (``math.fsum``): off by at most
the sum of their E and u of the result. ``H(y_i | y_a, y_b)`` has three: at most 3 max E.

**Optimal partitions.** If every partition's float cost is off by at most e, so is the least: ``|min x' - min x| <= e``.
Rounding is monotone, so the dynamic programme returns the least of the float costs, each a nested sum of the n numbers
``H(y_i | y_a, y_b)``. Each of these is off by ``e_1 = 3 max E + 4 u max g'``, two roundings of at most 2 max g'. Where
they are added to a sum term by term, that is three additions; another one joins the path before them, and each gap ends
with one: 6 n + 6 at most. Conditioning lowers entropy, so that no float partial sum exceeds ``1.02 M`` with
``M = sum_i g'(-1, i) + 2 n e_1 + 2 max g'``. With ``H(Y)`` subtracted at last

    ``e = n e_1 + 1.02 gamma_{6n+6} M + error of H(Y) + u |L|``.

The accuracy is in :mod:`theory.decoding.structured.markov`, random order in :mod:`theory.bounds.schedules.markov`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum

import numpy as np
from numpy.typing import NDArray

from theory.numbers.rounding import Approximate, gamma

__all__ = ["UNIT", "entropy_errors", "exact_sum", "log_prob_errors", "optimum_error", "power_roundings"]

UNIT = 2.0**-53  # the relative error of one float operation
_SPARE = 1 + 1e-9  # for the few roundings of a bound itself
_LOG = 8  # roundings of a logarithm
_Table = NDArray[np.float64]


def power_roundings(distance: int, width: int) -> int:
    """Return the roundings of a product of ``distance`` matrices of V columns, multiplied in any order."""
    return distance + max(distance - 1, 0) * width


def entropy_errors(g: _Table, width: int, depth: int) -> _Table:
    """Return ``E(a, b)`` at [a + 1, b] for a table of float gap entropies, zero where they are zero by definition.

    Args:
        g: The table, see :attr:`theory.distributions.parametric.markov.MarkovDistribution.gap_entropies`.
        width: V, the number of tokens.
        depth: c, the most non-zeros in a column of a transition matrix.
    """
    n = len(g) - 1
    a, b = np.arange(-1, n)[:, None], np.arange(n + 1)[None, :]
    marginal = 1.0 + np.arange(n + 1) * (1 + depth)
    cells = np.where(a < 0, marginal[None, :], (b - a) + (b - a - 1.0) * depth)
    weights = np.where(a < 0, 0.0, marginal[np.maximum(a, 0)] + width)
    relative = _gammas(cells + weights + width + _LOG)
    errors = 1.02 * (relative * np.abs(g) + 1.53 * _gammas(cells))
    return np.where((b > a) & (b < n), errors, 0.0)


def exact_sum(values: Iterable[float], errors: Iterable[float]) -> Approximate:
    """Return a sum of signed floats, rounded once.

    Args:
        values: The floats.
        errors: A bound on the error of each.

    Example:
        >>> exact_sum([1e20, 1.0, -1e20], [0.0, 0.0, 0.0]).value
        1.0
    """
    total = fsum(values)
    return Approximate(value=total, error=(fsum(errors) + UNIT * abs(total)) * _SPARE)


def optimum_error(g: _Table, errors: _Table, entropy: Approximate, largest: float) -> float:
    """Return e, the bound on the error of ``L*_T``.

    Args:
        g: The gap entropies.
        errors: Their errors E.
        entropy: ``H(Y)``.
        largest: The largest ``|L*_T|`` found.
    """
    n = len(g) - 1
    top = float(np.abs(g).max())
    each = 3 * float(errors.max()) + 4 * UNIT * top
    most = fsum(g[0, :n]) + 2 * n * each + 2 * top
    return (n * each + 1.02 * gamma(6 * n + 6) * most + entropy.error + UNIT * largest) * _SPARE


def log_prob_errors(bits: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return bounds on the errors of ``log2 P(y)`` of a Markov chain; zero where it is ``-inf``.

    The message of a known state has one non-zero, so that a step multiplies by one float transition: n roundings of
    the product. The logarithms have one sign and pass 8 roundings and n additions.
    """
    inherited = 1.45 * gamma(n)  # log2 e, and |log2(1 + t)| <= gamma_n log2 e for n roundings
    return np.where(np.isfinite(bits), (inherited + 1.02 * gamma(n + _LOG) * np.abs(bits)) * _SPARE, 0.0)


def _gammas(roundings: _Table) -> _Table:
    """Return ``gamma_k`` of an array, rounded upwards; 0 for k <= 0."""
    part = np.maximum(roundings, 0.0) * UNIT
    assert part.max() < 0.01, "too many roundings for a bound"
    return part / (1 - part) * (1 + 4 * UNIT)

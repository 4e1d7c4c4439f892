r"""Samplers that reveal each position at an independent random time.

The expected cost follows from the information curve. At time t every position is revealed with probability t,
independently. With A a random set of the other positions at density t, ``h(t) = sum_i E I(y_i ; y_A) = n sum_j
B_{n-1,j}(t) Z_{j+1}``, B the Bernstein basis: ``|A|`` is binomial and ``E I(y_i ; y_A | |A| = j)`` has mean ``Z_{j+1}``
over i. h is non-decreasing, ``h(0) = 0``, ``h(1) = TC + DTC``.

- ``h'(t) = sum_{i != j} E I(y_i ; y_j | y_A)``, A at density t among the others (Russo's formula).
- ``Phi(t) = int_0^t h = E C(y_A)``, A at density t: the antiderivative has the Bernstein coefficients
  ``Z_1 + ... + Z_k = k h_1 - h_k``, the mean total correlation of k positions. So ``Phi(1) = TC``.
- One step from p to q draws all that is revealed between, given what was revealed before. Its expected cost is
  ``Gamma(p, q) = int_p^q (h(u) - h(p)) du = int_p^q (q - v) h'(v) dv``. Proof: each i is drawn with probability q - p
  and costs ``H(y_i | y_A)``, A at density p: together ``(q - p)(n h_1 - h(p))``, less ``E H(y_A)`` at q minus that
  at p, which is ``n h_1 (q - p) - Phi(q) + Phi(p)``.
- ``H(p, q) = int_p^q t (1 - t) h'(t) dt``, the unmasking growth complexity (Wainwright, arXiv 2608.13520), and
  ``Gamma(p, q) <= (psi(q) / psi(p) - 1) H(p, q)`` with ``psi(t) = t / (1 - t)`` (Theorem 1 there): the factor is
  ``(q - p) / (p (1 - q))``, and ``(q - v) p (1 - q) <= (q - p) v (1 - v)`` for p <= v <= q. An MDS code of dimension k
  over q symbols has ``Z_j = log2 q`` for j > k, else 0, so ``h' = n (n-1) B_{n-2,k-1} log2 q`` and ``H(0,1) =
  k (n-k) / (n+1) log2 q``: (n-1)/(n+1) bits for the repeated bit (k = 1) and parity (k = n-1). Derived here.
- ``TC = int (1 - p) h'(p) dp``, ``DTC = int p h'(p) dp`` by parts. With ``p = e^-t`` and ``I(t) = p^2 h'(p)`` these are
  ``int (e^t - 1) I dt`` and ``int I dt``. The *effective total correlation* ``D = int min(1, t) I(t) dt`` (Dmitriev,
  Huang, Wei, COLT 2026, PMLR 336) has ``D <= min(TC, DTC)`` and ``(1 - 1/e) D <= H(0,1) <= D``, because
  ``H(0,1) = int (1 - e^-t) I dt`` and ``(1 - 1/e) min(1, t) <= 1 - e^-t <= min(1, t)``.

All in bits. Values at rational times are exact for an exact curve, and off by at most :func:`growth_error` for a
float curve. Quantities that are not log-linear are in :mod:`theory.bounds.schedules.complexities`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import comb, fsum
from typing import Any

from theory.information.curves.curve import InformationCurve, information_curve
from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import Bits
from theory.validation import InputError, exact_fraction

__all__ = [
    "Bernstein",
    "cardinality_complexity",
    "continuous_kl",
    "growth",
    "growth_complexity",
    "growth_error",
    "one_step_defect",
    "pair_information",
    "ratio_bound",
]

Source = EntropyTable | Sequence[Any] | InformationCurve


@dataclass(frozen=True, eq=False)
class Bernstein:
    """A polynomial ``sum_j c_j B_{m,j}(t)`` on [0, 1] of degree m with coefficients in bits."""

    coefficients: tuple[Bits, ...]

    def __call__(self, t: Any) -> Bits:
        """Return the value at a time in [0, 1], read as the rational that was written; exact for exact coefficients."""
        time, m = _time(t), len(self.coefficients) - 1
        weights = [comb(m, j) * time**j * (1 - time) ** (m - j) for j in range(m + 1)]
        if isinstance(self.coefficients[0], float):
            return fsum(float(w) * float(c) for w, c in zip(weights, self.coefficients, strict=True))
        terms = [w * c for w, c in zip(weights, self.coefficients, strict=True)]
        return sum(terms[1:], terms[0])

    def derivative(self) -> Bernstein:
        """Return the derivative."""
        m = len(self.coefficients) - 1
        if m == 0:
            return Bernstein((0 * self.coefficients[0],))
        return Bernstein(tuple(m * (b - a) for a, b in pairwise(self.coefficients)))

    def antiderivative(self) -> Bernstein:
        """Return the antiderivative that is 0 at 0."""
        scale = Fraction(1, len(self.coefficients))
        zero = 0 * self.coefficients[0]
        return Bernstein(tuple(scale * total for total in accumulate(self.coefficients, initial=zero)))


def _time(t: Any) -> Fraction:
    time = exact_fraction(t, "time")
    if not 0 <= time <= 1:
        raise InputError(f"a time must lie in [0, 1], got {t}.")
    return time


def growth(source: Source) -> Bernstein:
    """Return ``h(t)``; its derivative and antiderivative are ``h'`` and ``Phi``.

    Example:
        >>> h = growth([0, 1, 1, 1])  # one bit repeated three times
        >>> str(h("1/2")), str(h(1)), str(h.antiderivative()(1)), str(h.derivative()(0))
        ('9/4 log2(2)', '3 log2(2)', '2 log2(2)', '6 log2(2)')
    """
    curve = information_curve(source)
    return Bernstein(tuple(curve.n * z for z in curve.z))


def growth_error(source: Source) -> float:
    """Return a bound on the error of every float of this module at one time or for one step; zero for an exact curve.

    ``h'`` has the largest coefficients: ``n (n - 1)`` rises of eight means each in a convex combination; ``h``,
    ``Phi``, ``Gamma`` and the complexities have fewer. None passes through more than 2 n + 16 further roundings. For
    sums over a grid of times multiply by the number of steps, for :func:`ratio_bound` also by the largest ratio.

    Example:
        >>> growth_error([0, 1, 1, 1]), 0 < growth_error([0.0, 1.0, 1.0, 1.0]) < 1e-11
        (0.0, True)
    """
    curve = information_curve(source)
    return curve.error_of(8 * curve.n * curve.n + 16 * curve.n + 16)


def one_step_defect(source: Source, p: Any, q: Any) -> Bits:
    """Return ``Gamma(p, q)``, the expected cost of one step from time p to time q.

    Example:
        >>> str(one_step_defect([0, 1, 1, 1], 0, 1)), str(one_step_defect([0, 1, 1, 1], "1/2", 1))
        ('2 log2(2)', '1/4 log2(2)')
    """
    start, end = _interval(p, q)
    h = growth(source)
    total = h.antiderivative()
    return total(end) - total(start) - (end - start) * h(start)


def _interval(p: Any, q: Any) -> tuple[Fraction, Fraction]:
    start, end = _time(p), _time(q)
    if start > end:
        raise InputError(f"a step must go forward in time, got {p} -> {q}.")
    return start, end


def growth_complexity(source: Source, p: Any = 0, q: Any = 1) -> Bits:
    """Return ``H(p, q) = int_p^q t (1 - t) h'(t) dt``, the unmasking growth complexity.

    ``t (1 - t) h'(t)`` has degree n and the Bernstein coefficients ``j (n - j)(Z_{j+1} - Z_j)``, so
    ``H(0, 1) = sum_j j (n - j)(Z_{j+1} - Z_j) / (n + 1)``.

    Example:
        >>> str(growth_complexity([0, 1, 1, 1])), str(growth_complexity([0, 1, 2, 2]))  # repeated bit, parity
        ('1/2 log2(2)', '1/2 log2(2)')
    """
    start, end = _interval(p, q)
    curve = information_curve(source)
    n = curve.n
    inner = [j * (n - j) * rise for j, rise in enumerate(curve.increments, start=1)]
    total = Bernstein((curve.z[0], *inner, curve.z[0])).antiderivative()
    return total(end) - total(start)


def cardinality_complexity(source: Source, a: int = 0, b: int | None = None) -> Bits:
    """Return ``sum_{j=a+1}^{b-1} (j/n)(1 - j/n) n (Z_{j+1} - Z_j)``, the complexity for fixed numbers of tokens.

    Over 0..n it is ``(n + 1) / n`` times ``H(0, 1)``.
    """
    curve = information_curve(source)
    n = curve.n
    end = n if b is None else b
    if not 0 <= a <= end <= n:
        raise InputError(f"the numbers revealed must satisfy 0 <= a <= b <= {n}, got a = {a}, b = {b}.")
    rises = (Fraction(j * (n - j), n) * curve.increments[j - 1] for j in range(a + 1, end))
    return sum(rises, curve.z[0])


def continuous_kl(source: Source, times: Sequence[Any]) -> Bits:
    """Return the expected divergence ``sum Gamma`` of the sampler that steps at the given times.

    Args:
        source: See :func:`theory.information.curves.curve.information_curve`.
        times: ``0 = t_0 < ... < t_m = 1``. Steps in which nothing is revealed cost nothing.
    """
    grid = _grid(times)
    steps = [one_step_defect(source, p, q) for p, q in pairwise(grid)]
    return sum(steps[1:], steps[0])


def ratio_bound(source: Source, times: Sequence[Any]) -> Bits:
    """Return Wainwright's bound on :func:`continuous_kl`.

    ``sum_j (psi(t_{j+1}) / psi(t_j) - 1) H(t_j, t_{j+1})`` over the inner steps; the first and the last step, where
    psi is 0 or infinite, enter with their exact cost.
    """
    grid = _grid(times)
    steps: list[Bits] = []
    for p, q in pairwise(grid):
        if p == 0 or q == 1:
            steps.append(one_step_defect(source, p, q))
        else:
            steps.append((q - p) / (p * (1 - q)) * growth_complexity(source, p, q))
    return sum(steps[1:], steps[0])


def _grid(times: Sequence[Any]) -> list[Fraction]:
    grid = [_time(t) for t in times]
    if len(grid) < 2 or grid[0] != 0 or grid[-1] != 1 or any(p >= q for p, q in pairwise(grid)):
        raise InputError(f"times must increase from 0 to 1, got {[str(t) for t in grid]}.")
    return grid


def pair_information(source: Source, p: Any) -> Bits:
    """Return ``I(t) = p^2 h'(p)`` at ``p = e^-t``: ``sum_{i != j} I(x_i ; x_j | the rest of x)``.

    x is y with every token masked with probability 1 - p.
    """
    return _time(p) ** 2 * growth(source).derivative()(p)

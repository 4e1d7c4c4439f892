r"""Path complexity, scale complexity and effective total correlation of a distribution.

All three follow from the growth ``h(t)`` of ``random_times.py``. They are not log-linear, so they are floats, with
errors proved by interval arithmetic. With ``h' = n (n - 1) sum_j (Z_{j+2} - Z_{j+1}) B_{n-2,j}``, B the Bernstein
basis, whose coefficients are at least 0:

- :func:`scale_complexity` and :func:`path_complexity`: Wainwright, arXiv 2608.13520, from
  ``q(lambda) = r^2 (1 - r)^2 h'(r)`` at ``r = 1 / (1 + e^-lambda)``, ``d lambda = dr / (r (1 - r))``;
- :func:`effective_total_correlation`: Dmitriev, Huang, Wei, COLT 2026, PMLR 336; proof of its bounds in
  :mod:`theory.bounds.schedules.random_times`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from typing import Any

from flint import acb, acb_poly, arb, ctx

from theory.bounds.schedules.random_times import Source
from theory.information.curves.curve import InformationCurve, information_curve
from theory.limits import Budget
from theory.numbers.balls import approximate
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import Approximate, two_digits
from theory.validation import InputError

__all__ = ["approximated", "effective_total_correlation", "path_complexity", "scale_complexity"]

_BITS = 128  # working precision; floats keep 53
_WEIGHT, _LIMIT = 3e-6, 3  # seconds of an interval operation for the weights of D; at most, n = 1000


def scale_complexity(source: Source) -> Approximate:
    """Return ``C_ugc = 2 ln(n - 1) int q d lambda = 2 ln(n - 1) H(0, 1)`` in bits. Needs n >= 2.

    ``H(0, 1) = sum_j j (n - j) (Z_{j+1} - Z_j) / (n + 1)`` is
    :func:`theory.bounds.schedules.random_times.growth_complexity`.

    Example:
        >>> round(scale_complexity([0, 1, 2, 2]).value, 9)  # parity of 3 bits: 2 ln(2) / 2
        0.693147181
    """
    curve = information_curve(source)
    n = curve.n
    if n < 2:
        raise InputError("the scale complexity needs at least 2 positions.")
    with ctx.workprec(_BITS):
        rises = _rises(curve)
        total = sum((j * (n - j) * rise for j, rise in enumerate(rises, start=1)), arb(0))
        return approximated(2 * arb(n - 1).log() * total / (n + 1))


def path_complexity(source: Source) -> Approximate:
    r"""Return ``P_ugc = (int sqrt(q) d lambda)^2 = (int_0^1 sqrt(h'(r)) dr)^2`` in bits.

    K well-placed steps cost about ``P_ugc / (2 K)``: one step from p to q costs ``h'(p)(q - p)^2 / 2`` to leading
    order, and Cauchy-Schwarz. With ``r = sin^2 x`` and ``m = n - 2`` the integrand on the lower half is
    ``2 sin x cos x cos^m x sqrt(p(tan^2 x))`` with ``p(z) = n (n - 1) sum_j C(m, j) (Z_{j+2} - Z_{j+1}) z^j``; the
    upper half is the lower half of the mirrored coefficients. Zero coefficients at the start leave the root as a
    power of ``tan x``; then the integrand is analytic on the path: certified quadrature (Johansson, arXiv 1802.07942).

    In a float curve a rise below zero comes from rounding and counts as zero, which is nearer to the truth. If every
    coefficient is off by at most d, ``|sqrt(a) - sqrt(b)| <= sqrt(|a - b|)`` adds ``sqrt(d)`` to the error of the
    integral.

    Example:
        >>> path = path_complexity([0, 1, 2, 3, 3])  # parity of 4 bits: 4 (n - 1) / n
        >>> path.value, path.error < 1e-20
        (3.0, True)
    """
    curve = information_curve(source)
    n = curve.n
    if n < 2:
        return Approximate(value=0.0, error=0.0)
    with ctx.workprec(_BITS):
        rises, doubt = _rises(curve), 0.0
        if not curve.is_exact:
            radius = max(float(rise.rad().abs_upper()) for rise in rises)
            doubt = sqrt(n * (n - 1) * radius) * (1 + 1e-9)
            rises = [max(rise.mid(), arb(0)) for rise in rises]
        scaled = [n * (n - 1) * comb(n - 2, j) * rise for j, rise in enumerate(rises)]
        root = _lower_half(scaled) + _lower_half(scaled[::-1]) + arb(0, doubt)
        return approximated(root * root)


def effective_total_correlation(source: Source) -> Approximate:
    """Return ``D = int_0^inf min(1, t) I(t) dt = int_0^1 min(1, -ln p) p h'(p) dp`` in bits.

    ``D = sum_j n (j + 1) (Z_{j+2} - Z_{j+1}) int min(1, -ln p) B_{n-1,j+1}(p) dp``, where
    ``int min(1, -ln p) p^l dp = (1 - e^-(l+1)) / (l + 1)^2``. ``D <= min(TC, DTC)`` and
    ``(1 - 1/e) D <= H(0, 1) <= D`` (:mod:`theory.bounds.schedules.random_times`).

    Example:
        >>> round(effective_total_correlation([0, 1, 1]).value, 12)  # two equal bits: (1 - e^-2) / 2
        0.432332358382
    """
    curve = information_curve(source)
    n = curve.n
    Budget("the effective total correlation", "use fewer positions", limit=_LIMIT).require(n * n, _WEIGHT)
    if n == 1:
        return Approximate(value=0.0, error=0.0)
    with ctx.workprec(2 * n + _BITS):  # the monomials of B_{m,i} sum to less than 4^m in size and cancel
        terms = zip(_masses(n - 1)[1:], _rises(curve), strict=True)
        return approximated(sum((n * (j + 1) * mass * rise for j, (mass, rise) in enumerate(terms)), arb(0)))


def _masses(m: int) -> list[arb]:
    """Return ``int_0^1 min(1, -ln p) B_{m,i}(p) dp`` for i = 0..m."""
    moments = [(1 - arb(-(k + 1)).exp()) / (k + 1) ** 2 for k in range(m + 1)]
    return [
        sum(((-1) ** (k - i) * comb(m, k) * comb(k, i) * moments[k] for k in range(i, m + 1)), arb(0))
        for i in range(m + 1)
    ]


def _lower_half(coefficients: Sequence[arb]) -> arb:
    """Return ``int sqrt(h'(r)) dr`` over r from 0 to 1/2."""
    degree = len(coefficients) - 1
    zeros = next((j for j, c in enumerate(coefficients) if c != 0), degree + 1)
    if zeros > degree:
        return arb(0)
    rest = acb_poly([acb(c) for c in coefficients[zeros:]])

    def integrand(x: acb, analytic: bool) -> acb:
        sine, cosine = x.sin(), x.cos()
        tangent = sine / cosine
        return 2 * sine * cosine ** (degree + 1) * tangent**zeros * rest(tangent**2).sqrt(analytic=analytic)

    return acb.integral(integrand, 0, arb.pi() / 4, rel_tol=arb(2) ** -60, abs_tol=arb(2) ** -70).real


def _rises(curve: InformationCurve) -> list[arb]:
    """Return intervals around ``Z_2 - Z_1, ..., Z_n - Z_{n-1}``; one that is zero is exactly 0."""
    if curve.is_exact:
        return [_ball(rise) for rise in curve.increments]
    means = [arb(float(h), curve.error) for h in curve.means]
    return [
        2 * here - before - after for before, here, after in zip(means, means[1:], means[2:], strict=False)
    ]


def _ball(rise: Any) -> arb:
    assert isinstance(rise, LogNumber)
    if rise == 0:
        return arb(0)
    bits = ctx.prec
    while not (ball := rise.interval(bits)) > 0 or ball.rel_accuracy_bits() < ctx.prec - 16:
        bits *= 2
    return ball


def approximated(ball: arb) -> Approximate:
    """Return the midpoint of an interval as a float, with an error that includes its rounding."""
    found = approximate(ball)
    return Approximate(value=found.value, error=two_digits(found.error))

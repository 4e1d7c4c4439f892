r"""Total correlation of a Bernoulli walk of any length, as one certified integral.

Place j holds a binomial ``K_j`` of j fair bits, so ``C = sum_{j<=n} H(K_j) - n`` bits. In nats
``H(K_j) = j ln 2 - ln j! + 2 E ln K_j!``, as K_j and j - K_j have one law. With Malmsten's formula
``ln z! = int_0^inf (z e^{-t} - e^{-t} (1 - e^{-zt}) / (1 - e^{-t})) dt/t``, ``q = e^{-t}`` and
``E q^{K_j} = r^j, r = (1 + q)/2``,

    2 E ln K_j! - ln j! = -int_0^inf w(t) (1 + q^j - 2 r^j) dt,    w(t) = q / ((1 - q) t),

and the sum over j is one of geometric series:

    C ln 2 = (n (n+1)/2 - n) ln 2 - int_0^inf w(t) G(t) dt,
    G(t) = n + (q (1 - q^n) - 2 (1 + q)(1 - r^n)) / (1 - q).

**Ends.** By convexity ``2 r^j <= 1 + q^j``; with ``r >= e^{-t/2}``, ``r^j >= 1 - j t / 2`` and
``q^j <= 1 - j t + j^2 t^2 / 2``, so that ``0 <= 1 + q^j - 2 r^j <= j^2 t^2 / 2``. As ``w <= 1/t^2``, the part below
epsilon is at most ``epsilon n^3 / 2``. Above ``T >= 2``, ``G <= n`` and ``w <= e^{-t}``: at most ``n e^{-T}``.
Between them ``t = e^u``, and python-flint's rigorous integration (Johansson, arXiv 1802.07942).
"""

from __future__ import annotations

from typing import Any

from flint import acb, arb

from theory.decoding.structured.approximate import UNIT
from theory.numbers.lognumber import extra_precision
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["walk_total_correlation"]

_END = 110  # e^-110 < 2e-48


def walk_total_correlation(n: int) -> Approximate:
    """Return ``C`` in bits with a proven bound on its error.

    Example:
        >>> walk_total_correlation(2)  # H(1/4, 1/2, 1/4) - 1 = 1/2
        Approximate(value=0.5, error=5.7e-17)
        >>> walk_total_correlation(10**6)
        Approximate(value=9291537.816425817, error=1.1e-09)
    """
    digits = 3 * n.bit_length() + 50  # epsilon = 2^-digits / n^3, about
    with extra_precision(4 * digits + 100):  # near epsilon three powers of t cancel
        ball = _nats(n, digits) / arb(2).log()
        value = float(ball.mid())
        # the radius, and the rounding of the midpoint
        error = float(ball.rad()) + abs(value) * UNIT
    return Approximate(value=value, error=two_digits(error))


def _nats(n: int, digits: int) -> arb:
    low = -(digits + 3 * n.bit_length()) * arb(2).log()
    one = arb(1)

    def integrand(u: Any, _: bool) -> Any:
        t = u.exp()
        q = (-t).exp()
        r = (one + q) / 2
        total = n + (q * (one - (-n * t).exp()) - 2 * (one + q) * (one - r**n)) / (one - q)
        return q / (one - q) * total  # w(t) G(t) dt with dt = t du

    inner = acb.integral(integrand, acb(low), acb(arb(_END).log()), rel_tol=0, abs_tol=arb(2) ** -64).real
    below, above = low.exp() * n**3 / 2, n * (-arb(_END)).exp()
    ends = arb(0).union(below + above)
    return arb(n * (n - 1) // 2) * arb(2).log() - inner - ends

r"""Wainwright's bound for random reveal times, and the plug-in price of a step.

Times count reveal probabilities, ``psi(t) = t / (1 - t)`` the odds. arXiv 2608.13520; constants derived here.

**Plug-in.** ``D(p, q) = (q - p) sum_i E KL(distribution of y_i given A_q || given A_p)``, ``A_p`` inside ``A_q`` the
positions revealed at p and at q. The sum is ``sum_i I(y_i ; y_{A_q}) - I(y_i ; y_{A_p}) = h(q) - h(p)``, so a model's
own conditionals estimate it. h does not decrease, so ``Gamma(p, q) <= D(p, q)``; and from ``D = (q - p) int h'`` and
``p (1 - q) <= t (1 - t) <= q (1 - p)`` between p and q, with rho = psi(q) / psi(p), the sandwich

    (1 - 1 / rho) H(p, q)  <=  D(p, q)  <=  (rho - 1) H(p, q).

**Cells.** Cut ``[tau_0, tau_K]`` into cells with log-odds spans ``S_k = ln psi(tau_k) / psi(tau_{k-1})`` and growth
complexities ``H_k``. N_k steps of equal span in cell k cost at most ``(e^(S_k/N_k) - 1) H_k`` (Theorem 1 there; H
adds up). With ``N_k = ceil(N sqrt(S_k H_k) / sum_j sqrt(S_j H_j))``, by ``e^x - 1 <= x e^x``,

    sum_k (e^(S_k/N_k) - 1) H_k  <=  e^(max S_k/N_k) (sum_k sqrt(S_k H_k))^2 / N,

besides the first and the last step, which cost ``Gamma(0, tau_0)`` and ``Gamma(tau_K, 1)``: at most N + K + 1 steps.
``(sum_k sqrt(S_k H_k))^2`` falls when cells are cut (Cauchy-Schwarz), from ``S H`` of one cell towards
``(int sqrt(q) d lambda)^2``, the path complexity over ``[tau_0, tau_K]``.

*Proof for the best blocks.* A sampler of T random times is a mixture of block sizes in random order, T blocks at
most, so the least expected divergence of T blocks (:func:`theory.bounds.block_sizes.optimal_sizes`) is below each of
these. Unit: bits; spans in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, comb, inf, nextafter
from typing import Any

from flint import arb, ctx

from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.schedules.complexities import approximated
from theory.bounds.schedules.random_times import Source, growth, one_step_defect
from theory.distributions.contexts import Entries, Parts
from theory.information.curves.curve import InformationCurve, information_curve
from theory.information.subsets.builder import subset_entropies
from theory.numbers.balls import to_ball
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rounding import Approximate
from theory.validation import InputError, exact_fraction, positive_int

__all__ = [
    "WainwrightBound",
    "best_wainwright_bounds",
    "cell_complexity",
    "even_cells",
    "plug_in",
    "table_schedule",
    "wainwright_bound",
]

_BITS = 128  # working precision; floats keep 53
_CELLS = (1, 2, 4, 8)  # numbers of cells tried by best_wainwright_bounds


def plug_in(source: Source, p: Any, q: Any) -> Bits:
    """Return ``D(p, q) = (q - p)(h(q) - h(p))``, at least the cost of the step from p to q.

    Example:
        >>> str(plug_in([0, 1, 1, 1], 0, 1)), str(plug_in([0, 1, 1, 1], "1/2", 1))  # Gamma: 2 and 1/4
        ('3 log2(2)', '3/8 log2(2)')
    """
    start, end = exact_fraction(p, "time"), exact_fraction(q, "time")
    if not 0 <= start <= end <= 1:
        raise InputError(f"a step must go forward in time within [0, 1], got {p} -> {q}.")
    h = growth(source)
    return (end - start) * (h(end) - h(start))


@dataclass(frozen=True, kw_only=True)
class WainwrightBound:
    """An upper bound on the least expected divergence of a number of steps.

    Attributes:
        value: ``Gamma(0, tau_0) + sum_k (e^(S_k/N_k) - 1) H_k + Gamma(tau_K, 1)``, bits, with a bound on its error.
        closed: The same with ``e^(max S_k/N_k) (sum_k sqrt(S_k H_k))^2 / N`` for the sum: never below ``value``.
        cells: ``tau_0, ..., tau_K``.
        counts: ``N_1, ..., N_K``; with the first and the last step ``2 + sum N_k`` steps.
    """

    value: Approximate
    closed: Approximate
    cells: tuple[Fraction, ...]
    counts: tuple[int, ...]


def even_cells(n: int, cells: int) -> tuple[Fraction, ...]:
    """Return K cells from time 1/n to 1 - 1/n, even in the log-odds up to rounding to short fractions.

    Example:
        >>> even_cells(5, 2)
        (Fraction(1, 5), Fraction(1, 2), Fraction(4, 5))
    """
    if positive_int(n, "n") < 3:
        raise InputError(f"cells between 1/n and 1 - 1/n need n of at least 3, got {n}.")
    k = positive_int(cells, "cells")
    inner = [Fraction(float(n - 1) ** (2 * j / k - 1)).limit_denominator(1000 * n) for j in range(1, k)]
    odds = [Fraction(1, n - 1), *inner, Fraction(n - 1)]
    return tuple(psi / (1 + psi) for psi in odds)


def cell_complexity(source: Source, cells: Sequence[Any]) -> Approximate:
    """Return ``(sum_k sqrt(S_k H_k))^2`` in bits, with a bound on its error.

    Args:
        source: See :func:`theory.information.curves.curve.information_curve`.
        cells: ``0 < tau_0 < ... < tau_K < 1``, rational.

    Example:
        >>> coarse = cell_complexity([0, 1, 1, 1, 1], ["1/4", "3/4"])
        >>> fine = cell_complexity([0, 1, 1, 1, 1], ["1/4", "1/2", "3/4"])
        >>> round(coarse.value, 6), round(fine.value, 6)
        (0.81366, 0.771554)
    """
    curve, grid = information_curve(source), _grid(cells)
    with ctx.workprec(_BITS):
        return approximated(_root(_cells(curve, grid)) ** 2)


def wainwright_bound(source: Source, cells: Sequence[Any], steps: int) -> WainwrightBound:
    """Return the bound for at most ``steps`` steps, ``N = steps - 1 - K``.

    Args:
        source: See :func:`theory.information.curves.curve.information_curve`.
        cells: ``0 < tau_0 < ... < tau_K < 1``, rational.
        steps: At least K + 2.

    Example:
        >>> bound = wainwright_bound([0, 1, 1, 1, 1], even_cells(4, 2), 8)
        >>> bound.counts, round(bound.value.value, 6), round(bound.closed.value, 6)
        ((4, 2), 0.488069, 0.595399)
    """
    with ctx.workprec(_BITS):
        return _bound(_priced(information_curve(source), _grid(cells)), steps)


def best_wainwright_bounds(source: Source, most: int) -> list[Approximate | None]:
    """Return the least value over 1, 2, 4 and 8 even cells for T = 1..most steps; ``None`` below 3 steps and for n < 3.

    Each value plus its error is at least the least expected divergence of T blocks in random order.

    Example:
        >>> [bound and round(bound.value, 3) for bound in best_wainwright_bounds([0, 1, 1, 1, 1], 4)]
        [None, None, 3.291, 1.069]
    """
    curve = information_curve(source)
    if curve.n < 3:
        return [None] * most
    found: list[Approximate | None] = []
    with ctx.workprec(_BITS):
        priced = [_priced(curve, even_cells(curve.n, k)) for k in _CELLS if k + 2 <= most]
        for steps in range(1, most + 1):
            values = [_bound(cells, steps).value for cells in priced if steps > len(cells.grid)]
            found.append(min(values, key=lambda bound: bound.value + bound.error, default=None))
    return found


@dataclass(frozen=True, eq=False)
class _Priced:
    """Cells with (S_k, H_k) for each, the root of the complexity, and the cost of the first and the last step."""

    grid: tuple[Fraction, ...]
    parts: list[tuple[arb, arb]]
    root: arb
    ends: arb


def _priced(curve: InformationCurve, grid: tuple[Fraction, ...]) -> _Priced:
    parts = _cells(curve, grid)
    ends = [one_step_defect(curve, 0, grid[0]), one_step_defect(curve, grid[-1], 1)]
    return _Priced(grid, parts, _root(parts), sum((_ball(end, curve) for end in ends), arb(0)))


def _bound(cells: _Priced, steps: int) -> WainwrightBound:
    grid, root = cells.grid, cells.root
    inner = positive_int(steps, "steps") - len(grid)
    if inner < 1:
        raise InputError(f"{len(grid) - 1} cells need at least {len(grid) + 1} steps, got {steps}.")
    counts = tuple(_count(inner * _sqrt(s * h), root) for s, h in cells.parts)
    shares = [(s / c, h) for (s, h), c in zip(cells.parts, counts, strict=True) if h != 0]
    total = closed = sum((share.expm1() * h for share, h in shares), cells.ends)
    if root.lower() > 0:  # counts are then at least (1 - 2^-49) of their shares
        widest = arb(max(float(share.upper()) for share, _ in shares) * (1 + 2.0**-50))
        closed = cells.ends + widest.exp() * root * root / inner * (1 + arb(2) ** -48)
    return WainwrightBound(value=approximated(total), closed=approximated(closed), cells=grid, counts=counts)


def _grid(cells: Sequence[Any]) -> tuple[Fraction, ...]:
    grid = tuple(exact_fraction(t, "time") for t in cells)
    if len(grid) < 2 or grid[0] <= 0 or grid[-1] >= 1 or any(p >= q for p, q in pairwise(grid)):
        raise InputError(f"the ends of cells must increase within (0, 1), got {[str(t) for t in grid]}.")
    return grid


def _cells(curve: InformationCurve, grid: Sequence[Fraction]) -> list[tuple[arb, arb]]:
    """Return (S_k, H_k) for each cell; an H_k that is zero is exactly 0."""
    odds = [t / (1 - t) for t in grid]
    spans = [to_ball(after / before).log() for before, after in pairwise(odds)]
    return list(zip(spans, (_complexity(curve, p, q) for p, q in pairwise(grid)), strict=True))


def _complexity(curve: InformationCurve, p: Fraction, q: Fraction) -> arb:
    """Return ``H(p, q) = sum_j j (n - j)(Z_{j+1} - Z_j) int_p^q B_{n,j}``."""
    n = curve.n
    above = [_tails(n + 1, t) for t in (p, q)]
    weights = [Fraction(j * (n - j), n + 1) * (above[1][j + 1] - above[0][j + 1]) for j in range(1, n)]
    if curve.is_exact:
        zero = 0 * curve.means[0]
        return _ball(sum((w * rise for w, rise in zip(weights, curve.increments, strict=True)), zero), curve)
    means = [arb(float(h), curve.error) for h in curve.means]
    terms = zip(weights, means, means[1:], means[2:], strict=False)
    return sum((to_ball(w) * (2 * here - before - after) for w, before, here, after in terms), arb(0))


def _tails(m: int, t: Fraction) -> list[Fraction]:
    """Return ``P(Bin(m, t) >= k)`` for k = 0..m: the integral of ``(m) B_{m-1,k-1}`` up to t."""
    tails = [Fraction(0)]
    for k in range(m, -1, -1):
        tails.append(tails[-1] + comb(m, k) * t**k * (1 - t) ** (m - k))
    return tails[:0:-1]


def _root(parts: Sequence[tuple[arb, arb]]) -> arb:
    return sum((_sqrt(s * h) for s, h in parts), arb(0))


def _sqrt(x: arb) -> arb:
    """Return the root of a number that is at least 0 up to rounding."""
    if x == 0 or x.lower() > 0:
        return x.sqrt()
    half = x.upper().sqrt() / 2
    return arb(half.mid(), half.upper())


def _count(amount: arb, root: arb) -> int:
    """Return the number of steps of a cell, its share rounded up."""
    if not root.lower() > 0:
        return 1
    share = Fraction(float(amount.mid() / root.mid()))
    return max(1, ceil(share * (1 - Fraction(1, 2**50))))


def _ball(value: Bits, curve: InformationCurve) -> arb:
    if not isinstance(value, LogNumber):
        return arb(float(value), curve.error_of(8 * curve.n))
    return arb(0) if value == 0 else value.interval(_BITS)


def table_schedule(parts: Parts) -> Entries:
    """Return the schedule from all sets of positions, averaged over contexts, with Wainwright's bounds, rounded up."""
    curve = information_curve(subset_entropies(parts))
    best = optimal_sizes(curve)
    bounds = best_wainwright_bounds(curve.floats(), curve.n)
    return {
        "information_curve": (curve.z, 0.0 if curve.is_exact else curve.error_of(4)),
        "optimal_sizes": (best.sizes, 0.0),
        "expected_kl": (best.values, 0.0 if curve.is_exact else best.error),
        "wainwright_bound": ([b and nextafter(b.value + b.error, inf) for b in bounds], 0.0),
    }

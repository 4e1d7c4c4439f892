r"""Effect of a random step on one gap of Insert and Remove Random, as polynomials.

A gap of g candidates is cut to l when a of its positions before the hidden place and b behind it are left out,
``d = a + b = g - l`` (:mod:`theory.decoding.structured.hidden_place_random`). With ``L_r = (g - r) / g`` for the
position r = 1.. from either end, ``P_a(x) = prod_{r<=a} (1 + x L_r)`` and ``E_a(x) = x L_a P_{a-1}(x)``, ``E_0 = 1``,
write

    g^j [x^j] sum_{a+b=d} E_a(x) E_b(x) = Q_j      and      g^j [x^{j-1}] (1/g) sum_{a+b=d} P_a(x) P_b(x) = R_j.

Both are polynomials. The coefficient ``e_i(a)`` of ``x^i`` in ``P_a`` times ``g^i`` satisfies
``e_i(a) = e_i(a-1) + (g - a) e_{i-1}(a-1)``: of degree 2i in a, by induction. That of ``E_a`` is
``(g - a) e_{i-1}(a-1)``, of degree 2i - 1, from a = 1 on. Summing a product of degrees p and q over ``a + b = d`` gives
degree ``p + q + 1``. So Q_j (from d = 1 on) and R_j (from d = 0 on) have degree 2j - 1 in d for a given g, and Newton's
forward differences give them back:

    Q_j = sum_{v<2j} q_v C(d-1, v),   q_v = Delta^v Q_j at d = 1;   R_j likewise with C(d, v) from d = 0.

:func:`gap_kernel` takes these differences for one g. :func:`positive_kernel` takes them for all at once, in both d
and l, without a negative coefficient: ``g - a = l + b``, and for any other chosen position ``g - r = l + b + (a - r)``,
so a product of the chances is a sum of monomials in l and in the steps between chosen positions, with non-negative
coefficients. Monomials are non-negative combinations of binomials. Over all ways to cut d into steps of at least 1, a
product of binomials ``C(step, t)`` sums to ``[y^d] y^w / (1-y)^e = C(d - 1 + e - w, e - 1)``, ``w = sum max(t, 1)``
and ``e = sum (t + 1) >= w``: by Vandermonde a non-negative combination of ``C(d-1, .)``. In R_j, where ``g = d + 1``,
the two steps next to the place may be 0 (w takes t for them, so ``e > w``), and ``C(d + e - 1 - w, e - 1)`` is one of
``C(d, .)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb

from flint import fmpz_poly

__all__ = ["GapKernel", "PositiveKernel", "gap_kernel", "positive_kernel"]


@dataclass(frozen=True)
class GapKernel:
    """The polynomials of one g.

    Attributes:
        gaps: For j = 1..k the q_v with ``Q_j = sum_v q_v C(d-1, v)``, as many as gaps of g need.
        hits: For j = 1..k the value of R_j at ``d = g - 1``; zeros for Remove Random.
    """

    gaps: tuple[tuple[int, ...], ...]
    hits: tuple[int, ...]


@dataclass(frozen=True)
class PositiveKernel:
    """The polynomials of all g, with whole coefficients of at least 0.

    Attributes:
        gaps: For j = 1..k the non-zero q of ``Q_j = sum q C(l, u) C(d-1, v)`` as triples (u, v, q).
        hits: For j = 1..k the non-zero r of ``R_j = sum r C(g-1, v)`` at ``d = g - 1`` as pairs (v, r).
    """

    gaps: tuple[tuple[tuple[int, int, int], ...], ...]
    hits: tuple[tuple[tuple[int, int], ...], ...]


def gap_kernel(g: int, k: int, insert: bool) -> GapKernel:
    """Return the polynomials of up to k positions in a gap of g candidates.

    Example:
        >>> gap_kernel(9, 1, False).gaps  # Q_1 = 2 l = 2 (8 - (d-1))
        ((16, -2),)
    """
    reach = min(2 * k, g - 1)
    before, ends = _factors(g, reach, k)
    gaps, hits = list[tuple[int, ...]](), list[int]()
    for j in range(1, k + 1):
        cut = _convolved(ends, j)
        gaps.append(_differences([int(cut[d]) for d in range(1, min(2 * j, reach) + 1)]))
        hits.append(0)
        if insert:
            hit = _convolved(before, j - 1)
            found = _differences([int(hit[d]) for d in range(min(2 * j - 1, reach) + 1)])
            hits[-1] = sum(c * comb(g - 1, v) for v, c in enumerate(found))
    return GapKernel(tuple(gaps), tuple(hits))


def positive_kernel(k: int, insert: bool) -> PositiveKernel:
    """Return the polynomials of up to k positions in any gap.

    Example:
        >>> positive_kernel(2, True).gaps[1]
        ((0, 1, 1), (0, 2, 2), (0, 3, 1), (1, 1, 7), (1, 2, 4), (2, 1, 6))
        >>> positive_kernel(2, True).hits
        (((0, 1), (1, 1)), ((1, 2), (2, 6), (3, 4)))
    """
    cuts = [[[0] * (2 * j) for _ in range(j + 1)] for j in range(1, k + 1)]  # Q_j at [l][d - 1]
    found = [[0] * (2 * j) for j in range(1, k + 1)]  # R_j at [g - 1], d = g - 1
    for g in range(1, 3 * k + 1):
        before, ends = _factors(g, min(g, 2 * k), k)
        for j in range(1, k + 1):
            cut, hit = _convolved(ends, j), _convolved(before, j - 1)
            for d in range(max(1, g - j), min(g, 2 * j) + 1):
                cuts[j - 1][g - d][d - 1] = int(cut[d])
            if g <= 2 * j:
                found[j - 1][g - 1] = int(hit[g - 1])
    gaps, hits = list[tuple[tuple[int, int, int], ...]](), list[tuple[tuple[int, int], ...]]()
    for rows, values in zip(cuts, found, strict=True):
        columns = [_differences(column) for column in zip(*map(_differences, rows), strict=True)]
        gaps.append(tuple((u, v, columns[v][u]) for u in range(len(rows)) for v in range(len(columns))))
        hits.append(tuple(enumerate(_differences(values))) if insert else ())
    gaps = [tuple(triple for triple in row if triple[2]) for row in gaps]
    hits = [tuple(pair for pair in row if pair[1]) for row in hits]
    assert all(q > 0 for row in gaps for _, _, q in row)
    assert all(r > 0 for row in hits for _, r in row)
    return PositiveKernel(tuple(gaps), tuple(hits))


def _factors(g: int, reach: int, k: int) -> tuple[list[fmpz_poly], list[fmpz_poly]]:
    """Return the coefficients of ``P_a`` and ``E_a`` times powers of g, by i, as polynomials over a = 0..reach."""
    before, ends = [[1] * (reach + 1)], [[1] + [0] * reach]
    for _ in range(k):
        last, end, now = before[-1], [0] * (reach + 1), [0] * (reach + 1)
        for a in range(1, reach + 1):
            end[a] = (g - a) * last[a - 1]
            now[a] = now[a - 1] + end[a]
        before.append(now)
        ends.append(end)
    return [fmpz_poly(row) for row in before], [fmpz_poly(row) for row in ends]


def _convolved(rows: Sequence[fmpz_poly], j: int) -> fmpz_poly:
    """Return ``sum_i rows[i] rows[j - i]``."""
    total = fmpz_poly()
    for i in range((j + 1) // 2):
        total += rows[i] * rows[j - i]
    return 2 * total + (rows[j // 2] ** 2 if j % 2 == 0 else 0)


def _differences(values: Iterable[int]) -> tuple[int, ...]:
    """Return the forward differences at the first value."""
    left, found = list(values), list[int]()
    while left:
        found.append(left[0])
        left = [b - a for a, b in pairwise(left)]
    return tuple(found)

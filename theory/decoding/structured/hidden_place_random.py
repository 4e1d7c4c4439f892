r"""Exact random top-k on Insert Random and Remove Random.

A step takes a uniform set of s of the M masked positions; j of them lie in the interval of g candidates
(:mod:`theory.decoding.structured.hidden_place`), with probability ``C(mm, j) C(M - mm, s - j) / C(M, s)`` for mm
masked positions in it, and are then a uniform set of j; all others are sure. The draws leave a gap of l candidates, a
of the interval's positions before it and b behind it, or (Insert Random) hit the new item. Summed over the sets of j
positions, with ``P_a(x) = prod_{r<=a} (1 + x L_r)`` for the chance ``L_r = (g - r) / g`` of the left token at the
r-th position and ``E_a(x) = x L_a P_{a-1}(x)`` (``E_0 = 1``; the position next to the gap is taken), by mirror
symmetry

    to a gap of l:   [x^j] sum_{a + b = g - l} E_a(x) E_b(x),
    new item:        [x^j] (x / g) sum_p P_p(x) P_{g-1-p}(x).

The accuracy A(M, g) follows backwards over the steps:

    A(M, g) = sum_j C(M - mm, s - j) / C(M, s) (hits_j(g) + sum_{l <= g} gaps_j(g, l) A(M - s, l)),   A(., 1) = 1.

**O(1) operations for each (M, g).** For j = 0 the gap stays. For j >= 1, ``g^j gaps_j`` is a polynomial of degree
2j - 1 in l (:mod:`theory.decoding.structured.hidden_place_kernel`), ``sum_{v<2j} q_v C(g-1-l, v)``, so the sum over l
is one of 2j sums ``V_v(g) = sum_{l<g} C(g-1-l, v) A(M-s, l)``, which grow by ``V_v(g) = V_v(g-1) + V_{v-1}(g-1)`` and
``V_0(g) = V_0(g-1) + A(M-s, g-1)``: 2s additions and multiplications for each of the about ``n^2 / 2k`` states. Gaps
with more than M - s masked positions cannot come out of the step: their weight is 0, whatever stands for A.

**Integers.** With W(M) the product of the ``C(M_t, s_t)`` of the steps that are left and ``F(g) = (g!)^k``,
``N(M, g) = A(M, g) W(M) F(g)`` is an integer: in each term with j >= 1, l < g and j <= k, so ``F(l) g^j`` divides
``F(g)``. Nothing is reduced on the way. The sums at g are kept over ``F(g-1)``: multiplied by ``(g-1)^k`` at each g.

The sizes are fixed: ``path_kl`` is the exact expected divergence of random order
(:func:`theory.information.curves.structures.expected_kl_of`) and the steps are T. ``kl`` is not known (a mixture over
the orders). Where the integers would take long the accuracy is a float
(:mod:`theory.decoding.structured.hidden_place_floats`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial
from typing import Any

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from theory.decoding.result import LumpedDecode
from theory.decoding.structured.hidden_place_floats import random_accuracy, require_floats
from theory.decoding.structured.hidden_place_kernel import gap_kernel
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import expected_kl_of
from theory.numbers.arithmetic import Number

__all__ = ["decode_random", "exact_accuracy", "exact_seconds"]

_EXACT = 25  # seconds, roughly: the largest exact run


def decode_random(structure: Gaps, sizes: Sequence[int], *, exact: bool | None = None) -> LumpedDecode:
    """Return the decode at temperature 1 with these block sizes in random order.

    The accuracy is exact up to some 2,000 positions by twos, float64 with its error beyond, or as ``exact`` says.
    """
    insert = structure.kind == "insert"
    exact = exact_seconds(insert, sizes) <= _EXACT if exact is None else exact
    if not exact:
        require_floats(insert, sizes)
    steps = Fraction(len(sizes))
    errors: dict[str, float] = {}
    if exact:
        accuracy: Number = exact_accuracy(insert, sizes)
    else:
        found = random_accuracy(insert, sizes)
        accuracy, errors["accuracy"] = found.value, 1.06 * found.error  # it is rounded to two digits
    return LumpedDecode(
        accuracy=accuracy,
        kl=None,
        path_kl=expected_kl_of(structure, sizes),
        steps=steps,
        steps_under_data=steps,
        n=structure.n,
        errors=errors,
    )


def exact_seconds(insert: bool, sizes: Sequence[int]) -> float:
    """Return about how many seconds :func:`exact_accuracy` takes."""
    n, k = sum(sizes), max(sizes)
    total = n if insert else n + 1
    # the polynomials of g reach min(2 k, g - 1): these are convolved for up to k positions
    reach = 2 * min(k, total // 2)
    squares = reach * (reach + 1) * (2 * reach + 1) // 6 + (total - reach) * reach * reach
    polynomials = total * 50_000 + (250 if insert else 150) * k * squares
    size = np.array(sizes[::-1], dtype=np.float64)
    masked, bits = np.cumsum(size), np.zeros(len(size))
    for i in range(k):  # log2 C(masked, size)
        bits += np.where(i < size, np.log2(np.maximum(masked - i, 1) / (i + 1)), 0)
    length = np.log2(masked + 1)
    limbs = (np.cumsum(bits) + k * masked * length / 2) / 64  # of a mean number
    wide = 1 + 2 * size * length / 64  # limbs of a weight
    big = (6 * size + 6) * 90 + limbs * (2 * size + 2) * (1 + 1.2 * wide)
    steps = masked * (big + size * size * (60 + 10 * wide))
    return (polynomials + float(steps.sum())) * 1e-9


def exact_accuracy(insert: bool, sizes: Sequence[int]) -> Fraction:
    """Return the accuracy of blocks of these sizes in random order, exactly.

    Args:
        insert: Insert Random with ``sum(sizes)`` positions, else Remove Random.
        sizes: Positions of each step.

    Example:
        >>> exact_accuracy(True, [2, 1])
        Fraction(2, 3)
    """
    n, k = sum(sizes), max(sizes)
    run = _Run(insert, n if insert else n + 1, *_table(insert, n, k))
    numerators = [fmpz(0)] * (run.total + 1)
    whole = numerators[1] = fmpz(1)
    masked = 0
    for size in reversed(sizes):
        masked += size
        numerators = run.step(numerators, whole, masked, size, masked == n)
        whole = numerators[1]
    common = whole * fmpz(factorial(run.total)) ** k
    return Fraction(int(numerators[run.total]), int(common))


def _table(insert: bool, n: int, k: int) -> tuple[NDArray[Any], NDArray[Any], list[fmpz]]:
    """Return ``g^(k-j) q_v`` at [j, v, g] with the hits at v = 2k, ``C(m, i)`` at [i, m], and ``g^k``."""
    total = n if insert else n + 1
    kernels = np.zeros((k + 1, 2 * k + 1, total + 1), dtype=object)
    for g in range(2, total + 1):
        found = gap_kernel(g, k, insert)
        for j, (gaps, hit) in enumerate(zip(found.gaps, found.hits, strict=True), start=1):
            scale = g ** (k - j)
            kernels[j, : len(gaps), g] = [q * scale for q in gaps]
            kernels[j, 2 * k, g] = hit * scale
    binomials = np.array([[comb(m, i) for m in range(n + 1)] for i in range(k + 1)], dtype=object)
    return kernels, binomials, [fmpz(g) ** k for g in range(total + 1)]


@dataclass(frozen=True)
class _Run:
    """What all steps share: the number of candidates and the tables."""

    insert: bool
    total: int
    kernels: NDArray[Any]
    binomials: NDArray[Any]
    powers: list[fmpz]

    def step(self, after: list[fmpz], whole: fmpz, masked: int, size: int, first: bool) -> list[fmpz]:
        """Return N(M, .) from N(M - s, .) and ``W(M - s)``; of the first step only the whole list."""
        zero = fmpz(0)
        last = min(self.total, masked if self.insert else masked + 1)
        start = self.total if first else 2
        weights = self._weights(start, last, masked, size)
        before = [zero] * (self.total + 1)
        before[1] = whole * comb(masked, size)
        sums, order = [zero] * (2 * size), range(2 * size - 1, 0, -1)
        for g in range(2, last + 1):
            if g > 2:
                scale = self.powers[g - 1]
                whole = whole * scale  # W(M - s) F(g - 1)
                for v in order:
                    sums[v] = (sums[v] + sums[v - 1]) * scale
                sums[0] = sums[0] * scale
            sums[0] += after[g - 1]
            if g < start:
                continue
            stays, hits, row = weights[g - start]
            value = after[g] * stays
            for each, weight in zip(sums, row, strict=True):
                value += each * weight
            before[g] = value + whole * hits if self.insert else value
        return before

    def _weights(
        self, start: int, last: int, masked: int, size: int
    ) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return for g = start..last the integers that multiply N(M - s, g), ``W F`` and the sums."""
        here = slice(start, last + 1)
        outside = masked - np.arange(start, last + 1) + (not self.insert)
        ways = [self.binomials[size - j][outside] for j in range(size + 1)]
        columns = np.zeros((2 * size + 1, last + 1 - start), dtype=object)
        for v in range(2 * size):
            for j in range(v // 2 + 1, size + 1):  # Q_j is of degree 2j - 1
                columns[v] += ways[j] * self.kernels[j, v, here]
        for j in range(1, size + 1):
            columns[-1] += ways[j] * self.kernels[j, -1, here]
        *rows, hits = columns.tolist()
        return list(zip(ways[0].tolist(), hits, zip(*rows, strict=True), strict=True))

"""Best and worst accuracy of one parallel step, which draws from a product distribution.

**Floors over product distributions.** One step draws from a product. On shuffle its accuracy is the permanent of the
matrix of position-by-token probabilities, on replace_random the probability of exactly one replacement; among
matrices with the right averages the KL-optimal one, the uniform one, is the *least* accurate (see the functions).
**Zero error.** A product distribution inside V lives on a rectangle ``A_0 x ... x A_{n-1}`` of V, so the largest
entropy of a one-step decoder without errors is ``log2`` of the size of the largest rectangle. Unit: bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import factorial, lcm, prod
from typing import Any

import numpy as np

from theory.distributions.outcomes import Token
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, exact_fraction, positive_int

__all__ = [
    "Rectangle",
    "exactly_one",
    "exactly_one_floor",
    "largest_rectangle",
    "permanent",
    "permanent_floor",
    "require_rectangle",
]

_PRODUCT, _PERMANENT = 2e-7, 10  # seconds of one of n 2^n integer products; at most, n = 21
_RECTANGLE = 3e-6  # seconds of one of the rectangles visited at most


# -- floors over product distributions ---------------------------------------------------------------------------------


def permanent(matrix: Sequence[Sequence[Any]]) -> Fraction:
    """Return the permanent of a square matrix of exact numbers, by Ryser's formula in n 2^n integer steps.

    For ``a[i][v] = Q(y_i = v)`` it is the accuracy of the product distribution on shuffle (all orders of n items). If
    the matrix is doubly stochastic, that is at least :func:`permanent_floor`, with equality only at the uniform
    matrix (van der Waerden's conjecture; Egorychev 1981, Falikman 1981).

    Example:
        >>> permanent([["1/2", "1/2"], ["1/2", "1/2"]]), permanent([[1, 0], [0, 1]])
        (Fraction(1, 2), Fraction(1, 1))
    """
    rows = [[exact_fraction(a, "an entry") for a in row] for row in matrix]
    n = len(rows)
    if n == 0 or any(len(row) != n for row in rows):
        raise InputError(f"a permanent needs a square matrix, got rows of lengths {[len(r) for r in rows]}.")
    Budget(f"the permanent of order {n}", "use a smaller matrix", limit=_PERMANENT).require(n << n, _PRODUCT)
    scales = [lcm(*(a.denominator for a in row)) for row in rows]
    columns = list(
        zip(*([int(a * s) for a in row] for row, s in zip(rows, scales, strict=True)), strict=True)
    )
    sums, total, inside = [0] * n, 0, 0
    for step in range(1, 1 << n):  # Gray code: one column is added or removed at a time
        j = (step & -step).bit_length() - 1
        inside ^= 1 << j
        sign = 1 if inside >> j & 1 else -1
        sums = [s + sign * a for s, a in zip(sums, columns[j], strict=True)]
        total += prod(sums) if (n - inside.bit_count()) % 2 == 0 else -prod(sums)
    return Fraction(total, prod(scales))


def permanent_floor(n: int) -> Fraction:
    """Return ``n!/n^n``, the least permanent of a doubly stochastic matrix: the one-step accuracy on shuffle.

    Example:
        >>> permanent_floor(3)
        Fraction(2, 9)
    """
    return Fraction(factorial(positive_int(n, "n")), n**n)


def exactly_one(probabilities: Sequence[Any]) -> Fraction:
    """Return the probability that exactly one of independent events happens.

    With ``a_i = Q(y_i is the new item)`` it is the accuracy of a product distribution on replace_random. If ``sum a_i
    = 1``, it is at least :func:`exactly_one_floor`, with equality only at ``a_i = 1/n`` (Hoeffding 1956). Proof: with
    all but two entries a, b fixed it is ``const + ab (A - 2B)``, A and B the probabilities of one and of no event
    among the others. At a minimum unequal positive a, b thus have ``A = 2B`` (else moving them together or apart
    lowers it) and moving them together changes nothing. Bring the m positive entries to 1/m so, one at a time; the
    last move has ``A/B = (m-2)/(m-1) < 2`` and lowers it strictly. So they were equal, the value is ``(1 -
    1/m)^(m-1)``, and that decreases in m.

    Example:
        >>> exactly_one(["1/2", "1/2"]), exactly_one([1, 0, 0])
        (Fraction(1, 2), Fraction(1, 1))
    """
    none, one = Fraction(1), Fraction(0)
    for p in (exact_fraction(a, "a probability") for a in probabilities):
        if not 0 <= p <= 1:
            raise InputError(f"a probability must be between 0 and 1, got {p}.")
        none, one = none * (1 - p), one * (1 - p) + none * p
    return one


def exactly_one_floor(n: int) -> Fraction:
    """Return ``(1 - 1/n)^(n-1)``, the least :func:`exactly_one` at mean one: the one-step accuracy on replace_random.

    Example:
        >>> exactly_one_floor(3)
        Fraction(4, 9)
    """
    return Fraction(positive_int(n, "n") - 1, n) ** (n - 1)


# -- zero error -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rectangle:
    """A combinatorial rectangle ``A_0 x ... x A_{n-1}``: its sides, the tokens allowed at each position."""

    sides: tuple[tuple[Token, ...], ...]

    @property
    def size(self) -> int:
        """The number of outcomes."""
        return prod(map(len, self.sides))

    @property
    def entropy(self) -> LogNumber:
        """``log2`` of the size, in bits: the entropy of the uniform distribution on it, which is a product."""
        return LogNumber.log2(self.size)


def largest_rectangle(pmf: JointPMF) -> Rectangle:
    """Return a largest rectangle inside the support of ``pmf`` (exact branch and bound; NP-hard in general).

    Position by position, the tokens A_0 share the continuations I that follow all of them. Only sets I that are
    intersections matter, each with all its tokens, and ``|A_0| |I|`` bounds the size of the rectangle.

    Raises:
        CostError: If the number of rectangles may exceed the limit. It is at most ``prod_i (2^|V_i| - 1)`` and at most
            ``sum_y prod_i 2^(d_i(y) - 1)``, d_i(y) the number of tokens at position i that keep y valid.

    Example:
        >>> largest_rectangle(JointPMF.uniform([(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)])).sides
        ((0, 2), (0, 1))
    """
    require_rectangle(pmf)
    if len(pmf) == prod(map(len, pmf.alphabets)):
        return Rectangle(pmf.alphabets)

    @cache
    def largest(rest: frozenset[tuple[int, ...]]) -> tuple[int, tuple[tuple[int, ...], ...]]:
        if () in rest:
            return 1, ()
        after: dict[int, set[tuple[int, ...]]] = {}
        for token, *tail in rest:
            after.setdefault(token, set()).add(tuple(tail))
        shared: set[frozenset[tuple[int, ...]]] = set()
        for tails in map(frozenset, after.values()):
            shared |= {tails, *(tails & other for other in shared)}
        choices = [(tuple(sorted(t for t in after if tails <= after[t])), tails) for tails in shared if tails]
        best: tuple[int, tuple[tuple[int, ...], ...]] = (0, ())
        for side, tails in sorted(choices, key=lambda c: (-len(c[0]) * len(c[1]), c[0])):
            if len(side) * len(tails) <= best[0]:
                break
            size, sides = largest(tails)
            best = max(best, (len(side) * size, (side, *sides)), key=lambda found: found[0])
        return best

    _, sides = largest(frozenset(map(tuple, pmf.codes.tolist())))
    return Rectangle(tuple(tuple(pmf.alphabets[i][j] for j in side) for i, side in enumerate(sides)))


def require_rectangle(pmf: JointPMF) -> None:
    """Raise unless :func:`largest_rectangle` is affordable."""
    if len(pmf) < prod(map(len, pmf.alphabets)):
        what = f"the largest rectangle in {len(pmf)} outcomes"
        Budget(what, "use fewer outcomes or smaller alphabets").require(_rectangle_bound(pmf), _RECTANGLE)


def _rectangle_bound(pmf: JointPMF) -> int:
    others = [pmf.groups([j for j in range(pmf.n) if j != i]).inverse for i in range(pmf.n)]
    degrees = np.sum([np.bincount(index)[index] - 1 for index in others], axis=0)
    return min(prod((1 << len(a)) - 1 for a in pmf.alphabets), sum(1 << d for d in degrees.tolist()))

r"""Distributions whose subset entropies are sums over the gaps between revealed positions.

The s + 1 *gaps* of a set S are the runs of hidden positions before its first position, between neighbours and after
the last, some of length 0. For the three distributions here ``H(y_S) = c + sum over gaps g of F(g)``, with or without
the last gap:

- **Insert Random**, N = n + 1 positions. The place i of the new item is uniform on N; a revealed p tells whether
  ``i < p``, ``i = p`` or ``i > p``. The outcome of S is one place or one gap: ``c = log2 N``, ``F(g) = -(g/N) log2 g``.
- **Remove Random**, n - 1 positions. The removed item i is uniform on n; p tells whether ``i <= p``. Between revealed
  neighbours with a gap g there are g + 1 items: ``c = log2 n``, ``F(g) = -((g + 1)/n) log2(g + 1)``.
- **Bernoulli walk**. A Markov chain of independent increments: ``c = 0`` and each gap before a revealed position adds
  ``F(g) = eta(g + 1)``, the entropy of a binomial with g + 1 fair bits; the last gap adds 0.
  ``eta(g) = g - log2 g! + 2^(1-g) sum_{m<=g} log2(m) A(g, m)`` with the tail ``A(g, m) = sum_{k>=m} C(g, k)``: insert
  ``log2 C(g, k) = log2 g! - log2 k! - log2 (g-k)!`` and sum ``log2 k! = sum_{m<=k} log2 m`` by parts.

Means. The s + 1 gaps of a random set of s of N positions are exchangeable and each has length g in
``C(N - 1 - g, s - 1)`` of the ``C(N, s)`` sets (take away a gap and its right end). All ``C(N, s)`` divide
``lcm(1..N+1) / (N+1)``, of 1.44 N bits (Farhi, Amer. Math. Monthly 116, 2009), so a combination of all means is summed
in integers over one denominator.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import comb, lcm
from operator import mul
from typing import Literal

from flint import arb, arb_poly, fmpz_poly

from theory.limits import Budget
from theory.numbers.lognumber import LogNumber

__all__ = ["Gaps"]

# seconds of a word of a mean; at most, n = 45,000 of a list, 10,000 of a Bernoulli walk
_WORD, _LIMIT = 1.5e-8, 30


@dataclass(frozen=True)
class Gaps:
    """Subset entropies of Insert Random, Remove Random or a Bernoulli walk.

    Attributes:
        n: Number of positions.
        kind: ``insert``, ``remove`` or ``walk``.

    Example:
        >>> Gaps(3, "insert").bound([[0, 1, 2]])  # two items and the new one
        LogNumber('-4/3 log2(2) + 2 log2(3)')
        >>> Gaps(4, "walk").bound([[1], [0, 2], [3]])  # by halves, no loss
        LogNumber('0')
    """

    n: int
    kind: Literal["insert", "remove", "walk"]
    symmetric: bool = False

    @property
    def _choices(self) -> int:
        """The number of equally likely choices, ``2^c``."""
        return {"insert": self.n, "remove": self.n + 1, "walk": 1}[self.kind]

    @property
    def _counted(self) -> int:
        """1 if the last gap counts, else 0."""
        return int(self.kind != "walk")

    def mean(self, weights: Mapping[int, Fraction]) -> LogNumber:
        """Return ``sum_j w_j h_j``."""
        n = self.n
        cost = n**3 // 500 if self.kind == "walk" else n * n  # a Bernoulli walk has n logarithms of n digits
        Budget(f"the entropies of {n} positions", "use a smaller n", limit=_LIMIT).require(cost, _WORD)
        common = lcm(*(w.denominator for w in weights.values())) if weights else 1
        whole = lcm(*range(1, n + 2)) // (n + 1)
        counts = [0] * (n + 1)  # of F(g), over `common * whole`
        for j, w in weights.items():
            scaled = int(w * common) * whole
            if j == 0:
                counts[n] += self._counted * scaled
                continue
            amount = scaled * (j + self._counted) // comb(n, j) * comb(n - 1, j - 1)
            for g in range(n - j + 1):
                counts[g] += amount
                if g < n - j:
                    amount = amount * (n - j - g) // (n - 1 - g)
        constant = sum(weights.values(), Fraction(0))
        return self._value([Fraction(c, common * whole) for c in counts], constant)

    def bound(self, partition: Sequence[Sequence[int]]) -> LogNumber:
        """Return ``L_T`` from the gaps split by each position alone and by each block as a whole."""
        counts = [0] * (self.n + 1)
        revealed: list[int] = []
        for block in partition:
            for i in block:
                self._split(revealed, i, counts)
            for i in sorted(block):
                insort(revealed, i)
        # minus H(y), where all gaps are empty
        counts[0] -= self.n + self._counted
        if self._counted:
            counts[self.n] += 1  # H of the empty set is c + F(n) = 0
        return self._value([Fraction(c) for c in counts], Fraction(0))

    def _split(self, revealed: Sequence[int], i: int, counts: list[int]) -> None:
        """Add ``H(y_S + i) - H(y_S)`` to the counts of F."""
        place = bisect_left(revealed, i)
        left = revealed[place - 1] if place else -1
        right = revealed[place] if place < len(revealed) else self.n
        counts[i - left - 1] += 1
        if place < len(revealed) or self._counted:
            counts[right - i - 1] += 1
            counts[right - left - 1] -= 1

    def _value(self, counts: Sequence[Fraction], constant: Fraction) -> LogNumber:
        """Return ``constant * c + sum_g counts[g] F(g)``."""
        logs: dict[int, Fraction] = {self._choices: constant}
        if self.kind == "walk":
            _add_binomials(counts, logs)
        else:
            more = int(self.kind == "remove")
            for g, count in enumerate(counts):
                size = g + more
                if count and size > 1:
                    logs[size] = logs.get(size, Fraction(0)) - count * Fraction(size, self._choices)
        return LogNumber.weighted_sum((c, a) for a, c in logs.items() if c)

    def balls(self) -> list[arb]:
        """Return intervals around ``h_0, ..., h_n``."""
        n, extra = self.n, self._counted
        potential = self._potentials()
        start = arb(self._choices).log() / arb(2).log()
        # C(n-1-g, j-1) / C(n, j) = j (n-j)! / n! (n-1-g)! / (n-j-g)!: for all j one product of polynomials
        factorials = _factorials(n)
        sums = arb_poly([potential[g] * factorials[n - 1 - g] for g in range(n)]) * _exponential(factorials)
        out = [start + extra * potential[n]]
        for j in range(1, n + 1):
            out.append(start + (j + extra) * j * factorials[n - j] / factorials[n] * sums[n - j])
        return out

    def _potentials(self) -> list[arb]:
        """Return intervals around ``F(0), ..., F(n)``; ``F(n)`` of a walk is never used."""
        if self.kind == "walk":
            return [*_binomial_entropies(self.n)[1:], arb(0)]
        more = int(self.kind == "remove")
        sizes = range(more, self.n + 1 + more)
        return [-(arb(s) * arb(s).log() / arb(2).log()) / self._choices if s > 1 else arb(0) for s in sizes]


def _add_binomials(counts: Sequence[Fraction], logs: dict[int, Fraction]) -> None:
    """Add ``sum_g counts[g] eta(g + 1)`` to the coefficients of ``log2 m``."""
    bits = len(counts)
    common = lcm(*(c.denominator for c in counts))
    scaled = [0, *(int(c * common) for c in counts)]  # of eta(g) at g
    constant = sum(g * c for g, c in enumerate(scaled))
    # sum_g c_g 2^(bits+1-g) C(g, k) for all k: the coefficients of sum_g c_g 2^(bits+1-g) (1 + x)^g
    shifted = fmpz_poly([c << (bits + 1 - g) for g, c in enumerate(scaled)])(fmpz_poly([1, 1]))
    totals, total, whole = [0] * (bits + 1), 0, 0  # of log2 m, over common * 2^bits
    for m in range(bits, 0, -1):
        total += int(shifted[m])
        whole += scaled[m] << bits
        totals[m] = total - whole
    for m, total in enumerate(totals):
        if m > 1 and total:
            logs[m] = logs.get(m, Fraction(0)) + Fraction(total, common << bits)
    logs[2] = logs.get(2, Fraction(0)) + Fraction(constant, common)


def _binomial_entropies(n: int) -> list[arb]:
    """Return intervals around ``eta(0), ..., eta(n)``, in bits.

    ``sum_k C(g, k) log2 k! = g! sum_k (log2 k! / k!) / (g-k)!``: for all g one product of polynomials, whose
    coefficients arb multiplies without loss to the small ones.
    """
    log2, factorials = arb(2).log(), _factorials(n)
    logs = list(accumulate((arb(max(m, 1)).log() / log2 for m in range(n + 1)), initial=arb(0)))[1:]
    sums = arb_poly([a / b for a, b in zip(logs, factorials, strict=True)]) * _exponential(factorials)
    halves = accumulate(range(n), lambda half, _: half / 2, initial=arb(2))  # 2 / 2^g
    return [
        g - log + half * fact * sums[g]
        for g, (log, half, fact) in enumerate(zip(logs, halves, factorials, strict=True))
    ]


def _factorials(n: int) -> list[arb]:
    """Return intervals around ``0!, ..., n!``."""
    return list(accumulate(range(1, n + 1), mul, initial=arb(1)))


def _exponential(factorials: list[arb]) -> arb_poly:
    """Return ``sum_m x^m / m!``."""
    return arb_poly([1 / f for f in factorials])

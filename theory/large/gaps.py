r"""Laws whose subset entropies are sums over the gaps between revealed positions.

Sort S; its *gaps* are the runs of hidden positions before the first, between neighbours and after the last (of length
0 too, s + 1 of them). For the three laws here ``H(y_S) = c + sum over gaps g of F(g)``, the last gap counted or not:

- **Insert Random**, N = n + 1 positions. The place i of the new item is uniform on N; a revealed p tells whether
  ``i < p``, ``i = p`` or ``i > p``. The outcome of S is one place or one gap: ``c = log2 N``, ``F(g) = -(g/N) log2 g``.
- **Remove Random**, n - 1 positions. The removed item i is uniform on n; p tells whether ``i <= p``. Between revealed
  neighbours with a gap g there are g + 1 items: ``c = log2 n``, ``F(g) = -((g + 1)/n) log2(g + 1)``.
- **Bernoulli walk**. A Markov chain of independent increments: ``c = 0`` and each gap before a revealed position adds
  ``F(g) = eta(g + 1)``, the entropy of a binomial with g + 1 fair bits; nothing is known of the last gap, it adds 0.
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
from math import comb, lcm
from typing import Literal

from flint import arb

from theory.limits import require_operations
from theory.lognumber import LogNumber

__all__ = ["Gaps"]

_MEANS = 2 * 10**9  # n = 45,000 of a list, 5,800 of a walk: half a minute


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
        """The number behind the constant ``c = log2``."""
        return {"insert": self.n, "remove": self.n + 1, "walk": 1}[self.kind]

    @property
    def _counted(self) -> int:
        """1 if the last gap counts too."""
        return int(self.kind != "walk")

    def mean(self, weights: Mapping[int, Fraction]) -> LogNumber:
        """Return ``sum_j w_j h_j``."""
        n = self.n
        cost = n**3 // 100 if self.kind == "walk" else n * n  # a walk's value has n logarithms of n digits
        require_operations(cost, f"the entropies of {n} positions", limit=_MEANS, remedy="use a smaller n")
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
        """Return ``L_T``: revealing i splits its gap, and then once more with all of the block at once."""
        counts = [0] * (self.n + 1)
        revealed: list[int] = []
        for block in partition:
            for i in block:
                self._split(revealed, i, counts)
            for i in sorted(block):
                insort(revealed, i)
        # less H(y): all gaps are empty
        counts[0] -= self.n + self._counted
        if self._counted:
            counts[self.n] += 1  # H of nothing is c + F(n) = 0
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
        out = [start + extra * potential[n]]
        for j in range(1, n + 1):
            share, total = arb(j) / n, arb(0)  # C(n-1, j-1) / C(n, j)
            for g in range(n - j + 1):
                total += share * potential[g]
                if g < n - j:
                    share = share * (n - j - g) / (n - 1 - g)
            out.append(start + (j + extra) * total)
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
    totals = [0] * (bits + 1)  # of log2 m, over common * 2^bits
    constant = 0
    for g, count in enumerate(counts, start=1):
        scaled = int(count * common)
        if not scaled:
            continue
        constant += g * scaled
        tail, term = (1 << g) - 1, g  # A(g, 1) and C(g, 1)
        scaled <<= bits + 1 - g
        whole = scaled << (g - 1)
        for m in range(1, g + 1):
            totals[m] += scaled * tail - whole
            tail -= term
            term = term * (g - m) // (m + 1)
    for m, total in enumerate(totals):
        if m > 1 and total:
            logs[m] = logs.get(m, Fraction(0)) + Fraction(total, common << bits)
    logs[2] = logs.get(2, Fraction(0)) + Fraction(constant, common)


def _binomial_entropies(n: int) -> list[arb]:
    """Return intervals around ``eta(0), ..., eta(n)``, in bits."""
    log2 = arb(2).log()
    factorials = [arb(0), arb(0)]
    for m in range(2, n + 1):
        factorials.append(factorials[-1] + arb(m).log() / log2)
    out = [arb(0)]
    for g in range(1, n + 1):
        mean, term = arb(0), arb(1) / (arb(2) ** g)
        for k in range(g + 1):
            mean += term * factorials[k]
            if k < g:
                term = term * (g - k) / (k + 1)
        out.append(g - factorials[g] + 2 * mean)
    return out

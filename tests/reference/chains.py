"""Exact chains: probabilities and, within SLACK, entropies as Fractions, by other recursions than the product's.

Logarithms are taken by interval arithmetic to 600 bits; sums and least costs are exact.
"""

from fractions import Fraction
from functools import cache
from itertools import pairwise

from flint import arb, ctx, fmpq

from theory.distributions.parametric.markov import MarkovDistribution

SLACK = Fraction(1, 2**120)  # of a true value: thousands of logarithms within 2^-180


@cache
def minus_log2(p: Fraction) -> Fraction:
    """-log2 p within 2^-180."""
    before, ctx.prec = ctx.prec, 600
    try:
        value = arb(2) ** 190 * -arb(fmpq(p.numerator, p.denominator)).log() / arb(2).log()
        return Fraction(int(value.mid().floor().unique_fmpz()), 2**190)
    finally:
        ctx.prec = before


def entropy_of(row) -> Fraction:
    return sum((p * minus_log2(p) for p in row if p), Fraction(0))


class Truth:
    """Exact probabilities of a chain and its gap entropies within SLACK."""

    def __init__(self, distribution: MarkovDistribution):
        self.n, self.width = distribution.n, len(distribution.tokens)
        self.moves = [
            distribution.transition[0 if len(distribution.transition) == 1 else i] for i in range(self.n - 1)
        ]
        self.at = [tuple(distribution.initial)]
        for move in self.moves:
            self.at.append(self.times((self.at[-1],), move)[0])
        self.between: dict[tuple[int, int], tuple] = {}
        self.g: dict[tuple[int, int], Fraction] = {(-1, b): entropy_of(self.at[b]) for b in range(self.n)}
        for a in range(-1, self.n):
            self.g[a, self.n] = Fraction(0)
        for a in range(self.n):
            reach = None
            for b in range(a + 1, self.n):
                reach = self.moves[a] if reach is None else self.times(reach, self.moves[b - 1])
                self.between[a, b] = reach
                rows = zip(self.at[a], reach, strict=True)
                self.g[a, b] = sum((p * entropy_of(row) for p, row in rows if p), Fraction(0))

    def times(self, left, right):
        return tuple(
            tuple(
                sum((p * right[k][j] for k, p in enumerate(row) if p), Fraction(0)) for j in range(self.width)
            )
            for row in left
        )

    def entropy(self) -> Fraction:
        return sum((self.g[i - 1, i] for i in range(self.n)), Fraction(0))

    def of(self, positions) -> Fraction:
        return sum((self.g[a, b] for a, b in pairwise((-1, *sorted(positions)))), Fraction(0))

    def step_bound(self, blocks) -> Fraction:
        """sum over i of H(y_i, revealed) - H(revealed), whole sets."""
        known: tuple[int, ...] = ()
        total = -self.entropy()
        for block in blocks:
            total += sum((self.of((*known, i)) - self.of(known) for i in block), Fraction(0))
            known = (*known, *block)
        return total

    def dual(self) -> Fraction:
        everything = range(self.n)
        return self.entropy() - sum(
            (self.entropy() - self.of(set(everything) - {i}) for i in everything), Fraction(0)
        )

    def means(self) -> list[Fraction]:
        """Sums over all j-sets by their last position: sum of entropies, and how many there are."""
        sums, counts = {-1: Fraction(0)}, {-1: 1}
        means = [Fraction(0)]
        for _ in range(self.n):
            after = {
                b: sum((s + counts[a] * self.g[a, b] for a, s in sums.items() if a < b), Fraction(0))
                for b in range(self.n)
            }
            counts = {b: sum(c for a, c in counts.items() if a < b) for b in range(self.n)}
            sums = after
            means.append(sum(sums.values()) / sum(counts.values()))
        return means

    def best(self, steps: int) -> Fraction:
        """The least cost in at most so many steps: for each gap and each set that is revealed first."""
        g = self.g

        @cache
        def cost(t: int, a: int, b: int) -> Fraction:
            alone = {i: g[a, i] + g[i, b] - g[a, b] for i in range(a + 1, b)}
            if t == 1:
                return sum(alone.values(), Fraction(0))
            reach = {a: Fraction(0)}
            for i in range(a + 1, b):
                reach[i] = min(r + cost(t - 1, j, i) for j, r in reach.items()) + alone[i]
            return min(r + cost(t - 1, j, b) for j, r in reach.items())

        return cost(steps, -1, self.n) - self.entropy()

    def accuracy(self, blocks) -> Fraction:
        """Gap by gap from the inside; a gap between tokens u and v is filled by the first block that meets it."""
        when = {i: t for t, block in enumerate(blocks) for i in block}

        @cache
        def filled(a: int, u: int, b: int, v: int) -> Fraction:
            if b - a == 1:
                return Fraction(int(self.chance(a, u, b, v) > 0))
            if not self.chance(a, u, b, v):
                return Fraction(0)
            first = min(when[i] for i in range(a + 1, b))
            mass, before = {u: Fraction(1)}, a
            for i in (i for i in range(a + 1, b) if when[i] == first):
                drawn = [
                    self.chance(a, u, i, y) * self.chance(i, y, b, v) / self.chance(a, u, b, v)
                    for y in range(self.width)
                ]
                mass = {
                    y: p * sum((m * filled(before, x, i, y) for x, m in mass.items()), Fraction(0))
                    for y, p in enumerate(drawn)
                    if p
                }
                before = i
            return sum((m * filled(before, x, b, v) for x, m in mass.items()), Fraction(0))

        return filled(-1, 0, self.n, 0)

    def chance(self, a: int, u: int, b: int, v: int) -> Fraction:
        if b == self.n:
            return Fraction(1)
        return self.at[b][v] if a < 0 else self.between[a, b][u][v]

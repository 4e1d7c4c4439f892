"""Entropies from counts, by their definitions: exact sums, integrals of 30 digits, one sample after another."""

from collections import Counter
from fractions import Fraction
from itertools import product
from math import comb, factorial, log, log2, prod, sqrt

import mpmath


def zhang(counts) -> Fraction:
    """``sum_{k < N} (1/k) sum_i (c_i/N) C(N - c_i, k) / C(N - 1, k)``, in nats: what Zhang (2012) defines."""
    size = sum(counts)
    return sum(
        (
            Fraction(c, size) * Fraction(comb(size - c, k), comb(size - 1, k)) / k
            for k in range(1, size)
            for c in counts
            if c
        ),
        Fraction(0),
    )


def zhang_expected(p, size: int) -> Fraction:
    """Its expectation over multinomial counts, each summed with its probability."""
    total = Fraction(0)
    for counts in product(range(size + 1), repeat=len(p)):
        if sum(counts) == size:
            ways = factorial(size) // prod(map(factorial, counts))
            total += (
                ways * prod((q**c for q, c in zip(p, counts, strict=True)), start=Fraction(1)) * zhang(counts)
            )
    return total


def share(counts) -> Fraction:
    """A of Chao, Wang and Jost."""
    size, once, twice = sum(counts), list(counts).count(1), list(counts).count(2)
    if twice:
        return Fraction(2 * twice, (size - 1) * once + 2 * twice)
    return Fraction(2, (size - 1) * (once - 1) + 2)


def rest(counts) -> float:
    """``t = (f_1/N) int_0^inf e^-u / (z + u) du``, ``z = N A``, in nats."""
    size, once = sum(counts), list(counts).count(1)
    if not once:
        return 0.0
    with mpmath.workdps(30):
        z = mpmath.mpf(size * share(counts).numerator) / share(counts).denominator
        grid = [0, z / 100, z, 1 + z, 10, 40, mpmath.inf]
        value = mpmath.quad(lambda u: mpmath.exp(-u) / (z + u), sorted({mpmath.mpf(g) for g in grid}))
        return float(once * value / size)


def rest_as_published(counts) -> float:
    """``(f_1/N) (1 - A)^(1 - N) [-ln A - sum_{r < N} (1 - A)^r / r]``, in nats."""
    size, once = sum(counts), list(counts).count(1)
    a = share(counts)
    if not once or a == 1:
        return 0.0
    with mpmath.workdps(60):
        q = 1 - mpmath.mpf(a.numerator) / a.denominator
        series = sum((q**r / r for r in range(1, size)), mpmath.mpf(0))
        return float(once * q ** (1 - size) * (-mpmath.log(1 - q) - series) / size)


def estimated(rows, positions) -> float:
    """H(y_S | X) in bits, from rows of a context and the tokens."""

    def joint(columns) -> float:
        counts = list(Counter(tuple(row[j] for j in columns) for row in rows).values())
        return (float(zhang(counts)) + rest(counts)) / log(2)

    return joint((0, *(i + 1 for i in positions))) - joint((0,))


def interval_of_total_correlation(rows) -> tuple[float, float]:
    """The 95 % interval of TC of rows of one context and n >= 2 tokens, sample by sample."""
    size, n = len(rows), len(rows[0]) - 1
    columns = [[row[j] for row in rows] for j in range(1, n + 1)]
    seen = Counter(rows)
    singles = [Counter(column) for column in columns]
    each = [
        log2(seen[row] / size) - sum(log2(singles[i][row[i + 1]] / size) for i in range(n)) for row in rows
    ]
    mean = sum(each) / size
    reach = 1.959963984540054 * sqrt(sum((x - mean) ** 2 for x in each) / size / size)
    reach += (rest(seen.values()) + sum(rest(c.values()) for c in singles)) / log(2)
    u = min(1.0, 3 / size)
    one = u * (1 - log(u)) / log(2)
    value = sum(estimated(rows, [i]) for i in range(n)) - estimated(rows, range(n))
    return max(0.0, value - reach - one), max(0.0, value + reach + (n - 1) * one)

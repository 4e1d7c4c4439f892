r"""Distributions whose subset entropies are known in closed form.

A *structure* gives ``H(y_S)`` of its distribution without listing outcomes. Two functions are enough, also at a
thousand positions:

- the mean ``h_j`` of ``H(y_S)`` over all sets of j positions, as any rational combination ``sum_j w_j h_j``:
  ``H = h_n``, ``TC = n h_1 - h_n``, ``DTC = n h_{n-1} - (n - 1) h_n``, the information curve
  ``Z_j = h_1 + h_{j-1} - h_j``, and the expected divergence of blocks of sizes s_t in random order,
  ``sum_t s_t (h_{N+1} - h_N) - h_n`` with N positions before block t (:mod:`theory.bounds.schedules.random_order`);
- ``L_T`` of any ordered partition, ``sum_t sum_{i in S_t} (H(y_{S_<t + i}) - H(y_{S_<t})) - H(y)`` (Theorem 1 of
  arXiv 2510.04767).

Combinations are formed before logarithms are taken, so the result is a single
:class:`~theory.numbers.lognumber.LogNumber` over the primes up to n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from math import comb, lcm
from operator import mul
from typing import Protocol

from flint import arb, ctx

from theory.limits import Budget
from theory.numbers.balls import to_ball
from theory.numbers.lognumber import LogNumber
from theory.validation import check_sizes

__all__ = [
    "Copies",
    "Exchangeable",
    "IntervalCurve",
    "Structure",
    "block_weights",
    "expected_kl_of",
    "interval_curve",
]

_PRECISION = 160  # bits; a combination of n means loses about 2 log2(n) of them
_TERM, _CURVE = 3e-8, 6  # seconds of a term of a curve; at most, n = 14,000
_SHARE, _SHARES = 3e-8, 30  # seconds of a word of shares; at most, all pairs of n = 49,000 in blocks of 223

Terms = Iterable[tuple[Fraction, Fraction]]  # pairs (c, a) of a sum of c log2(a)


class Structure(Protocol):
    """The subset entropies of a distribution of n positions."""

    @property
    def n(self) -> int:
        """Number of positions."""
        ...

    @property
    def symmetric(self) -> bool:
        """Whether ``H(y_S)`` depends on the size of S alone."""
        ...

    def mean(self, weights: Mapping[int, Fraction]) -> LogNumber:
        """Return ``sum_j w_j h_j`` in bits."""
        ...

    def balls(self) -> list[arb]:
        """Return intervals around ``h_0, ..., h_n`` at the working precision of flint."""
        ...

    def bound(self, partition: Sequence[Sequence[int]]) -> LogNumber:
        """Return ``L_T`` of an ordered partition of ``0..n-1`` in bits."""
        ...


def block_weights(sizes: Sequence[int], n: int) -> dict[int, Fraction]:
    """Return w such that ``sum_j w_j h_j`` is the expected divergence of blocks of these sizes in random order.

    Example:
        >>> {j: int(w) for j, w in block_weights([2, 1], 3).items()}
        {0: -2, 1: 2, 2: -1}
    """
    checked = check_sizes(sizes, n)
    weights = dict.fromkeys(range(n + 1), Fraction(0))
    for before, size in zip(accumulate(checked, initial=0), checked, strict=False):
        weights[before + 1] += size
        weights[before] -= size
    weights[n] -= 1
    return {j: w for j, w in weights.items() if w}


def expected_kl_of(structure: Structure, sizes: Sequence[int]) -> LogNumber:
    """Return ``E L`` over uniformly random ordered partitions with these block sizes, exactly.

    Example:
        >>> shuffle = Exchangeable(3, lambda j: [(Fraction(1), Fraction(4 - j))])
        >>> expected_kl_of(shuffle, [2, 1])
        LogNumber('-log2(2) + log2(3)')
    """
    return structure.mean(block_weights(sizes, structure.n))


@dataclass(frozen=True, eq=False)
class IntervalCurve:
    """Mean entropies in intervals far narrower than a float.

    Attributes:
        means: ``h_0, ..., h_n``.
    """

    means: tuple[arb, ...]

    @property
    def n(self) -> int:
        """The number of positions."""
        return len(self.means) - 1

    @cached_property
    def profile(self) -> tuple[arb, ...]:
        """``f(1), ..., f(n)``."""
        with ctx.workprec(_PRECISION):
            return tuple(after - before for before, after in pairwise(self.means))

    @property
    def z(self) -> list[float]:
        """The information curve ``Z_1, ..., Z_n`` in float64, each within half a unit of its last place or 1e-30."""
        with ctx.workprec(_PRECISION):
            return [_nearest(self.profile[0] - f) for f in self.profile]

    def price(self, sizes: Sequence[int]) -> float:
        """Return the expected divergence of blocks of these (unchecked) sizes, as accurate as ``z``."""
        with ctx.workprec(_PRECISION):
            starts = accumulate(sizes, initial=0)
            terms = (size * self.profile[start] for size, start in zip(sizes, starts, strict=False))
            return _nearest(sum(terms, -self.means[-1]))


def interval_curve(structure: Structure) -> IntervalCurve:
    """Return the curve of a structure.

    Example:
        >>> shuffle = Exchangeable(1000, lambda j: [(Fraction(1), Fraction(1001 - j))])
        >>> round(interval_curve(shuffle).price([2] * 500), 10)
        5.3090008808
    """
    what = f"the information curve of {structure.n} positions"
    Budget(what, "use a smaller n", limit=_CURVE).require(structure.n**2, _TERM)
    with ctx.workprec(_PRECISION):
        return IntervalCurve(tuple(structure.balls()))


def _nearest(value: arb) -> float:
    """Return the float nearest to a narrow interval; 0 where it contains 0 and is narrower than 1e-30."""
    return 0.0 if value.contains(0) else float(value.mid())


@dataclass(frozen=True)
class Exchangeable:
    """``H(y_S) = h_|S|``: Shuffle, Replace Random, MDS codes, a single outcome.

    Attributes:
        n: Number of positions.
        gain: j to ``h_j - h_{j-1}`` as pairs (c, a) of ``sum c log2(a)``.

    Example:
        >>> Exchangeable(3, lambda j: [(Fraction(1), Fraction(4 - j))]).mean({3: Fraction(1)})
        LogNumber('log2(2) + log2(3)')
    """

    n: int
    gain: Callable[[int], Terms]
    symmetric: bool = True

    def mean(self, weights: Mapping[int, Fraction]) -> LogNumber:
        """Return ``sum_j w_j h_j = sum_j (w_j + ... + w_n) (h_j - h_{j-1})``."""
        total: dict[Fraction, Fraction] = {}
        above = Fraction(0)
        for j in range(self.n, 0, -1):
            above += weights.get(j, 0)
            if above:
                for c, a in self.gain(j):
                    total[a] = total.get(a, Fraction(0)) + above * c
        return LogNumber.weighted_sum((c, a) for a, c in total.items())

    def balls(self) -> list[arb]:
        """Return intervals around ``h_0, ..., h_n``."""
        log2 = arb(2).log()
        gains = (
            (to_ball(c) * to_ball(a).log() / log2 for c, a in self.gain(j)) for j in range(1, self.n + 1)
        )
        return list(accumulate((sum(gain, arb(0)) for gain in gains), initial=arb(0)))

    def bound(self, partition: Sequence[Sequence[int]]) -> LogNumber:
        """Return ``L_T``, which depends on the block sizes alone."""
        return expected_kl_of(self, [len(block) for block in partition])


@dataclass(frozen=True)
class Copies:
    """Independent copies of an exchangeable distribution, one after the other: one-hot blocks.

    ``H(y_S) = sum over blocks of h_{|S in the block|}``. A random set of i positions has a hypergeometric number in
    each block, so ``h_i = copies * sum_j C(b, j) C(n - b, i - j) / C(n, i) * h^b_j`` with b the length of a block.
    """

    block: Exchangeable
    copies: int
    symmetric: bool = False

    @property
    def n(self) -> int:
        """Number of positions."""
        return self.block.n * self.copies

    def _counts(self, i: int) -> list[int]:
        """Return ``C(n, b)`` times the probability that j of i random positions lie in a given block, j = 0..b.

        This counts the sets of b positions with j among the first i, which has the same probability in smaller numbers.
        """
        inside, outside = _choices(i, self.block.n), _choices(self.n - i, self.block.n)
        return list(map(mul, inside, reversed(outside)))

    def _require(self, rows: int) -> None:
        """Raise if ``rows`` rows of counts would take too long."""
        b, n = self.block.n, self.n
        cost = (rows + 2) * b * (30 + min(n, b * n.bit_length()) // 64)  # bits of C(n, b), in words
        what = f"the shares of blocks of {b} among {n} positions"
        Budget(what, "use a smaller n", limit=_SHARES).require(cost, _SHARE)

    def mean(self, weights: Mapping[int, Fraction]) -> LogNumber:
        """Return ``sum_j w_j h_j``."""
        self._require(len(weights))
        b, n = self.block.n, self.n
        common = lcm(*(w.denominator for w in weights.values())) if weights else 1
        totals = [0] * (b + 1)
        for i, w in weights.items():
            scale = int(w * common)
            for j, count in enumerate(self._counts(i)):
                totals[j] += scale * count
        whole = common * comb(n, b)
        return self.block.mean({j: Fraction(t * self.copies, whole) for j, t in enumerate(totals) if t})

    def balls(self) -> list[arb]:
        """Return intervals around ``h_0, ..., h_n``."""
        self._require(self.n)
        inner, share = self.block.balls(), arb(self.copies) / comb(self.n, self.block.n)
        counts = map(self._counts, range(self.n + 1))
        return [share * sum(map(mul, row, inner), arb(0)) for row in counts]

    def bound(self, partition: Sequence[Sequence[int]]) -> LogNumber:
        """Return ``L_T``: ``w(i) = h_{j+1} - h_j`` with j of the block of i revealed before."""
        b = self.block.n
        revealed = [0] * self.copies
        weights = dict.fromkeys(range(b + 1), Fraction(0))
        for part in partition:
            for i in part:
                weights[revealed[i // b] + 1] += 1
                weights[revealed[i // b]] -= 1
            for i in part:
                revealed[i // b] += 1
        weights[b] -= self.copies
        return self.block.mean(weights)


def _choices(n: int, most: int) -> list[int]:
    """Return ``C(n, 0), ..., C(n, most)``.

    Example:
        >>> _choices(3, 4)
        [1, 3, 3, 1, 0]
    """
    return list(accumulate(range(1, most + 1), lambda before, j: before * (n + 1 - j) // j, initial=1))

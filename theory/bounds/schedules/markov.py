r"""Mean subset entropies of a Markov chain in random order, with proven errors.

a < b are neighbours in a random j-set with probability ``C(n-1-(b-a), j-2) / C(n, j)``, b is its first position with
``C(n-1-b, j-1) / C(n, j)``. So the mean entropy ``h_j`` of j positions is a weighted sum of the gap entropies g, and
with it the information curve, the expected divergence and the best sizes (:mod:`theory.bounds.schedules.random_order`).

Errors, with ``E(a, b)`` those of g (:mod:`theory.distributions.parametric.markov_errors`) and u, gamma as there. All
terms of ``h_j`` are non-negative: a sum over equal distances, a weight, a product and the sum of the products, each
rounded once, so that

- ``h_j`` is off by at most ``r = gamma_5 h_n`` if the float g are taken as exact, plus the same mean of E.
- The profile ``f(j) = h_j - h_{j-1}`` is the mean over random a, i, b of ``g(a, i) + g(i, b) - g(a, b)``. So E enters
  with at most ``3 max E``, not with the sum of all gaps: bounding both means by themselves would lose a factor n.
- ``Z_j = h_1 - f(j)``: ``4 max E``, three r and two roundings.
- An expected divergence ``sum_t s_t f(N_{t-1} + 1) - h_n``: ``3 n max E`` and the error of ``H(Y)`` from E,
  ``(2 n + 1) r`` from the means, and T + 3 roundings of terms of the size ``sum_t s_t |f| + h_n``.
- Its least value: each cost is off by at most that, and the programme, in float64 on the float profile, prefers sizes
  within ``4 (n + 3) u n h_1`` of its best (:func:`theory.bounds.block_sizes.optimal_sizes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import comb, fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.partitions.markov import approximate_entropy
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.parametric.markov_errors import UNIT
from theory.information.curves.curve import InformationCurve
from theory.numbers.rounding import Approximate, gamma
from theory.validation import check_sizes

__all__ = ["MarkovCurve", "markov_curve"]

_SPARE = 1.02  # covers weights that underflow and the rounding of the bound itself


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkovCurve:
    """The information curve of a Markov chain in float64, with its errors.

    Attributes:
        curve: The mean entropies; its ``error`` bounds that of each.
        spread: The largest error of a gap entropy.
        entropy: ``H(Y)``.
    """

    curve: InformationCurve
    spread: float
    entropy: Approximate

    @property
    def _of_means(self) -> float:
        return gamma(5) * float(self.curve.means[-1])

    @cached_property
    def z_error(self) -> float:
        """A proven bound on the error of every ``Z_j``, bits."""
        size = float(self.curve.means[1]) + 2 * float(self.curve.means[-1])
        return (4 * self.spread + 3 * self._of_means + gamma(3) * size) * _SPARE

    def expected_kl(self, sizes: Sequence[int]) -> Approximate:
        """Return the expected divergence of blocks of these sizes in random order, with a bound on its error."""
        n, checked = self.curve.n, check_sizes(sizes, self.curve.n)
        starts = list(accumulate(checked, initial=0))[:-1]
        size = fsum(s * abs(float(self.curve.profile[i])) for s, i in zip(checked, starts, strict=True))
        inherited = 3 * n * self.spread + self.entropy.error + (2 * n + 1) * self._of_means
        rounded = gamma(len(checked) + 3) * (size + float(self.curve.means[-1]))
        return Approximate(value=float(self.curve.price(checked)), error=(inherited + rounded) * _SPARE)

    def least_error(self, best: Sequence[Sequence[int]]) -> float:
        """Return a proven bound on the error of every least expected divergence, bits, given the best sizes."""
        n = self.curve.n
        chosen = 4 * (n + 3) * UNIT * n * float(self.curve.means[1])
        return max(self.expected_kl(sizes).error for sizes in best) + chosen * _SPARE


def markov_curve(distribution: MarkovDistribution) -> MarkovCurve:
    """Return the information curve of a Markov chain; the weights of the gaps are exact rationals, rounded once.

    Example:
        >>> distribution = MarkovDistribution(n=40, initial=["1/2", "1/2"], transition=[["3/4", "1/4"], ["1/4", "3/4"]])
        >>> found = markov_curve(distribution)
        >>> found.curve.error < 1e-11, found.expected_kl([20, 20]).error < 1e-10
        (True, True)
    """
    n, g, errors = distribution.n, distribution.gap_entropies, distribution.gap_errors
    values, bounds = (np.concatenate([t[0, :n], _by_distance(t, n)]) for t in (g, errors))
    means, largest = [0.0], 0.0
    for j in range(1, n + 1):
        weights = _weights(n, j)
        means.append(fsum((weights * values).tolist()))
        largest = max(largest, fsum((weights * bounds).tolist()))
    error = (largest + gamma(5) * max(means)) * _SPARE
    return MarkovCurve(
        curve=InformationCurve(tuple(means), error),
        spread=float(errors.max()),
        entropy=approximate_entropy(distribution),
    )


def _by_distance(table: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the sum of a table over a, at each distance 1..n-1."""
    return np.array([fsum(table[1 + np.arange(n - d), np.arange(d, n)].tolist()) for d in range(1, n)])


def _weights(n: int, j: int) -> NDArray[np.float64]:
    """Return the probability that b is the first of a j-set, b = 0..n-1, then that of a gap of each distance 1..n-1."""
    sets = comb(n, j)
    first: list[Any] = [comb(n - 1 - b, j - 1) for b in range(n)]
    gaps: list[Any] = [comb(n - 1 - d, j - 2) if j > 1 else 0 for d in range(1, n)]
    return np.array([float(Fraction(count, sets)) for count in first + gaps])

r"""Size of a common random variable that makes one parallel step exact.

A mask with more than one state (Yoo et al., arXiv 2605.10518) lets all positions of one step see a common random W. The
output distribution is then a mixture of products, ``Q = sum_w p(w) prod_i q_i(. | w)``, and ``Q = P`` needs as many
values of W as the *nonnegative rank* of P, the least number of product distributions whose mixture is P. Bounds,
derived here, each with its proof:

- *at least* ``ceil(|V| / R)``, R the size of the largest rectangle in the support V: every product of the mixture lives
  on a rectangle inside V, and together they cover V; and 2 unless P is a product itself;
- *at most* ``min_i |support of y_-i|``, all positions but i: W names ``y_-i``, and ``y_i`` is drawn given it. (It may
  name all of y instead; that is never fewer.)

Where the rest of a sequence determines each token no rectangle is larger than a point, and both are ``|V|``: n! for
Shuffle, n for Replace Random, ``2^(n-1)`` for parity. Independent positions need one value.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.bounds.accuracy.one_step import largest_rectangle
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation

__all__ = ["NoiseValues", "noise_values"]


@dataclass(frozen=True, kw_only=True)
class NoiseValues:
    """Bounds on the least number of values of the shared noise that make one step exact.

    Attributes:
        least: A lower bound.
        enough: An upper bound.
    """

    least: int
    enough: int


def noise_values(pmf: JointPMF) -> NoiseValues:
    """Return bounds on the nonnegative rank of a pmf, the values of shared noise for an exact step.

    Raises:
        CostError: If the largest rectangle is too costly.

    Example:
        >>> from itertools import permutations
        >>> noise_values(JointPMF.uniform(permutations(range(3))))
        NoiseValues(least=6, enough=6)
        >>> noise_values(JointPMF.uniform([(0, 0), (0, 1), (1, 0), (1, 1)]))
        NoiseValues(least=1, enough=1)
    """
    if pmf.n == 1 or len(pmf) == 1 or (pmf.is_exact and total_correlation(pmf) == 0):
        return NoiseValues(least=1, enough=1)
    rest = min(pmf.groups([j for j in range(pmf.n) if j != i]).count for i in range(pmf.n))
    covered = -(-len(pmf) // largest_rectangle(pmf).size)
    return NoiseValues(least=max(2, covered) if pmf.is_exact else covered, enough=rest)

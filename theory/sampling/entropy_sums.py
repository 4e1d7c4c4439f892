"""Sums of entropies estimated from samples, with intervals.

Entropy, total correlation, dual total correlation, ``L_T`` and the information curve are sums
``q = sum_S a_S H(y_S | X)``. All in nats here, N samples, c the counts of the pairs (x, y_S), f_1 and f_2 how many
pairs were seen once and twice:

- *Value* (Chao, Wang and Jost, Methods Ecol. Evol. 4, 2013): ``H = psi(N) - sum (c/N) psi(c) + t``, psi the digamma
  function. The first two terms have the expectation ``sum_{k < N} (1/k) sum_p p (1 - p)^k`` (Zhang, Neural Comput. 24,
  2012), so that what they miss lies on pairs that were hardly seen. ``t = (f_1/N) e^z E_1(z)`` with ``z = N A`` and
  ``A = 2 f_2 / ((N - 1) f_1 + 2 f_2)`` estimates it; for ``f_2 = 0`` the 2 f_2 is 2 and the f_1 is f_1 - 1. (Their sum
  ``sum_{k >= N} (1 - A)^{k - N + 1} / k`` is within a factor ``1 +- 1/N`` or so of this integral.)
  ``H(y_S | X) = H(x, y_S) - H(x)``.
- *Spread* (the delta method): ``r = 1.96 sqrt(V / N)``, V the variance over the samples of
  ``- sum_S a_S log (c_S / N_x)``. Where q lies at an end of its range, as for independent tokens, V would be 0: there
  the error is a chi-square of order 1/N, whose variance V has twice over (Efron and Stein, Ann. Stat. 9, 1981).
- *What was never seen*: t may be off by as much as it is, ``sum |a_S| t_S``. An outcome of probability ``u = 3/N`` is
  missed by N samples with probability ``e^-3 = 5 %``; its entropy, at most ``h = u ln (e/u)``, is allowed for: h times
  the sum of the positive factors upwards and of the negative ones downwards, once at least. (What is new at any set is
  new at the largest, whose factor counts in both.) This also covers the skewness of a chi-square of few degrees of
  freedom.

The interval is ``value - r - t - h .. value + r + t + h``. Samples say nothing about unseen outcomes: where over
a tenth of the samples are the only one of their kind, or for each pair seen twice over six were seen once (the estimate
of what is missing is then a lower bound only), the value is withheld. ``docs/estimates.md`` has the measured coverage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, e, log, log1p, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import group_rows
from theory.sampling.intervals import Estimate
from theory.sampling.observed import Observed

__all__ = ["MOST_UNSEEN", "EntropySum", "estimate_sums", "subset_values"]

MOST_UNSEEN = 0.1  # of the samples may be the only one of their kind
_MOST_SINGLES = 6  # pairs seen once for each seen twice
_MISSED = 3  # an outcome expected so often is missed in exp(-3) = 5 % of samples
_NORMAL = 1.959963984540054  # 97.5 % of the normal distribution

Factors = Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class EntropySum:
    """A sum of entropies as far as the samples determine it.

    Attributes:
        estimate: The value with its 95 % interval, in bits; ``None`` where it is withheld.
        once: How many samples are the only one of their kind, for the set where they are most.
        needed: About how many samples it takes at least; 0 where these are enough.
    """

    estimate: Estimate | None
    once: int
    needed: int


@dataclass(frozen=True, kw_only=True)
class _Counted:
    """The samples seen at some columns: what is estimated from them, in bits."""

    value: float
    unseen: float
    surprisals: NDArray[np.float64]
    once: int
    needed: int


def estimate_sums(seen: Observed, sums: Sequence[Factors]) -> tuple[EntropySum, ...]:
    """Return estimates of sums of entropies that cannot be negative.

    Args:
        seen: The samples.
        sums: For each the factor of ``H(y_S | X)`` by set S, a bit mask; bit i is position i.

    Example:
        >>> seen = Observed.from_rows([("", a, a) for a in "ab"] * 50)
        >>> (total,) = estimate_sums(seen, [{0b01: 1, 0b10: 1, 0b11: -1}])
        >>> [round(bits, 3) for bits in (total.estimate.estimate, total.estimate.low, total.estimate.high)]
        [1.007, 0.812, 1.202]
    """
    wanted = [_with_context(factors, seen.contexts > 1) for factors in sums]
    rows, size = len(sums), seen.size
    value, unseen = [Fraction(0)] * rows, np.zeros(rows)  # exact: equal entropies cancel
    surprisals = np.zeros((rows, len(seen.counts)))
    once, needed = [0] * rows, [0] * rows
    for columns in sorted(set().union(*wanted)):
        counted = _counted(seen, columns)
        for k, factors in enumerate(wanted):
            if factor := factors.get(columns):
                value[k] += Fraction(factor) * Fraction(counted.value)
                unseen[k] += abs(factor) * counted.unseen
                surprisals[k] += factor * counted.surprisals
                once[k], needed[k] = max(once[k], counted.once), max(needed[k], counted.needed)
    shares = seen.counts / size
    missed = min(1.0, _MISSED / size)
    rare = missed * log2(e / missed)
    found: list[EntropySum] = []
    for k, factors in enumerate(wanted):
        mean = float(shares @ surprisals[k])
        error = sqrt(float(shares @ (surprisals[k] - mean) ** 2) / size)
        reach = _NORMAL * error + float(unseen[k])
        up, down = _of_one_unseen(factors)
        middle = float(value[k])
        estimate = Estimate(
            estimate=middle,
            standard_error=error,
            low=middle - reach - rare * down,
            high=middle + reach + rare * up,
        ).at_least(0.0)
        found.append(EntropySum(estimate=None if needed[k] else estimate, once=once[k], needed=needed[k]))
    return tuple(found)


def subset_values(seen: Observed, subsets: Sequence[int]) -> NDArray[np.float64]:
    """Return the estimated ``H(y_S | X)`` of sets S (bit masks), in bits and without an interval."""
    context = _counted(seen, 1).value
    return np.array([_counted(seen, s << 1 | 1).value - context for s in subsets])


def _with_context(factors: Factors, several: bool) -> dict[int, float]:
    """Return the factors by columns: the context is column 0, and ``H(y_S | X) = H(x, y_S) - H(x)``."""
    found = {s << 1 | several: a for s, a in factors.items() if s and a}
    if several and (rest := -sum(found.values())):
        found[1] = rest
    return found


def _of_one_unseen(factors: Factors) -> tuple[float, float]:
    """Return how often the entropy of an outcome never seen may count, upwards and downwards."""
    if not factors:
        return 0.0, 0.0
    top = factors[max(factors)]  # the largest set: the union of the others, wherever there are several
    up = sum(a for a in factors.values() if a > 0) + min(0.0, top)
    down = -sum(a for a in factors.values() if a < 0) - max(0.0, top)
    return max(1.0, up), max(1.0, down)


def _counted(seen: Observed, columns: int) -> _Counted:
    from scipy.special import digamma, hyperu

    at = [j for j in range(seen.n + 1) if columns >> j & 1]
    labels = group_rows(seen.codes, seen.sizes, at).inverse
    counts = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    np.add.at(counts, labels, seen.counts)
    size, once, twice = seen.size, int((counts == 1).sum()), int((counts == 2).sum())
    kinds, times = np.unique(counts, return_counts=True)  # in order: equal counts give the same float
    value = (float(digamma(size)) - float((times * kinds) @ digamma(kinds)) / size) / log(2)
    unseen = 0.0
    if once:
        share = _chao_share(size, once, twice)
        unseen = once / size * float(hyperu(1, 1, size * share)) / log(2)  # U(1, 1, z) = e^z E_1(z)
    return _Counted(
        value=value + unseen,
        unseen=unseen,
        surprisals=log2(size) - np.log2(counts)[labels],
        once=once,
        needed=_needed(size, once, twice),
    )


def _chao_share(size: int, once: int, twice: int) -> float:
    """Return A, the mean probability of the pairs seen once, as Chao, Wang and Jost estimate it."""
    if twice:
        return 2 * twice / ((size - 1) * once + 2 * twice)
    return 2 / ((size - 1) * (once - 1) + 2)


def _needed(size: int, once: int, twice: int) -> int:
    """Return 0 where the samples are enough, else about how many are, at least.

    After m more samples a share ``(f_1/N) (1 - A)^{m + 1}`` is unseen (Chao and Jost, Ecology 93, 2012). Where pairs
    seen once outnumber those seen twice the ratio falls in proportion to the samples, if they are equally rare.
    """
    found = 0.0
    if once > MOST_UNSEEN * size:
        excess = log(once / (MOST_UNSEEN * size))
        found = size - excess / log1p(-_chao_share(size, once, twice)) if once > 1 else 1 / MOST_UNSEEN
    if once > _MOST_SINGLES * (twice + 1):
        found = max(found, size * once / (_MOST_SINGLES * (twice + 1)))
    return ceil(found)

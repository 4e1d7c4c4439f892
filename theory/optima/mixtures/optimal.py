"""The least KL divergence over all mixtures of partitions.

An ordered partition S of the positions draws its blocks one after another, so on the support of P its output
distribution is ``Q^S(y) = prod_t prod_{i in S_t} P(y_i | y_{S_<t})``. A decoder that picks S at random (random top-k,
say) emits ``Qbar = sum_S w_S Q^S``. By convexity ``D(P || Qbar) <= sum_S w_S L_T(S)``, and the left side can be below
the best fixed partition's ``L*_T``: Theorem 2 of arXiv 2510.04767 binds fixed partitions only.

**Optimum and certificate.** ``f(w) = D(P || Qbar_w)`` is convex. With ``M(w) = max_S E_P[Q^S / Qbar_w]``,

    f(w) - log2 M(w)  <=  min f  <=  f(w),        M(w) >= 1, with equality iff w is optimal.

Proof. Let v be optimal. ``f(w) - f(v) = E_P log2(Qbar_v / Qbar_w) <= log2 E_P[Qbar_v / Qbar_w]`` (Jensen), which is
``log2 sum_S v_S E_P[Q^S / Qbar_w] <= log2 M(w)``. ``M >= sum_S w_S E_P[Q^S / Qbar_w] = 1``. At an optimal w the
derivative towards each S, ``(1 - E_P[Q^S / Qbar_w]) / ln 2``, is at least zero: M = 1. The converse is the first line.

**Floor.** ``min f >= -log2 max_S Q^S(V)``, V the support: data processing, and accuracy is linear in the mixture.
Equality holds if the symmetries of P (permutations of positions with renamed tokens) carry every outcome of V to every
other: averaged over them, the most accurate partition gives a distribution that is uniform on V. Unit: bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import comb, inf, nextafter
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.bounds.partitions.partition import Partition
from theory.distributions.given import PartsLike, as_parts
from theory.limits import Budget, require_all
from theory.numbers.arithmetic import Number
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.numbers.rounding import gamma
from theory.optima.mixtures.columns import Columns, Targets, distinct_distributions, parts_of, require_columns
from theory.validation import InputError, positive_int

__all__ = [
    "OptimalMixture",
    "optimal_mixture",
    "optimal_mixtures",
    "ordered_partition_count",
    "require_mixtures",
]

_CELL, _LIMIT = 2.5e-6, 10  # seconds of a partition and a distinct column; at most, 400 MB of rationals
_TARGET = 1e-11  # M - 1 at which the float search stops, a gap of 1.5e-11 bits
_ROUNDS = 200  # Newton rounds; convergence is quadratic, 5 to 30 are usual
_BATCH = 8  # distributions added to the active set in a round
_ROUNDING = 1e-14  # bits; the objective is a mean of logarithms of magnitude up to about ten
_SIMPLE = 10**5  # denominators up to this are tried first, since symmetric optima are rational
_WEIGHT_BITS = 96  # other weights are rounded to multiples of 2^-96, which keeps all digits of small floats
_RATIO_BITS = 80  # the ratios P / Qbar of the certificate are rounded upwards to multiples of 2^-80


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimalMixture:
    """A near-optimal mixture of T-step ordered partitions with its certificate.

    Attributes:
        steps: T, the number of blocks of each partition.
        weights: Partition to weight, with one partition for each distribution; Fractions if verified.
        kl: ``D(P || Qbar)`` of these weights in bits, an upper bound on the optimum, exact if verified.
        lower: A lower bound on the optimum in bits, ``kl - log2(1 + excess)``.
        excess: ``max_S E_P[Q^S / Qbar] - 1`` over *all* T-step partitions, rounded upwards if verified; for floats
            ``log2(1 + excess)`` is within three times ``error``.
        distributions: The number of different distributions among the T-step partitions.
        verified: Whether kl, excess and lower are exact; otherwise they are floats.
        error: A proven bound on the errors of kl and of lower, in bits; zero if verified. The float probabilities,
            and the weights divided by their sum, count as exact.
    """

    steps: int
    weights: Mapping[Partition, Number]
    kl: Bits
    lower: Bits
    excess: Number
    distributions: int
    verified: bool
    error: float = 0.0

    @property
    def gap(self) -> float:
        """The largest distance of ``kl`` to the optimum, ``kl - lower``, in bits; for floats with their errors."""
        if self.verified:
            return float(LogNumber.log2(1 + self.excess))
        return nextafter(float(self.kl) - float(self.lower) + 3 * self.error, inf)  # and one rounding here

    @property
    def is_optimal(self) -> bool:
        """Whether the weights are proven to be exactly optimal; ``kl`` is then the exact optimum."""
        return self.verified and self.excess == 0


def ordered_partition_count(n: int, steps: int) -> int:
    """Return the number of ordered partitions of n positions into T blocks; over all T the Fubini number.

    Example:
        >>> [ordered_partition_count(4, steps) for steps in range(1, 5)]  # 75 in all
        [1, 14, 36, 24]
    """
    return sum((-1) ** j * comb(steps, j) * (steps - j) ** n for j in range(steps + 1))


def optimal_mixtures(pmf: Targets) -> tuple[OptimalMixture, ...]:
    """Return :func:`optimal_mixture` for every T = 1..n.

    Partitions have exactly T blocks, as in Theorem 2. Whether the optimum decreases in T, as ``L*_T`` does, is open.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> [str(best.kl) for best in optimal_mixtures(JointPMF.uniform([(0, 0), (1, 1)]))]
        ['log2(2)', '0']
    """
    require_mixtures(pmf)
    columns = Columns.of(pmf)
    require_all(*(partial(_require, columns.n, len(columns.mass), t) for t in range(1, columns.n + 1)))
    return tuple(_optimum(columns, steps) for steps in range(1, columns.n + 1))


def optimal_mixture(source: PartsLike, steps: int) -> OptimalMixture:
    """Return a mixture of T-step ordered partitions of least KL divergence, with a certificate.

    The weights come from a constrained Newton method (Wang 2007, J. R. Stat. Soc. B 69, on mixing distributions) over
    an active set. Each round adds the distributions that violate the optimality condition most, and ends with one
    multiplicative step ``w_S <- w_S E_P[Q^S / Qbar]`` (EM, Blahut-Arimoto). For an exact pmf the weights are then
    rounded to rationals and the certificate is computed from them exactly.

    Args:
        source: The target, a task, or (weight, pmf) pairs of equal length n: contexts that share one mixture.
        steps: T, from 1 to n.

    Raises:
        CostError: If the partitions, ``ordered_partition_count(n, T)``, times the outcomes exceed the limit.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> pmf = JointPMF.uniform([("F", 1, 2, 3), (0, "F", 2, 3), (0, 1, "F", 3), (0, 1, 2, "F")])
        >>> best = optimal_mixture(pmf, 2)  # the best fixed partition has 0.43383 bits
        >>> best.is_optimal, best.kl, round(float(best.kl), 5)
        (True, LogNumber('5 log2(2) - 3 log2(3)'), 0.24511)
    """
    columns = Columns.of(as_parts(source))
    if positive_int(steps, "steps") > columns.n:
        raise InputError(f"steps must be from 1 to the number of positions, {columns.n}, got {steps}.")
    return _optimum(columns, steps)


def require_mixtures(pmf: Targets) -> None:
    """Raise before :func:`optimal_mixtures` if it would take too long, as far as is known before it starts."""
    parts = parts_of(pmf)
    n, outcomes = max(part.n for _, part in parts), sum(len(part) for _, part in parts)
    require_all(
        *(partial(_require, n, 1, t) for t in range(1, n + 1)),
        partial(require_columns, parts),
        # partitions may tell all outcomes apart
        later=[partial(_require, n, outcomes, t) for t in range(1, n + 1)],
    )


def _require(n: int, outcomes: int, steps: int) -> None:
    count = ordered_partition_count(n, steps) if steps < n else n
    what = f"{count} ordered partitions" + (f" of {outcomes} outcomes" if outcomes > 1 else "")
    Budget(what, "use fewer positions", limit=_LIMIT).require(count * outcomes, _CELL)


def _optimum(columns: Columns, steps: int) -> OptimalMixture:
    _require(columns.n, len(columns.mass), steps)
    rows, chains = zip(*distinct_distributions(columns, steps), strict=True)
    found = _search(*_scaled(rows, columns.mass))
    weights, kl, excess = _certified(columns, rows, found)
    lower = kl - (LogNumber.log2(1 + excess) if columns.exact else float(np.log2(1 + float(excess))))
    public = to_fraction if columns.exact else float
    return OptimalMixture(
        steps=steps,
        weights={chains[j]: public(w) for j, w in sorted(weights.items(), key=lambda item: chains[item[0]])},
        kl=kl,
        lower=lower,
        excess=public(excess),
        distributions=len(rows),
        verified=columns.exact,
        error=0.0 if columns.exact else _rounding_error(columns, rows, weights),
    )


def _rounding_error(columns: Columns, rows: Sequence[Any], weights: Mapping[int, float]) -> float:
    """Return a bound on the errors of ``kl`` and ``lower``, in bits, by counting roundings (``rounding.py``).

    All numbers are positive, so relative errors add up. N outcomes, L weights, K columns: a marginal takes
    ``a = 2 N + 4`` roundings, a distribution n conditionals of ``2 a + 2`` each, Qbar another 3 L, a ratio a + 1, M
    another K; ``|log2(x (1 + t)) - log2 x| <= 1.45 |t|``, and 8 for a logarithm.
    """
    a = 2 * columns.outcomes + 4
    roundings = columns.n * (2 * a + 2) + 3 * len(weights) + 2 * a + len(columns.mass) + 20
    mixed = [sum(w * rows[j][k] for j, w in weights.items()) for k in range(len(columns.mass))]
    changes = np.abs(np.log2(columns.marginals[-1] / np.array(mixed)))
    size = float(np.array(columns.mass) @ changes)
    return gamma(roundings) * (3 * 1.45 + 2 * size)


def _scaled(rows: Sequence[Any], mass: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return distributions and masses in float64 for the search.

    Each outcome is scaled, which does not change the search, and small numbers are raised to 1e-300, so that nothing
    underflows. The certificate is computed from the original numbers.
    """
    largest = [max(row[k] for row in rows) for k in range(len(mass))]
    distributions = [[float(q / top) for q, top in zip(row, largest, strict=True)] for row in rows]
    return np.maximum(np.array(distributions), 1e-300), np.maximum(np.array([float(p) for p in mass]), 1e-300)


def _search(distributions: NDArray[np.float64], mass: NDArray[np.float64]) -> dict[int, float]:
    """Return near-optimal weights by row of ``distributions``, shape (L, K): those of the smallest certificate."""
    active = [int(np.argmax(np.log(distributions) @ mass))]
    weights = np.ones(1)
    best: tuple[float, dict[int, float]] = (np.inf, {})
    for _ in range(_ROUNDS):
        score = distributions @ (mass / (weights @ distributions[active]))
        if score.max() < best[0]:
            best = (float(score.max()), dict(zip(active, weights.tolist(), strict=True)))
        if best[0] <= 1 + _TARGET:
            break
        joining = [j for j in np.argsort(-score)[:_BATCH].tolist() if score[j] > 1 and j not in active]
        active += joining
        weights = _newton_step(distributions[active], mass, np.append(weights, np.zeros(len(joining))))
        weights = weights * (distributions[active] @ (mass / (weights @ distributions[active])))
        kept = np.flatnonzero(weights)
        active, weights = [active[j] for j in kept], weights[kept] / weights.sum()
    return best[1]


def _newton_step(
    distributions: NDArray[np.float64], mass: NDArray[np.float64], weights: NDArray[Any]
) -> NDArray[Any]:
    """Minimise the quadratic model of the objective over the simplex, with a line search.

    With ``R = Q^S / Qbar`` the model is ``sum_k mass_k (sum_S v_S R_Sk - 2)^2 / 2`` up to a constant; on the simplex
    it is ``|B v|^2`` with ``B = sqrt(mass) (R - 2)``, and ``min |B v|^2 + (sum v - 1)^2`` over v >= 0 has the same
    direction (Dax 1990).
    """
    from scipy.optimize import nnls

    model = np.sqrt(mass)[:, None] * ((distributions / (weights @ distributions)).T - 2)
    try:
        goal, _ = nnls(np.vstack([model, np.ones(len(weights))]), np.append(np.zeros(len(mass)), 1.0))
    except RuntimeError:  # it cycled; the multiplicative step alone still makes progress
        return weights
    goal /= goal.sum()
    start, share = float(mass @ np.log2(weights @ distributions)), 1.0
    while share > _ROUNDING:
        trial = (1 - share) * weights + share * goal
        if float(mass @ np.log2(trial @ distributions)) >= start - _ROUNDING:
            return trial
        share /= 2
    return weights


def _certified(columns: Columns, rows: Sequence[Any], found: Mapping[int, float]) -> tuple[Any, Any, Any]:
    """Return rational weights with their divergence and ``M - 1``: simple ones if optimal, else close ones."""
    if not columns.exact:
        return dict(found), *_certificate(columns, rows, found)
    simple = {j: Fraction(w).limit_denominator(_SIMPLE) for j, w in found.items()}
    if sum(simple.values()) == 1:
        weights = {j: to_fmpq(w) for j, w in simple.items() if w}
        kl, excess = _certificate(columns, rows, weights)
        if excess == 0:
            return weights, kl, excess
    counts = {j: round(w * 2**_WEIGHT_BITS) for j, w in found.items()}
    weights = {j: fmpq(count, sum(counts.values())) for j, count in counts.items() if count}
    return weights, *_certificate(columns, rows, weights)


def _certificate(columns: Columns, rows: Sequence[Any], weights: Mapping[int, Any]) -> tuple[Any, Any]:
    """Return ``D(P || Qbar)`` and ``M - 1``, exact or rounded upwards for exact columns."""
    mixed = [sum(w * rows[j][k] for j, w in weights.items()) for k in range(len(columns.mass))]
    ratios = [m / q for m, q in zip(columns.mass, mixed, strict=True)]
    changes = columns.marginals[-1] / np.array(mixed)
    if not columns.exact:
        return float(np.array(columns.mass) @ np.log2(changes)), _largest(rows, ratios) - 1
    unit = 1 << _RATIO_BITS
    above = [fmpq((r * unit).ceil(), unit) for r in ratios]  # short rationals keep the sums short
    excess = _largest(rows, above) - 1
    if excess * 2**60 < 1:  # perhaps an exact optimum, where M = 1
        excess = _largest(rows, ratios) - 1
    return LogNumber.weighted_sum(zip(columns.mass, changes, strict=True)), excess


def _largest(rows: Sequence[Any], ratios: Sequence[Any]) -> Any:
    return max(sum(a * b for a, b in zip(row, ratios, strict=True)) for row in rows)

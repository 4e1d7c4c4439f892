r"""The greatest accuracy of a decoder whose output has a given entropy.

**Any distribution.** Given ``Q(V) = a``, the entropy is at most ``H_b(a) + a log2 |V| + (1 - a) log2(N - |V|)``, N
the number of all sequences, attained by the distribution that is uniform on V and off V. It falls with a from ``a =
|V| / N`` on; up to ``h = log2 |V|`` accuracy 1 is possible.

**One step.** A decoder that draws everything at once has a product distribution. There accuracy 1 is possible iff h is
at most ``log2`` of the largest rectangle inside V (:func:`theory.bounds.accuracy.one_step.largest_rectangle`), and
``Q(V)`` is not concave. The value is therefore bracketed: from below by a rational product distribution, whose accuracy
and entropy are decided exactly; from above by branch and bound (:mod:`theory.bounds.accuracy.diversity_search`). The
difference between the two frontiers is what several steps can gain. Unit: bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.accuracy.diversity_search import Boxes, least_share
from theory.bounds.accuracy.one_step import largest_rectangle, require_rectangle
from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.pmf import JointPMF
from theory.limits import Budget, require_all
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["DiversityPoint", "entropy_at_accuracy", "most_accurate", "most_accurate_of_any"]

_BOXES = 100_000
_POSITION, _TOKEN, _CELL = 1.5e-5, 3e-6, 4e-8  # seconds of a box: for a position, a token, an outcome at one
_STEP, _CUBE, _FACTOR = 3e-4, 2e-9, 1e-7  # seconds of a local step: its own, all tokens^3, an outcome at one
_STEPS = 200  # of the local search, from each start
_UNIT = 1 << 24  # probabilities of the distribution are multiples of 2^-24
_STARTS = 12  # starting points of the local search

Distribution = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True, kw_only=True)
class DiversityPoint:
    """Bounds on the greatest accuracy of a product distribution, between ``accuracy`` and ``ceiling``.

    Attributes:
        entropy: h, the least entropy asked for, bits.
        accuracy: ``Q(V)`` of ``distribution``, exact.
        ceiling: A proven upper bound on ``Q(V)`` of every product distribution of entropy h or more.
        distribution: A product distribution of entropy h or more, decided exactly: for each position the
            probabilities of the tokens, in the order of the alphabet.
    """

    entropy: LogNumber
    accuracy: Fraction
    ceiling: float
    distribution: Distribution

    @property
    def gap(self) -> float:
        """``ceiling - accuracy``."""
        return self.ceiling - float(self.accuracy)


def entropy_at_accuracy(valid: int, total: int, accuracy: Any) -> LogNumber:
    """Return the largest entropy of a distribution on ``total`` outcomes with ``Q(V) = accuracy``, ``|V| = valid``.

    Example:
        >>> entropy_at_accuracy(2, 4, 1), entropy_at_accuracy(2, 4, "1/2")
        (LogNumber('log2(2)'), LogNumber('2 log2(2)'))
    """
    inside, everything = positive_int(valid, "valid"), positive_int(total, "total")
    a = exact_fraction(accuracy, "accuracy")
    if inside > everything or not 0 <= a <= 1 or (inside == everything and a != 1):
        raise InputError(f"no distribution on {total} outcomes has Q(V) = {accuracy} with |V| = {valid}.")
    parts = [(a, inside), (1 - a, everything - inside)]
    return LogNumber.weighted_sum((p, size / p) for p, size in parts if p)


def most_accurate_of_any(valid: int, total: int, entropy: Any) -> tuple[float, float]:
    """Return a lower and an upper float for the greatest ``Q(V)`` of any distribution with ``H(Q) >= entropy``.

    Example:
        >>> most_accurate_of_any(2, 4, 1), most_accurate_of_any(2, 4, 2)
        ((1.0, 1.0), (0.5, 0.5))
    """
    h = _bits(entropy)
    if h <= LogNumber.log2(valid):
        return 1.0, 1.0
    if h > LogNumber.log2(total):
        raise InputError(f"no distribution on {total} outcomes has an entropy of {float(h):.6g} bits.")
    low, high = Fraction(valid, total), Fraction(1)  # entropy falls from log2(total) to log2(valid)
    if h == LogNumber.log2(total):
        return _below(low), _above(low)
    while high - low > Fraction(1, 1 << 40):
        middle = Fraction(round((low + high) / 2 * 2**48), 2**48)
        low, high = (middle, high) if entropy_at_accuracy(valid, total, middle) >= h else (low, middle)
    return _below(low), _above(high)


def _below(value: Fraction) -> float:
    return near if (near := float(value)) <= value else nextafter(near, 0.0)


def _above(value: Fraction) -> float:
    return near if (near := float(value)) >= value else nextafter(near, 2.0)


def most_accurate(
    source: PMFLike, entropy: Any, *, tolerance: float = 1e-3, boxes: int = _BOXES
) -> DiversityPoint:
    """Return the frontier of one-step decoders at an entropy; V is the support of the distribution.

    Args:
        source: A pmf, or what :func:`theory.distributions.given.as_pmf` makes one of. Its support is V, its
            alphabets are what may be drawn.
        entropy: h: rational bits or a LogNumber, from 0 to ``sum_i log2 |V_i|``.
        tolerance: The gap at which the search stops.
        boxes: The number of boxes after which it stops in any case.

    Raises:
        CostError: If outcomes, positions or tokens are too many.

    Example:
        >>> point = most_accurate(JointPMF.uniform([(0, 1), (1, 0)]), 1)  # an order of two items
        >>> point.accuracy <= point.ceiling < point.accuracy + Fraction(1, 500)
        True
        >>> round(float(point.accuracy), 2)
        0.8
    """
    pmf, h = as_pmf(source), _bits(entropy)
    widths = [len(alphabet) for alphabet in pmf.alphabets]
    most = LogNumber.log2(prod(widths))
    if not 0 <= h <= most:
        raise InputError(f"the entropy must lie from 0 to {float(most):.6g} bits, got {float(h):.6g}.")
    cells, tokens = len(pmf) * pmf.n, sum(widths)
    seconds = boxes * (_POSITION * pmf.n + _TOKEN * tokens + _CELL * cells)
    seconds += _STARTS * _STEPS * (_STEP + _CUBE * tokens**3 + _FACTOR * cells)
    budget = Budget("the diversity frontier", "use fewer outcomes, positions or tokens")
    require_all(lambda: budget.require(seconds), lambda: require_rectangle(pmf))
    rectangle = largest_rectangle(pmf)
    if h <= rectangle.entropy:
        flat = [
            tuple(Fraction(token in side, len(side)) for token in alphabet)
            for alphabet, side in zip(pmf.alphabets, rectangle.sides, strict=True)
        ]
        return DiversityPoint(entropy=h, accuracy=Fraction(1), ceiling=1.0, distribution=tuple(flat))
    flat = tuple((Fraction(1, width),) * width for width in widths)
    if h == most:
        share = Fraction(len(pmf), prod(widths))
        return DiversityPoint(entropy=h, accuracy=share, ceiling=_above(share), distribution=flat)
    search = Boxes(widths, pmf.codes, float(h))
    distributions = [
        _feasible(distribution, widths, h) for distribution in _local_optima(search, widths, float(h))
    ]
    best = max([flat, *distributions], key=lambda distribution: _accuracy(pmf, distribution))
    accuracy = _accuracy(pmf, best)
    known = most_accurate_of_any(len(pmf), prod(widths), h)[1]
    ceiling = search.ceiling(_above(accuracy), tolerance, boxes, known)
    return DiversityPoint(entropy=h, accuracy=accuracy, ceiling=ceiling, distribution=best)


def _bits(value: Any) -> LogNumber:
    return value if isinstance(value, LogNumber) else LogNumber.rational(exact_fraction(value, "entropy"))


def _accuracy(pmf: JointPMF, distribution: Distribution) -> Fraction:
    one = Fraction(1)
    rows = pmf.codes.tolist()
    return sum(
        (prod((distribution[i][v] for i, v in enumerate(row)), start=one) for row in rows), Fraction(0)
    )


def _entropy(distribution: Distribution) -> LogNumber:
    return LogNumber.weighted_sum((p, 1 / p) for row in distribution for p in row if p)


def _local_optima(search: Boxes, widths: Sequence[int], h: float) -> Iterator[NDArray[np.float64]]:
    """Yield local optima found by SLSQP from fixed starting points."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    total = search.sides[-1].stop
    inside = np.zeros((len(widths), total))
    for row, part in zip(inside, search.sides, strict=True):
        row[part] = 1
    sums = {"type": "eq", "fun": lambda q: inside @ q - 1, "jac": lambda _: inside}
    least = {
        "type": "ineq",
        "fun": lambda q: float(np.sum(-q * np.log2(np.maximum(q, 1e-12)))) - h,
        "jac": lambda q: -np.log2(np.e * np.maximum(q, 1e-12)),
    }
    around = np.linspace(0, len(search.columns) - 1, _STARTS).astype(np.int64)
    share = least_share(np.array(widths), h * (1 + 2.0**-40))
    for number, outcome in enumerate(search.columns[around]):
        start = np.concatenate([rng.dirichlet(np.full(width, 0.7)) for width in widths])
        if number % 2:  # far from all outcomes Q(V) is flat
            start = np.concatenate([np.full(width, share / width) for width in widths])
            start[outcome] += 1 - share
            yield start
        found: Any = minimize(
            lambda q: -float(search.accuracy(q[None])[0]),
            start,
            jac=lambda q: -search.weights(q[None])[0],
            method="SLSQP",
            bounds=[(1e-9, 1.0)] * total,
            constraints=[sums, least],
            options={"maxiter": _STEPS, "ftol": 1e-12},
        )
        if np.isfinite(found.x).all():
            yield np.asarray(found.x, dtype=np.float64)


def _feasible(point: NDArray[np.float64], widths: Sequence[int], h: LogNumber) -> Distribution:
    """Return a rational distribution near a point, mixed with the uniform one until its entropy is at least h."""
    rows: list[list[Fraction]] = []
    start = 0
    for width in widths:
        counts = [max(0, round(x * _UNIT)) for x in point[start : start + width].tolist()]
        rows.append([Fraction(c, sum(counts) or 1) if sum(counts) else Fraction(1, width) for c in counts])
        start += width
    share = Fraction(0)
    while True:
        distribution = tuple(tuple(p * (1 - share) + share / len(row) for p in row) for row in rows)
        if share >= 1 or _entropy(distribution) >= h:
            return distribution
        share = min(Fraction(1), max(4 * share, Fraction(1, _UNIT)))

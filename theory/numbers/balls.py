"""Ball arithmetic, in which every result carries a proven error.

A *ball* (``arb`` of python-flint, F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval
arithmetic", IEEE Trans. Comput. 66(8), 2017, arXiv 1611.02831) is a midpoint of 128 bits and a radius; every
operation returns a ball that contains all results for arguments in the given balls. Balls replace the
rationals of an exact decode: tempered marginals, masses and divergences. A result becomes the float nearest
to the midpoint. Its error is the distance to the far end of the ball, rounded upwards, so it includes the
rounding to float64.

*Decisions* (which positions, which tokens are kept) never come from balls: exact scores are compared exactly, float
scores within 1e-9. Floats of a pmf are read as exact numbers, divided by their exact sum. A rule with irrational
chances computes them with :func:`theory.policies.view.reals`: balls in the exact decoder, in a sampler the floats it
is given.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, isinf, nextafter
from typing import Any, TypeVar

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from theory.numbers.distinct import distinct_rows
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.numbers.rounding import Approximate
from theory.validation import InputError

__all__ = [
    "BALLS",
    "PRECISION",
    "BallNumbers",
    "approximate",
    "ball_entropy",
    "ball_key",
    "ball_precision",
    "distribution_with_error",
    "is_zero",
    "public",
    "to_ball",
    "with_errors",
]

_Key = TypeVar("_Key")

PRECISION = 128  # bits: thousands of operations lose about ten of the 75 beyond float64


@contextmanager
def ball_precision() -> Generator[None]:
    """Compute with :data:`PRECISION` bits inside the ``with`` block."""
    with ctx.workprec(PRECISION):
        yield


def to_ball(value: Any) -> arb:
    """Return a number of any kind as a ball; floats and integers are taken exactly.

    Example:
        >>> from fractions import Fraction
        >>> to_ball(0.5) == to_ball(Fraction(1, 2))
        True
    """
    if isinstance(value, (arb, float, int)):
        return arb(value)
    if isinstance(value, LogNumber):
        return value.interval(PRECISION)
    return arb(to_fmpq(value))


@dataclass(frozen=True)
class BallNumbers:
    """Balls in numpy object arrays."""

    xp: Any = np
    tolerance: int = 0  # not read: balls decide nothing

    def const(self, value: Any) -> Any:
        """Return ``value`` as a ball."""
        return to_ball(value)

    def array(self, values: Iterable[Any]) -> NDArray[Any]:
        """Return a flat array of the values as balls."""
        return np.fromiter(map(to_ball, values), dtype=object)

    def converted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return an array as balls; an object that occurs several times is converted once and stays shared."""
        values = np.asarray(values)
        flat = values.reshape(-1)
        if values.dtype != np.dtype(object):
            return self.array(flat.tolist()).reshape(values.shape)
        first, index = distinct_rows(flat.reshape(-1, 1))
        return self.array(flat[first].tolist())[index].reshape(values.shape)

    def ratio(self, numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[Any]:
        """Return the quotients of balls or int64."""
        return (numerator if numerator.dtype == np.dtype(object) else self.converted(numerator)) / denominator

    def entropy(self, probs: NDArray[Any]) -> NDArray[Any]:
        """Return ``-sum p log2 p`` along the last axis, with ``0 log 0 = 0``."""
        rows = probs.reshape(-1, probs.shape[-1])
        sums = (sum((-p * p.log() for p in row[~is_zero(row)].tolist()), arb(0)) for row in rows)
        return np.fromiter((total / arb(2).log() for total in sums), dtype=object).reshape(probs.shape[:-1])

    def floats(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the nearest float64 of each midpoint."""
        out = np.array([float(to_ball(value).mid()) for value in values.reshape(-1).tolist()])
        return out.reshape(values.shape)


BALLS = BallNumbers()


def ball_key(value: Any) -> Any:
    """Return midpoint and radius of a ball, which are equal for equal balls; other values as they are.

    Example:
        >>> third = to_ball(fmpq(1, 3))
        >>> ball_key(third) == ball_key(to_ball(fmpq(1, 3))), third == third  # equality of numbers is not known
        (True, False)
    """
    return (*value.mid().man_exp(), *value.rad().man_exp()) if isinstance(value, arb) else value


def is_zero(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which numbers are certainly zero; a ball around zero may hold other numbers."""
    return np.asarray(values == 0, dtype=bool)


def approximate(ball: Any) -> Approximate:
    """Return the midpoint of a ball as a float, with a bound on its distance to every number of the ball.

    Example:
        >>> from fractions import Fraction
        >>> with ball_precision():
        ...     third = approximate(to_ball(Fraction(1, 3)))
        >>> third.value == 1 / 3, 0 < third.error < 2.0**-54
        (True, True)
    """
    ball = to_ball(ball)
    if not ball.is_finite():
        raise InputError("a result is not finite in ball arithmetic; use a temperature nearer to 1.")
    value = float(ball.mid())
    if isinf(value):
        raise InputError("a result is beyond the range of float64; use a temperature nearer to 1.")
    with ball_precision():
        far = (ball - arb(value)).abs_upper()
    error = 0.0 if far == 0 else nextafter(float(far), inf)
    return Approximate(value=value, error=error)


def public(value: Any) -> Any:
    """Return a number as users see it: a Fraction, LogNumber, or float for a ball; anything else unchanged."""
    if isinstance(value, arb):
        return approximate(value).value
    return to_fraction(value) if isinstance(value, fmpq) else value


def with_errors(values: Mapping[_Key, Any]) -> tuple[dict[_Key, Any], dict[_Key, float]]:
    """Return numbers as users see them, and bounds on the errors of the balls among them.

    Example:
        >>> with_errors({"half": fmpq(1, 2), "third": arb(1) / 3})[0]
        {'half': Fraction(1, 2), 'third': 0.3333333333333333}
    """
    found = {key: approximate(value) for key, value in values.items() if isinstance(value, arb)}
    shown = {key: found[key].value if key in found else public(value) for key, value in values.items()}
    return shown, {key: x.error for key, x in found.items()}


def distribution_with_error(distribution: Mapping[int, Any]) -> tuple[dict[int, Any], float]:
    """Return probabilities as users see them, in ascending order of their keys, and a bound on the error of each."""
    shown, errors = with_errors({key: distribution[key] for key in sorted(distribution)})
    return shown, max(errors.values(), default=0.0)


def ball_entropy(weights: NDArray[Any]) -> arb:
    """Return ``H`` in bits of the distribution proportional to positive weights (exact, or floats read as such).

    ``H = log2 D - (1/D) sum w log2 w`` with D their sum.

    Example:
        >>> round(approximate(ball_entropy(np.array([0.25, 0.25, 0.25]))).value, 15)
        1.584962500721156
    """
    found, counts = np.unique(weights, return_counts=True)
    with ball_precision():
        w = BALLS.array(found.tolist())
        total = (w * counts.astype(object)).sum()
        logs = sum((a * int(c) * a.log() for a, c in zip(w.tolist(), counts.tolist(), strict=True)), arb(0))
        return (total.log() - logs / total) / arb(2).log()

"""Sampling distributions from marginals, in ball arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.distributions.tempering import Transform, normalised_powers
from theory.numbers.arithmetic import Numbers
from theory.numbers.balls import ball_array
from theory.numbers.rationals import to_fmpq

__all__ = ["drawn_balls", "scored_balls", "tempered_balls"]

_ZERO: Any = arb(0)


def tempered_balls(probs: NDArray[Any], temperature: Fraction) -> NDArray[Any]:
    """Return ``p^(1/tau) / sum p^(1/tau)`` along the last axis, for balls p; rows of zeros stay.

    Args:
        probs: Exact zeros, and balls of positive numbers; any positive multiple of the marginals will do.
        temperature: tau > 0.
    """
    inverse = 1 / temperature
    return normalised_powers(probs, inverse.numerator if inverse.denominator == 1 else to_fmpq(inverse))


def drawn_balls(
    transform: Transform, probs: NDArray[Any], numbers: Numbers, exact: NDArray[Any]
) -> NDArray[Any]:
    """Return the distributions that tokens are drawn from, as balls.

    Args:
        transform: Temperature and truncation.
        probs: The marginals as the rules read them, which decide the best tokens and those kept.
        numbers: The kind of number in ``probs``.
        exact: The same marginals as balls, zero where ``probs`` is; equal rows may share their objects.
    """
    if not transform.temperature:
        best = np.asarray(transform.draw(probs, numbers) != 0)
        counts = best.sum(axis=-1, keepdims=True)
        shares = ball_array([0, *(Fraction(1, c) for c in range(1, best.shape[-1] + 1))])
        return np.where(best, shares[counts], _ZERO)
    return _cut(transform, probs, numbers, exact, transform.temperature)


def scored_balls(
    transform: Transform, probs: NDArray[Any], numbers: Numbers, exact: NDArray[Any]
) -> NDArray[Any]:
    """Return the distributions that rules read (:meth:`theory.distributions.tempering.Transform.scores_read`) as balls.

    Args:
        transform: Temperature, truncation, and whether rules read before or after them.
        probs: As in :func:`drawn_balls`.
        numbers: As in :func:`drawn_balls`.
        exact: As in :func:`drawn_balls`.
    """
    if transform.scored == "before":
        return exact
    return _cut(transform, probs, numbers, exact, transform.temperature or Fraction(1))


def _cut(
    transform: Transform, probs: NDArray[Any], numbers: Numbers, exact: NDArray[Any], temperature: Fraction
) -> NDArray[Any]:
    """Return tempered balls (tau > 0) without the tokens that truncation leaves out."""
    q = exact if temperature == 1 else tempered_balls(exact, temperature)
    kept = transform.kept(probs, numbers)
    return q if kept is None else tempered_balls(np.where(kept, q, _ZERO), Fraction(1))

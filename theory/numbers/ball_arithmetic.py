"""Balls as the numbers of a rule with irrational chances.

In the exact decoder such a rule computes with balls (:mod:`theory.numbers.balls`), in a sampler with the
floats it is given: ``reals`` of :class:`~theory.policies.view.View` and :class:`~theory.policies.run_batch.RunBatch`
returns the marginals with their kind of number. Balls are never compared: decisions come from the exact or
float marginals.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, fmpz

from theory.numbers.arithmetic import TIE_TOLERANCE, Array
from theory.numbers.balls import is_zero, to_ball, zeros_of

__all__ = ["BALLS", "BallNumbers", "ball_key"]


@dataclass(frozen=True)
class BallNumbers:
    """Balls in numpy object arrays."""

    xp: Any = np
    tolerance: float = TIE_TOLERANCE

    def const(self, value: Fraction | int) -> arb:
        """Return ``value`` as a ball."""
        return to_ball(value)

    def ratio(self, numerator: Array, denominator: Array) -> Array:
        """Return the quotients."""
        return numerator / denominator

    def entropy(self, probs: Array) -> Array:
        """Return ``-sum p log2 p`` along the last axis, with ``0 log 0 = 0``."""
        flat = probs.reshape(-1, probs.shape[-1])
        out = zeros_of(len(flat))
        for j, row in enumerate(flat):
            out[j] = sum((-p * p.log() for p in row[~is_zero(row)].tolist()), arb(0)) / arb(2).log()
        return out.reshape(probs.shape[:-1])

    def floats(self, values: Array) -> Array:
        """Return the nearest float64 of each midpoint."""
        out = np.array([float(to_ball(value).mid()) for value in values.reshape(-1).tolist()])
        return out.reshape(values.shape)


BALLS = BallNumbers()


def ball_key(ball: arb) -> tuple[fmpz, ...]:
    """Return midpoint and radius, which are equal for equal balls.

    Example:
        >>> third = to_ball(Fraction(1, 3))
        >>> ball_key(third) == ball_key(to_ball(Fraction(1, 3))), third == third  # equality of numbers is not known
        (True, False)
    """
    return (*ball.mid().man_exp(), *ball.rad().man_exp())

"""The fewest steps at a divergence of at most epsilon: the depth ``D_epsilon`` of Wen, Liang, Lu (arXiv 2608.25505).

- *worst case*: ``min max R`` over the adaptive policies of divergence epsilon or less, the least T with
  ``V_T <= epsilon`` (:func:`theory.adaptive.cap.adaptive_bounds`).
- *expected*: ``min E_P R`` on the frontier, that is over policies that may choose one of two at random and remember
  which. At a vertex a single deterministic policy attains it; between vertices a deterministic one may need more.

Epsilon 0 is the serial depth. Between vertices the expected steps are a quotient of two logarithms: a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from theory._checks import InputError, exact_fraction
from theory.adaptive.cap import adaptive_bounds
from theory.adaptive.frontier import frontier
from theory.adaptive.graph import StateGraph, state_graph
from theory.adaptive.ledger import CLOSE
from theory.arithmetic import Number
from theory.correlation import Bits
from theory.lognumber import LogNumber
from theory.pmf import JointPMF

__all__ = ["DepthWithin", "depth_within"]


@dataclass(frozen=True, kw_only=True)
class DepthWithin:
    """The fewest steps at a divergence of at most epsilon.

    Attributes:
        expected: Least expected number of steps along trajectories of the data; exact at a vertex of the frontier of an
            exact pmf, else a float.
        worst_case: Least number of steps that suffices on every trajectory.
    """

    expected: Number
    worst_case: int


def depth_within(source: JointPMF | StateGraph, epsilon: Any) -> DepthWithin:
    """Return the fewest steps, expected and in the worst case, at a divergence of at most epsilon.

    Args:
        source: A pmf, or its graph where several optima are asked for.
        epsilon: Bits, at least 0: a LogNumber or a rational, compared exactly for an exact pmf; a float pmf is compared
            within 1e-9 bits.

    Example:
        >>> from itertools import permutations
        >>> three = JointPMF.uniform(permutations(range(3)))
        >>> depth_within(three, LogNumber.log2("3/2")), depth_within(three, 0).worst_case
        (DepthWithin(expected=Fraction(2, 1), worst_case=2), 3)
    """
    allowed = epsilon if isinstance(epsilon, LogNumber) else exact_fraction(epsilon, "epsilon")
    if allowed < 0:
        raise InputError(f"epsilon must be at least 0, got {epsilon}.")
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    bits = LogNumber.rational(allowed) if not isinstance(allowed, LogNumber) else allowed
    values = adaptive_bounds(graph).values
    worst = next(t for t, value in enumerate(values, start=1) if _at_most(value, bits))
    return DepthWithin(expected=_expected(frontier(graph).vertices, bits), worst_case=worst)


def _expected(vertices: Any, bits: LogNumber) -> Number:
    if _at_most(vertices[0].kl, bits):
        return vertices[0].steps_under_data
    for left, right in pairwise(vertices):
        if _at_most(right.kl, bits):
            if _at_most(bits, right.kl):
                return right.steps_under_data
            share = _difference(left.kl, bits) / _difference(left.kl, right.kl)
            return float(left.steps_under_data) * (1 - share) + float(right.steps_under_data) * share
    return vertices[-1].steps_under_data  # zero up to rounding


def _at_most(a: Bits, b: Bits) -> bool:
    if isinstance(a, LogNumber) and isinstance(b, LogNumber):
        return a <= b
    return float(a) <= float(b) + CLOSE


def _difference(a: Bits, b: Bits) -> float:
    if isinstance(a, LogNumber) and isinstance(b, LogNumber):
        return float(a - b)
    return float(a) - float(b)

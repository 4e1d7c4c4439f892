"""The fewest steps at a divergence of at most epsilon: the depth ``D_epsilon`` of Wen, Liang, Lu (arXiv 2608.25505).

- *worst case*: ``min max R`` over the adaptive policies of divergence epsilon or less, the least T with
  ``V_T <= epsilon`` (:func:`theory.adaptive.cap.adaptive_bounds`).
- *expected*: ``min E_P R`` on the frontier, that is over policies that may choose one of two at random and remember
  which. At a vertex a single deterministic policy attains it; between vertices a deterministic one may need more.

Epsilon 0 is the serial depth. Between vertices the expected steps are a quotient of two logarithms: a float.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from theory._checks import InputError, exact_fraction
from theory.adaptive.cap import adaptive_bounds
from theory.adaptive.depth import serial_depth
from theory.adaptive.frontier import Frontier, Vertex, frontier
from theory.adaptive.graph import StateGraph, state_graph
from theory.adaptive.ledger import CLOSE
from theory.arithmetic import Number
from theory.balls import approximate, ball_precision, to_ball
from theory.correlation import Bits
from theory.lognumber import LogNumber
from theory.pmf import JointPMF
from theory.rounding import Approximate

__all__ = ["DepthWithin", "depth_within"]


@dataclass(frozen=True, kw_only=True)
class DepthWithin:
    """The fewest steps at a divergence of at most epsilon.

    Attributes:
        expected: Least expected number of steps along trajectories of the data; exact at a vertex of the frontier of an
            exact pmf, else a float.
        worst_case: Least number of steps that suffices on every trajectory.
        error: A bound on the error of a float ``expected``; else zero.
    """

    expected: Number
    worst_case: int
    error: float = 0.0


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
        (DepthWithin(expected=Fraction(2, 1), worst_case=2, error=0.0), 3)
    """
    allowed = epsilon if isinstance(epsilon, LogNumber) else exact_fraction(epsilon, "epsilon")
    if allowed < 0:
        raise InputError(f"epsilon must be at least 0, got {epsilon}.")
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    bits = LogNumber.rational(allowed) if not isinstance(allowed, LogNumber) else allowed
    values = adaptive_bounds(graph).values
    worst = next(t for t, value in enumerate(values, start=1) if _at_most(value, bits))
    if graph.pmf.is_exact:
        found = _exact_steps(frontier(graph).vertices, bits)
        if isinstance(found, Approximate):
            return DepthWithin(expected=found.value, worst_case=worst, error=found.error)
        return DepthWithin(expected=found, worst_case=worst)
    found = _float_steps(graph, float(bits))
    return DepthWithin(expected=found.value, worst_case=worst, error=found.error)


def _exact_steps(vertices: Sequence[Vertex], bits: LogNumber) -> Number | Approximate:
    for vertex in vertices:
        if vertex.kl == bits or (vertex is vertices[0] and vertex.kl <= bits):
            return vertex.steps_under_data
    left, right = next(pair for pair in pairwise(vertices) if pair[1].kl < bits)
    with ball_precision():
        a, b, c = (to_ball(x) for x in (left.kl, bits, right.kl))
        share, (start, stop) = (a - b) / (a - c), (to_ball(v.steps_under_data) for v in (left, right))
        return approximate(start * (1 - share) + stop * share)


def _float_steps(graph: StateGraph, bits: float) -> Approximate:
    """Return the steps on a float frontier, between those at ``bits`` give or take the error of the frontier.

    At a divergence below that of the last vertex they are the serial depth, with its meaning of zero.
    """
    front = frontier(graph)
    if bits - front.error <= float(front.vertices[-1].kl):
        depth = serial_depth(graph)
        return Approximate(value=float(depth.expected), error=depth.error)
    value, fewest, most = (_steps_at(front, bits + off) for off in (0.0, front.error, -front.error))
    roundings = 6 * 2.0**-53 * most
    return Approximate(value=value, error=max(value - fewest, most - value) + roundings)


def _steps_at(front: Frontier, bits: float) -> float:
    """Return the least steps at which a float frontier is at most ``bits``, above the last vertex."""
    places = [(float(v.steps_under_data), float(v.kl)) for v in front.vertices]
    if places[0][1] <= bits:
        return places[0][0]
    left, right = next(pair for pair in pairwise(places) if pair[1][1] <= bits)
    return left[0] + (right[0] - left[0]) * ((left[1] - bits) / (left[1] - right[1]))


def _at_most(a: Bits, b: Bits) -> bool:
    if isinstance(a, LogNumber) and isinstance(b, LogNumber):
        return a <= b
    return float(a) <= float(b) + CLOSE

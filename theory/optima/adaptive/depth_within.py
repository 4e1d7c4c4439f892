"""The fewest steps at a divergence of at most epsilon (arXiv 2608.25505).

- *worst case*: ``min max R`` over the adaptive policies of divergence epsilon or less, the least T with
  ``V_T <= epsilon`` (:func:`theory.optima.adaptive.step_cap.adaptive_bounds`).
- *expected*: ``min E_P R`` on the frontier, that is over policies that may choose one of two at random. A deterministic
  policy attains it at a vertex; between vertices it may need more.

Epsilon 0 is the serial depth. Between the vertices ``(r, k)`` and ``(r', k')`` around epsilon the expected steps are
``r + (r' - r)(k - epsilon) / (k - k')``: rational where the two divergences are in a rational ratio, which is decided
exactly, else a float with a proven bound on its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import arb, ctx

from theory.distributions.given import PMFLike
from theory.numbers.arithmetic import Number
from theory.numbers.balls import approximate
from theory.numbers.lognumber import Bits, LogNumber
from theory.numbers.rationals import to_fmpq
from theory.numbers.rounding import Approximate
from theory.optima.adaptive.exact_values import CLOSE
from theory.optima.adaptive.frontier import Frontier, Vertex, frontier
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.state_graph import StateGraph, state_graph
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.validation import InputError, exact_fraction

__all__ = ["DepthWithin", "depth_within"]

_BITS = 128  # precision of the first intervals
_ENOUGH = 60  # bits of a quotient; a float keeps 53


@dataclass(frozen=True, kw_only=True)
class DepthWithin:
    """The fewest steps at a divergence of at most epsilon.

    Attributes:
        expected: Least expected number of steps along trajectories of the data: a Fraction if it is rational and the
            pmf exact, else a float.
        worst_case: Least number of steps that suffices on every trajectory.
        error: A proven bound on the error of ``expected``, zero if it is exact.
    """

    expected: Number
    worst_case: int
    error: float = 0.0


def depth_within(source: PMFLike | StateGraph, epsilon: Any) -> DepthWithin:
    """Return the fewest steps, expected and in the worst case, at a divergence of at most epsilon.

    Args:
        source: A pmf, or its graph if several optima are needed.
        epsilon: Bits, at least 0: a LogNumber or a rational, compared exactly for an exact pmf; a float pmf is compared
            within 1e-9 bits.

    Example:
        >>> from itertools import permutations
        >>> three = list(permutations(range(3)))
        >>> depth_within(three, LogNumber.log2("3/2")), depth_within(three, 0).worst_case
        (DepthWithin(expected=Fraction(2, 1), worst_case=2, error=0.0), 3)
        >>> depth_within([(0, 0), (1, 1)], "1/3").expected
        Fraction(5, 3)
    """
    allowed = epsilon if isinstance(epsilon, LogNumber) else exact_fraction(epsilon, "epsilon")
    if allowed < 0:
        raise InputError(f"epsilon must be at least 0, got {epsilon}.")
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    bits = LogNumber.rational(allowed) if not isinstance(allowed, LogNumber) else allowed
    values = adaptive_bounds(graph).values
    worst = next(t for t, value in enumerate(values, start=1) if _at_most(value, bits))
    if graph.pmf.is_exact:
        expected, error = _exact_steps(frontier(graph).vertices, bits)
    else:
        found = _float_steps(graph, float(bits))
        expected, error = found.value, found.error
    return DepthWithin(expected=expected, worst_case=worst, error=error)


def _exact_steps(vertices: Sequence[Vertex], bits: LogNumber) -> tuple[Number, float]:
    """Return the expected steps, and a bound on their error if they are a float."""
    if vertices[0].kl <= bits:
        return vertices[0].steps_under_data, 0.0
    left, right = next(pair for pair in pairwise(vertices) if pair[1].kl <= bits)
    start: Any = left.steps_under_data
    width: Any = right.steps_under_data - start
    saved: Any = left.kl - bits
    most: Any = left.kl - right.kl
    share = _ratio(saved, most)
    if share is not None:
        return start + width * share, 0.0
    precision = _BITS
    while True:  # until the interval is narrower than a float; both numbers are positive
        with ctx.workprec(precision):
            quotient = saved.interval(precision) / most.interval(precision)
            steps = arb(to_fmpq(start)) + arb(to_fmpq(width)) * quotient
        if quotient.rel_accuracy_bits() >= _ENOUGH:
            found = approximate(steps)
            return found.value, found.error
        precision *= 2


def _ratio(a: LogNumber, b: LogNumber) -> Fraction | None:
    """Return ``a / b`` of positive numbers if it is rational."""
    base = next(iter(b.terms))
    share = a.terms.get(base, Fraction(0)) / b.terms[base]
    return share if a == share * b else None


def _at_most(a: Bits, b: Bits) -> bool:
    if isinstance(a, LogNumber) and isinstance(b, LogNumber):
        return a <= b
    return float(a) <= float(b) + CLOSE


def _float_steps(graph: StateGraph, bits: float) -> Approximate:
    """Return the steps at ``bits`` on a float frontier, with an error from that of the frontier.

    Below the divergence of the last vertex they are the serial depth, with its tolerance for zero.
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

"""Adaptive and randomized optima of a task with several contexts.

*Proof.* The context is known, so each has its own policy. A cap on the steps holds in every context, so ``V_T`` is
the mean over contexts. Expected steps are spent where they help most, so the frontier is the weighted Minkowski sum
of the frontiers: their edges, scaled, steepest first. A context of weight zero has no edge, and its depth counts in
no worst case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key, partial
from typing import Any

from theory.bounds.partitions.step_bounds import require_partitions
from theory.distributions.contexts import Entries, error_of_mean, expectation
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import require_table
from theory.limits import require_all
from theory.numbers.error_of_means import mean_error
from theory.numbers.lognumber import Bits, LogNumber
from theory.optima.adaptive.frontier import Frontier, Vertex, frontier
from theory.optima.adaptive.serial_depth import SerialDepth, serial_depth
from theory.optima.adaptive.state_graph import StateGraph, state_graphs
from theory.optima.adaptive.step_cap import adaptive_bounds, adaptive_error

__all__ = ["average_bounds", "average_depth", "average_frontier", "optimum_losses"]

Parts = Sequence[tuple[Fraction, JointPMF | StateGraph]]


def average_bounds(parts: Parts) -> tuple[Bits, ...]:
    """Return ``V_T`` averaged over contexts, T = 1 .. the greatest length; zero where T exceeds a length.

    Args:
        parts: (weight, pmf) or (weight, graph) pairs, as :func:`theory.distributions.distribution.context_pmfs` gives
        them.

    Example:
        >>> half, equal, sure = Fraction(1, 2), JointPMF.uniform([(0, 0), (1, 1)]), JointPMF.uniform([(0, 0, 0)])
        >>> [float(v) for v in average_bounds([(half, equal), (half, sure)])]
        [0.5, 0.0, 0.0]
    """
    values = [(weight, adaptive_bounds(source).values) for weight, source in parts if weight]
    longest = max(len(v) for _, v in values)
    return tuple(
        expectation([(w, v[t] if t < len(v) else v[0] * 0) for w, v in values]) for t in range(longest)
    )


def average_depth(parts: Parts) -> SerialDepth:
    """Return the serial depth over contexts: the mean of the expected, the greatest of the worst-case depths."""
    depths = [(weight, serial_depth(source)) for weight, source in parts if weight]
    expected = expectation([(weight, depth.expected) for weight, depth in depths])
    error = mean_error([(weight, depth.expected, depth.error) for weight, depth in depths], expected)
    return SerialDepth(
        expected=expected,
        worst_case=max(depth.worst_case for _, depth in depths),
        error=error or 0.0,
    )


def average_frontier(parts: Parts) -> Frontier:
    """Return the frontier over contexts.

    Example:
        >>> half, equal, sure = Fraction(1, 2), JointPMF.uniform([(0, 0), (1, 1)]), JointPMF.uniform([(0, 0, 0)])
        >>> [(str(v.steps_under_data), float(v.kl)) for v in average_frontier([(half, equal), (half, sure)]).vertices]
        [('1', 0.5), ('3/2', 0.0)]
    """
    fronts = [(weight, frontier(source)) for weight, source in parts if weight]
    hulls = [(weight, front.vertices) for weight, front in fronts]
    edges = [
        _Edge(context, place, *_difference(vertices[place], vertices[place + 1]))
        for context, (_, vertices) in enumerate(hulls)
        for place in range(len(vertices) - 1)
    ]
    edges.sort(key=cmp_to_key(_compare))
    places = [0] * len(hulls)
    found = [_vertex(hulls, places)]
    for j, edge in enumerate(edges):
        places[edge.context] = edge.place + 1
        if j + 1 == len(edges) or _compare(edge, edges[j + 1]) < 0:  # equal slopes make one edge
            found.append(_vertex(hulls, places))
    if not (error := sum(float(weight) * front.error for weight, front in fronts)):
        return Frontier(vertices=tuple(found))
    # a mean rounds each part and their sum; edges of nearly equal slopes may come in either order
    slope = max((abs(float(edge.slope)) for edge in edges), default=0.0)
    size = float(found[0].kl) + float(found[-1].steps_under_data) * slope
    return Frontier(vertices=tuple(found), error=1.001 * error + (len(parts) + 8) * size * 2.0**-51)


@dataclass(frozen=True)
class _Edge:
    context: int
    place: int
    steps: Any
    kl: Any

    @property
    def slope(self) -> Any:
        return self.kl / self.steps


def _difference(left: Vertex, right: Vertex) -> tuple[Any, Any]:
    steps: Any = right.steps_under_data
    kl: Any = right.kl
    return steps - left.steps_under_data, kl - left.kl


def _compare(one: _Edge, two: _Edge) -> int:
    """Order edges by slope, steepest first; edges of one context keep their order."""
    a, b = one.slope, two.slope
    if not (isinstance(a, LogNumber) and isinstance(b, LogNumber)):
        a, b = float(a), float(b)
    return -1 if a < b else int(b < a)


def _vertex(hulls: Sequence[tuple[Fraction, tuple[Vertex, ...]]], places: Sequence[int]) -> Vertex:
    here = [(weight, vertices[place]) for (weight, vertices), place in zip(hulls, places, strict=True)]
    return Vertex(
        steps_under_data=expectation([(weight, vertex.steps_under_data) for weight, vertex in here]),
        kl=expectation([(weight, vertex.kl) for weight, vertex in here]),
        parts=tuple((weight, vertex.parts[0][1]) for weight, vertex in here),
    )


def optimum_losses(
    parts: Sequence[tuple[Fraction, JointPMF]], *, adaptive: bool, randomized: bool
) -> Entries:
    """Return ``V_T`` and the least losses of mixtures of partitions, as far as they are asked for.

    What these and the tables of all sets of positions would cost is looked at before any of it is computed.

    Args:
        parts: (weight, pmf) of each context.
        adaptive: Whether ``V_T`` is wanted.
        randomized: Whether mixtures are, with their gap; ``None`` for contexts of different lengths.
    """
    pmfs = [pmf for _, pmf in parts]
    same_length = len({pmf.n for pmf in pmfs}) == 1
    checks: list[Callable[[], object]] = [partial(require_table, *pmfs)]
    if randomized and same_length:
        from theory.optima.mixtures.optimal import require_mixtures

        checks.append(partial(require_mixtures, parts))
    found: Entries = {}
    if not adaptive:
        require_all(*checks, later=[partial(require_partitions, pmfs[0].n)])
    else:
        graphs = state_graphs(pmfs, *checks)
        bounds = average_bounds([(weight, graph) for (weight, _), graph in zip(parts, graphs, strict=True)])
        found["adaptive_bound"] = bounds, error_of_mean(parts, [adaptive_error(pmf) for pmf in pmfs])
    if randomized and not same_length:
        found |= {"randomized_bound": (None, 0.0), "randomized_gap": (None, 0.0)}
    elif randomized:
        from theory.optima.mixtures.optimal import optimal_mixtures

        best = optimal_mixtures(pmfs[0] if len(pmfs) == 1 else parts)
        # exact forms of other mixtures have weights of 48 bits and are not shown
        bounds = [b.kl if b.is_optimal else float(b.kl) for b in best]
        found |= {"randomized_bound": (bounds, 0.0), "randomized_gap": ([b.gap for b in best], 0.0)}
    return found

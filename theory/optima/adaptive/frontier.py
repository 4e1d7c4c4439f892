"""The exact speed-quality frontier over all adaptive policies.

It is the lower convex hull of (E_P steps, KL). Steps are counted along trajectories of the data (``steps_under_data``);
each vertex also has the expectation under the decoder's own runs. A policy that chooses one of several at random
attains any point of a segment; none lies below (arXiv 2608.25505). A policy with random choices is a mixture of
deterministic ones, so its ``(steps_under_data, path_kl)`` lies on or above the hull; its ``kl``, the divergence of the
mixed output distribution, can lie below.

Vertices come from a parametric search (Eisner and Severance): minimise ``KL + weight * steps`` at the slope between
two known vertices; the minimum is a new vertex, or proves that the segment is an edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import log2
from typing import Any

from theory.distributions.contexts import expectation
from theory.distributions.given import PMFLike
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Number
from theory.numbers.error_of_means import mean_error
from theory.numbers.lognumber import Bits, LogNumber
from theory.optima.adaptive.best_actions import (
    Search,
    best_weighted,
    best_within,
    budget_values,
    tie_error,
    value_error,
)
from theory.optima.adaptive.exact_values import CLOSE, StateValue, StateValues
from theory.optima.adaptive.policy_of_actions import policy_of
from theory.optima.adaptive.policy_table import AdaptivePolicy
from theory.optima.adaptive.serial_depth import steps_error
from theory.optima.adaptive.state_graph import StateGraph, state_graph
from theory.validation import InputError

__all__ = ["Frontier", "Vertex", "frontier", "frontier_error"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Vertex:
    """A vertex of the frontier.

    Attributes:
        steps_under_data: Expected number of steps along trajectories of the data.
        kl: Divergence in bits.
        parts: Weight of each context and the search that found its policy.
    """

    steps_under_data: Number
    kl: Bits
    parts: tuple[tuple[Fraction, Search], ...] = field(repr=False)

    @cached_property
    def policies(self) -> tuple[AdaptivePolicy, ...]:
        """The policy of the vertex, one for each context."""
        return tuple(policy_of(search) for _, search in self.parts)

    @property
    def policy(self) -> AdaptivePolicy:
        """The policy of the vertex of a single context."""
        policy, *others = self.policies
        if others:
            raise InputError(f"the frontier is over {len(self.parts)} contexts; use policies, one for each.")
        return policy

    @property
    def steps(self) -> Number:
        """Expected number of steps of the decoder's own runs."""
        pairs = zip(self.parts, self.policies, strict=True)
        return expectation([(weight, policy.steps) for (weight, _), policy in pairs])

    @property
    def steps_error(self) -> float:
        """A bound on the error of float :attr:`steps`; zero for exact ones."""
        pairs = zip(self.parts, self.policies, strict=True)
        parts = [(weight, policy.steps, policy.steps_error) for (weight, _), policy in pairs]
        return mean_error(parts, self.steps) or 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """The lower convex hull of (steps_under_data, KL).

    Attributes:
        vertices: From one step to the fewest steps at zero KL; steps ascend, KL and slopes descend.
        error: A bound on the error of :meth:`kl_at` in floats, at any number of steps, in bits
            (:func:`frontier_error`); zero for an exact frontier.
    """

    vertices: tuple[Vertex, ...]
    error: float = 0.0

    def kl_at(self, steps: object) -> Bits:
        """Return the least KL at an expected number of steps, exact on an exact frontier.

        Args:
            steps: At least 1; a Fraction or an int for an exact answer.
        """
        target: Any = steps
        if target < 1:
            raise InputError(f"steps must be at least 1, got {steps}.")
        left = self.vertices[0]
        for right in self.vertices[1:]:
            if target <= right.steps_under_data:
                width: Any = right.steps_under_data - left.steps_under_data
                share = (target - left.steps_under_data) / width
                return left.kl * (1 - share) + right.kl * share
            left = right
        return left.kl


def frontier(source: PMFLike | StateGraph) -> Frontier:
    """Return the exact frontier of all adaptive policies.

    On float pmfs vertices within 1e-9 bits of a segment between others are dropped.

    Args:
        source: A pmf, or its graph if several optima are needed.

    Raises:
        CostError: If the states are too many.

    Example:
        >>> from itertools import permutations
        >>> hull = frontier(JointPMF.uniform(permutations(range(3))))
        >>> [(str(v.steps_under_data), str(v.kl)) for v in hull.vertices]
        [('1', '-log2(2) + 2 log2(3)'), ('2', '-log2(2) + log2(3)'), ('3', '0')]
    """
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    state_values = StateValues(graph)
    vertices = [
        Vertex(
            steps_under_data=state_values.steps(search.root),
            kl=search.root.kl,
            parts=((Fraction(1), search),),
        )
        for search in _Hull(state_values).searches()
    ]
    error = 0.0 if graph.pmf.is_exact else frontier_error(graph.pmf, vertices)
    return Frontier(vertices=tuple(vertices), error=error)


def frontier_error(pmf: JointPMF, vertices: Sequence[Vertex]) -> float:
    """Return a bound on the distance in KL between the float frontier and the true one, at any number of steps.

    With E(w) and the ties of :func:`theory.optima.adaptive.step_cap.adaptive_error` and N outcomes:

    - *Nothing lies lower.* An edge of slope -w was searched: the best ``KL + w steps`` of floats is at most 1e-9 below
      the edge, and by rounding and ties at most ``4 E(w) + n (1e-11 + 2e-12)`` above that of any policy.
    - *The vertices are attained*, within E(0) in KL and within some e in steps. Beyond a weight of ``n log2 N`` bits
      everything at once is best, so no frontier is steeper: at the given steps they cost ``e n log2 N`` more at most.
    - Past the last vertex the true frontier is at least zero. Eight roundings of :meth:`Frontier.kl_at`.
    """
    n, most = pmf.n, pmf.n * log2(max(len(pmf), 2))
    places = [(float(v.steps_under_data), float(v.kl)) for v in vertices]
    slope = max(((a[1] - b[1]) / (b[0] - a[0]) for a, b in pairwise(places)), default=0.0)
    steps, last = places[-1]
    lower = CLOSE + 4 * value_error(pmf, slope) + tie_error(pmf)
    upper = value_error(pmf) + most * steps_error(pmf, steps)
    return (lower + upper + abs(last) + 8 * 2.0**-53 * (most + slope * n)) * (1 + 2.0**-40)


class _Hull:
    def __init__(self, state_values: StateValues) -> None:
        self.state_values = state_values

    def searches(self) -> list[Search]:
        """Return the vertices, from everything at once to the fewest steps at no cost."""
        one_step = best_within(self.state_values, budget_values(self.state_values.graph, 1), 1)
        done, stack = [one_step], [best_weighted(self.state_values, self.state_values.nothing)]
        while stack:
            left, right = done[-1].root, stack[-1].root
            if left.steps == right.steps:
                stack.pop()  # one step costs nothing: a single vertex
                continue
            slope = (left.kl - right.kl) / (right.steps - left.steps)
            middle = best_weighted(self.state_values, slope)
            if self._is_below(middle, left):
                stack.append(middle)
            else:
                done.append(stack.pop())
        return done

    def _is_below(self, middle: Search, left: StateValue) -> bool:
        """Return whether the best at a slope lies below the line of that slope through ``left``."""
        weight: Any = middle.weight
        gap = middle.root.kl - left.kl + weight * (middle.root.steps - left.steps)
        return gap.sign() < 0 if isinstance(gap, LogNumber) else gap < -CLOSE

"""The hard cap: ``V_T``, the least divergence of any adaptive policy with at most T steps on every trajectory.

``V(x, R) = min_S TC(S|x) + E V(x', R - 1)`` over the states x; ``V_T = V(all masked, T)``. A policy that ignores the
tokens is a fixed partition, so ``V_T <= L*_T``; the gap is what adaptivity can gain (arXiv 2608.25505).
"""

from __future__ import annotations

from dataclasses import dataclass

from theory._checks import InputError
from theory.adaptive.graph import StateGraph, state_graph
from theory.adaptive.ledger import Ledger
from theory.adaptive.policy import AdaptivePolicy
from theory.adaptive.search import Search, best_within, budget_values
from theory.adaptive.walk import policy_of
from theory.arithmetic import Number
from theory.correlation import Bits
from theory.pmf import JointPMF

__all__ = ["AdaptiveBounds", "adaptive_bounds"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdaptiveBounds:
    """``V_T`` for T = 1..n.

    Attributes:
        values: Bits, non-increasing; exact numbers for an exact pmf.
        steps_under_data: Expected number of steps of the best policy; the fewest among all that attain ``V_T``.
        searches: The searches behind the values; :meth:`policy` reads them.
    """

    values: tuple[Bits, ...]
    steps_under_data: tuple[Number, ...]
    searches: tuple[Search, ...]

    def policy(self, steps: int) -> AdaptivePolicy:
        """Return a policy that attains ``V_T`` for T = ``steps``, with the fewest expected steps."""
        if not 1 <= steps <= len(self.searches):
            raise InputError(f"steps must be between 1 and {len(self.searches)}, got {steps}.")
        return policy_of(self.searches[steps - 1])


def adaptive_bounds(source: JointPMF | StateGraph) -> AdaptiveBounds:
    """Return ``V_T`` for every T, with the policies that attain them.

    Args:
        source: A pmf, or its graph where several optima are asked for.

    Raises:
        CostError: If the states are too many.

    Example:
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        >>> bounds = adaptive_bounds(pmf)
        >>> [str(v) for v in bounds.values]
        ['log2(2)', '0']
        >>> print(bounds.policy(2))
        reveal {0}
          then: reveal {1}
    """
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    ledger, n = Ledger(graph), graph.pmf.n
    tables = budget_values(graph, n)
    searches = tuple(best_within(ledger, tables, budget) for budget in range(1, n + 1))
    return AdaptiveBounds(
        values=tuple(search.root.kl for search in searches),
        steps_under_data=tuple(ledger.steps(search.root) for search in searches),
        searches=searches,
    )

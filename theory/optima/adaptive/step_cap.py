"""The least divergence ``V_T`` of any adaptive policy with at most T steps.

The cap holds on every trajectory: ``V(x, R) = min_S TC(S|x) + E V(x', R - 1)`` over the states x; ``V_T = V(all masked,
T)``. A policy that ignores the tokens is a fixed partition, so ``V_T <= L*_T``; the gap is what adaptivity can gain
(arXiv 2608.25505).
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.distributions.given import PMFLike
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Number
from theory.numbers.lognumber import Bits
from theory.optima.adaptive.best_actions import Search, best_within, budget_values, tie_error, value_error
from theory.optima.adaptive.exact_values import StateValues
from theory.optima.adaptive.policy_of_actions import policy_of
from theory.optima.adaptive.policy_table import AdaptivePolicy
from theory.optima.adaptive.state_graph import StateGraph, state_graph
from theory.validation import InputError

__all__ = ["AdaptiveBounds", "adaptive_bounds", "adaptive_error"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AdaptiveBounds:
    """``V_T`` for T = 1..n.

    Attributes:
        values: Bits, non-increasing; exact numbers for an exact pmf.
        steps_under_data: Expected number of steps of the best policy, the fewest among those that attain ``V_T``.
        searches: The searches behind the values, read by :meth:`policy`.
        error: A bound on the error of every float value, in bits (:func:`adaptive_error`); zero for exact ones.
    """

    values: tuple[Bits, ...]
    steps_under_data: tuple[Number, ...]
    searches: tuple[Search, ...]
    error: float = 0.0

    def policy(self, steps: int) -> AdaptivePolicy:
        """Return a policy that attains ``V_T`` for T = ``steps``, with the fewest expected steps."""
        if not 1 <= steps <= len(self.searches):
            raise InputError(f"steps must be between 1 and {len(self.searches)}, got {steps}.")
        return policy_of(self.searches[steps - 1])


def adaptive_bounds(source: PMFLike | StateGraph) -> AdaptiveBounds:
    """Return ``V_T`` for every T, with the policies that attain them.

    Args:
        source: A pmf, or its graph if several optima are needed.

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
    state_values, n = StateValues(graph), graph.pmf.n
    tables = budget_values(graph, n)
    searches = tuple(best_within(state_values, tables, budget) for budget in range(1, n + 1))
    return AdaptiveBounds(
        values=tuple(search.root.kl for search in searches),
        steps_under_data=tuple(state_values.steps(search.root) for search in searches),
        searches=searches,
        error=adaptive_error(graph.pmf),
    )


def adaptive_error(pmf: JointPMF) -> float:
    """Return a bound on the error of a float ``V_T``, in bits; zero for an exact pmf.

    With N outcomes in n positions, ``u = 2^-53`` and ``gamma`` of :mod:`theory.numbers.rounding`:

    - A chance is a quotient of sums of at most N floats, merged from at most N, of distributions that agree within two
      roundings: ``3 N + 5`` roundings. An entropy of them is then off by at most
      ``e = gamma_{4N+17} (log2 N + 2)``, a cost by ``(n + 1) e`` and the rounding of its sum.
    - A value adds a cost and a mean of values below ``n log2 N``, in at most n steps: off by at most
      ``E = 3 n (n + 1) gamma_{4N+n+18} (log2 N + 2)``, in the table and where the policy found is priced.
    - A policy takes blocks within 1e-11 bits of the best in the table, n times at most; a position within 1e-12
      (relative) of independence counts as free, which costs it at most 2e-12 bits.

    Together ``2 E + n (1e-11 + 2e-12)``, for the given floats read as exact numbers.

    Example:
        >>> adaptive_error(JointPMF.uniform([(0, 0), (1, 1)]))
        0.0
        >>> adaptive_error(JointPMF.from_pairs([(0, 0), (1, 1)], [0.5, 0.5])) < 3e-11
        True
    """
    return 0.0 if pmf.is_exact else (2 * value_error(pmf) + tie_error(pmf)) * (1 + 2.0**-40)

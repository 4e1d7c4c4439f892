"""The serial depth: the fewest steps with zero divergence, expected and in the worst case.

``D_0 = min E_P steps`` and ``min max steps`` over the adaptive policies with ``D(P || Q) = 0``: every block has
independent tokens at every realised context (arXiv 2608.25505). The two may be attained by different policies: the
expected one may accept a longer worst case.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.adaptive.graph import StateGraph, state_graph
from theory.adaptive.ledger import CLOSE, Ledger
from theory.adaptive.search import best_weighted, best_within, budget_values
from theory.arithmetic import Number
from theory.pmf import JointPMF

__all__ = ["SerialDepth", "serial_depth"]


@dataclass(frozen=True, kw_only=True)
class SerialDepth:
    """The fewest steps with zero divergence.

    Attributes:
        expected: Least expected number of steps along trajectories of the data.
        worst_case: Least number of steps that suffices on every trajectory: the least T with ``V_T = 0``.
    """

    expected: Number
    worst_case: int


def serial_depth(source: JointPMF | StateGraph) -> SerialDepth:
    """Return the serial depth of a pmf.

    Zero cost is decided exactly for an exact pmf, within 1e-9 bits for floats.

    Args:
        source: A pmf, or its graph where several optima are asked for.

    Raises:
        CostError: If the states are too many.

    Example:
        >>> depth = serial_depth(JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]))
        >>> str(depth.expected), depth.worst_case
        ('2', 2)
    """
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    ledger, n = Ledger(graph), graph.pmf.n
    tables = budget_values(graph, n)
    limit = graph.rounding() if ledger.exact else CLOSE
    enough = (  # the float table rules out budgets that are too small
        budget
        for budget in range(1, n + 1)
        if tables[budget][graph.root] <= limit and ledger.is_zero(best_within(ledger, tables, budget).root.kl)
    )
    fewest = best_weighted(ledger, ledger.nothing).root
    return SerialDepth(expected=ledger.steps(fewest), worst_case=next(enough))

"""The serial depth, the fewest steps with zero divergence.

In expectation ``D_0 = min E_P steps``, and ``min max steps`` in the worst case, over the adaptive policies with ``D(P
|| Q) = 0``: every block has independent tokens at every realised context (arXiv 2608.25505). Different policies may
attain the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from theory.distributions.given import PMFLike
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Number
from theory.numbers.rounding import gamma
from theory.optima.adaptive.best_actions import FLOAT_TIE, best_weighted, best_within, budget_values
from theory.optima.adaptive.equivalence_classes import FREE
from theory.optima.adaptive.exact_values import StateValues
from theory.optima.adaptive.state_graph import StateGraph, state_graph

__all__ = ["SerialDepth", "serial_depth", "steps_error"]


@dataclass(frozen=True, kw_only=True)
class SerialDepth:
    """The fewest steps with zero divergence.

    Attributes:
        expected: Least expected number of steps along trajectories of the data.
        worst_case: Least number of steps that suffices on every trajectory: the least T with ``V_T = 0``.
        error: A bound on the rounding error of a float ``expected``, for the blocks taken to cost nothing; else zero.
    """

    expected: Number
    worst_case: int
    error: float = 0.0


def serial_depth(source: PMFLike | StateGraph) -> SerialDepth:
    """Return the serial depth of a pmf.

    Zero cost is decided exactly for an exact pmf. For floats a block costs nothing in a state if its total correlation
    there is at most 1e-11 bits, as in :mod:`theory.optima.adaptive.best_actions`: float products are never exactly
    independent, and a rare state makes the expected divergence small but not that of its blocks.

    Args:
        source: A pmf, or its graph if several optima are needed.

    Raises:
        CostError: If the states are too many.

    Example:
        >>> depth = serial_depth(JointPMF.uniform([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]))
        >>> str(depth.expected), depth.worst_case
        ('2', 2)
    """
    graph = source if isinstance(source, StateGraph) else state_graph(source)
    if not graph.pmf.is_exact:
        return _in_floats(graph)
    state_values, n = StateValues(graph), graph.pmf.n
    tables = budget_values(graph, n)
    enough = (  # the float table excludes budgets that are too small
        budget
        for budget in range(1, n + 1)
        if tables[budget][graph.root] <= graph.rounding()
        and state_values.is_zero(best_within(state_values, tables, budget).root.kl)
    )
    fewest = best_weighted(state_values, state_values.nothing).root
    return SerialDepth(expected=state_values.steps(fewest), worst_case=next(enough))


def _in_floats(graph: StateGraph) -> SerialDepth:
    """Return the least expected and worst-case numbers of steps over blocks that cost nothing, state by state.

    The error: chances are quotients of sums of at most N floats each, merged from at most N, of distributions that
    agree within two roundings, so a step has at most ``4 N + 12`` of them; all terms are positive, a minimum keeps a
    relative error, and there are n steps at most: ``gamma_{n (4 N + 12)}``.
    """
    expected, worst = np.zeros(graph.classes), np.zeros(graph.classes)
    expected[FREE] = worst[FREE] = 1.0
    for level in graph.levels:
        after = graph.child[level.moves]
        free = graph.cost[level.actions] <= FLOAT_TIE
        mean = np.add.reduceat(graph.chance[level.moves] * expected[after], level.move_starts)
        most = np.maximum.reduceat(worst[after], level.move_starts)
        expected[level.classes] = np.minimum.reduceat(np.where(free, 1 + mean, np.inf), level.action_starts)
        worst[level.classes] = np.minimum.reduceat(np.where(free, 1 + most, np.inf), level.action_starts)
    found = float(expected[graph.root])
    error = steps_error(graph.pmf, found)
    return SerialDepth(expected=found, worst_case=int(worst[graph.root]), error=error)


def steps_error(pmf: JointPMF, steps: float) -> float:
    """Return a bound on the error of float expected steps along the data."""
    relative = gamma(pmf.n * (4 * len(pmf) + 12))
    return 0.0 if steps == 1 else steps * relative / (1 - relative) * (1 + 2.0**-50)

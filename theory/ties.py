"""Greedy accuracy over all deterministic tie-breaks.

At temperature 0 a token is one of the most probable; where several tie, argmax names one by some fixed rule. The
paper's value assumes independent random ties. This module gives the range over *every* rule that may depend on
the state and the position, so that a reader sees how much of a greedy number is the tie rule's.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.arithmetic import EXACT, FLOAT64, to_fraction
from theory.limits import require_operations
from theory.pmf import JointPMF
from theory.policies.policy import Policy
from theory.policies.view import View

__all__ = ["tie_interval"]

Number = Fraction | float
Codes = tuple[int, ...]


def tie_interval(pmf: JointPMF, policy: Policy) -> tuple[Number, Number]:
    """Return the least and the greatest greedy accuracy over all deterministic tie-breaks.

    Args:
        pmf: The target; its support is the valid set.
        policy: An unmasking policy; its own random choices are averaged over.

    Returns:
        (least, greatest): Fractions for an exact pmf, floats otherwise.

    Example:
        >>> from theory.policies import parse_policy
        >>> pmf = JointPMF.uniform([(0, 1), (1, 0)])
        >>> tie_interval(pmf, parse_policy("topk:k=2,by=random"))
        (Fraction(0, 1), Fraction(1, 1))
    """
    require_operations(len(pmf) * 3**pmf.n, "the tie interval", limit=10**8, remedy="use the lumped chain")
    numbers = EXACT if pmf.is_exact else FLOAT64
    outcomes = pmf.codes
    one: Any = Fraction(1) if pmf.is_exact else 1.0

    @cache
    def extremes(revealed: Codes) -> tuple[Number, Number]:
        """Backward induction on the state; -1 stands for a mask."""
        row = np.array(revealed)
        rows = np.flatnonzero(((row == -1) | (outcomes == row)).all(axis=1))
        if rows.size == 0:
            return one - one, one - one  # off the support
        if not (row == -1).any():
            return one, one
        probs = _marginals(pmf, rows)
        view = View(numbers.ratio(probs, probs[0, 0].sum()), (row == -1)[None], numbers)
        low = high = one - one
        for chosen, p in policy.plan(view).distribution()[1][0]:
            ends = [extremes(after) for after in _greedy_ends(revealed, chosen, view)]
            share = to_fraction(p) if pmf.is_exact else float(int(p.p) / int(p.q))
            low = low + share * min(end[0] for end in ends)
            high = high + share * max(end[1] for end in ends)
        return low, high

    return extremes((-1,) * pmf.n)


def _marginals(pmf: JointPMF, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the summed weights of each token at each position over the given outcomes, shape (1, n, V)."""
    counts = np.zeros((1, pmf.n, max(len(a) for a in pmf.alphabets)), dtype=pmf.weights.dtype)
    for i in range(pmf.n):
        np.add.at(counts[0, i], pmf.codes[rows, i], pmf.weights[rows])
    return counts


def _greedy_ends(revealed: Codes, chosen: int, view: View) -> Iterator[Codes]:
    """Yield the states after the set ``chosen`` takes most probable tokens, in every combination."""
    positions = [i for i in range(len(revealed)) if chosen >> i & 1]
    rows = [view.probs[0, i] for i in positions]
    tops = [np.flatnonzero(p >= p.max() - view.numbers.tolerance).tolist() for p in rows]
    for tokens in product(*tops):
        after = list(revealed)
        for i, token in zip(positions, tokens, strict=True):
            after[i] = token
        yield tuple(after)

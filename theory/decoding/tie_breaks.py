"""Greedy accuracy over all deterministic tie-breaks.

At temperature 0 a token is one of the most probable; among ties, argmax takes one by a fixed rule. The paper's value
assumes independent random ties. This module gives the range over *every* rule that chooses a token for each state and
position (not for each set that the policy may draw), which shows how much of a greedy result depends on the tie-break.
"""

from __future__ import annotations

from functools import cache, reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.numbers.arithmetic import Number
from theory.numbers.balls import ball_precision, public, to_ball
from theory.policies.given import PolicyLike, as_policy
from theory.policies.plan import SetDistribution
from theory.policies.process import Process
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["tie_interval"]

_PAIR, _LIMIT = 2e-6, 200  # seconds of an outcome and a pair of position sets; at most
_RULE, _RULES = 4e-6, 4  # seconds of a tie rule and a set of one state; at most

Codes = tuple[int, ...]


def tie_interval(target: PMFLike, policy: PolicyLike) -> tuple[Number, Number]:
    """Return the least and the greatest greedy accuracy over all deterministic tie-breaks.

    Args:
        target: A pmf, or what :func:`theory.distributions.given.as_pmf` makes one of; its support is the valid set.
        policy: An unmasking policy or its specification; its own random choices are averaged over.

    Returns:
        The least and the greatest: Fractions, also for a float pmf, whose ties are decided on its floats within 1e-9.
        Nearest floats for rules whose own chances are irrational.

    Example:
        >>> tie_interval([(0, 1), (1, 0)], "topk:k=2,by=random")
        (Fraction(0, 1), Fraction(1, 1))
    """
    pmf, unmasking = as_pmf(target), as_policy(policy)
    if isinstance(unmasking, Process):
        raise InputError(
            f"the tie interval is known for policies alone; {unmasking} keeps a memory or masks again."
        )
    Budget("the tie interval", "use fewer positions", limit=_LIMIT).require(len(pmf) * 3**pmf.n, _PAIR)
    outcomes, read = pmf.codes, pmf.in_balls()
    zero, one = fmpq(0), fmpq(1)

    @cache
    def extremes(revealed: Codes) -> tuple[Any, Any]:
        """Backward induction on the state; -1 is a mask."""
        row = np.array(revealed)
        rows = np.flatnonzero(((row == -1) | (outcomes == row)).all(axis=1))
        if rows.size == 0:
            return zero, zero  # off the support
        if not (row == -1).any():
            return one, one
        in_balls = None if pmf.is_exact else lambda: _marginals(read, rows)
        view = View(_marginals(pmf, rows), (row == -1)[None], pmf.numbers, in_balls=in_balls)
        sets = unmasking.plan(view).distribution()[1][0]
        shares = [p for _, p in sets]
        tops = _tied(view, sets)
        budget = Budget("the tie rules of one state", "use fewer ties", limit=_RULES)
        budget.require(prod(map(len, tops.values())) * len(sets), _RULE)
        values: list[tuple[Any, Any]] = []
        for tokens in product(*tops.values()):  # one token for each position, whichever set is drawn
            rule = dict(zip(tops, tokens, strict=True))
            ends = [extremes(_after(revealed, chosen, rule)) for chosen, _ in sets]
            lows = (p * low for p, (low, _) in zip(shares, ends, strict=True))
            highs = (p * high for p, (_, high) in zip(shares, ends, strict=True))
            values.append((sum(lows, zero), sum(highs, zero)))
        return reduce(_least, (low for low, _ in values)), reduce(_most, (high for _, high in values))

    with ball_precision():
        least, most = extremes((-1,) * pmf.n)
    return public(least), public(most)


def _least(a: Any, b: Any) -> Any:
    return to_ball(a).min(to_ball(b)) if isinstance(a, arb) or isinstance(b, arb) else min(a, b)


def _most(a: Any, b: Any) -> Any:
    return to_ball(a).max(to_ball(b)) if isinstance(a, arb) or isinstance(b, arb) else max(a, b)


def _marginals(pmf: JointPMF, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the probability of each token at each position given that the outcome is one of these; shape (1, n, V)."""
    counts = np.zeros((1, pmf.n, max(len(a) for a in pmf.alphabets)), dtype=pmf.weights.dtype)
    for i in range(pmf.n):
        np.add.at(counts[0, i], pmf.codes[rows, i], pmf.weights[rows])
    return pmf.numbers.ratio(counts, counts[0, 0].sum())


def _tied(view: View, sets: SetDistribution) -> dict[int, list[int]]:
    """Return the most probable tokens of every position that may be drawn."""
    positions = sorted({i for chosen, _ in sets for i in range(chosen.bit_length()) if chosen >> i & 1})
    rows = {i: view.probs[0, i] for i in positions}
    return {i: np.flatnonzero(p >= p.max() - view.numbers.tolerance).tolist() for i, p in rows.items()}


def _after(revealed: Codes, chosen: int, rule: dict[int, int]) -> Codes:
    return tuple(rule[i] if chosen >> i & 1 else code for i, code in enumerate(revealed))

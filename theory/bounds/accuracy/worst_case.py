"""The joint distribution with given marginals that is worst for argmax decoding.

Let ``c_j`` be the largest probability of position j's marginal, ``s_j`` the second largest, ``x*`` the sequence of the
most probable tokens (the mode of the product of the marginals) and ``f_j = 1 - c_j``. Over *all* joint distributions
with these marginals

    max ( max_{x != x*} P(x) - P(x*) )  =  max_j min(s_j, min_{k != j} c_k) - max(0, 1 - sum_j f_j),

so x* is certainly the unique joint mode iff the right side is negative. Proof. Let x differ from x* on the set D, and
``a = P(x)``. Then ``a <= s_j`` for j in D and ``a <= c_k`` for every other k (in D because ``s_k <= c_k``). The events
"x*_j is not drawn" cover all but ``P(x*)``, and x lies in ``|D|`` of them: ``1 - P(x*) <= sum f_j - (|D| - 1) a``. So
``a - P(x*) <= a - max(0, 1 - sum f_j)``. :func:`worst_case` builds a distribution that attains it: the rival on an
arc of length a of a circle of length 1, the other failures end to end behind it, wrapped round outside that arc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np

from theory.distributions.outcomes import Outcome
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.validation import InputError, exact_fraction

__all__ = [
    "Marginals",
    "WorstCase",
    "checked_marginals",
    "checked_probability",
    "worst_case",
    "worst_gap_by_programme",
]

Marginals = Sequence[Sequence[Any]]  # P(y_j = v) by position and token 0, 1, ...; exact

_CELL, _LIMIT = 3e-5, 3  # seconds of a joint outcome of the linear programme; at most


@dataclass(frozen=True, kw_only=True, eq=False)
class WorstCase:
    """The joint distribution least favourable to the product mode.

    Attributes:
        gap: ``P(rival) - P(mode)``, the largest possible for any rival; negative: the mode is certified.
        mode: x*, the most probable tokens (the lowest where several tie).
        rival: The outcome that comes closest or wins.
        joint: A distribution with the given marginals that attains the gap.
    """

    gap: Fraction
    mode: tuple[int, ...]
    rival: tuple[int, ...]
    joint: JointPMF

    @property
    def certified(self) -> bool:
        """Whether the mode is the unique mode of every joint distribution with these marginals."""
        return self.gap < 0


def worst_case(marginals: Marginals) -> WorstCase:
    """Return the exact worst case over all joint distributions with the given marginals, and one that attains it.

    Args:
        marginals: n lists of exact probabilities, at least one with two tokens of positive probability.

    Example:
        >>> case = worst_case([["2/3", "1/3"], ["2/3", "1/3"]])
        >>> case.gap, case.certified, case.joint.probability(case.mode), case.joint.probability(case.rival)
        (Fraction(0, 1), False, Fraction(1, 3), Fraction(1, 3))
    """
    rows = checked_marginals(marginals)
    ranked = [sorted(range(len(row)), key=lambda v, row=row: -row[v]) for row in rows]
    top = [row[order[0]] for row, order in zip(rows, ranked, strict=True)]
    rivals = [
        (min([row[order[1]], *top[:j], *top[j + 1 :]]), -j)
        for j, (row, order) in enumerate(zip(rows, ranked, strict=True))
        if len(order) > 1
    ]
    if not rivals:
        raise InputError("every position has one token only: there is no other outcome.")
    share, where = max(rivals)
    mode = tuple(order[0] for order in ranked)
    rival = tuple(ranked[j][1] if j == -where else v for j, v in enumerate(mode))
    joint = _circle(rows, ranked, -where, share)
    gap = share - max(Fraction(0), 1 - sum((1 - c for c in top), Fraction(0)))
    return WorstCase(gap=gap, mode=mode, rival=rival, joint=joint)


def _circle(rows: list[list[Fraction]], ranked: list[list[int]], j: int, share: Fraction) -> JointPMF:
    """Place the rival on [0, share) and all other failures one after another, wrapping from 1 to ``share``."""
    arcs: list[list[tuple[Fraction, Fraction, int]]] = [[] for _ in rows]
    arcs[j].append((Fraction(0), share, ranked[j][1]))
    here = share
    for k in [j, *(k for k in range(len(rows)) if k != j)]:
        for v in ranked[k][1:]:
            left = rows[k][v] - (share if (k, v) == (j, ranked[j][1]) else 0)
            while left > 0:
                length = min(left, 1 - here)
                arcs[k].append((here, here + length, v))
                left -= length
                here = here + length if here + length < 1 else share
    cuts = sorted(
        {Fraction(0), Fraction(1), *(x for arc in arcs for start, end, _ in arc for x in (start, end))}
    )
    distribution: dict[Outcome, Fraction] = {}
    for start, end in pairwise(cuts):
        word = tuple(
            next((v for a, b, v in arc if a <= start < b), order[0])
            for arc, order in zip(arcs, ranked, strict=True)
        )
        distribution[word] = distribution.get(word, Fraction(0)) + end - start
    return JointPMF.from_mapping(distribution)


def worst_gap_by_programme(marginals: Marginals) -> float:
    """Return the worst case from linear programmes (HiGHS), a float independent of :func:`worst_case`.

    One programme for each rival over all joint distributions, ``prod_j |V_j|`` variables: maximise ``P(rival) -
    P(x*)``.

    Raises:
        CostError: If variables times rivals exceed the limit.
    """
    from scipy.optimize import linprog

    rows = checked_marginals(marginals)
    words = list(product(*(range(len(row)) for row in rows)))
    what = f"{len(words)} linear programmes of {len(words)} variables"
    Budget(what, "use fewer positions or tokens", limit=_LIMIT).require(len(words) ** 2, _CELL)
    equal = [[float(word[j] == v) for word in words] for j, row in enumerate(rows) for v in range(len(row))]
    right = [float(p) for row in rows for p in row]
    mode = words.index(tuple(max(range(len(row)), key=row.__getitem__) for row in rows))
    best = -np.inf
    for rival in range(len(words)):
        if rival != mode:
            cost = np.zeros(len(words))
            cost[mode], cost[rival] = 1.0, -1.0
            found = linprog(cost, A_eq=equal, b_eq=right, bounds=(0, 1), method="highs")
            best = max(best, -float(found.fun))
    return best


def checked_probability(value: Any) -> Fraction:
    """Return an exact probability."""
    p = exact_fraction(value, "a probability")
    if not 0 <= p <= 1:
        raise InputError(f"a probability must be between 0 and 1, got {value}.")
    return p


def checked_marginals(marginals: Marginals) -> list[list[Fraction]]:
    """Return exact marginals, each of which sums to 1."""
    rows = [[checked_probability(p) for p in row] for row in marginals]
    bad = next((j for j, row in enumerate(rows) if sum(row) != 1), None)
    if bad is not None:
        raise InputError(f"the marginal of position {bad} must sum to 1, got {sum(rows[bad])}.")
    if not rows:
        raise InputError("marginals of at least one position are needed.")
    return rows

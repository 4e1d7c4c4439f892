"""MAP certificates: when the most probable tokens, position by position, are the most probable sequence.

Let ``c_j`` be the largest probability of position j's marginal, ``s_j`` the second largest, ``x*`` the sequence of the
most probable tokens (the mode of the product of the marginals) and ``f_j = 1 - c_j``.

**Worst case, exactly.** Over *all* joint laws with these marginals

    max ( max_{x != x*} P(x) - P(x*) )  =  max_j min(s_j, min_{k != j} c_k) - max(0, 1 - sum_j f_j),

so x* is certainly the unique joint mode iff the right side is negative. Proof. Let x differ from x* on the set D, and
``a = P(x)``. Then ``a <= s_j`` for j in D and ``a <= c_k`` for every other k (in D because ``s_k <= c_k``). The events
"x*_j is not drawn" cover all but ``P(x*)``, and x lies in |D| of them: ``1 - P(x*) <= sum f_j - (|D| - 1) a``. So
``a - P(x*) <= a - max(0, 1 - sum f_j)``. :func:`worst_case` builds a law that attains it: the rival on an arc of length
a of a circle of length 1, the other failures end to end behind it, wrapped round outside that arc.

**Known forms.** With ``L_n = max(0, sum c_j - (n-1))`` and ``U_n = 1 - min c_j`` (Frechet), ``L_n > U_n`` certifies x*
(Fast-dLLM++, arXiv 2606.02955, Theorem 4.1). Knowing the c_j alone no weaker condition does: put ``min(c_j, 1 - c_j)``
on one second token. All ``c_j > 1 - eps`` with ``(n+1) eps <= 1`` (Fast-dLLM, arXiv 2505.22618, Theorem 1) is its
case of equal confidences, tight for n >= 2; at n = 1 the two modes are the same thing.

**Greedy decoding.** A certified x* is also what greedy decoding one token at a time returns, in any order: after any
part ``x*_C`` of it ``P(x*_C, x*_i) >= P(x*) >= 1 - sum f_j > s_i >= P(x*_C, y_i = v)``. In general neither mode tells.

**Stability.** If Q has its mode x* ahead of every other outcome by ``Delta`` and ``TV(P, Q) < Delta/2``, x* is the
unique mode of P: ``P(x*) >= Q(x*) - TV > Q(x) + TV >= P(x)``. For Q the product of the marginals Pinsker gives the
sufficient condition ``TC_nats < Delta^2/2`` (arXiv 2606.02955, Lemma 4.6 and Corollary 4.7), and greedy decoding
agrees as well: marginals of Q lead by at least ``Delta``, marginals of P differ from them by at most TV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from math import log, prod
from typing import Any

import numpy as np
from flint import arb, ctx

from theory._checks import InputError, exact_fraction, positive_int
from theory.arithmetic import to_fmpq
from theory.correlation import Bits
from theory.limits import require_operations
from theory.lognumber import LogNumber
from theory.pmf import JointPMF, Outcome

__all__ = [
    "FrechetProfile",
    "WorstCase",
    "certified_prefix",
    "frechet_profile",
    "mode_gap",
    "mode_is_stable",
    "mode_is_stable_under",
    "threshold_certificate",
    "threshold_counterexample",
    "worst_case",
    "worst_gap_by_programme",
]

Marginals = Sequence[Sequence[Any]]  # P(y_j = v) by position and token 0, 1, ...; exact

_PROGRAMME_CELLS = 10**5  # joint outcomes of the linear programme; a few seconds


# -- confidences alone ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FrechetProfile:
    """The bounds of arXiv 2606.02955 for the m most confident positions.

    Attributes:
        lower: ``L_m = max(0, sum c_j - (m-1)) <= P(x*)``.
        upper: ``U_m = 1 - c_(m) >= P(x)`` for every other x.
    """

    lower: Fraction
    upper: Fraction

    @property
    def gap(self) -> Fraction:
        """``G_m = L_m - U_m``; positive: the mode is certified."""
        return self.lower - self.upper


def frechet_profile(confidences: Sequence[Any]) -> tuple[FrechetProfile, ...]:
    """Return (L_m, U_m) of the m most confident positions for m = 1..n; G_m does not increase in m.

    Args:
        confidences: ``c_j``, exact (a float is read as the decimal that it prints).

    Example:
        >>> [str(step.gap) for step in frechet_profile([0.8, 0.9, 0.6])]
        ['4/5', '1/2', '-1/10']
    """
    tops = sorted((_probability(c) for c in confidences), reverse=True)
    sums = [sum(tops[: m + 1], Fraction(0)) for m in range(len(tops))]
    return tuple(
        FrechetProfile(lower=max(Fraction(0), total - m), upper=1 - tops[m]) for m, total in enumerate(sums)
    )


def certified_prefix(confidences: Sequence[Any], delta: Any = 0) -> int:
    """Return the largest m with ``G_m > delta``, 0 if none: what Fast-dLLM++ commits in one step (delta = 0.25 there).

    Example:
        >>> certified_prefix([0.8, 0.9, 0.6]), certified_prefix([0.8, 0.9, 0.6], 0.75)
        (2, 1)
    """
    bound = exact_fraction(delta, "delta")
    return sum(step.gap > bound for step in frechet_profile(confidences))


def threshold_certificate(confidences: Sequence[Any]) -> bool:
    """Return whether Theorem 1 of arXiv 2505.22618 certifies the mode, ``(n+1) (1 - min c_j) < 1``.

    That is: some eps has ``(n+1) eps <= 1`` and all ``c_j > 1 - eps``.

    Example:
        >>> threshold_certificate(["3/4", "3/4"]), threshold_certificate(["2/3", "2/3"])
        (True, False)
    """
    tops = [_probability(c) for c in confidences]
    if not tops:
        raise InputError("confidences of at least one position are needed.")
    return (len(tops) + 1) * (1 - min(tops)) < 1


def threshold_counterexample(n: int, eps: Any) -> JointPMF:
    """Return a law with all ``c_j > 1 - eps`` whose product mode is no joint mode, for n >= 2 and ``eps > 1/(n+1)``.

    The product mode 0...0 is unique; it has probability ``1 - n f``, the n words with a single 1 have f > 1/(n+1) each.

    Example:
        >>> pmf = threshold_counterexample(2, "0.34")
        >>> pmf.probability((0, 0)), pmf.probability((1, 0)), pmf.marginal([0]).probability((0,))
        (Fraction(49, 150), Fraction(101, 300), Fraction(199, 300))
    """
    limit = exact_fraction(eps, "eps")
    if positive_int(n, "n") < 2 or limit * (n + 1) <= 1:
        raise InputError(
            f"there is a counterexample for n >= 2 and eps > 1/(n+1) only, got n = {n}, eps = {eps}."
        )
    half = Fraction(1, n) + Fraction(1, n + 1)  # twice a point strictly between the threshold and 1/n <= 1/2
    fail = (Fraction(1, n + 1) + min(limit, half / 2)) / 2
    words = [tuple(int(i == j) for i in range(n)) for j in range(-1, n)]
    return JointPMF.from_pairs(words, [1 - n * fail] + [fail] * n)


def _probability(value: Any) -> Fraction:
    p = exact_fraction(value, "a probability")
    if not 0 <= p <= 1:
        raise InputError(f"a probability must be between 0 and 1, got {value}.")
    return p


# -- whole marginals ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, eq=False)
class WorstCase:
    """The joint law least favourable to the product mode.

    Attributes:
        gap: ``P(rival) - P(mode)``, the largest possible for any rival; negative: the mode is certified.
        mode: x*, the most probable tokens (the lowest where several tie).
        rival: The outcome that comes closest or wins.
        joint: A law with the given marginals that attains the gap.
    """

    gap: Fraction
    mode: tuple[int, ...]
    rival: tuple[int, ...]
    joint: JointPMF

    @property
    def certified(self) -> bool:
        """Whether the mode is the unique mode of every joint law with these marginals."""
        return self.gap < 0


def worst_case(marginals: Marginals) -> WorstCase:
    """Return the exact worst case over all joint laws with the given marginals, and a law that attains it.

    Args:
        marginals: n lists of exact probabilities, at least one with two tokens of positive probability.

    Example:
        >>> case = worst_case([["2/3", "1/3"], ["2/3", "1/3"]])
        >>> case.gap, case.certified, case.joint.probability(case.mode), case.joint.probability(case.rival)
        (Fraction(0, 1), False, Fraction(1, 3), Fraction(1, 3))
    """
    rows = _marginals(marginals)
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
    """Lay tokens on [0, 1): the rival on [0, share), all other failures end to end after it, back to ``share`` at 1."""
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
    law: dict[Outcome, Fraction] = {}
    for start, end in pairwise(cuts):
        word = tuple(
            next((v for a, b, v in arc if a <= start < b), order[0])
            for arc, order in zip(arcs, ranked, strict=True)
        )
        law[word] = law.get(word, Fraction(0)) + end - start
    return JointPMF.from_mapping(law)


def worst_gap_by_programme(marginals: Marginals) -> float:
    """Return the worst case as a linear programme (HiGHS): a float, to check :func:`worst_case` by other means.

    One programme for each rival over all joint laws, ``prod_j |V_j|`` variables: maximise ``P(rival) - P(x*)``.

    Raises:
        CostError: If variables times rivals exceed the limit.
    """
    from scipy.optimize import linprog

    rows = _marginals(marginals)
    words = list(product(*(range(len(row)) for row in rows)))
    require_operations(
        len(words) ** 2,
        f"{len(words)} linear programmes of {len(words)} variables",
        limit=_PROGRAMME_CELLS,
        remedy="use fewer positions or tokens",
    )
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


# -- stability ------------------------------------------------------------------------------------------------


def mode_gap(marginals: Marginals) -> Fraction:
    """Return ``Delta_Q = prod c_j (1 - max s_j/c_j)`` of the product law: its first outcome's lead on the second.

    Example:
        >>> mode_gap([["2/3", "1/3"], ["3/4", "1/4"]])
        Fraction(1, 4)
    """
    rows = [sorted(row, reverse=True) for row in _marginals(marginals)]
    return prod((row[0] for row in rows), start=Fraction(1)) * (
        1 - max((row[1] / row[0] for row in rows if row[1:]), default=Fraction(0))
    )


def mode_is_stable(gap: Any, variation: Any) -> bool:
    """Return whether ``TV(P, Q) < Delta_Q/2``, so that the mode of Q is the unique mode of P."""
    return 2 * variation < gap


def mode_is_stable_under(gap: Any, correlation: Bits) -> bool:
    """Return whether ``TC_nats < Delta_Q^2/2``: enough for the product mode to be the unique joint mode.

    Args:
        gap: ``Delta_Q`` of the product of the marginals, exact for an exact decision.
        correlation: ``TC`` in **bits**; the comparison of a LogNumber is exact.

    Example:
        >>> mode_is_stable_under(Fraction(1, 2), LogNumber.log2(Fraction(17, 16)))
        True
    """
    limit = exact_fraction(gap, "the gap") ** 2 / 2
    if not isinstance(correlation, LogNumber):
        return correlation * log(2) < limit
    if correlation == 0:
        return limit > 0
    precision = 64
    while (
        True
    ):  # ends: a non-zero LogNumber in nats is the logarithm of an algebraic number, hence not rational
        with ctx.workprec(precision):
            ahead = arb(to_fmpq(limit)) - correlation.interval(precision) * arb(2).log()
        if ahead > 0 or ahead < 0:
            return bool(ahead > 0)
        precision *= 2


def _marginals(marginals: Marginals) -> list[list[Fraction]]:
    rows = [[_probability(p) for p in row] for row in marginals]
    bad = next((j for j, row in enumerate(rows) if sum(row) != 1), None)
    if bad is not None:
        raise InputError(f"the marginal of position {bad} must sum to 1, got {sum(rows[bad])}.")
    if not rows:
        raise InputError("marginals of at least one position are needed.")
    return rows

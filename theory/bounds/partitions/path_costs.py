r"""Pseudo-cost of a sequence decoded in blocks, from its own conditionals.

Along the blocks ``S_1, ..., S_T`` of a sequence x, with C revealed before the block and its tokens taken in the order
``s_1, s_2, ...``,

    sum_t sum_j [ log2 p(x_{s_j} | x_C, x_{s_1}, ..., x_{s_{j-1}}) - log2 p(x_{s_j} | x_C) ]

(Wen, Liang, Lu, arXiv 2608.25505, the diagnostic for text). It needs conditionals only, so a model's own will do.

**Identity.** If the conditionals come from one joint distribution P, the first terms of a block multiply to ``P(x_S |
x_C)`` by the chain rule. The sum is then ``sum_t log2 [P(x_{S_t} | x_{C_t}) / prod_{i in S_t} P(x_i | x_{C_t})]``,
the *path cost*, in every order within the blocks, and equals ``log2 P(x) / Q(x)``, Q the distribution of the decoder
that takes these blocks along x. Its mean over ``x ~ P`` is ``L_T`` for fixed blocks and the divergence of an adaptive
policy (Theorem 1 there). For conditionals of no joint distribution (a network) it depends on the order: the ``gap``
of ``parabounds model gap`` is its mean over sampled sequences, and ``inconsistency`` bounds what the order changes.
Unit: bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import inf, log2
from typing import Any

import numpy as np

from theory.bounds.partitions.partition import check_partition
from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.outcomes import Outcome, Token
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Number
from theory.numbers.lognumber import Bits, LogNumber
from theory.validation import InputError

__all__ = ["Conditional", "circulation", "path_cost", "pmf_conditional", "pseudo_cost", "step_costs"]

Conditional = Callable[[Mapping[int, Token], int, Token], Number]
"""``p(x_i = token | revealed)`` from (revealed: position to token, i, token)."""


def pmf_conditional(pmf: JointPMF) -> Conditional:
    """Return the conditionals of a joint distribution: those of the ideal model.

    Example:
        >>> p = pmf_conditional(JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City")]))
        >>> p({0: "New"}, 1, "York")
        Fraction(1, 2)
    """

    def conditional(revealed: Mapping[int, Token], i: int, token: Token) -> Number:
        before = _mass(pmf, revealed)
        if before == 0:
            raise InputError(f"the revealed tokens {dict(revealed)} have probability zero.")
        return _mass(pmf, {**revealed, i: token}) / before

    return conditional


def _mass(pmf: JointPMF, revealed: Mapping[int, Token]) -> Number:
    zero = Fraction(0) if pmf.is_exact else 0.0
    return sum((p for y, p in pmf if all(y[i] == token for i, token in revealed.items())), zero)


def pseudo_cost(
    conditional: Conditional | PMFLike, outcome: Outcome, blocks: Sequence[Sequence[int]]
) -> Bits:
    """Return the pseudo-cost of one sequence.

    Args:
        conditional: One-position conditionals, or the joint distribution that they come from.
        outcome: The sequence x.
        blocks: An ordered partition of the positions; within a block the order counts for inconsistent conditionals.

    Returns:
        A LogNumber if every conditional is a Fraction, else a float; may be negative. Infinite where x is possible
        token by token but not in parallel, minus infinite where it is the other way round.

    Example:
        >>> p = JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        >>> pseudo_cost(p, ("New", "York"), [[0, 1]]), pseudo_cost(p, ("New", "York"), [[0], [1]])
        (LogNumber('log2(2)'), LogNumber('0'))
    """
    ask = conditional if callable(conditional) else pmf_conditional(as_pmf(conditional))
    check_partition(blocks, len(outcome))
    ratios: list[tuple[Number, Number]] = []
    revealed: dict[int, Token] = {}
    for block in blocks:
        before = dict(revealed)
        for i in block:
            ratios.append((ask(revealed, i, outcome[i]), ask(before, i, outcome[i])))
            revealed[i] = outcome[i]
    return _log_ratio(ratios)


def path_cost(pmf: JointPMF, outcome: Outcome, blocks: Sequence[Sequence[int]]) -> Bits:
    """Return ``sum_t log2 [P(x_{S_t} | x_{C_t}) / prod_{i in S_t} P(x_i | x_{C_t})]``, equal to the pseudo-cost.

    Example:
        >>> path_cost(JointPMF.uniform([(0, 0, 0), (1, 1, 1)]), (1, 1, 1), [[0, 1, 2]])
        LogNumber('2 log2(2)')
    """
    zero: Bits = LogNumber() if pmf.is_exact else 0.0
    return sum(step_costs(pmf, outcome, blocks), zero)


def step_costs(pmf: JointPMF, outcome: Outcome, blocks: Sequence[Sequence[int]]) -> tuple[Bits, ...]:
    """Return the path cost step by step: ``log2 [P(x_S | x_C) / prod_{i in S} P(x_i | x_C)]`` for each block.

    The deviation of each step from the chain rule (arXiv 2606.00997); a single one may be negative, its mean over
    ``x ~ P`` is the block's ``E C(S | x_C)``.

    Example:
        >>> step_costs(JointPMF.uniform([(0, 0, 0), (1, 1, 1)]), (1, 1, 1), [[0, 1], [2]])
        (LogNumber('log2(2)'), LogNumber('0'))
    """
    check_partition(blocks, len(outcome))
    ask, costs = pmf_conditional(pmf), list[Bits]()
    revealed: dict[int, Token] = {}
    for block in blocks:
        after = {**revealed, **{i: outcome[i] for i in block}}
        together = _mass(pmf, after) / _mass(pmf, revealed)
        one: Number = Fraction(1) if pmf.is_exact else 1.0
        for i in block:
            one = one * ask(revealed, i, outcome[i])
        costs.append(_log_ratio([(together, one)]))
        revealed = after
    return tuple(costs)


def circulation(
    conditional: Conditional | JointPMF,
    revealed: Mapping[int, Token],
    one: tuple[int, Token],
    two: tuple[int, Token],
) -> Bits:
    """Return what the order of two tokens changes: ``log2 [p(a | x_C) p(b | x_C, a) / (p(b | x_C) p(a | x_C, b))]``.

    The circulation of ``log2 p`` around the two orders in which a pair is revealed (arXiv 2605.09303). Positive
    conditionals are those of one joint distribution iff it is zero for all pairs and contexts: the product of
    conditionals along an order is then the same for every order. Infinite if only the first order is possible, minus
    infinity if only the second.

    Args:
        conditional: One-position conditionals, or the joint distribution that they come from.
        revealed: x_C, position to token.
        one: Position and token a.
        two: Position and token b.

    Example:
        >>> model = lambda seen, i, token: Fraction(2, 3) if len(seen) == i else Fraction(1, 2)
        >>> circulation(model, {}, (0, "a"), (1, "b"))
        LogNumber('4 log2(2) - 2 log2(3)')
    """
    ask = pmf_conditional(conditional) if isinstance(conditional, JointPMF) else conditional
    if one[0] == two[0] or one[0] in revealed or two[0] in revealed:
        raise InputError(
            f"two masked positions are needed, got {one[0]} and {two[0]} given {dict(revealed)}."
        )

    def chain(first: tuple[int, Token], second: tuple[int, Token]) -> Number:
        start = ask(revealed, *first)
        return start * ask({**revealed, first[0]: first[1]}, *second) if start else start

    ways = chain(one, two), chain(two, one)
    if ways == (0, 0):
        raise InputError(f"{one} and {two} are impossible in both orders given {dict(revealed)}.")
    return _log_ratio([ways])


def _log_ratio(ratios: Sequence[tuple[Any, Any]]) -> Bits:
    """Return ``log2`` of the product of a / b."""
    if any(a == 0 for a, _ in ratios) or any(b == 0 for _, b in ratios):
        if all(a != 0 for a, _ in ratios):
            return inf
        if all(b != 0 for _, b in ratios):
            return -inf
        raise InputError("the sequence is impossible both token by token and in parallel.")
    if any(isinstance(x, (float, np.floating)) for pair in ratios for x in pair):
        return float(sum(log2(a) - log2(b) for a, b in ratios))
    return LogNumber.weighted_sum((1, Fraction(a) / Fraction(b)) for a, b in ratios)

r"""Exact decodes of outcomes written as tokens, with one or more tokens for each item.

A language model writes a list of m items as L tokens: some items take several tokens, and brackets, separators and
padding stand between them. Each token of an item determines the others. So although there are 2^L sets of revealed
positions, a state is described by two things: which items are *known* (at least one of their tokens is revealed), and
how many certain tokens of the current block are masked. Masked tokens of a known item are certain, too.

*Proof.* For an answer y let ``q_i(y_i | y_K)`` be the probability that one masked token of item i is drawn as in y.
The probability that a step takes ``a_i`` tokens of each unknown item and ``a_0`` certain ones, and draws all of them
as in y, is

    ``w prod_i q_i(y_i | y_K)^{a_i}``,    ``w = prod_i C(t_i, a_i) C(c, a_0) / C(T, r)``

where r of a group of T equally scored tokens are taken at random, ``t_i`` of them of item i and c certain ones. So
``Q(y)`` is a sum over the states ``(K, c)`` of a block, block by block. An item that the known ones determine counts as
known, and states that a symmetry of the distribution maps to each other are one. Rules from left to right reveal the
positions in their order, so that one run leads to y; rules in random order have a module of their own, and so have
wrong runs, which count for the number of calls. Source of the token layout: arXiv 2510.04767, whose lists take four
tokens per person.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_from_left import RunsFromLeft
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_random import (
    at_random,
    calls_of_layout,
    has_given_sizes,
    is_random,
)
from theory.decoding.structured.layout_runs import LayoutRuns
from theory.decoding.structured.layout_steps import LayoutSteps
from theory.distributions.pmf import JointPMF
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import Bits
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.policies.policy import RankedPolicy
from theory.validation import InputError

__all__ = ["LayoutDecode", "decode_layout"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayoutDecode:
    """The exact decode of an answer in a layout.

    Attributes:
        distribution: ``Q(y)`` of every possible answer.
        accuracy: Their sum: the probability that all tokens form a possible answer.
        kl: ``D(P || Q)`` in bits; infinite where a possible answer is never drawn.
        calls: The probability of a possible answer after each number of calls; they sum to ``accuracy``.
        runs: The distribution of the number of calls of all runs, right or wrong.
    """

    distribution: dict[tuple[Any, ...], Fraction]
    accuracy: Fraction
    kl: Bits
    calls: dict[int, Fraction]
    runs: dict[int, Fraction]

    @property
    def steps(self) -> Fraction:
        """Expected number of model calls of the decoder's own runs."""
        return sum((calls * p for calls, p in self.runs.items()), Fraction(0))


def decode_layout(
    pmf: JointPMF | LayoutMarginals, layout: Layout, policy: RankedPolicy, *, temperature: int = 1
) -> LayoutDecode:
    """Return the exact decode of an answer that is written in a layout.

    Args:
        pmf: The exact distribution of the m items, at most 12; or its marginals, to be used for several decodes.
        layout: Where the items are written.
        policy: A ranked policy with random ties whose score does not depend on the place of a token, or which goes
            from left to right. Its ``block`` counts positions of the layout; a schedule starts anew in every block.
        temperature: 1, or 0: each token is one of the most probable ones, ties at random.

    Raises:
        NotRankedError: For another policy, see :mod:`theory.decoding.structured.layout_steps`.
        InputError: For another temperature, a pmf that does not fit, or a rule that makes no progress.

    Example:
        >>> from theory.policies import parse_policy
        >>> cities = JointPMF.uniform([("New", "York"), ("Mexico", "City")])
        >>> pairs = Layout(places=((0, 1), (2, 3)), length=5)  # two tokens a word, and a full stop
        >>> decode_layout(cities, pairs, parse_policy("topk:k=2,by=random")).accuracy
        Fraction(7, 10)
    """
    marginals = pmf if isinstance(pmf, LayoutMarginals) else LayoutMarginals(pmf)
    if len(layout.places) != marginals.pmf.n:
        raise InputError(f"the layout has {len(layout.places)} items, the pmf {marginals.pmf.n}.")
    if temperature not in (0, 1):
        raise InputError(f"a layout is decoded at temperature 0 or 1, got {temperature}.")
    steps = LayoutSteps(marginals, policy)
    if marginals.whole and sum(any(tokens) for tokens, _ in layout.blocks(policy.block)) > 1:
        raise InputError("these marginals are for layouts with all items in one block.")
    rows, wrong = _runs(marginals, layout, steps, temperature)
    own = [sum(row.values(), fmpq(0)) for row in rows]
    weights = [to_fmpq(p) for p in marginals.pmf.probabilities]
    kl = log_sum((p, p / q) for p, q in zip(weights, own, strict=True)) if all(own) else inf
    fixed = {calls_of_layout(layout, steps): Fraction(1)} if has_given_sizes(policy) else None
    return LayoutDecode(
        distribution={y: to_fraction(q) for y, q in zip(marginals.pmf.outcomes, own, strict=True)},
        accuracy=to_fraction(sum(own, fmpq(0))),
        kl=kl,
        calls=_by_calls(rows),
        runs=fixed or _by_calls([*rows, wrong]),
    )


def _runs(
    marginals: LayoutMarginals, layout: Layout, steps: LayoutSteps, temperature: int
) -> tuple[list[dict[int, fmpq]], dict[int, fmpq]]:
    """Return for each answer y its ``Q(y)`` by the number of calls, and the same of wrong runs that were followed."""
    kept = sorted(set(marginals.classes))
    if is_random(steps.policy):
        calls = calls_of_layout(layout, steps)
        found = {y: {calls: at_random(y, marginals, layout, steps, temperature)} for y in kept}
        return [found[y] for y in marginals.classes], {}
    runs = (
        RunsFromLeft(marginals, layout, steps, temperature)
        if steps.policy.by == "left_to_right"
        else LayoutRuns(marginals, layout, steps, temperature, follow=not has_given_sizes(steps.policy))
    )
    found = {y: runs.towards(y) for y in kept}
    return [found[y] for y in marginals.classes], runs.astray()


def _by_calls(rows: list[dict[int, fmpq]]) -> dict[int, Fraction]:
    found: dict[int, fmpq] = {}
    for row in rows:
        for calls, own in row.items():
            found[calls] = found.get(calls, fmpq(0)) + own
    return {calls: to_fraction(own) for calls, own in sorted(found.items()) if own}

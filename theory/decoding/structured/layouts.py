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
positions in their order, so that one run leads to y; rules in random order have a module of their own. Source of
the token layout: arXiv 2510.04767, whose lists take four tokens per person.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_from_left import from_left
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_random import at_random, is_random
from theory.decoding.structured.layout_steps import LayoutSteps
from theory.distributions.pmf import JointPMF
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import Bits
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.policies.policy import RankedPolicy
from theory.validation import InputError

__all__ = ["LayoutDecode", "decode_layout"]

_LONGEST = 10_000  # calls of a block

# (known items, certain tokens, calls in earlier blocks): the probability of the sets taken with the tokens of y, and
# of the sets alone
States = dict[tuple[int, int, int], tuple[fmpq, fmpq]]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayoutDecode:
    """The exact decode of an answer in a layout.

    Attributes:
        distribution: ``Q(y)`` of every possible answer.
        accuracy: Their sum: the probability that all tokens form a possible answer.
        kl: ``D(P || Q)`` in bits; infinite where a possible answer is never drawn.
        steps_under_data: Expected number of model calls along possible answers ``y ~ P``.
        calls: The probability of a possible answer after each number of calls; they sum to ``accuracy``.
        length: L.
    """

    distribution: dict[tuple[Any, ...], Fraction]
    accuracy: Fraction
    kl: Bits
    steps_under_data: Fraction
    calls: dict[int, Fraction]
    length: int

    @property
    def tokens_per_step(self) -> Fraction:
        """``L / steps_under_data``."""
        return self.length / self.steps_under_data


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
    towards = from_left if policy.by == "left_to_right" else at_random if is_random(policy) else _towards
    found = {y: towards(y, marginals, layout, steps, temperature) for y in sorted(set(marginals.classes))}
    own = [sum(found[y][0].values(), fmpq(0)) for y in marginals.classes]
    weights = [to_fmpq(p) for p in marginals.pmf.probabilities]
    calls = sum((p * found[y][1] for p, y in zip(weights, marginals.classes, strict=True)), fmpq(0))
    kl = log_sum((p, p / q) for p, q in zip(weights, own, strict=True)) if all(own) else inf
    return LayoutDecode(
        distribution={y: to_fraction(q) for y, q in zip(marginals.pmf.outcomes, own, strict=True)},
        accuracy=to_fraction(sum(own, fmpq(0))),
        kl=kl,
        steps_under_data=to_fraction(calls),
        calls=_by_calls([found[y][0] for y in marginals.classes]),
        length=layout.length,
    )


def _by_calls(rows: list[dict[int, fmpq]]) -> dict[int, Fraction]:
    found: dict[int, fmpq] = {}
    for row in rows:
        for calls, own in row.items():
            found[calls] = found.get(calls, fmpq(0)) + own
    return {calls: to_fraction(own) for calls, own in sorted(found.items()) if own}


def _towards(
    y: int, marginals: LayoutMarginals, layout: Layout, steps: LayoutSteps, temperature: int
) -> tuple[dict[int, fmpq], fmpq]:
    """Return ``Q(y)`` by the number of calls, and the expected number of calls along y."""
    calls, ended = fmpq(0), {(marginals.closed(0, y), 0): (fmpq(1), fmpq(1))}
    blocks = layout.blocks(steps.policy.block)
    for number, (tokens, size) in enumerate(blocks):
        whole = sum(1 << i for i, count in enumerate(tokens) if count)
        fixed = size - sum(tokens)
        now: States = {}
        for (known, before), values in ended.items():
            now[known, fixed + sum(t for i, t in enumerate(tokens) if known >> i & 1), before] = values
        ended = {}
        for step in range(_LONGEST + 1):
            if not now:
                break
            after: States = {}
            for (known, certain, before), (own, data) in now.items():
                calls += data
                chances = marginals.chances(known, y, temperature)
                for new, left, share, drawn in steps.moves(y, known, certain, tokens, size, step):
                    toward = own * share
                    for item, count in drawn:
                        toward *= chances[item] if count == 1 else chances[item] ** count
                    closed = marginals.closed(new, y)
                    if closed != new:
                        left += sum(t for i, t in enumerate(tokens) if (closed & ~new) >> i & 1)
                    _add(after, (marginals.canonical(closed, y), left, before), (toward, data * share))
            idle = steps.idle(step + 1) if number < len(blocks) - 1 else 0
            now = {}
            for (known, certain, before), values in after.items():
                if certain == 0 and known & whole == whole:  # the block ends for these runs
                    _add(ended, (known, before + step + 1 + idle), values)
                    calls += idle * values[1]
                else:
                    now[known, certain, before] = values
        else:
            raise InputError(f"policy {steps.policy} makes no progress in {_LONGEST} steps.")
    found: dict[int, fmpq] = {}
    for (_, count), (own, _) in ended.items():
        found[count] = found.get(count, fmpq(0)) + own
    return found, calls


def _add(states: dict[Any, tuple[fmpq, fmpq]], key: Any, values: tuple[fmpq, fmpq]) -> None:
    before = states.get(key)
    states[key] = values if before is None else (before[0] + values[0], before[1] + values[1])

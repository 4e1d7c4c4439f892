r"""Runs in random order in a layout, by rules with given numbers of tokens.

The tokens that a step takes are then random ones of the masked tokens, whatever the model says. With ``m`` masked
tokens in the block, of which ``u(K)`` belong to items not yet known, a step that takes r tokens, ``a_i`` of each item i
of a set A and the rest certain ones, and draws them as in y has the probability

    ``C(m - u(K), r - s) / C(m, r) prod_{i in A} C(t_i, a_i) q_i(y_i | y_K)^{a_i}``,    ``s = sum a_i``.

The product does not depend on the step, so it is summed once for each pair of states K and K + A. States that a
symmetry maps to each other are one. All blocks before one are revealed when it starts, so blocks are decoded by
themselves and their probabilities are multiplied.
"""

from __future__ import annotations

from functools import reduce
from math import comb

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_steps import LONGEST, LayoutSteps
from theory.policies.policy import RankedPolicy
from theory.policies.rules.scheduled import Scheduled
from theory.policies.rules.sizes import Sizes
from theory.policies.rules.topk import TopK
from theory.validation import InputError

__all__ = ["at_random", "calls_of_layout", "has_given_sizes", "is_random"]

Sums = dict[tuple[int, int], fmpq]  # (known items after the step, s): the sum of the products


def is_random(policy: RankedPolicy) -> bool:
    """Return whether a rule takes numbers of random tokens that no probability decides.

    Example:
        >>> from theory.policies import parse_policy
        >>> [is_random(parse_policy(spec)) for spec in ("topk:k=2,by=random", "topk:k=2", "llada:steps=2")]
        [True, False, True]
    """
    return policy.by == "random" and has_given_sizes(policy)


def has_given_sizes(policy: RankedPolicy) -> bool:
    """Return whether no probability decides how many tokens a rule takes in a step.

    Example:
        >>> from theory.policies import parse_policy
        >>> [has_given_sizes(parse_policy(spec)) for spec in ("topk:k=2", "threshold:gamma=0.9")]
        [True, False]
    """
    return isinstance(policy, (TopK, Sizes, Scheduled))


def calls_of_layout(layout: Layout, steps: LayoutSteps) -> int:
    """Return how many calls a rule with given sizes makes."""
    sizes = [len(_takes(steps, size)) for _, size in layout.blocks(steps.policy.block)]
    return sum(sizes) + sum(map(steps.idle, sizes[:-1]))


def at_random(
    y: int, marginals: LayoutMarginals, layout: Layout, steps: LayoutSteps, temperature: int
) -> fmpq:
    """Return ``Q(y)``.

    Args:
        y: The outcome.
        marginals: Of the items.
        layout: Where they are written.
        steps: Of a rule in random order, see :func:`is_random`.
        temperature: 1 or 0.
    """
    own, known = fmpq(1), 0
    for tokens, size in layout.blocks(steps.policy.block):
        inside = tuple(0 if known >> i & 1 else count for i, count in enumerate(tokens))
        if any(inside) and own:
            own *= _block(y, marginals, (known, inside), _takes(steps, size), temperature)
        known |= sum(1 << i for i, count in enumerate(tokens) if count)
    return own


def _takes(steps: LayoutSteps, size: int) -> list[int]:
    """Return how many tokens each call of a block takes."""
    found: list[int] = []
    while sum(found) < size:
        if len(found) > LONGEST:
            raise InputError(f"policy {steps.policy} makes no progress in {LONGEST} steps.")
        found.append(steps.number(size - sum(found), size, len(found)))
    return found


def _block(
    y: int,
    marginals: LayoutMarginals,
    start: tuple[int, tuple[int, ...]],
    takes: list[int],
    temperature: int,
) -> fmpq:
    """Return the probability that a block is drawn as in y, from the known items and the tokens of each other item."""
    known, tokens = start
    whole, masked, most = sum(tokens), sum(takes), min(max(takes), sum(tokens))
    now = {marginals.canonical(known, y): fmpq(1)}
    for take in takes:
        after: dict[int, fmpq] = {}
        ways = fmpq(1, comb(masked, take))
        for state, own in now.items():
            unknown = whole - sum(t for i, t in enumerate(tokens) if state >> i & 1)
            certain = masked - unknown
            for (new, drawn), product in _sums(y, state, marginals, tokens, most, temperature).items():
                if 0 <= take - drawn <= certain:
                    share = own * product * ways * comb(certain, take - drawn)
                    after[new] = after[new] + share if new in after else share
        now, masked = after, masked - take
    return reduce(fmpq.__add__, now.values(), fmpq(0))


def _sums(
    y: int, state: int, marginals: LayoutMarginals, tokens: tuple[int, ...], most: int, temperature: int
) -> Sums:
    """Return the sum of the products for each state after the step and each number of drawn tokens, up to ``most``."""
    key = (y, state, tokens, most, temperature)
    if key not in marginals.products:
        chances = marginals.chances(state, y, temperature)
        zero, sets = fmpq(0), {(state, 0): fmpq(1)}
        for item, count in enumerate(tokens):
            if not count or state >> item & 1 or not chances[item]:
                continue
            powers = [comb(count, a) * chances[item] ** a for a in range(1, count + 1)]
            for (known, drawn), product in list(sets.items()):
                for a, power in enumerate(powers, 1):
                    if drawn + a <= most:
                        place = (known | 1 << item, drawn + a)
                        sets[place] = sets.get(place, zero) + product * power
        found: Sums = {}
        for (known, drawn), product in sets.items():
            place = (marginals.canonical(known, y), drawn)
            found[place] = found.get(place, zero) + product
        marginals.products[key] = found
    return marginals.products[key]

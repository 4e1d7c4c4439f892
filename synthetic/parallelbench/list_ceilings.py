"""Exact score of a perfect model on lists of one size, computed afresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from synthetic.task import list_task
from theory.decoding.decoder import decode
from theory.decoding.structured.laid_out import LaidOut
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_steps import NotRankedError
from theory.decoding.structured.layouts import decode_layout
from theory.decoding.tie_breaks import tie_interval
from theory.distributions.distribution import ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.limits import CostError
from theory.policies.policy import Policy, RankedPolicy
from theory.validation import InputError, choice

__all__ = [
    "LAYOUTS",
    "SizeCeiling",
    "list_contexts",
    "list_layout",
    "size_ceiling",
    "tie_ends",
    "tokens_per_step",
]

LAYOUTS = ("items", "names", "released")
MOST = 12  # people of an answer
LISTED = 12  # positions up to which the ends over ties are known


@dataclass(frozen=True, kw_only=True)
class SizeCeiling:
    """What a perfect model scores on lists of one size.

    Attributes:
        accuracy: The probability of a right answer, averaged over the contexts of the task.
        steps: Expected model calls of all runs, right or wrong.
        tokens_per_step: Mean of decoded positions over calls, of the same runs.
    """

    accuracy: Fraction
    steps: Fraction
    tokens_per_step: Fraction


def list_layout(name: str | Layout, people: int) -> Layout:
    """Return where the people of an answer are written.

    Args:
        name: ``items``, ``names`` or ``released``; or a layout with places for at least so many people, of which the
            first are used.
        people: In the answer.

    Raises:
        InputError: For an unknown name, or a layout with fewer places.

    Example:
        >>> list_layout("released", 2).places, list_layout("names", 2).length
        (((1, 2), (5, 6)), 4)
    """
    if isinstance(name, Layout):
        if len(name.places) < people:
            raise InputError(f"the layout has places for {len(name.places)} people, an answer has {people}.")
        return Layout(places=name.places[:people], length=name.length)
    choice(name, "layout", LAYOUTS)
    if name == "items":
        return Layout(places=tuple((j,) for j in range(people)), length=people)
    if name == "names":
        return Layout(places=tuple((2 * j, 2 * j + 1) for j in range(people)), length=2 * people)
    length = 32 if 4 * people + 1 <= 32 else 128
    return Layout(places=tuple((4 * j + 1, 4 * j + 2) for j in range(people)), length=length)


def size_ceiling(
    operation: str, n: int, policy: RankedPolicy, *, layout: str | Layout = "released", temperature: int = 0
) -> SizeCeiling:
    """Return what a perfect model scores on lists of n people.

    Args:
        operation: A list task of :mod:`synthetic`.
        n: People in the line; the answer has at most 12.
        policy: A ranked rule with random ties; its block counts positions of the layout. Any other rule with rational
            chances is decoded over all positions, where a minute is enough for that.
        layout: ``items``, ``names`` or ``released``, or where the people are written.
        temperature: 0 or 1.

    Raises:
        InputError: For a rule that is not decoded exactly in this layout.
        CostError: If there are too many states.

    Example:
        >>> from theory.policies import parse_policy
        >>> size_ceiling("shuffle_strict", 3, parse_policy("topk:k=2,block=2"), layout="names").accuracy
        Fraction(1, 4)
        >>> klass = parse_policy("klass:tau=0.6,eps=0.01")
        >>> size_ceiling("shuffle_strict", 3, klass, layout="names", temperature=1).steps
        Fraction(28, 5)
    """
    if n > MOST + 1:  # an answer may have one person less
        raise InputError(
            f"lists are decoded exactly for up to {MOST} items, got {n} people; sample them (--samples N)."
        )
    sums = [Fraction(0)] * 3
    for weight, given in list_contexts(operation, n):
        placed = list_layout(layout, given.pmf.n)
        try:
            done = decode_layout(given, placed, policy, temperature=temperature)
            values = (done.accuracy, done.steps, tokens_per_step(placed.length, done.runs))
        except NotRankedError:
            whole = whole_ceiling(given.pmf, placed, policy, temperature=temperature)
            values = (whole.accuracy, whole.steps, whole.tokens_per_step)
        sums = [total + weight * value for total, value in zip(sums, values, strict=True)]
    return SizeCeiling(accuracy=sums[0], steps=sums[1], tokens_per_step=sums[2])


def tie_ends(
    operation: str, sizes: Sequence[int], policy: Policy, *, layout: str | Layout = "released"
) -> tuple[Fraction, Fraction]:
    """Return the least and the greatest accuracy at temperature 0 over all deterministic choices among tied tokens.

    Args:
        operation: A list task of :mod:`synthetic`.
        sizes: People in a line, all equally likely.
        policy: A rule without memory; its own random choices are averaged over.
        layout: ``items`` or ``names``, or where the people are written, with at most 12 positions.

    Raises:
        InputError: For a longer layout, or a rule that keeps a memory or masks again.
        CostError: If there are too many states.

    Example:
        >>> from theory.policies import parse_policy
        >>> tie_ends("shuffle", [2], parse_policy("topk:k=2"), layout="items")
        (Fraction(0, 1), Fraction(1, 1))
    """
    least = most = Fraction(0)
    for n in sizes:
        for weight, given in list_contexts(operation, n):
            placed = list_layout(layout, given.pmf.n)
            if placed.length > LISTED:
                raise InputError(
                    f"ends over ties are known in layouts of up to {LISTED} positions, got {placed.length}; "
                    "give --layout items or names, and fewer people."
                )
            low, high = tie_interval(LaidOut(ListedDistribution(given.pmf), placed).pmf(), policy)
            least += weight * Fraction(low) / len(sizes)
            most += weight * Fraction(high) / len(sizes)
    return least, most


def whole_ceiling(pmf: JointPMF, placed: Layout, policy: Policy, *, temperature: int) -> SizeCeiling:
    """Return what a perfect model scores by any rule, decoded over all positions.

    Args:
        pmf: Of the items.
        placed: Where they are written.
        policy: Any rule with rational chances.
        temperature: 0 or 1.

    Raises:
        InputError: For a rule with irrational chances.
        CostError: If there are too many states.
    """
    irrational = InputError(
        f"{policy} has irrational chances, so no exact ceiling; it can be sampled (--samples N)."
    )
    if not getattr(policy, "rational", True):
        raise irrational
    whole = LaidOut(ListedDistribution(pmf), placed).pmf()
    try:
        done = decode(whole, policy, temperature=temperature)
    except CostError as error:
        raise CostError(f"{str(error)[:-1]}, or sample it (--samples N).") from None
    if not isinstance(done.accuracy, Fraction) or not isinstance(done.steps, Fraction):
        raise irrational
    return SizeCeiling(
        accuracy=done.accuracy,
        steps=done.steps,
        tokens_per_step=tokens_per_step(placed.length, done.step_distribution.runs),
    )


def tokens_per_step(length: int, calls: Mapping[int, Any]) -> Fraction:
    """Return the mean of ``length / calls``, as the benchmark reports it: a mean of ratios.

    Example:
        >>> tokens_per_step(12, {2: Fraction(1, 2), 6: Fraction(1, 2)})
        Fraction(4, 1)
    """
    return sum((Fraction(length, count) * p for count, p in calls.items()), Fraction(0))


@cache
def list_contexts(operation: str, n: int) -> list[tuple[Fraction, LayoutMarginals]]:
    """Return the contexts of a list task with their weights.

    Contexts that differ only in the given place have one answer each, and count as one.
    """
    contexts = list_task(operation, n).contexts()
    pmfs = [(context.weight, context.distribution.pmf()) for context in contexts]
    if all(len(pmf) == 1 for _, pmf in pmfs):
        pmfs = [(Fraction(1), pmfs[0][1])]
    return [(weight, LayoutMarginals(pmf)) for weight, pmf in pmfs]

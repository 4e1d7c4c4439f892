"""Exact score of a perfect model on lists of one size, computed afresh."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from synthetic.task import list_task
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layouts import decode_layout
from theory.policies.policy import RankedPolicy
from theory.validation import choice

__all__ = ["LAYOUTS", "SizeCeiling", "list_contexts", "list_layout", "size_ceiling"]

LAYOUTS = ("items", "names", "released")


@dataclass(frozen=True, kw_only=True)
class SizeCeiling:
    """What a perfect model scores on lists of one size.

    Attributes:
        accuracy: The probability of a right answer, averaged over the contexts of the task.
        steps: Expected model calls along right answers.
        tokens_per_step: Decoded positions over calls, averaged over the contexts.
    """

    accuracy: Fraction
    steps: Fraction
    tokens_per_step: Fraction


def list_layout(name: str, people: int) -> Layout:
    """Return where the people of an answer are written.

    Example:
        >>> list_layout("released", 2).places, list_layout("names", 2).length
        (((1, 2), (5, 6)), 4)
    """
    choice(name, "layout", LAYOUTS)
    if name == "items":
        return Layout(places=tuple((j,) for j in range(people)), length=people)
    if name == "names":
        return Layout(places=tuple((2 * j, 2 * j + 1) for j in range(people)), length=2 * people)
    length = 32 if 4 * people + 1 <= 32 else 128
    return Layout(places=tuple((4 * j + 1, 4 * j + 2) for j in range(people)), length=length)


def size_ceiling(
    operation: str, n: int, policy: RankedPolicy, *, layout: str = "released", temperature: int = 0
) -> SizeCeiling:
    """Return what a perfect model scores on lists of n people.

    Args:
        operation: A list task of :mod:`synthetic`.
        n: People in the line; the answer has at most 12.
        policy: A ranked rule with random ties; its block counts positions of the layout.
        layout: ``items``, ``names`` or ``released``.
        temperature: 0 or 1.

    Example:
        >>> from theory.policies import parse_policy
        >>> size_ceiling("shuffle_strict", 3, parse_policy("topk:k=2,block=2"), layout="names").accuracy
        Fraction(1, 4)
    """
    sums = [Fraction(0)] * 3
    for weight, given in list_contexts(operation, n):
        done = decode_layout(given, list_layout(layout, given.pmf.n), policy, temperature=temperature)
        values = (done.accuracy, done.steps_under_data, done.tokens_per_step)
        sums = [total + weight * value for total, value in zip(sums, values, strict=True)]
    return SizeCeiling(accuracy=sums[0], steps=sums[1], tokens_per_step=sums[2])


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

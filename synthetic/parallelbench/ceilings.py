"""Exact scores of a perfect model on the list tasks.

A published score mixes two losses: of the model, and of decoding several tokens at once. The second is that of an ideal
model, which knows the distribution of the answers exactly. It depends on how people are written:

- ``items``: a person is one token, and nothing else is decoded.
- ``names``: a person is two tokens, first and last name; each determines the other.
- ``released``: four tokens per person, ``["`` or ``", "`` before and between, then padding, in 32 positions (lists of
  up to 7 people) or 128. Formatting and padding are certain, yet count as tokens. This is how Dream and LLaDA tokenise.

Source: arXiv 2510.04767 and its repository; the layout follows from its tokenizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.tasks import BenchTask
from synthetic.task import list_task
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layouts import Layout, decode_layout
from theory.policies.policy import RankedPolicy
from theory.validation import InputError, choice

__all__ = ["LAYOUTS", "Ceiling", "ceiling", "list_layout"]

LAYOUTS = ("items", "names", "released")


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What a perfect model scores on a task.

    Attributes:
        accuracy: The mean over the sizes of the probability of a right answer.
        steps: The mean of the expected model calls along right answers.
        tokens_per_step: The mean over the sizes of decoded positions over calls, as the benchmark reports it.
        by_size: The accuracy of each size.
    """

    accuracy: Fraction
    steps: Fraction
    tokens_per_step: Fraction
    by_size: dict[int, Fraction]


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


def ceiling(
    task: BenchTask,
    policy: RankedPolicy,
    *,
    layout: str = "released",
    temperature: int = 0,
    sizes: Sequence[int] = PAPER_SIZES,
) -> Ceiling:
    """Return what a perfect model scores on a list task, exactly.

    Args:
        task: A task of the waiting line.
        policy: A ranked rule with random ties; its block counts positions of the layout.
        layout: ``items``, ``names`` or ``released``.
        temperature: 0 (as the paper decodes) or 1.
        sizes: People in a line, all equally likely; the answer has at most 12.

    Raises:
        InputError: For a task whose answers are no list, or a rule that cannot be decoded exactly in a layout.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> from theory.policies import parse_policy
        >>> rule = parse_policy("topk:k=2,by=random,block=2")
        >>> ceiling(bench_task("shuffle"), rule, layout="names", sizes=(3,)).by_size
        {3: Fraction(1, 4)}
    """
    if task.kind != "list" or task.operation is None:
        raise InputError(f"{task.name} is no list task; its ceiling is not computed here.")
    found: dict[int, tuple[Fraction, Fraction, Fraction]] = {}
    for n in sizes:
        parts = [
            (weight, decode_layout(given, list_layout(layout, given.pmf.n), policy, temperature=temperature))
            for weight, given in _contexts(task.operation, n)
        ]
        found[n] = (
            sum((weight * done.accuracy for weight, done in parts), Fraction(0)),
            sum((weight * done.steps_under_data for weight, done in parts), Fraction(0)),
            sum((weight * done.tokens_per_step for weight, done in parts), Fraction(0)),
        )
    accuracy, steps, rate = (
        sum(column) / Fraction(len(found)) for column in zip(*found.values(), strict=True)
    )
    return Ceiling(
        accuracy=Fraction(accuracy),
        steps=Fraction(steps),
        tokens_per_step=Fraction(rate),
        by_size={n: values[0] for n, values in found.items()},
    )


@cache
def _contexts(operation: str, n: int) -> list[tuple[Fraction, LayoutMarginals]]:
    """The contexts of a list task; those that differ only in the given place have one answer each and count as one."""
    contexts = list_task(operation, n).contexts()
    pmfs = [(context.weight, context.distribution.pmf()) for context in contexts]
    if all(len(pmf) == 1 for _, pmf in pmfs):
        pmfs = [(Fraction(1), pmfs[0][1])]
    return [(weight, LayoutMarginals(pmf)) for weight, pmf in pmfs]

"""Exact scores of a perfect model on the list tasks and puzzles.

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

from synthetic.parallelbench.ceiling_table import stored_ceiling
from synthetic.parallelbench.list_ceilings import SizeCeiling, size_ceiling
from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.puzzle_ceilings import (
    latin_ceiling,
    puzzle_layout,
    solved_ceiling,
)
from synthetic.parallelbench.sudoku_ceilings import sudoku_ceiling
from synthetic.parallelbench.tasks import BenchTask
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_steps import NotRankedError
from theory.policies.policy import RankedPolicy
from theory.validation import InputError

__all__ = ["Ceiling", "ceiling"]


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What a perfect model scores on a task.

    Attributes:
        accuracy: The mean over the sizes of the probability of a right answer.
        steps: The mean of the expected model calls, of all runs, right or wrong.
        tokens_per_step: The mean over the same runs of decoded positions over calls, as the benchmark reports it.
        by_size: The accuracy of each size.
    """

    accuracy: Fraction
    steps: Fraction
    tokens_per_step: Fraction
    by_size: dict[int, Fraction]


def ceiling(
    task: BenchTask,
    policy: RankedPolicy,
    *,
    layout: str | Layout = "released",
    temperature: int = 0,
    sizes: Sequence[int] = PAPER_SIZES,
    holes: int | None = None,
) -> Ceiling:
    """Return what a perfect model scores on a list task or a puzzle, exactly.

    Args:
        task: A task of the waiting line, or a puzzle.
        policy: A rule; its block counts positions of the layout. Ranked rules with random ties, or from left to right,
            are decoded by kinds of tokens, others over all positions where a minute is enough.
        layout: ``items``, ``names`` or ``released``; puzzles have ``items``, ``released`` and ``joined``. Or where the
            people, or the 16 cells, are written.
        temperature: 0 (as the paper decodes) or 1.
        sizes: People in a line, all equally likely; the answer has at most 12. Puzzles have one size.
        holes: Random empty cells of a Sudoku of v2; ``None`` for the puzzles of v1, which have one solution.

    Raises:
        InputError: For a text, or a rule that cannot be decoded exactly.
        CostError: For a rule that would take too long.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> from theory.policies import parse_policy
        >>> rule = parse_policy("topk:k=2,by=random,block=2")
        >>> ceiling(bench_task("shuffle"), rule, layout="names", sizes=(3,)).by_size
        {3: Fraction(1, 4)}
        >>> ceiling(bench_task("sudoku"), parse_policy("topk:k=1"), holes=4, temperature=1).accuracy
        Fraction(727, 728)
    """
    if task.kind == "puzzle":
        try:
            return _puzzle(task, policy, layout, temperature, holes)
        except NotRankedError:
            raise InputError(
                f"{task.name} with empty cells is decoded exactly by ranked rules without memory, with random ties or "
                f"from left to right; {policy} can be sampled (--samples N)."
            ) from None
    if task.operation is None:
        raise InputError(f"{task.name} has no known distribution, so no ceiling.")
    found: dict[int, SizeCeiling] = {}
    for n in sizes:
        stored = isinstance(layout, str) and stored_ceiling(
            task.operation, n, policy, layout=layout, temperature=temperature
        )
        found[n] = stored or size_ceiling(task.operation, n, policy, layout=layout, temperature=temperature)
    parts, share = found.values(), Fraction(1, len(found))
    return Ceiling(
        accuracy=share * sum((part.accuracy for part in parts), Fraction(0)),
        steps=share * sum((part.steps for part in parts), Fraction(0)),
        tokens_per_step=share * sum((part.tokens_per_step for part in parts), Fraction(0)),
        by_size={n: part.accuracy for n, part in found.items()},
    )


def _puzzle(
    task: BenchTask, policy: RankedPolicy, layout: str | Layout, temperature: int, holes: int | None
) -> Ceiling:
    name = "cells" if layout == "items" else layout
    if task.name.endswith("latin_square"):
        done = latin_ceiling(policy, layout=name, temperature=temperature)
    elif holes is None:
        done = solved_ceiling(policy, puzzle_layout(name, commas=False).length)
    else:
        done = sudoku_ceiling(policy, holes=holes, layout=name, temperature=temperature)
    return Ceiling(
        accuracy=done.accuracy,
        steps=done.steps,
        tokens_per_step=done.tokens_per_step,
        by_size={4: done.accuracy},
    )

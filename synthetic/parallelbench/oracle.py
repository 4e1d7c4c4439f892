r"""Oracle for a perfect model, the best of several settings for each sample (Figure 7).

For each sample the oracle takes, among all settings that reach its best score, the one with the fewest steps. A perfect
model's random ties are drawn anew for each setting. With ``F_s(c)`` the probability that setting s gives a right answer
within c calls, some setting does with probability ``1 - prod_s (1 - F_s(c))``: this is the distribution of the least
number of calls of a right answer. Source: arXiv 2510.04767, Appendix G.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from synthetic.parallelbench.list_ceilings import list_contexts, list_layout
from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.tasks import BenchTask
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layouts import decode_layout
from theory.policies.policy import RankedPolicy
from theory.validation import InputError

__all__ = ["Oracle", "oracle"]


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """What the oracle reaches.

    Attributes:
        accuracy: The probability that some setting gives a right answer.
        steps: Expected least number of calls, given that.
        tokens_per_step: Expected positions over least calls, given that.
    """

    accuracy: Fraction
    steps: Fraction
    tokens_per_step: Fraction


def oracle(
    task: BenchTask,
    policies: Sequence[RankedPolicy],
    *,
    layout: str | Layout = "released",
    temperature: int = 0,
    sizes: Sequence[int] = PAPER_SIZES,
) -> Oracle:
    """Return what the best setting for each sample reaches with a perfect model, exactly.

    Args:
        task: A list task.
        policies: The settings.
        layout: ``items``, ``names`` or ``released``, or where the people are written.
        temperature: 0 or 1.
        sizes: People in a line, all equally likely.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> from theory.policies import parse_policy
        >>> pair = [parse_policy("topk:k=1"), parse_policy("topk:k=3,by=random")]
        >>> best = oracle(bench_task("shuffle"), pair, layout="items", sizes=(3,))
        >>> best.accuracy, best.steps  # all at once is right for 1 of 4, else three steps
        (Fraction(1, 1), Fraction(5, 2))
    """
    if task.operation is None or not sizes or not policies:
        raise InputError(f"{task.name}: an oracle needs a list task, sizes and settings.")
    accuracy = steps = rate = Fraction(0)
    for n in sizes:
        for weight, given in list_contexts(task.operation, n):
            placed = list_layout(layout, given.pmf.n)
            runs = [decode_layout(given, placed, one, temperature=temperature).calls for one in policies]
            share, missed, reached = weight / len(sizes), Fraction(1), [Fraction(0)] * len(runs)
            for calls in sorted(set().union(*runs)):
                reached = [before + run.get(calls, 0) for before, run in zip(reached, runs, strict=True)]
                still = Fraction(1)
                for one in reached:
                    still *= 1 - one
                accuracy += share * (missed - still)
                steps += share * (missed - still) * calls
                rate += share * (missed - still) * Fraction(placed.length, calls)
                missed = still
    return Oracle(accuracy=accuracy, steps=steps / accuracy, tokens_per_step=rate / accuracy)

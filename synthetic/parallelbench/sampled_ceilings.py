"""Sampled score of a perfect model on long lists and Latin squares, with exact intervals.

Beyond 12 people the exact sums have too many states, and some rules have none. Here the ideal model is decoded many
times, by any rule of the registry, on lists of any length; the marginals are exact
conditionals in double precision. The interval of the accuracy is exact (Clopper and Pearson).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic.grids import latin_squares
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.tasks import BenchTask
from synthetic.task import list_task
from theory.decoding.structured.laid_out import LaidOut
from theory.decoding.structured.layout import Layout
from theory.distributions.distribution import ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.policies.policy import Policy
from theory.sampling.intervals import proportion
from theory.sampling.runs import sample_runs
from theory.validation import InputError, positive_int

__all__ = ["SampledCeiling", "sampled_ceiling"]


@dataclass(frozen=True, kw_only=True)
class SampledCeiling:
    """What a perfect model scored in samples.

    Attributes:
        right: Right answers.
        samples: All answers.
        low: Lower end of the 95 % interval of the accuracy.
        high: Upper end.
        steps: Mean model calls of the right answers; ``None`` if there are none.
    """

    right: int
    samples: int
    low: float
    high: float
    steps: float | None

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.samples


def sampled_ceiling(
    task: BenchTask,
    policy: Policy,
    *,
    people: int,
    layout: str | Layout = "released",
    temperature: int = 0,
    samples: int = 2000,
    seed: int = 0,
) -> SampledCeiling:
    """Return what a perfect model scores on lists of one size or Latin squares, in samples.

    Args:
        task: A list task, or the Latin square.
        policy: Any rule; its block counts positions of the layout.
        people: In the line; no matter for squares.
        layout: ``items``, ``names`` or ``released``, or where people or cells are written.
        temperature: 0 or 1.
        samples: How many answers are drawn; contexts of the task are equally likely.
        seed: Of all randomness.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> from theory.policies import parse_policy
        >>> rule = parse_policy("topk:k=2,by=left_to_right")
        >>> found = sampled_ceiling(bench_task("shuffle"), rule, people=15, layout="items", samples=50)
        >>> found.samples, found.steps is None or found.steps
        (50, 8.0)
    """
    positive_int(samples, "samples")
    written = _written(task, people, layout)
    rng = np.random.default_rng(seed)
    drawn = np.bincount(rng.integers(len(written), size=samples), minlength=len(written))
    right, calls = 0, 0
    for one, count in zip(written, drawn.tolist(), strict=True):
        if count:
            runs = sample_runs(
                one, policy, samples=count, rng=rng, off_support="stop", temperature=temperature
            )
            good = one.contains(runs.tokens)
            right, calls = right + int(good.sum()), calls + int(runs.steps[good].sum())
    found = proportion(right, samples)
    return SampledCeiling(
        right=right,
        samples=samples,
        low=found["low"],
        high=found["high"],
        steps=calls / right if right else None,
    )


def _written(task: BenchTask, people: int, layout: str | Layout) -> list[LaidOut]:
    """The distributions of the tokens, equally likely."""
    if task.name == "puzzles/latin_square":
        squares = ListedDistribution(JointPMF.uniform(latin_squares(4)))
        return [LaidOut(squares, puzzle_layout("cells" if layout == "items" else layout, commas=True))]
    if task.operation is None:
        raise InputError(f"{task.name}: only lists and Latin squares are sampled.")
    contexts = list_task(task.operation, people).contexts()
    if len({context.weight for context in contexts}) > 1:
        raise InputError(f"{task.name}: its contexts are not equally likely.")
    laws = [context.distribution for context in contexts]
    return [LaidOut(law, list_layout(layout, law.n)) for law in laws]

"""Sampled score of a perfect model on lists of any length and puzzles, with exact intervals.

Beyond 12 people the exact sums have too many states, and some rules have none. Here the ideal model is decoded many
times, by any rule of the registry; the marginals are exact conditionals in double precision. The interval of the
accuracy is exact (Clopper and Pearson).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthetic.grids import latin_squares
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.puzzles import stored_grids
from synthetic.parallelbench.sudoku_ceilings import solutions
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

SQUARE, SUDOKU = "puzzles/latin_square", "puzzles/sudoku"
Contexts = tuple[
    list[int], list[tuple[LaidOut, NDArray[np.int64] | None]]
]  # weights; laws, and what alone is right


@dataclass(frozen=True, kw_only=True)
class SampledCeiling:
    """What a perfect model scored in samples.

    Attributes:
        right: Right answers.
        samples: All answers.
        low: Lower end of the 95 % interval of the accuracy.
        high: Upper end.
        steps: Mean model calls of all runs, right or wrong.
    """

    right: int
    samples: int
    low: float
    high: float
    steps: float

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
    holes: int | None = None,
) -> SampledCeiling:
    """Return what a perfect model scores on lists of one size or a puzzle, in samples.

    Args:
        task: A list task, or a puzzle.
        policy: Any rule; its block counts positions of the layout.
        people: In the line; no matter for puzzles.
        layout: ``items``, ``names`` or ``released``, or where people or cells are written.
        temperature: 0 or 1.
        samples: How many answers are drawn, each in a random context of the task.
        seed: Of all randomness.
        holes: Random empty cells of a Sudoku of v2; ``None`` for the puzzles of v1, which have one solution.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> from theory.policies import parse_policy
        >>> rule = parse_policy("topk:k=2,by=left_to_right")
        >>> found = sampled_ceiling(bench_task("shuffle"), rule, people=15, layout="items", samples=50)
        >>> found.samples, found.steps
        (50, 8.0)
    """
    positive_int(samples, "samples")
    weights, written = _sudokus(layout, holes) if task.name == SUDOKU else _written(task, people, layout)
    rng = np.random.default_rng(seed)
    drawn = np.bincount(
        np.searchsorted(np.cumsum(weights), rng.integers(sum(weights), size=samples), side="right"),
        minlength=len(written),
    )
    right, calls = 0, 0
    for (law, stored), count in zip(written, drawn.tolist(), strict=True):
        if count:
            runs = sample_runs(law, policy, samples=count, rng=rng, temperature=temperature)
            good = law.contains(runs.tokens) if stored is None else (runs.tokens == stored).all(axis=1)
            right, calls = right + int(good.sum()), calls + int(runs.steps.sum())
    found = proportion(right, samples)
    return SampledCeiling(
        right=right,
        samples=samples,
        low=found["low"],
        high=found["high"],
        steps=calls / samples,
    )


def _written(task: BenchTask, people: int, layout: str | Layout) -> Contexts:
    """The distributions of the tokens, equally likely; every answer that they have is right."""
    if task.name == SQUARE:
        squares = ListedDistribution(JointPMF.uniform(latin_squares(4)))
        placed = puzzle_layout("cells" if layout == "items" else layout, commas=True)
        return [1], [(LaidOut(squares, placed), None)]
    if task.operation is None:
        raise InputError(f"{task.name} has no known distribution, so no ceiling.")
    contexts = list_task(task.operation, people).contexts()
    if len({context.weight for context in contexts}) > 1:
        raise InputError(f"{task.name}: its contexts are not equally likely.")
    laws = [context.distribution for context in contexts]
    return [1] * len(laws), [(LaidOut(law, list_layout(layout, law.n)), None) for law in laws]


def _sudokus(layout: str | Layout, holes: int | None) -> Contexts:
    """The solutions of a puzzle, all equally likely, and the tokens of the stored one; all with one solution alike."""
    placed = puzzle_layout("cells" if layout == "items" else layout, commas=False)
    single = (stored_grids(False).outcomes[0],)
    weights: Counter[tuple[Any, ...]] = Counter() if holes is not None else Counter({single: 1})
    if holes is not None:
        for (grids, weight), count in solutions(holes).items():
            weights[grids if len(grids) > 1 else single] += weight * count
    written: list[tuple[LaidOut, NDArray[np.int64] | None]] = []
    for grids in weights:
        law = LaidOut(ListedDistribution(JointPMF.uniform(grids)), placed)
        stored = np.full(law.n, len(law.items.tokens))
        for (place,), value in zip(placed.places, grids[0], strict=True):
            stored[place] = law.items.tokens.index(value)
        written.append((law, stored))
    return list(weights.values()), written

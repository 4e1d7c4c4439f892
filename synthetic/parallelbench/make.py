"""Samples of a task, decided by sizes, numbers and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from synthetic.parallelbench.lists import list_sample
from synthetic.parallelbench.protocol import Protocol
from synthetic.parallelbench.puzzles import latin_sample, sudoku_sample
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.words import words_sample
from theory.validation import InputError, positive_int

__all__ = ["PAPER_SIZES", "make_samples"]

PAPER_SIZES = (3, 4, 5, 6)  # of the paper's lists, 25 samples each; Figure 4 uses 5 to 20
EXAMPLE_SIZE = 3  # people in the example that v2 shows with all samples


def make_samples(
    task: BenchTask,
    protocol: Protocol,
    *,
    count: int = 100,
    sizes: Sequence[int] = PAPER_SIZES,
    seed: int = 0,
    sharing: bool = False,
    by: str = "whole",
) -> tuple[Sample, ...]:
    """Return samples of one task, the same for the same arguments.

    Args:
        task: The task; paraphrases and summaries are read from files.
        protocol: ``v1`` or ``v2``.
        count: How many; lists have equally many of each size, in order.
        sizes: People in a line.
        seed: Of all randomness.
        sharing: Whether people may share a first or last name.
        by: What sort compares: ``whole`` names (as released) or ``last`` names.

    Raises:
        InputError: If the count is no multiple of the number of sizes, or the task cannot be made.

    Example:
        >>> from synthetic.parallelbench.protocol import PROTOCOLS
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> made = make_samples(bench_task("copy"), PROTOCOLS["v1"], count=8)
        >>> [sample.metadata["length"] for sample in made]
        [3, 3, 4, 4, 5, 5, 6, 6]
    """
    if task.name in ("text/paraphrase", "text/summary"):
        raise InputError(
            f"{task.name} needs texts from a file; read them from a JSON Lines file with --from."
        )
    wanted = _lengths(task, positive_int(count, "count"), sizes)
    rng = Random(f"{task.name} {protocol.name} {seed}")
    first: Sample | None = None  # the example shown with all samples
    if task.kind != "text" and not protocol.own_example:
        made = _one(task, EXAMPLE_SIZE, protocol, rng, sharing, by)
        first = Sample(input=made.input, answer=made.answer, metadata={})  # all that v2 writes of it
    found: list[Sample] = []
    for n in wanted:
        sample = _one(task, n, protocol, rng, sharing, by)
        while first is not None and sample.input == first.input:
            sample = _one(task, n, protocol, rng, sharing, by)
        example = first
        if task.kind != "text" and protocol.own_example:
            example = _one(task, rng.choice(list(sizes)), protocol, rng, sharing, by)
        found.append(replace(sample, example=example))
    return tuple(found)


def _lengths(task: BenchTask, count: int, sizes: Sequence[int]) -> list[int]:
    if task.kind != "list":
        return [0] * count
    for n in sizes:
        if positive_int(n, "the size of a list") < 2:
            raise InputError(f"a list must have at least 2 people, got {n}.")
    if count % len(sizes):
        raise InputError(f"count must be a multiple of the {len(sizes)} sizes of the lists, got {count}.")
    return [n for n in sizes for _ in range(count // len(sizes))]


def _one(task: BenchTask, n: int, protocol: Protocol, rng: Random, sharing: bool, by: str) -> Sample:
    if task.kind == "list":
        return list_sample(task, n, protocol, rng, sharing=sharing, by=by)
    if task.name == "puzzles/latin_square":
        return latin_sample(rng)
    if task.name == "puzzles/sudoku":
        return sudoku_sample(protocol, rng)
    return words_sample(task.name.rpartition("_")[2], rng)

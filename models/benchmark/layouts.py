"""Token layouts of the answers whose perfect model is shown beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.list_graders import read_lenient
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.written_layouts import read_layout
from theory.decoding.structured.layout import Layout
from theory.validation import InputError

__all__ = ["NAMED", "line_of", "own_layout", "people", "placed"]

NAMED = ("released", "none")
ONE_MORE, ONE_LESS = ("insert_index", "insert_random"), ("remove_index", "remove_random")


def own_layout(given: str, task: BenchTask, asked: Sequence[tuple[Sample, int | None]]) -> Layout:
    """Return where the people or cells of answers are written.

    Args:
        given: A JSON file that marks positions, or a directory with a tokenizer, which must write all people of the
            samples alike.
        task: A list task or a puzzle.
        asked: Each sample with the number of decoded positions, if known.

    Raises:
        InputError: If there is no such file or directory, it is malformed, or does not fit an answer.
    """
    path, counts = Path(given), [people(task, line_of(sample)) for sample, _ in asked]
    if path.is_dir():
        from models.benchmark.tokenizer_layout import tokenizer_layout  # which loads torch

        names = (
            sorted({name for sample, _ in asked for name in _named(sample)}) if task.kind == "list" else None
        )
        layout = tokenizer_layout(path, task, max(*counts, 1), names)
    elif path.is_file():
        layout = read_layout(path)
    else:
        raise InputError(
            f"--layout must be {', '.join(NAMED)}, or a file or folder that exists; got {given!r}."
        )
    try:
        for count, positions in {
            (count, positions) for count, (_, positions) in zip(counts, asked, strict=True)
        }:
            placed(layout, task, count, positions)
    except InputError as error:
        raise InputError(f"{given}, {task.name}: {error}") from None
    return layout


def placed(layout: str | Layout, task: BenchTask, count: int, positions: int | None) -> str | Layout:
    """Return a layout for answers of one size, in as many positions as were decoded.

    Args:
        layout: ``items``, ``names`` or ``released``, or of one's own.
        task: A list task or a puzzle.
        count: People in an answer; no matter for puzzles.
        positions: That were decoded; those of the layout if ``None``.

    Raises:
        InputError: If it has too few places, or one behind the positions.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> placed("released", bench_task("copy"), 3, 32), placed("released", bench_task("copy"), 1, 8)
        ('released', Layout(places=((1, 2),), length=8))
    """
    if layout in ("items", "names"):
        return layout
    if task.kind == "list":
        found = list_layout(layout, count)
    else:
        found = puzzle_layout(layout, commas=task.name.endswith("latin_square"))
    if positions is None or positions == found.length:
        return layout if isinstance(layout, str) else found
    last = max(position for item in found.places for position in item)
    if last >= positions:
        raise InputError(
            f"the layout has a token at position {last}, but only 0..{positions - 1} are decoded; "
            "give a greater --length."
        )
    return replace(found, length=positions)


def people(task: BenchTask, line: int) -> int:
    """Return the people in an answer to a line of so many, 0 for a puzzle.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> people(bench_task("insert_random"), 3), people(bench_task("remove_index"), 3)
        (4, 2)
    """
    name = task.name.partition("/")[2]
    return line + (name in ONE_MORE) - (name in ONE_LESS) if task.kind == "list" else 0


def line_of(sample: Sample) -> int:
    """Return the people in the line of a sample, 0 if it does not say."""
    return int(sample.metadata.get("length") or 0)


def _named(sample: Sample) -> list[str]:
    answer = sample.answer
    if isinstance(answer, str):
        return read_lenient(answer)
    return [*answer["input"], *([answer["word"]] if answer.get("word") else [])]

"""Samples of ParallelBench tasks, and their JSON Lines files in the released schema.

One object per line. ``icl_examples`` is a field of ``input`` and holds the example shown before the question;
``answer`` is the answer, or what a grader needs where many are right. Files of either protocol are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthetic.parallelbench.tasks import BenchTask, bench_task
from theory.files import json_line, read_text, text_lines, write_atomically
from theory.validation import InputError, shown

__all__ = ["Sample", "checked_answer", "checked_metadata", "read_samples", "sample_of", "write_samples"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question with what its grader needs.

    Attributes:
        input: What the prompt is filled with, such as ``context``, ``word`` and ``index``.
        answer: The answer as text; or, where many are right, a mapping with the ``input`` and an ``example``.
        metadata: The size of the list or grid (``length``), and more.
        output_format: The answer with its items masked, where its length is known beforehand.
        example: The question and answer that are shown first, if any.
    """

    input: Mapping[str, Any]
    answer: str | Mapping[str, Any]
    metadata: Mapping[str, Any]
    output_format: str | None = None
    example: Sample | None = None

    @property
    def example_answer(self) -> str:
        """A right answer as text; empty for texts without one."""
        return self.answer if isinstance(self.answer, str) else str(self.answer.get("example", ""))

    def as_json(self) -> dict[str, Any]:
        """Return the object that is written as one line."""
        example = None if self.example is None else self.example.as_json()
        if example is not None and not example["metadata"]:
            del example["metadata"]  # as in the releases
        shown_first = {} if example is None else {"icl_examples": [example]}
        form = {} if self.output_format is None else {"output_format": self.output_format}
        return {
            "input": {**self.input, **shown_first},
            "answer": self.answer,
            **form,
            "metadata": dict(self.metadata),
        }


_TEXTS = ("context", "word", "puzzle", "sudoku", "text")
_KINDS = (*((key, str, "a text") for key in _TEXTS), ("index", int, "a whole number"))  # of an input


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write samples as JSON Lines, all or none."""
    lines = [json.dumps(sample.as_json(), ensure_ascii=False) for sample in samples]
    write_atomically(path, "".join(f"{line}\n" for line in lines))


def read_samples(path: Path, task: str | BenchTask) -> tuple[Sample, ...]:
    """Return the samples of a JSON Lines file of one task, of either protocol.

    Raises:
        InputError: If a line is no JSON object, or lacks a field; the file, line and field are named.
    """
    kind = bench_task(task) if isinstance(task, str) else task
    found: list[Sample] = []
    for number, line in text_lines(read_text(path, "samples")):
        where = f"{path} line {number}"
        found.append(sample_of(json_line(line, where), kind, where))
    if not found:
        raise InputError(f"{path} has no samples; give a file with one JSON object per line.")
    return tuple(found)


def sample_of(value: Any, task: BenchTask, where: str) -> Sample:
    """Return the sample that a JSON object describes; ``where`` names its place in errors.

    Raises:
        InputError: If a field is missing or of another kind.
    """
    given = dict(_mapping(value, "the sample", where))
    asked = dict(_mapping(_part(given, "input", where), "input", where))
    examples = asked.pop("icl_examples", None) or []
    if not isinstance(examples, list):
        raise InputError(f"{where}: input.icl_examples must be a list, got {shown(examples)}.")
    if len(examples) > 1:
        raise InputError(f"{where}: input.icl_examples must hold at most one example, got {len(examples)}.")
    for key in task.fields:
        if key not in asked and not (key == "puzzle" and "sudoku" in asked):  # the name of v1
            raise InputError(f"{where}: input.{key} is missing; {task.name} needs {', '.join(task.fields)}.")
    for key, kind, named in _KINDS:
        if key in asked and type(asked[key]) is not kind:
            raise InputError(f"{where}: input.{key} must be {named}, got {shown(asked[key])}.")
    puzzle = str(asked.get("puzzle", asked.get("sudoku")))
    if task.name == "puzzles/sudoku" and not re.fullmatch(r"(?:[0-4_]{4}\n?){4}", puzzle):
        raise InputError(
            f"{where}: the puzzle must be four lines of four cells, 1 to 4, 0 or _, got {shown(puzzle)}."
        )
    return Sample(
        input=asked,
        answer=checked_answer(_part(given, "answer", where), task, where),
        metadata=checked_metadata(given.get("metadata"), where),
        output_format=given.get("output_format"),
        example=sample_of(examples[0], task, f"{where}, its example") if examples else None,
    )


def checked_answer(answer: Any, task: BenchTask, where: str) -> str | dict[str, Any]:
    """Return the answer of a sample, a text or what the grader of the task needs.

    Raises:
        InputError: If a field is missing or of another kind.
    """
    if not task.needs:
        if not isinstance(answer, str):
            raise InputError(f"{where}: answer must be a text, got {shown(answer)}.")
        if task.name == "puzzles/sudoku" and not re.fullmatch(r"\s*(?:\d{4}\s*(?:\n\s*|$)){4}", answer):
            raise InputError(f"{where}: answer must be four lines of four digits, got {shown(answer)}.")
        return answer
    found = dict(_mapping(answer, "answer", where))
    for key in task.needs:
        if key not in found:
            raise InputError(f"{where}: answer.{key} is missing; the grader of {task.name} needs it.")
        wanted = list if key in ("input", "words", "symbols") else str
        if not isinstance(found[key], wanted):
            kind = "a list" if wanted is list else "a text"
            raise InputError(f"{where}: answer.{key} must be {kind}, got {shown(found[key])}.")
        if wanted is list:
            for item in found[key]:
                if not isinstance(item, str):
                    raise InputError(f"{where}: answer.{key} must hold texts, got {shown(item)}.")
    return found


def checked_metadata(metadata: Any, where: str) -> dict[str, Any]:
    """Return the metadata of a sample, empty if there are none; its numbers must be whole.

    Raises:
        InputError: If they are no object, or a number is none.
    """
    found = dict(_mapping(metadata or {}, "metadata", where))
    for key in ("length", "num_holes"):
        if found.get(key) is not None and type(found[key]) is not int:
            raise InputError(f"{where}: metadata.{key} must be a whole number, got {shown(found[key])}.")
    return found


def _part(given: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in given:
        raise InputError(f"{where}: {key} is missing; a sample has input and answer.")
    return given[key]


def _mapping(value: Any, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) and not isinstance(value, Mapping):  # the first is far faster
        raise InputError(f"{where}: {name} must be a JSON object, got {shown(value)}.")
    return value

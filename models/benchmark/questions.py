"""Questions of a run, and what a model answers to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from synthetic.parallelbench.make import PAPER_SIZES, make_samples
from synthetic.parallelbench.protocol import Protocol as Rules
from synthetic.parallelbench.samples import Sample, read_samples
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.texts import texts_as_samples
from theory.validation import InputError

__all__ = ["Answer", "Answerer", "Asked", "Model", "Question"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One sample of a task.

    Attributes:
        row: Its number among the samples, from 0.
        task: The task.
        sample: The sample.
        protocol: The protocol.
    """

    row: int
    task: BenchTask
    sample: Sample
    protocol: Rules


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered, and in how many calls; ``None`` for what is not known.

    Attributes:
        output: The text.
        steps: Model calls until every position was decoded, with padding, as the paper counts.
        positions: The positions that were decoded.
        steps_to_end: Model calls until the end token and all before it were decoded.
        tokens: The tokens up to the end token, with it.
        failed: Why there is no answer; empty if there is one.
    """

    output: str = ""
    steps: int | None = None
    positions: int | None = None
    steps_to_end: int | None = None
    tokens: int | None = None
    failed: str = ""


Answered = tuple[Question, Answer]


class Answerer(Protocol):
    """A model with all settings of decoding."""

    @property
    def settings(self) -> dict[str, Any]:
        """JSON values that decide the answers, among them ``model``; ``policy`` and ``layout`` if known."""
        ...

    def answers(self, questions: Sequence[Question]) -> Iterator[list[Answered]]:
        """Yield the answers to questions of one task, some at a time, in any order."""
        ...


class Model(Protocol):
    """A model as named on the command line."""

    @property
    def device(self) -> str:
        """Where it computes; a process may use several such models at once on ``cpu`` alone."""
        ...

    def names(self) -> list[str]:
        """Return a name for each of its settings, that of its folder of answers."""
        ...

    def load(self, questions: Sequence[Question]) -> list[Answerer]:
        """Return the model with each of its settings, in the order of the names.

        Raises:
            InputError: If it cannot answer one of these questions, before anything is computed.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which samples are asked.

    Attributes:
        tasks: The tasks.
        protocol: The protocol.
        count: Samples of a task that is made.
        sizes: People in a line, of lists that are made.
        seed: Of the samples that are made.
        folder: A folder with ``GROUP/TASK.jsonl`` as ``bench make`` writes it, instead of making samples.
        texts: A file of texts for paraphrases or summaries.
    """

    tasks: tuple[BenchTask, ...]
    protocol: Rules
    count: int = 100
    sizes: tuple[int, ...] = PAPER_SIZES
    seed: int = 0
    folder: Path | None = None
    texts: Path | None = None

    def questions(self, task: BenchTask) -> list[Question]:
        """Return the questions of one task."""
        if self.folder is not None:
            samples = read_samples(self.folder / f"{task.name}.jsonl", task)
        elif self.texts is not None and task.name in ("text/paraphrase", "text/summary"):
            samples = texts_as_samples(self.texts, task)
        else:
            samples = make_samples(task, self.protocol, count=self.count, sizes=self.sizes, seed=self.seed)
        return [
            Question(row=row, task=task, sample=sample, protocol=self.protocol)
            for row, sample in enumerate(samples)
        ]

    def settings(self, task: BenchTask, questions: Sequence[Question]) -> dict[str, Any]:
        """Return JSON values that identify the questions."""
        text = repr([question.sample.as_json() for question in questions])
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {"task": task.name, "protocol": self.protocol.name, "samples": digest}

    def check(self) -> None:
        """Raise if there are no tasks."""
        if not self.tasks:
            raise InputError("give at least one task with --tasks.")

"""Scores of answers, by task and by setting, beside what a perfect model would score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from statistics import fmean
from typing import Any

from models.benchmark.layouts import line_of, people, placed
from models.benchmark.questions import Answer
from models.benchmark.results import Answers
from models.runs.binomial import binomial_interval, verdict
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.verdicts import grade
from theory.decoding.structured.layout import Layout
from theory.limits import CostError, sharing
from theory.policies import parse_policy
from theory.validation import InputError

__all__ = ["Graded", "graded", "task_row"]

MOST_PEOPLE = 12  # in an answer whose ceiling is exact
QUICK = 12  # a ceiling beside a score may take one of so many parts of the limit of time
Grammar = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One graded answer.

    Attributes:
        sample: The sample.
        answer: The answer.
        score: The released score; 0 without an answer.
        strict: The strict score, ``None`` for texts.
        sound: Whether it is what the prompt asks for, ``None`` where no grader can tell.
        logged: The score that a log of others has, or ``None``.
    """

    sample: Sample
    answer: Answer
    score: float
    strict: float | None
    sound: bool | None
    logged: float | None

    @property
    def tokens_per_step(self) -> float | None:
        """Decoded positions, with padding, per call."""
        return _ratio(self.answer.positions, self.answer.steps)

    @property
    def tokens_per_step_to_end(self) -> float | None:
        """Tokens up to the end token per call until it and all before it were decoded."""
        return _ratio(self.answer.tokens, self.answer.steps_to_end)


def _ratio(tokens: int | None, steps: int | None) -> float | None:
    return None if tokens is None or not steps else tokens / steps


def graded(answers: Answers, grammar: Grammar | None = None) -> dict[int, Graded]:
    """Return the graded answers by the number of the sample.

    Args:
        answers: The answers.
        grammar: For text tasks.
    """
    found: dict[int, Graded] = {}
    for row, (sample, answer, logged) in sorted(answers.rows.items()):
        if answer.failed:
            found[row] = Graded(
                sample=sample, answer=answer, score=0.0, strict=0.0, sound=False, logged=logged
            )
            continue
        given = grade(answers.task, sample, answer.output, answers.protocol, grammar=grammar)
        # without the question itself, as in logs of others, nobody can tell
        sound = given.sound if sample.input or answers.task.grader != "sudoku_score" else None
        found[row] = Graded(
            sample=sample, answer=answer, score=given.score, strict=given.strict, sound=sound, logged=logged
        )
    return found


def task_row(answers: Answers, rows: Sequence[Graded]) -> dict[str, Any]:
    """Return the scores of one setting on one task: JSON values, and the exact ceiling or ``None``."""
    scores = [row.score for row in rows]
    right = None if set(scores) - {0.0, 1.0} else int(sum(scores))
    top = _ceiling(answers, rows)
    judged = None if right is None or top is None else verdict(right, len(rows), float(top))
    return {
        "model": answers.model,
        "setting": answers.setting,
        "policy": answers.policy,
        "task": answers.task.name,
        "protocol": answers.protocol.name,
        "samples": len(rows),
        "failed": sum(bool(row.answer.failed) for row in rows),
        "score": fmean(scores),
        "interval": None if right is None else list(binomial_interval(right, len(rows))),
        "strict": _mean([row.strict for row in rows]),
        "sound": _mean([row.sound for row in rows]),
        "steps": _mean([row.answer.steps for row in rows], answered=rows),
        "tokens_per_step": _mean([row.tokens_per_step for row in rows], answered=rows),
        "steps_to_end": _mean([row.answer.steps_to_end for row in rows], answered=rows),
        "tokens_per_step_to_end": _mean([row.tokens_per_step_to_end for row in rows], answered=rows),
        "ceiling": top,
        "verdict": None if judged is None else judged[0],
        "p_value": None if judged is None else judged[1],
    }


def _mean(values: Sequence[float | None], answered: Sequence[Graded] | None = None) -> float | None:
    """Return the mean; ``None`` if a value is missing. With ``answered``, of samples that have an answer."""
    if answered is not None:
        values = [value for value, row in zip(values, answered, strict=True) if not row.answer.failed]
    known = [float(value) for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _ceiling(answers: Answers, rows: Sequence[Graded]) -> Fraction | None:
    """Return the mean ceiling over the sizes of the samples; ``None`` where it is not known or takes too long."""
    task, layout = answers.task, answers.layout
    if not answers.plain or answers.policy is None or layout is None or task.kind == "text":
        return None
    if answers.temperature not in ("0", "1"):
        return None
    counts = Counter(_size(answers, row) for row in rows)
    if any(n < 2 or n + 1 > MOST_PEOPLE for n, _, _ in counts if task.kind == "list"):
        return None
    total = Fraction(0)
    for (n, holes, positions), count in counts.items():
        try:
            where = placed(layout, task, people(task, n), positions)
        except InputError:  # no answer fits into so few positions
            return None
        value = _value(task, answers.policy, where, int(answers.temperature), n, holes)
        if value is None:
            return None
        total += Fraction(count, len(rows)) * value
    return total


def _size(answers: Answers, row: Graded) -> tuple[int, int | None, int | None]:
    """The people in the line, the random empty cells of a Sudoku, and the decoded positions."""
    known, rules = row.sample.metadata, answers.protocol
    if answers.task.kind == "list":
        return line_of(row.sample), None, row.answer.positions
    # the logs of 2026 have puzzles of four empty cells
    holes = None if rules.unique_sudoku else int(known.get("num_holes") or rules.holes)
    return 0, holes if answers.task.name.endswith("sudoku") else None, row.answer.positions


@cache
def _value(
    task: BenchTask, spec: str, layout: str | Layout, temperature: int, n: int, holes: int | None
) -> Fraction | None:
    policy: Any = parse_policy(spec)
    try:
        with sharing(QUICK):
            return ceiling(
                task,
                policy,
                layout="items" if layout == "names" and task.kind == "puzzle" else layout,
                temperature=temperature,
                sizes=(n,),
                holes=holes,
            ).accuracy
    except (InputError, CostError):
        return None

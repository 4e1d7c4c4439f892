"""Grades of one output, the released score, a strict one and a sound one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synthetic.parallelbench.list_graders import (
    LIST_GRADERS,
    read_lenient,
    read_sound,
    read_strict,
    sound_wrong,
)
from synthetic.parallelbench.protocol import Protocol
from synthetic.parallelbench.puzzle_graders import (
    latin_rows,
    latin_symbols,
    latin_wrong,
    sound_latin_wrong,
    sound_sudoku_wrong,
    sudoku_key,
    sudoku_rows,
)
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.text_metrics import (
    bertscore,
    grammar_checker,
    included,
    inverse_bleu,
    rouge,
    whole_words,
)

__all__ = ["Reading", "Verdict", "grade"]

Grammar = Callable[[str], bool]
_SUDOKU = "the lines with four digits are not four"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an output was read in one way, and whether it passes.

    Attributes:
        passed: Whether it does.
        read: What was taken from the output, as text.
        wrong: Why it fails; empty if it passes.
    """

    passed: bool
    read: str
    wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the graders say of one output.

    Attributes:
        score: The released score, in [0, 1]: the lenient reading, or the metrics of a text.
        strict: The strict score that is reported beside it; ``None`` for texts.
        sound: Whether the output is what the prompt asks for, and right; ``None`` where no grader can tell.
        metrics: The parts of a text's score.
        readings: How a list or puzzle was read: ``lenient``, ``strict``, ``sound``.
    """

    score: float
    strict: float | None = None
    sound: bool | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)


def grade(
    task: BenchTask, sample: Sample, output: str, protocol: Protocol, *, grammar: Grammar | None = None
) -> Verdict:
    """Return the verdict on one output.

    Args:
        task: The task.
        sample: The question.
        output: What a model answered.
        protocol: Where the output is cut, and how text metrics are combined.
        grammar: Says whether a text has no errors; for text tasks, see
            :func:`synthetic.parallelbench.text_metrics.grammar_checker`.

    Example:
        >>> from synthetic.parallelbench.protocol import PROTOCOLS
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> asked = Sample(input={}, answer={"input": ["Ada Klein", "Otto Frost"]}, metadata={})
        >>> found = grade(bench_task("shuffle"), asked, "[Otto Frost, Ada Klein]", PROTOCOLS["v1"])
        >>> found.score, found.strict, found.sound
        (1.0, 0.0, False)
    """
    output = protocol.cut(output, task.kind)
    if task.kind == "text":
        return _text(task, sample, output, protocol, grammar)
    readings = _list(task, sample, output) if task.kind == "list" else _puzzle(task, sample, output)
    return Verdict(
        score=float(readings["lenient"].passed),
        strict=float(readings["strict"].passed),
        sound=readings["sound"].passed,
        readings=readings,
    )


def _list(task: BenchTask, sample: Sample, output: str) -> dict[str, Reading]:
    judge, found = LIST_GRADERS[task.grader], dict[str, Reading]()
    for name, read in (("lenient", read_lenient), ("strict", read_strict), ("sound", read_sound)):
        items = read(output)
        if items is None:
            form = "one JSON list of texts alone" if name == "sound" else '["A B", "C D"]'
            found[name] = Reading(passed=False, read="nothing", wrong=f"the form is not {form}")
            continue
        sound = name == "sound"
        wrong = sound_wrong(task.grader, items, sample.answer) if sound else judge(items, sample.answer)
        found[name] = Reading(passed=not wrong, read=str(items), wrong=wrong)
    return found


def _puzzle(task: BenchTask, sample: Sample, output: str) -> dict[str, Reading]:
    if task.grader == "latin_square_score":
        assert not isinstance(sample.answer, str)
        symbols = latin_symbols(sample.answer)
        rows = latin_rows(output, symbols)
        released = _reading(str(rows), latin_wrong(rows, symbols))
        return {  # the release ignores the strict flag here
            "lenient": released,
            "strict": released,
            "sound": _reading(output, sound_latin_wrong(output, symbols)),
        }
    key, found = sudoku_key(sample.example_answer), dict[str, Reading]()
    for name in ("lenient", "strict"):
        rows = sudoku_rows(output, strict=name == "strict")
        if rows is None:
            wrong = "it is not four lines of four digits" if name == "strict" else _SUDOKU
            found[name] = Reading(passed=False, read="nothing", wrong=wrong)
        else:
            same = [[int(c) for c in row] for row in rows] == key
            found[name] = _reading(
                str(["".join(row) for row in rows]), "" if same else "it is not the stored grid"
            )
    puzzle = str(sample.input.get("puzzle", sample.input.get("sudoku", "")))
    return found | {"sound": _reading(output, sound_sudoku_wrong(output, puzzle))}


def _reading(read: str, wrong: str) -> Reading:
    return Reading(passed=not wrong, read=read, wrong=wrong)


def _text(
    task: BenchTask, sample: Sample, output: str, protocol: Protocol, grammar: Grammar | None
) -> Verdict:
    assert not isinstance(sample.answer, str)
    clean = float((grammar or grammar_checker())(output))
    answer: Mapping[str, Any] = sample.answer
    sound: bool | None = None
    if task.grader == "sentence_to_words_score":
        parts = {"inclusion": float(included(output, answer["words"]))}
        combined, sound = parts["inclusion"] * clean, whole_words(output, answer["words"]) and bool(clean)
    elif task.grader == "summary_score":
        parts = rouge(output, answer["summary"])
        combined = parts["rougeL"] * clean
    else:
        parts = {
            "inverse_bleu": inverse_bleu(output, answer["text"]),
            "bertscore": bertscore(output, answer["text"]),
        }
        combined = parts["inverse_bleu"] * parts["bertscore"] * clean
    return Verdict(
        score=combined if protocol.combined else clean, sound=sound, metrics=parts | {"grammar": clean}
    )

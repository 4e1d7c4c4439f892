"""Answers read from files, our own and those of others.

Four kinds of file are told apart by their lines: answers of ``bench run``; samples in the released schema with an
``output`` each; sample logs of lm-eval, as the 2026 package writes them; and results of the 2025 release
(``.json`` or ``.json.gz`` with ``outputs``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.benchmark.layouts import NAMED, own_layout
from models.benchmark.questions import Answer
from models.benchmark.released_logs import (
    is_log,
    log_answer,
    log_sample,
    log_setting,
    released_lines,
    task_in_name,
)
from models.runs.records import FORMAT
from synthetic.parallelbench.protocol import Protocol, protocol
from synthetic.parallelbench.samples import Sample, sample_of
from synthetic.parallelbench.tasks import BenchTask, bench_task
from theory.decoding.structured.layout import Layout
from theory.files import json_line, read_text, text_lines
from theory.validation import InputError, shown

__all__ = ["Answers", "Defaults", "read_answers"]


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What files of others do not say.

    Attributes:
        task: Their task; from their lines or names if ``None``.
        protocol: Their protocol; ``v2`` for logs of lm-eval and ``v1`` for others if ``None``.
        label: Their model; the name of their folder if ``None``.
        policy: Their rule; from logs of lm-eval if ``None``.
        layout: The token layout of answers with text, ``released``, ``none``, or a file or folder that has it; as
            recorded if ``None``.
    """

    task: str | None = None
    protocol: str | None = None
    label: str | None = None
    policy: str | None = None
    layout: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers of one model with one setting to one task.

    Attributes:
        model: The model.
        setting: How it decoded, as text.
        policy: The same as a specification of a rule, if there is one.
        temperature: Of the decoding, as text.
        layout: The token layout of answers, if known.
        plain: Whether nothing else about the decoding differs from the default.
        task: The task.
        protocol: The protocol.
        ours: Whether they are of ``bench run``, whose files may hold an answer twice: the last one counts.
        rows: Sample, answer and logged score (or ``None``) by the number of the sample.
    """

    model: str
    setting: str
    policy: str | None
    temperature: str
    layout: str | Layout | None
    plain: bool
    task: BenchTask
    protocol: Protocol
    ours: bool = False
    rows: dict[int, tuple[Sample, Answer, float | None]] = field(
        default_factory=dict[int, tuple[Sample, Answer, float | None]]
    )

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What answers that belong together share."""
        return self.model, self.setting, self.task.name, self.protocol.name


def read_answers(paths: list[Path], given: Defaults | None = None) -> list[Answers]:
    """Return the answers of files and folders; files of the same model, setting and task are put together.

    Args:
        paths: Files, or folders in which all ``.jsonl`` files are read.
        given: What files of others do not say.

    Raises:
        InputError: If a line is malformed (file, line and field are named) or a task is not known.
    """
    found: dict[tuple[str, str, str, str], Answers] = {}
    for path in _files(paths):
        answers = _read(path, given or Defaults())
        known = found.setdefault(answers.key, answers)
        if known is not answers and not answers.ours and (twice := known.rows.keys() & answers.rows.keys()):
            raise InputError(
                f"{path} answers sample {min(twice)} of {answers.task.name} again, with the setting "
                f"{answers.setting!r} of another file; report them one by one, or name one with --label."
            )
        known.rows.update(answers.rows)
    return [_laid_out(answers, given and given.layout) for answers in found.values()]


def _laid_out(answers: Answers, layout: str | None) -> Answers:
    """The same answers in the layout that was given; models of lists and autoregressive ones keep theirs."""
    if layout is None or answers.layout in ("items", "names") or answers.task.kind == "text":
        return answers
    if layout in NAMED:
        return replace(answers, layout=None if layout == "none" else layout)
    asked = [(sample, answer.positions) for sample, answer, _ in answers.rows.values()]
    return replace(answers, layout=own_layout(layout, answers.task, asked))


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        files = sorted(file for file in path.rglob("*.jsonl") if not file.name.startswith("."))
        if not files:
            raise InputError(f"{path} has no .jsonl files of answers.")
        yield from files


def _read(path: Path, given: Defaults) -> Answers:
    text = read_text(path, "answers")
    lines = [*text_lines(text)]
    if not lines:
        raise InputError(f"{path} has no answers; give a file with one JSON object per line.")
    if path.name.removesuffix(".gz").endswith(".json"):
        lines = [*released_lines(text, path)]
    first = _object(lines[0], path)
    if first.get("format") == FORMAT:
        try:
            return _ours(path, first["settings"], lines[1:])
        except (KeyError, TypeError, AttributeError):
            raise InputError(f"{path} line 1 lacks settings of bench run; was it changed?") from None
    return _foreign(path, first, lines, given)


def _ours(path: Path, settings: Mapping[str, Any], lines: list[tuple[int, str]]) -> Answers:
    if settings.get("run") != "bench":
        raise InputError(f"{path} is of another command than bench run.")
    task, policy = bench_task(settings["task"]), settings.get("policy")
    usual = {
        "run",
        "task",
        "protocol",
        "samples",
        "model",
        "facts",
        "policy",
        "temperature",
        "seed",
        "layout",
    }
    usual |= {"end", "url", "stream", "body", "length"}
    found = Answers(
        model=settings["model"],
        setting=policy or str(settings["facts"].get("url", "")),
        policy=policy,
        temperature=str(settings.get("temperature", "0")),
        layout=settings.get("layout"),
        plain=not set(settings) - usual,
        task=task,
        protocol=protocol(settings["protocol"]),
        ours=True,
    )
    counts = ("steps", "positions", "steps_to_end", "tokens")
    for number, line in lines:
        where = f"{path} line {number}"
        if number == lines[-1][0] and not line.rstrip().endswith("}"):
            continue  # cut off while it was written
        value = _object((number, line), path)
        if type(value.get("row")) is not int:
            raise InputError(f"{where}: row must be a whole number, got {shown(value.get('row'))}.")
        if not isinstance(value.get("output"), str):
            raise InputError(f"{where}: output must be a text, got {shown(value.get('output'))}.")
        sample = sample_of(value, task, where)
        for key in counts:
            if value.get(key) is not None and type(value[key]) is not int:
                raise InputError(f"{where}: {key} must be a whole number, got {shown(value[key])}.")
        answer = Answer(
            output=value["output"],
            failed=str(value.get("failed") or ""),
            **{key: value.get(key) for key in counts},
        )
        found.rows[value["row"]] = sample, answer, None
    return found


def _foreign(path: Path, first: Mapping[str, Any], lines: list[tuple[int, str]], given: Defaults) -> Answers:
    log = is_log(first)
    name = given.task or first.get("task") or task_in_name(path)
    if name is None:
        raise InputError(f"{path} does not say its task; give it with --task.")
    task = bench_task(str(name))
    folder = next((p.name for p in path.parents if "__" in p.name), path.parent.name or path.stem)
    model = given.label or folder
    setting, policy = (
        log_setting(first, f"{folder} {model}") if log else (str(first.get("setting", "")), None)
    )
    found = Answers(
        model=model.replace("__", "/"),
        setting=given.policy or setting,
        policy=given.policy or policy,
        temperature="0",
        layout=None,
        plain=True,
        task=task,
        protocol=protocol(given.protocol or ("v2" if "doc" in first else "v1")),
    )
    for place, numbered in enumerate(lines):
        where, value = f"{path} line {numbered[0]}", _object(numbered, path)
        if is_log(value) != log:
            raise InputError(f"{where}: the line is of another kind than the first.")
        sample = log_sample(value, task, where) if log else sample_of(value, task, where)
        row, answer, score = log_answer(value, place, where)
        if row in found.rows:
            raise InputError(f"{where} answers sample {row} for a second time.")
        found.rows[row] = sample, answer, score
    return found


def _object(numbered: tuple[int, str], path: Path) -> dict[str, Any]:
    number, line = numbered
    value = json_line(line, f"{path} line {number}")
    if not isinstance(value, dict):
        raise InputError(f"{path} line {number} must be a JSON object, got {shown(value)}.")
    return value

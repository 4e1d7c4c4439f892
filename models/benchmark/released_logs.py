"""Results of the two releases, sample logs of lm-eval and a JSON file of outputs.

A log of 2026 has a line for each sample: ``doc`` with the ``label`` (the answer, or what its grader needs), ``resps``,
``nfe`` (model calls), ``tokens_per_step``, ``output_length``, and in ``arguments`` the settings of decoding. A result
of 2025 has the same under ``outputs``. Source: the results in the repository of arXiv 2510.04767.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

from models.benchmark.questions import Answer
from synthetic.parallelbench.lists import list_text
from synthetic.parallelbench.outputs import output_of
from synthetic.parallelbench.samples import Sample, checked_answer, checked_metadata
from synthetic.parallelbench.tasks import TASKS, BenchTask
from theory.validation import InputError, shown

__all__ = ["is_log", "log_answer", "log_sample", "log_setting", "released_lines", "task_in_name"]

RANKINGS = {
    "random": "random",
    "confidence_topk": "confidence",
    "topk_margin": "margin",
    "margin_topk": "margin",
    "entropy_topk": "entropy",
    "left_to_right": "left_to_right",
}
CLOCKED = ("dream", "diffucoder")  # in the names of models that unmask by Dream's schedule, with eps = 0
NO_SETTING = ("unmasking", "until", "do_sample", "max_tokens")  # options that every setting has, by task
RENAMED = {"paraphrasing": "text/paraphrase", "summarization": "text/summary"}  # of the logs


def is_log(line: Mapping[str, Any]) -> bool:
    """Return whether a line is of a sample log, or of ``outputs``: it has a label where a sample has its answer."""
    return "doc" in line or "label" in line


def task_in_name(path: Path) -> str | None:
    """Return the task that a file is named after.

    Example:
        >>> task_in_name(Path("samples_parallelbench_waiting_line_insert_random_2026-03-20T01-52-51.jsonl"))
        'waiting_line/insert_random'
        >>> task_in_name(Path("bench/puzzles/sudoku.jsonl"))
        'puzzles/sudoku'
    """
    text = f"{path.parent.name}/{path.name}"
    names = {name.replace("/", "[/_]"): name for name in TASKS}
    names |= {other.replace("/", "[/_]"): name for name, task in TASKS.items() for other in task.released}
    names |= {f"text_writing_{other}": name for other, name in RENAMED.items()}
    names |= {f"text_writing_{name.partition('/')[2]}": name for name in TASKS if name.startswith("text/")}
    found = [
        (len(form), name)
        for form, name in names.items()
        if re.search(rf"{form.replace('waiting_line', 'waiting_line(_n15)?')}(?![a-z])", text)
    ]
    return max(found)[1] if found else None


def released_lines(text: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield the entries of ``outputs`` in a result of 2025 as lines."""
    try:
        outputs = json.loads(text)["outputs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path} is no result of a release: a JSON object with outputs.") from None
    if not isinstance(outputs, list) or not outputs:
        raise InputError(f"{path}: outputs must be a list with at least one entry.")
    yield from ((number, json.dumps(entry)) for number, entry in enumerate(outputs, 1))


def log_sample(line: Mapping[str, Any], task: BenchTask, where: str) -> Sample:
    """Return the sample of a line: its label and metadata; the words of the question are not needed.

    Raises:
        InputError: If the label is missing, or lacks what the grader needs.
    """
    doc = line.get("doc", line)
    if not isinstance(doc, Mapping) or "label" not in doc:
        raise InputError(f"{where}: doc.label is missing; a line of a sample log has doc with label.")
    label, metadata = doc["label"], doc.get("metadata")
    if metadata is None:
        metadata = {k.rpartition("/")[2]: v for k, v in line.items() if k.startswith("data/metadata/")}
    if isinstance(label, list) and all(isinstance(item, str) for item in label):
        label = list_text(label)  # the 2026 package reads an answer that is JSON
    return Sample(
        input={}, answer=checked_answer(label, task, where), metadata=checked_metadata(metadata, where)
    )


def log_answer(line: Mapping[str, Any], place: int, where: str) -> tuple[int, Answer, float | None]:
    """Return the number of the sample, the answer, and the logged score of a line of anybody.

    Raises:
        InputError: If a field is missing or of another kind.
    """
    row, output = output_of(line, place, where)
    steps = _number(line, "nfe", where)
    steps = _number(line, "steps", where) if steps is None else steps
    per_step, tokens = _number(line, "tokens_per_step", where), _number(line, "output_length", where)
    positions = _number(line, "positions", where)
    if positions is None and per_step is not None and steps is not None:
        positions = round(per_step * steps)
    score = _number(line, "score", where)
    score = _number(line, "sample/score", where) if score is None else score
    answer = Answer(
        output=output,
        steps=None if steps is None else int(steps),
        positions=None if positions is None else int(positions),
        steps_to_end=None,
        tokens=None if tokens is None else int(tokens),
        failed=str(line.get("failed") or ""),
    )
    return row, answer, score


def _number(line: Mapping[str, Any], key: str, where: str) -> float | None:
    value = line.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < inf:
        raise InputError(f"{where}: {key} must be a number of at least 0, got {shown(value)}.")
    return value


def log_setting(line: Mapping[str, Any], model: str = "") -> tuple[str, str | None]:
    """Return the setting of a log as text, and as a rule if it is one of the paper's.

    Args:
        line: A line of the log.
        model: Its model; Dream and DiffuCoder take their tokens by a schedule that float32 rounds.

    Example:
        >>> options = {"unmasking": "left_to_right", "k": 2, "max_tokens": 32}
        >>> log_setting({"arguments": {"gen_args_0": {"arg_1": options}}}, "GSAI-ML/LLaDA-1.5")
        ('left_to_right k=2', 'topk:k=2,by=left_to_right')
        >>> log_setting({"arguments": {"gen_args_0": {"arg_1": options}}}, "Dream-org/Dream-v0-Instruct-7B")
        ('left_to_right k=2', 'dream:steps=16,by=left_to_right,eps=0')
    """
    options = _options(line.get("arguments"))
    kind, block = str(options.get("unmasking", "")), _positive(options.get("block_length"))
    setting = " ".join([kind, *(f"{key}={options[key]}" for key in sorted(options) if key not in NO_SETTING)])
    within = "" if block in (None, _positive(options.get("max_tokens"))) else f",block={block:g}"
    rule = None
    if kind in RANKINGS:
        rule = _ranked(options, RANKINGS[kind], within, model.lower())
    elif kind == "confidence_threshold" and _positive(options.get("alg_threshold")):
        rule = f"threshold:gamma={options['alg_threshold']},strict=false{within}"
    elif kind == "confidence_factor" and _positive(options.get("alg_factor")):
        rule = f"factor:f={options['alg_factor']},variant=released{within}"
    return setting.strip(), rule


def _options(arguments: Any) -> Mapping[str, Any]:
    """The settings of decoding, second argument of the first request; older versions of lm-eval write lists."""
    for _ in range(2):
        parts = arguments.values() if isinstance(arguments, Mapping) else arguments
        parts = [*parts] if isinstance(parts, Iterable) and not isinstance(parts, str) else []
        arguments = next((part for part in parts if isinstance(part, (Mapping, list))), {})
    return arguments if isinstance(arguments, Mapping) else {}


def _ranked(options: Mapping[str, Any], by: str, within: str, model: str) -> str | None:
    k, length, steps = (_positive(options.get(key)) for key in ("k", "max_tokens", "steps"))
    if steps is None and k and length:
        steps = length / k
    if k is None and steps and length:
        k = length / steps
    if any(name in model for name in CLOCKED):
        return f"dream:steps={int(steps)},by={by},eps=0" if steps and not within else None
    return f"topk:k={int(k)},by={by}{within}" if k and k.is_integer() else None


def _positive(value: Any) -> float | None:
    try:
        return float(value) if 0 < float(value) < inf else None
    except (TypeError, ValueError, OverflowError):
        return None

"""Paraphrases and summaries from a JSON Lines file as samples.

The benchmark takes conversations of ``knkarthick/samsum`` and sentences of ``humarin/chatgpt-paraphrases`` in which
LanguageTool finds no error. A file exported from either, or any other of the same form, is read as it is.
"""

from __future__ import annotations

from pathlib import Path

from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from theory.files import json_line, read_text, text_lines
from theory.validation import InputError, shown

__all__ = ["texts_as_samples"]

_OTHER_NAMES = {
    "text": ("text", "dialogue"),
    "summary": ("summary",),
    "paraphrases": ("paraphrases", "examples"),
}


def texts_as_samples(path: Path, task: BenchTask) -> tuple[Sample, ...]:
    """Return a sample of each line: ``text`` (or ``dialogue``), with ``summary``, or with ``paraphrases`` if known.

    Raises:
        InputError: For a task that is not about texts, or a line without its fields.
    """
    if task.name not in ("text/paraphrase", "text/summary"):
        raise InputError(f"--from gives texts to text/paraphrase and text/summary, not to {task.name}.")
    found: list[Sample] = []
    for number, line in text_lines(read_text(path, "texts")):
        where = f"{path} line {number}"
        given = json_line(line, where)
        if not isinstance(given, dict):
            raise InputError(f"{where} must be a JSON object with text, got {shown(given)}.")
        named = {
            key: next((given[k] for k in keys if k in given), None) for key, keys in _OTHER_NAMES.items()
        }
        needed = ("text", "summary") if task.name == "text/summary" else ("text",)
        for key in needed:
            if not isinstance(named[key], str):
                raise InputError(f"{where}: {key} must be a text, got {shown(named[key])}.")
        answer = {"text": named["text"]}
        answer |= (
            {"summary": named["summary"]}
            if task.name == "text/summary"
            else {"examples": str(named["paraphrases"])}
        )
        found.append(Sample(input={"text": named["text"]}, answer=answer, metadata={"length": 1}))
    if not found:
        raise InputError(f"{path} has no texts; give a file with one JSON object per line.")
    return tuple(found)

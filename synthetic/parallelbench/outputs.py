"""Outputs of a model, read from JSON Lines or the sample logs of lm-eval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from theory.files import json_line, read_text, text_lines
from theory.validation import InputError, shown

__all__ = ["output_of", "read_outputs"]


def read_outputs(path: Path, samples: int) -> dict[int, str]:
    """Return the output for each sample, by its place in the file of samples, from 0.

    A line is ``{"output": "..."}``, with ``"index"`` if outputs are missing or in another order; or a line of a sample
    log of lm-eval, with ``doc_id`` and ``resps`` or ``filtered_resps``.

    Args:
        path: The file.
        samples: How many samples there are.

    Raises:
        InputError: If a line has another form, has a sample for the second time or one that does not exist.
    """
    found: dict[int, str] = {}
    lines = text_lines(read_text(path, "outputs"))
    for place, (number, line) in enumerate(lines):
        where = f"{path} line {number}"
        index, output = output_of(json_line(line, where), place, where)
        if not 0 <= index < samples:
            raise InputError(f"{where} answers sample {index}, but there are {samples}, counted from 0.")
        if index in found:
            raise InputError(f"{where} answers sample {index} for a second time.")
        found[index] = output
    if not found:
        raise InputError(f"{path} has no outputs; give a file with one JSON object per line.")
    return found


def output_of(given: Any, place: int, where: str) -> tuple[int, str]:
    """Return the number of the sample and the output of a line, of ours or of a log of lm-eval.

    Args:
        given: The value of the line.
        place: The number of a line that has none.
        where: Its place, for errors.

    Raises:
        InputError: If it is no object, or a field is missing or of another kind.

    Example:
        >>> output_of({"doc_id": 4, "resps": [["a"]]}, 0, "line 1")
        (4, 'a')
    """
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be a JSON object with output, got {shown(given)}.")
    index = given.get("index", given.get("doc_id", place))
    output = given.get("output", given.get("filtered_resps", given.get("resps")))
    while isinstance(output, list) and len(output) == 1:  # lm-eval nests its responses
        output = output[0]
    if type(index) is not int:
        raise InputError(f"{where}: index must be a whole number, got {shown(index)}.")
    if not isinstance(output, str):
        raise InputError(f"{where}: output must be a text, got {shown(output)}.")
    return index, output

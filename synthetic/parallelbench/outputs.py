"""Outputs of a model, read from JSON Lines or the sample logs of lm-eval."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from theory.files import read_text, text_lines
from theory.validation import InputError, shown

__all__ = ["read_outputs"]


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
        try:
            given = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{where} is not JSON: {error.msg} at column {error.colno}.") from None
        index, output = _read(given, place, where)
        if not 0 <= index < samples:
            raise InputError(f"{where} answers sample {index}, but there are {samples}, counted from 0.")
        if index in found:
            raise InputError(f"{where} answers sample {index} for a second time.")
        found[index] = output
    if not found:
        raise InputError(f"{path} has no outputs; give a file with one JSON object per line.")
    return found


def _read(given: Any, place: int, where: str) -> tuple[int, str]:
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

"""Prompts from a file, as token ids with masks.

``.txt``: one prompt per line, verbatim; empty lines are skipped. ``.jsonl``: one object per line with ``prompt`` and
optionally ``length``. ``.csv``: a header with ``prompt`` and optionally ``length``. A prompt with ``[MASK]`` is filled
at those places; any other gets ``length`` masked positions after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.predictors.huggingface_tokenizer import written_mask
from theory.files import csv_rows, file_kind, json_line, plain, read_text, text_lines
from theory.validation import InputError, positive_int

__all__ = ["PLACEHOLDER", "Prompt", "encode_prompt", "read_prompts"]

PLACEHOLDER = "[MASK]"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt, the number of masks after it (``None`` for that of the command), and its place in the file."""

    text: str
    length: int | None
    where: str


def read_prompts(path: Path) -> list[Prompt]:
    """Return the prompts of a file.

    Raises:
        InputError: If it cannot be read, has another header, or holds none.
    """
    readers = {".txt": _lines, ".jsonl": _json_lines, ".csv": _table}
    if (kind := file_kind(path)) not in readers:
        raise InputError(f"prompts {path} must end with .txt, .jsonl or .csv.")
    prompts = readers[kind](path, read_text(path, "the prompts"))
    if not prompts:
        raise InputError(f"prompts {path} hold no prompt.")
    return prompts


def encode_prompt(
    prompt: Prompt,
    tokenizer: Any,
    mask_id: int,
    *,
    length: int | None,
    chat: bool = False,
    longest: int | None = None,
) -> list[int]:
    """Return token ids with the mask at free positions.

    Args:
        prompt: The prompt.
        tokenizer: The tokenizer of the model.
        mask_id: Its mask token.
        length: Masks after prompts without a length; ``None`` if all must have one.
        chat: Write the prompt as a user's message in the chat template of the tokenizer.
        longest: Context length of the model, if it has one.

    Raises:
        InputError: If nothing is masked, the tokenizer does not read its own mask token, or there are too many tokens.
    """
    tokenizer, mask, read = written_mask(tokenizer, mask_id)
    text, wanted = prompt.text, prompt.text.count(PLACEHOLDER)
    if chat:
        text = _in_template(text, tokenizer, prompt.where)
    if wanted:
        text = text.replace(PLACEHOLDER, mask)
    else:
        wanted = length if prompt.length is None else prompt.length
        if wanted is None:
            raise InputError(f"{prompt.where} has no {PLACEHOLDER} and no length; give --length.")
        _check_length(prompt, wanted, longest)  # before the long text is made
        text += mask * wanted
    ids = list(tokenizer(text, add_special_tokens=not chat, verbose=False)["input_ids"])
    if ids.count(read) != wanted:
        raise InputError(
            f"{prompt.where}: the tokenizer reads {mask!r} as {ids.count(read)} masks of {wanted}; "
            "is the mask id right, and the token in the tokenizer?"
        )
    _check_length(prompt, len(ids), longest)
    return [mask_id if token == read else token for token in ids]


def _check_length(prompt: Prompt, tokens: int, longest: int | None) -> None:
    if longest is not None and tokens > longest:
        raise InputError(f"{prompt.where} has {tokens} tokens, over the context length of {longest}.")


def _in_template(text: str, tokenizer: Any, where: str) -> str:
    if not tokenizer.chat_template:
        raise InputError(f"{where}: the tokenizer has no chat template; leave out --chat.")
    message = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)


def _lines(path: Path, text: str) -> list[Prompt]:
    return [Prompt(text=line, length=None, where=f"{path}:{i}") for i, line in text_lines(text)]


def _json_lines(path: Path, text: str) -> list[Prompt]:
    found: list[Prompt] = []
    for i, line in text_lines(text):
        if not line.strip(" \t\r"):
            continue
        value = json_line(line, f"{path}:{i}")
        if not isinstance(value, dict):
            raise InputError(f"{path}:{i} must be a JSON object with the key 'prompt'.")
        found.append(_prompt(value, f"{path}:{i}"))
    return found


def _table(path: Path, text: str) -> list[Prompt]:
    try:
        rows = list(csv_rows(text))
    except InputError as error:
        raise InputError(f"prompts {path}: {error}") from None
    header = [name.strip() for name in rows[0][1]] if rows else []
    if sorted(header) not in (["prompt"], ["length", "prompt"]):
        raise InputError(
            f"{path} must have the header 'prompt' or 'prompt,length', got {plain(','.join(header)[:80])}."
        )
    for number, row in rows[1:]:
        if len(row) > len(header):
            raise InputError(
                f"{path}:{number} has more cells than the header; put text with commas into quotes."
            )
    return [_prompt(dict(zip(header, row, strict=False)), f"{path}:{number}") for number, row in rows[1:]]


def _prompt(value: Mapping[str, Any], where: str) -> Prompt:
    if not isinstance(value.get("prompt"), str):
        raise InputError(f"{where} has no text under 'prompt'.")
    if unknown := sorted(set(map(str, value)) - {"prompt", "length"}):
        raise InputError(f"{where} has an unknown key {unknown[0]!r}; known: length, prompt.")
    length = value.get("length")
    if isinstance(length, bool):
        raise InputError(f"{where}: length must be a whole number of at least 1, got {json.dumps(length)}.")
    number = None if length in (None, "") else positive_int(length, f"{where}: length")
    return Prompt(text=value["prompt"], length=number, where=where)

"""Tokenizers of Hugging Face models, with the places of their tokens in a text.

A slow tokenizer (Dream's comes without ``tokenizer.json``) gives no places; they are the lengths of its decoded
prefixes, and a tokenizer that does not decode to the text itself is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from models.predictors.huggingface_kernels import importing
from models.predictors.huggingface_versions import one_line, put_back, quiet, transformers
from theory.validation import InputError

__all__ = ["load_tokenizer", "read_tokenizer", "token_places", "written_mask"]

FILES = ("token*.json", "added_tokens.json", "vocab*", "merges*", "*.model", "*.tiktoken", "*.bpe")
MASK_TEXT = "<|mask of the model|>"


def load_tokenizer(directory: Path, trusted: bool, written_for: str | None = None, config: Any = None) -> Any:
    """Return the tokenizer of a model directory.

    Args:
        directory: The directory.
        trusted: Whether its own code may run.
        written_for: The version of transformers that the directory names.
        config: The configuration, if it was read.
    """
    if not any(found for pattern in FILES for found in directory.glob(pattern)):
        raise InputError(
            f"{directory} has no tokenizer: copy tokenizer*, vocab* and the like of its model there."
        )
    with quiet(), put_back(), one_line(f"the tokenizer of {directory}", written_for if trusted else None):
        found, _ = importing(
            lambda: transformers().AutoTokenizer.from_pretrained(
                str(directory), config=config, local_files_only=True, trust_remote_code=trusted
            )
        )
        # without files some tokenizers have special tokens only
        if not set(found.get_vocab()) - set(found.all_special_tokens):
            raise InputError(f"{directory}: the tokenizer has no words; its files are missing.")
    return found


def read_tokenizer(directory: str | Path) -> Callable[[str], list[int]]:
    """Return a function from a text to its token ids, without special tokens.

    Args:
        directory: A directory with a tokenizer; weights are not needed, and its code is not run.

    Raises:
        InputError: If there is no such directory or tokenizer, or transformers is not installed.
    """
    if not Path(directory).is_dir():
        raise InputError(f"--tokenizer {directory} is no directory.")
    found = load_tokenizer(Path(directory), False)
    return lambda text: list(found(text, add_special_tokens=False, verbose=False)["input_ids"])


def token_places(tokenizer: Any, text: str, *, special: bool) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the token ids of a text and the span of each in the text; special tokens have empty spans.

    Args:
        tokenizer: A tokenizer.
        text: The text.
        special: Whether the tokenizer adds its special tokens around it.

    Raises:
        InputError: If a slow tokenizer does not decode to the text.
    """
    if getattr(tokenizer, "is_fast", False):
        found = tokenizer(text, return_offsets_mapping=True, add_special_tokens=special, verbose=False)
        return list(found["input_ids"]), [(int(a), int(b)) for a, b in found["offset_mapping"]]
    ids = list(tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])
    decoded = [tokenizer.decode(ids[:j], clean_up_tokenization_spaces=False) for j in range(len(ids) + 1)]
    before = len(decoded[-1]) - len(text)
    if not decoded[-1].endswith(text) or before < 0:
        raise InputError(
            "the tokenizer is slow (there is no tokenizer.json) and does not decode to the text it read, so the places "
            "of its tokens are unknown; save a fast one into the directory."
        )
    ends = [max(0, len(part) - before) for part in decoded]
    return ids, list(pairwise(ends))


def written_mask(tokenizer: Any, mask_id: int) -> tuple[Any, str, int]:
    """Return a tokenizer that reads a mask, the text of the mask, and its id in that tokenizer.

    A mask beyond the tokenizer gets a text in a copy of it; its id there is another than ``mask_id``.
    """
    mask = tokenizer.convert_ids_to_tokens(mask_id) if mask_id < len(tokenizer) else None
    if mask is not None:
        return tokenizer, mask, mask_id
    own = copy.deepcopy(tokenizer)
    own.add_special_tokens({"additional_special_tokens": [*_additional(own), MASK_TEXT]})
    return own, MASK_TEXT, int(own.convert_tokens_to_ids(MASK_TEXT))


def _additional(tokenizer: Any) -> list[str]:
    """Return the special tokens without a role of their own; version 5 of transformers renamed the list."""
    found = getattr(tokenizer, "additional_special_tokens", None)
    return [str(token) for token in (found or getattr(tokenizer, "extra_special_tokens", None) or ())]

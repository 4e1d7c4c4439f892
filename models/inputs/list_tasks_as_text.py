"""List tasks as infilling text, as in Section 4.2.3 of arXiv 2510.04767.

    Replace one random item with fox. List: ["apple", "bell"]. Answer: ["[MASK]", "[MASK]"]

The formatting tokens of the answer are given and only the items are masked, so each position of the task is a position
of the text. Every item must take the same number of tokens, one unless blocks are allowed. The text is tokenized as a
whole, and the tokens of an item are found by their offsets. All words are tried in all places: a word that is split in
some place, or merged with its surroundings, is refused by name. Only the mention of a new item in the instruction may
take other tokens than the items of the lists, as a word after a space does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.predictors.huggingface_tokenizer import token_places
from synthetic import ListTask
from theory.validation import InputError

__all__ = ["FORMATS", "INSTRUCTIONS", "Frame", "Sheet", "TextFormat", "make_sheet", "try_word"]

Ints = NDArray[np.int64]

INSTRUCTIONS = {
    "copy": "Copy the list.",
    "insert_index": "Insert {new} at index {index}.",
    "insert_random": "Insert {new} at a random place.",
    "remove_index": "Remove the item at index {index}.",
    "remove_random": "Remove one random item.",
    "replace_index": "Replace the item at index {index} with {new}.",
    "replace_random": "Replace one random item with {new}.",
    "reverse": "Reverse the list.",
    "shuffle": "Shuffle the list.",
    "shuffle_strict": "Shuffle the list so that it changes.",
    "sort": "Sort the list in alphabetical order.",
}
FORMATS = {"quoted": ('["', '", "', '"]'), "plain": ("[ ", " , ", " ]")}


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """The format of lists in text.

    Attributes:
        name: ``quoted``: ``["a", "b"]``; ``plain``: ``[ a , b ]``, for tokenizers that merge quotes with words;
            ``auto``: quoted where the words allow it, else plain (:mod:`models.inputs.word_choice`).
        blocks: Whether items may take several tokens, all of them the same number.
        chat: Write the prompt as a user's message in the chat template, the answer as the model's.
    """

    name: str = "quoted"
    blocks: bool = False
    chat: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """The text of a task as tokens, with places for its words.

    Attributes:
        tokens: Token ids of one instance, shape (L,).
        words: Token ids of every word in a list, shape (W, b).
        mentions: Token ids of every word in the instruction, shape (W, b'), or (W, 0) without a new item.
        items: Columns of the list, shape (n, b).
        new: Columns of each mention of the new item, shape (0 or 1, b').
        answer: Columns of the answer, shape (m, b).
    """

    tokens: Ints
    words: Ints
    mentions: Ints
    items: Ints
    new: Ints
    answer: Ints

    def fill(self, items: Ints, new: Ints | None, answer: Ints) -> Ints:
        """Return token ids of instances from the words of every place: (B, n), (B,) or ``None``, (B, m)."""
        out = np.tile(self.tokens, (len(items), 1))
        out[:, self.items] = self.words[items]
        if new is not None:
            out[:, self.new] = self.mentions[new][:, None]
        out[:, self.answer] = self.words[answer]
        return out

    def read(self, tokens: Ints) -> Ints:
        """Return the words in the places of the answer, -1 where there is none, shape (B, m)."""
        equal = (tokens[:, self.answer][:, :, None, :] == self.words).all(axis=3)
        return np.where(equal.any(axis=2), equal.argmax(axis=2), -1)


def make_sheet(
    task: ListTask,
    index: int | None,
    length: int,
    words: Sequence[str],
    tokenizer: Any,
    written: TextFormat,
) -> Sheet:
    """Return the text of a task as tokens.

    Args:
        task: A list task.
        index: The index that its instruction names, if any.
        length: Number of items of the answer.
        words: All words.
        tokenizer: A fast tokenizer.
        written: How lists are written.

    Raises:
        InputError: If a word is not one token in some place, or differs between places.
    """
    if len(set(words)) < len(words):
        raise InputError("the words of the lists must be distinct.")
    uses = int(task.uses_new)
    table: dict[str, list[int]] = {}
    mentioned: dict[str, list[int]] = {}
    first: _Tokenized | None = None
    for shift in range(len(words)):  # every word in every place
        rotated = [words[(shift + j) % len(words)] for j in range(max(task.n + 1, length))]
        found = _tokenized(task, index, length, rotated, tokenizer, written)
        for j, (place, word) in enumerate(found.places):
            ids = [found.ids[column] for column in place]
            _check_word(word, ids, mentioned if j < uses else table, written, tokenizer)
        if first is None:
            first = found
        elif len(found.ids) != len(first.ids) or [p for p, _ in found.places] != [p for p, _ in first.places]:
            word = found.places[0][1]
            raise InputError(
                f"item {word!r} changes the tokens around it; use --format plain or other words."
            )
    assert first is not None
    columns = np.array([place for place, _ in first.places[uses:]], dtype=np.int64)
    missing = [word for word in words if word not in table]
    assert not missing
    matrix = np.array([table[word] for word in words], dtype=np.int64)
    if len({tuple(row) for row in matrix.tolist()}) < len(words):
        raise InputError(
            "two words have the same tokens (perhaps both unknown to the tokenizer); use others."
        )
    return Sheet(
        tokens=np.array(first.ids, dtype=np.int64),
        words=matrix,
        mentions=np.array([mentioned.get(word, []) for word in words], dtype=np.int64),
        new=np.array([place for place, _ in first.places[:uses]] or np.zeros((0, 1)), dtype=np.int64),
        items=columns[: task.n],
        answer=columns[task.n :],
    )


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What words must share to be used together.

    Attributes:
        tokens: Tokens of an item.
        columns: The columns of all places.
        around: The tokens that are not in a place.
    """

    tokens: int
    columns: tuple[tuple[int, ...], ...]
    around: tuple[int, ...]


def try_word(word: str, task: ListTask, tokenizer: Any, written: TextFormat) -> Frame:
    """Return the frame of a text in which one word stands in every place.

    Raises:
        InputError: If it is split, merged with its surroundings, or takes other tokens in another place.
    """
    index = next(iter(task.indices()), None)
    found = _tokenized(task, index, task.n, [word] * (task.n + 1), tokenizer, written)
    uses = int(task.uses_new)
    table: dict[str, list[int]] = {}
    mentioned: dict[str, list[int]] = {}
    for j, (place, _) in enumerate(found.places):
        ids = [found.ids[column] for column in place]
        _check_word(word, ids, mentioned if j < uses else table, written, tokenizer)
    inside = {column for place, _ in found.places for column in place}
    return Frame(
        tokens=len(table[word]),
        columns=tuple(tuple(place) for place, _ in found.places),
        around=tuple(token for j, token in enumerate(found.ids) if j not in inside),
    )


@dataclass(frozen=True, kw_only=True)
class _Tokenized:
    """Token ids, and for each place its columns and its word: the new item, the list, the answer."""

    ids: list[int]
    places: list[tuple[list[int], str]]


def _tokenized(
    task: ListTask, index: int | None, length: int, words: Sequence[str], tokenizer: Any, written: TextFormat
) -> _Tokenized:
    text, spans = _text(task, index, length, words, tokenizer, written)
    ids, offsets = token_places(tokenizer, text, special=not written.chat)
    places: list[tuple[list[int], str]] = []
    for start, end in spans:
        columns = [j for j, (a, b) in enumerate(offsets) if a < end and b > start and b > a]
        outside = text[min(offsets[j][0] for j in columns) : start] if columns else "?"
        beyond = columns and offsets[columns[-1]][1] > end
        if outside.strip() or beyond:
            raise InputError(
                f"item {text[start:end]!r} shares a token with its surroundings; use --format plain or other words."
            )
        places.append((columns, text[start:end]))
    return _Tokenized(ids=ids, places=places)


def _text(
    task: ListTask, index: int | None, length: int, words: Sequence[str], tokenizer: Any, written: TextFormat
) -> tuple[str, list[tuple[int, int]]]:
    """Return a text and the spans of its words: the new item, the list, the answer."""
    opening, between, closing = FORMATS[written.name]
    spans: list[tuple[int, int]] = []
    instruction = INSTRUCTIONS.get(task.name, f"{task.name.replace('_', ' ').capitalize()} the list.")
    if task.uses_new and "{new}" not in instruction:
        instruction += " New item: {new}."
    before, _, after = instruction.replace("{index}", str(index)).partition("{new}")
    text = before
    if task.uses_new:
        spans.append((len(text), len(text) + len(words[task.n])))
        text += words[task.n] + after
    text += " List: "

    def add(listed: Sequence[str], text: str) -> str:
        text += opening
        for j, word in enumerate(listed):
            text += between if j else ""
            spans.append((len(text), len(text) + len(word)))
            text += word
        return text + closing

    text = add(words[: task.n], text)
    text += "."
    if written.chat:
        text, moved = _in_template(text, tokenizer)
        spans[:] = [(a + moved, b + moved) for a, b in spans]
    else:
        text += " Answer: "
    return add(words[:length], text), spans


def _in_template(prompt: str, tokenizer: Any) -> tuple[str, int]:
    """Return the chat up to the answer, and by how far the prompt moved."""
    if not tokenizer.chat_template:
        raise InputError("the tokenizer has no chat template; leave out --chat.")
    message = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
    if prompt not in text:
        raise InputError("the chat template changes the text of the prompt; leave out --chat.")
    return text, text.index(prompt)


def _check_word(
    word: str, ids: list[int], table: dict[str, list[int]], written: TextFormat, tokenizer: Any
) -> None:
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids:
        raise InputError(f"item {word!r} is not in the tokenizer; give other words with --words.")
    if len(ids) != 1 and not written.blocks:
        raise InputError(
            f"item {word!r} takes {len(ids)} tokens, not one; give other words with --words, or use --blocks."
        )
    if table.setdefault(word, ids) != ids:
        raise InputError(
            f"item {word!r} takes other tokens in another place; use --format plain or other words."
        )
    other = next(iter(table))
    if len(ids) != len(table[other]):
        raise InputError(
            f"item {word!r} takes {len(ids)} tokens, {other!r} takes {len(table[other])}; all must take as many."
        )

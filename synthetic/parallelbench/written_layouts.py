"""Token layouts from a file that marks positions, or from the tokens of answers.

The file is JSON: ``{"length": 32, "places": [[1, 2], [5, 6], ..]}``, the positions of the tokens of each person (or of
the 16 cells of a puzzle), counted from 0, and the number of positions that are decoded. All other positions hold
certain tokens. Shorter answers use the first places.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from theory.decoding.structured.layout import Layout
from theory.files import read_text
from theory.validation import InputError, shown

__all__ = ["Written", "layout_of_answers", "read_layout"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """One answer as a tokenizer writes it.

    Attributes:
        text: The answer.
        items: Its people or cells, in order, as they stand in the text.
        ids: Its tokens.
        spans: The place of each token in the text.
    """

    text: str
    items: Sequence[str]
    ids: Sequence[int]
    spans: Sequence[tuple[int, int]]

    def tokens(self) -> list[list[tuple[int, str]]]:
        """Return the tokens that show a part of each item, each with the word of the item in which it ends."""
        found: list[list[tuple[int, str]]] = []
        end = 0
        for item in self.items:
            start = self.text.index(item, end)
            end = start + len(item)
            words = [(start + m.start(), m[0]) for m in re.finditer(r"\S+", item)]
            found.append(
                [
                    (i, next((word for begin, word in reversed(words) if begin < b), item))
                    for i, (a, b) in enumerate(self.spans)
                    if max(a, start) < min(b, end)
                ]
            )
        return found


def read_layout(path: Path) -> Layout:
    """Return the layout that a file marks.

    Raises:
        InputError: If it is no such JSON, or a position is outside or marked twice.
    """
    try:
        given = json.loads(read_text(path, "the layout"))
    except (ValueError, RecursionError):
        raise InputError(f'{path} is no JSON; give {{"length": 32, "places": [[1, 2], ..]}}.') from None
    places = given.get("places") if isinstance(given, dict) else None
    if not isinstance(places, list) or not all(isinstance(item, list) for item in places):
        raise InputError(f"{path}: places must be a list of lists of positions, got {shown(places)}.")
    for position in (given.get("length"), *(p for item in places for p in item)):
        if type(position) is not int:
            raise InputError(f"{path}: length and positions must be whole numbers, got {shown(position)}.")
    try:
        return Layout(places=tuple(map(tuple, places)), length=given["length"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def layout_of_answers(answers: Sequence[Written], length: int, what: str) -> Layout:
    """Return the one layout of all answers.

    Args:
        answers: At least one; all with as many items.
        length: The positions that are decoded, at least.
        what: Who wrote them, for errors.

    Raises:
        InputError: If two items are written differently, share a token, or are told apart by some of their tokens only.

    Example:
        >>> spans = [(0, 1), (1, 3), (3, 4), (4, 6), (6, 7)]
        >>> one = Written(text="[Al,Bo]", items=["Al", "Bo"], ids=[9, 1, 8, 2, 7], spans=spans)
        >>> layout_of_answers([one], 8, "the tokenizer")
        Layout(places=((1,), (3,)), length=8)
    """
    first = [tuple(i for i, _ in item) for item in answers[0].tokens()]
    words: dict[tuple[int, int], str] = {}
    for answer in answers:
        tokens = answer.tokens()
        for item, one, found in zip(answer.items, first, tokens, strict=True):
            other = tuple(i for i, _ in found)
            if len(one) != len(other):
                usual = f"{answers[0].items[0]!r} is {len(first[0])}"
                raise InputError(f"{what} splits {item!r} into {len(other)} tokens, while {usual}.")
            if one != other:
                raise InputError(f"{what} writes {item!r} at positions {other}, and other answers at {one}.")
            for slot, (position, word) in enumerate(found):
                known = words.setdefault((slot, answer.ids[position]), word)
                if known != word:
                    raise InputError(
                        f"{what} writes a token of {known!r} and {word!r} alike, so it does not tell them apart."
                    )
        places = [i for item in tokens for i, _ in item]
        if len(set(places)) < len(places):
            raise InputError(f"{what} writes parts of two of {list(answer.items)} in one token.")
        length = max(length, len(answer.ids))
    return Layout(places=tuple(first), length=length)

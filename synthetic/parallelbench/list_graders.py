"""Graders of the list tasks, from reading an output to its verdict.

Three readings of the same output. *Lenient* gives the released score. *Strict* is reported beside it. *Sound* is not in
the releases: the whole output must be what the prompt asks for, one JSON list of texts. The verdicts of the first two
are those of both releases; what they let pass by accident is described in the functions. Source: the repository of
arXiv 2510.04767.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["LIST_GRADERS", "read_lenient", "read_sound", "read_strict", "sound_wrong"]

Items = list[str]


def read_lenient(output: str) -> Items:
    r"""Return the items that the released score reads.

    From the last ``[``, if any, up to the next ``]``, if any; split at commas; parts of white space only are dropped;
    blanks and straight double quotes trimmed. Newlines, tabs and other quotes stay, so that a list over several lines
    is read with the newlines in its items; a later list replaces the answer; a comma in a name splits it.

    Example:
        >>> read_lenient('The line is: ["Ada Klein", Otto Frost] as asked.')
        ['Ada Klein', 'Otto Frost']
        >>> read_lenient('[\n  "Ada Klein"\n]')
        ['\n  "Ada Klein"\n']
    """
    inside = output.rpartition("[")[2].partition("]")[0]
    return [part.strip('" ') for part in inside.split(",") if part.strip()]


def read_strict(output: str) -> Items | None:
    """Return the items if both brackets, the separator comma-blank and straight quotes are as released, else ``None``.

    Text around the list is ignored as in the lenient reading.

    Example:
        >>> read_strict('Line: ["Ada Klein", "Otto Frost"]'), read_strict('["Ada Klein","Otto Frost"]')
        (['Ada Klein', 'Otto Frost'], None)
    """
    if "[" not in output or "]" not in output.rpartition("[")[2]:
        return None
    parts = output.rpartition("[")[2].partition("]")[0].split(", ")
    # a lone quote counts as an opening and a closing one, as released
    if not all(part.startswith('"') and part.endswith('"') for part in parts):
        return None
    items = [part[1:-1] for part in parts]
    return None if any('"' in item for item in items) else items


def read_sound(output: str) -> Items | None:
    r"""Return the items if the output is one JSON list of texts and nothing else, else ``None``.

    Example:
        >>> read_sound(' ["Ada Klein",\n "Otto Frost"] '), read_sound('Here: ["Ada Klein"]')
        (['Ada Klein', 'Otto Frost'], None)
    """
    try:
        found = json.loads(output)
    except (json.JSONDecodeError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def _match(items: Items, answer: str) -> str:
    wanted = read_lenient(answer)
    return "" if items == wanted else f"the answer is {wanted}"


def _shuffle(items: Items, answer: Mapping[str, Any]) -> str:
    if Counter(items) != Counter(answer["input"]):
        return "the people are not those of the line"
    return "it is the order of the line" if items == answer["input"] else ""


def _insert(items: Items, answer: Mapping[str, Any]) -> str:
    rest, word = list(items), answer["word"]
    if word not in rest:
        return f"{word!r} is missing"
    rest.remove(word)  # the first one
    return "" if rest == answer["input"] else f"without {word!r} it is not the line"


def _remove(items: Items, answer: Mapping[str, Any]) -> str:
    line = list(answer["input"])
    if len(items) != len(line) - 1:
        return f"it has {len(items)} people, not {len(line) - 1}"
    gone = set(line) - set(items)
    if len(gone) != 1:
        return f"{len(gone)} people are missing, not 1"
    line.remove(*gone)
    return "" if items == line else "the others changed their order"


def _replace(items: Items, answer: Mapping[str, Any]) -> str:
    line, word = list(answer["input"]), answer["word"]
    if len(items) != len(line):
        return f"it has {len(items)} people, not {len(line)}"
    if word not in items:
        return f"{word!r} is missing"
    line[items.index(word)] = word  # the first one marks the place
    return "" if items == line else "somebody else changed, too"


LIST_GRADERS: dict[str, Callable[[Items, Any], str]] = {
    "list_match_score": _match,
    "list_shuffle_score": _shuffle,
    "list_random_insert_score": _insert,
    "list_random_remove_score": _remove,
    "list_random_replace_score": _replace,
}
"""By released name: why the items are wrong, or an empty text if they are right."""


def sound_wrong(grader: str, items: Items, answer: Any) -> str:
    """Return why the items are wrong by the words of the task alone, or an empty text.

    It differs from the released verdict where people occur twice: any of them may be the new one.

    Example:
        >>> twice = {"input": ["A", "B"], "word": "B"}
        >>> sound_wrong("list_random_replace_score", ["B", "B"], twice)
        ''
    """
    if grader in ("list_match_score", "list_shuffle_score"):
        return LIST_GRADERS[grader](items, answer)
    line, word = list(answer["input"]), answer.get("word")
    places = range(len(line) + (grader == "list_random_insert_score"))
    gone = {"list_random_insert_score": 0, "list_random_remove_score": 1, "list_random_replace_score": 1}[
        grader
    ]
    new = [] if grader == "list_random_remove_score" else [word]
    fits = any(items == [*line[:i], *new, *line[i + gone :]] for i in places)
    return "" if fits else "no place gives this list"

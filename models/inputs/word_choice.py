"""The words of the lists, chosen so that a tokenizer can write them in every place.

Each word is tried in all places of a text at once. Words of the user must all do. Of the default words those that do
are kept, and the tokenizer's own words take the place of the others, in the order of their ids. Lists are written with
quotes if that gives enough words, else plainly.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from models.inputs.list_tasks_as_text import FORMATS, Frame, TextFormat, try_word
from synthetic.encoding import WORDS
from synthetic.task import list_task
from theory.validation import InputError

__all__ = ["ChosenWords", "choose_words"]

CHUNK = 64  # candidates of the tokenizer tried at once
SHOWN = 8  # words that cannot be used, in a message
MOST_CANDIDATES = 4096
_WORD = re.compile(r"[a-z]{3,9}")
_SPACES = ("Ġ", "▁")  # how tokens with a space before them begin


@dataclass(frozen=True, kw_only=True)
class ChosenWords:
    """Words of the lists.

    Attributes:
        words: In alphabetical order.
        written: How lists are written, with ``quoted`` or ``plain`` as its name.
        own: Those among them that come from the tokenizer.
    """

    words: tuple[str, ...]
    written: TextFormat
    own: tuple[str, ...] = ()


def choose_words(
    tokenizer: Any, given: Sequence[str] | None, written: TextFormat, tasks: Sequence[str] | None = None
) -> ChosenWords:
    """Return words that the tokenizer can write.

    Args:
        tokenizer: The tokenizer.
        given: Words that must all be used; by default as many as the default words.
        written: How lists are written; with the name ``auto`` the format is chosen.
        tasks: Names of the tasks; one that mentions a new item in its instruction needs words for that place too.

    Raises:
        InputError: If given words cannot be used, all of them named; or there are no two words.
    """
    formats = tuple(FORMATS) if written.name == "auto" else (written.name,)
    faults: dict[str, dict[str, str]] = {}
    best: ChosenWords | None = None
    for name in formats:
        trial = _Trial(tokenizer, replace(written, name=name), tasks)
        usable, faults[name] = trial.usable(WORDS if given is None else given)
        if given is not None:
            if not faults[name]:
                return ChosenWords(words=tuple(sorted(given)), written=trial.written)
            continue
        usable, own = list(usable), list[str]()
        candidates = (word for word in _candidates(tokenizer) if word not in WORDS)
        while len(usable) < len(WORDS) and (chunk := list(islice(candidates, CHUNK))):
            more, _ = trial.usable(chunk)
            taken = list(more)[: len(WORDS) - len(usable)]
            usable, own = usable + taken, own + taken
        found = ChosenWords(words=tuple(sorted(usable)), written=trial.written, own=tuple(own))
        if best is None or len(found.words) > len(best.words):
            best = found
        if len(best.words) == len(WORDS):
            return best
    if given is None and best is not None and len(best.words) > 1:
        return best
    raise InputError(_message(faults, WORDS if given is None else given, written.blocks))


class _Trial:
    """Words tried in one format."""

    def __init__(self, tokenizer: Any, written: TextFormat, tasks: Sequence[str] | None) -> None:
        self._tokenizer, self.written = tokenizer, written
        new = tasks is None or any(list_task(name, 3).uses_new for name in tasks)
        self._task = list_task("replace_random" if new else "copy", 3)
        self._frame: Frame | None = None

    def usable(self, words: Iterable[str]) -> tuple[list[str], dict[str, str]]:
        """Return the words that can be used together, and what is wrong with each of the others."""
        frames: dict[str, Frame] = {}
        faults: dict[str, str] = {}
        for word in words:
            try:
                frames[word] = try_word(word, self._task, self._tokenizer, self.written)
            except InputError as error:
                faults[word] = str(error).partition(";")[0].removeprefix(f"item {word!r} ").rstrip(".")
        if self._frame is None and frames:
            self._frame = Counter(frames.values()).most_common(1)[0][0]
        for word, frame in frames.items():
            if self._frame is not None and frame != self._frame:
                several = frame.tokens != self._frame.tokens
                faults[word] = f"takes {frame.tokens} tokens" if several else "changes the tokens around it"
        return [word for word in frames if word not in faults], faults


def _candidates(tokenizer: Any) -> Iterator[str]:
    """Yield lower-case words of the vocabulary in the order of their ids, each once."""
    ranked = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    spaced = [token for token, _ in ranked if token.startswith(_SPACES)]
    seen: set[str] = set()
    for token in spaced or [token for token, _ in ranked]:
        word = token.lstrip("".join(_SPACES))
        if _WORD.fullmatch(word) and word not in seen:
            seen.add(word)
            yield word
            if len(seen) == MOST_CANDIDATES:
                return


def _message(faults: dict[str, dict[str, str]], words: Sequence[str], blocks: bool) -> str:
    """Return one line that names what cannot be used, in the format with the fewest faults."""
    name = min(faults, key=lambda name: len(faults[name]))
    wrong = faults[name]
    listed = ", ".join(f"{word!r} {why}" for word, why in islice(wrong.items(), SHOWN))
    rest = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    tried = "" if len(faults) == 1 else f" (format {name}; the others do worse)"
    advice = "" if blocks else ", or use --blocks"
    return (
        f"{len(wrong)} of {len(words)} words cannot be used{tried}: {listed}{rest}; "
        f"give other words with --words{advice}."
    )

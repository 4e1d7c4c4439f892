"""Token layout in which a tokenizer writes the answers of a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase, digits

from models.benchmark.chat import LIST, LONG_LIST, OTHER
from models.predictors.huggingface_tokenizer import load_tokenizer, token_places
from synthetic.parallelbench.lists import list_text
from synthetic.parallelbench.people import FIRST_NAMES, LAST_NAMES
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.written_layouts import Written, layout_of_answers
from theory.decoding.structured.layout import Layout
from theory.files import read_text
from theory.validation import InputError

__all__ = ["tokenizer_layout"]

SQUARE = ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0))


def tokenizer_layout(
    folder: Path, task: BenchTask, people: int, names: Path | Sequence[str] | None = None
) -> Layout:
    """Return the layout in which a tokenizer writes the answers of a task; all names and symbols must agree.

    Args:
        folder: A directory with a tokenizer; its own code is not run.
        task: A list task or a puzzle.
        people: The most people of an answer.
        names: ``First Last`` names, or a file with one on each line; our own names if ``None``.

    Raises:
        InputError: If two names are written differently; the first that differs is named.
    """
    if task.kind == "text":
        raise InputError(f"{task.name} has no known distribution, so no ceiling.")
    tokenizer = load_tokenizer(folder, False)
    made: list[Written] = []
    for text, items in _lists(people, names) if task.kind == "list" else _grids(task):
        ids, spans = token_places(tokenizer, text, special=False)
        made.append(Written(text=text, items=items, ids=ids, spans=spans))
    tokens = max(len(one.ids) for one in made)
    length = OTHER if task.kind != "list" else LIST if tokens < LIST else LONG_LIST  # one is the end token
    return layout_of_answers(made, length, f"the tokenizer of {folder}")


def _lists(people: int, names: Path | Sequence[str] | None) -> list[tuple[str, list[str]]]:
    """Lists in which every name stands; the last one is filled up with the first names."""
    if names is None:
        everybody = [
            f"{FIRST_NAMES[j % len(FIRST_NAMES)]} {LAST_NAMES[j % len(LAST_NAMES)]}"
            for j in range(max(len(FIRST_NAMES), len(LAST_NAMES)))
        ]
    elif not isinstance(names, Path):
        everybody = list(names)
    else:
        everybody = [line.strip() for line in read_text(names, "names").split("\n") if line.strip()]
    if len(everybody) < people:
        raise InputError(
            f"{names} has {len(everybody)} names, a list has up to {people} people; give more names."
        )
    lists = [everybody[start : start + people] for start in range(0, len(everybody), people)]
    lists[-1] = [*lists[-1], *everybody][:people]
    return [(list_text(line), line) for line in lists]


def _grids(task: BenchTask) -> list[tuple[str, list[str]]]:
    """Grids in which every symbol stands."""
    latin = task.name.endswith("latin_square")
    symbols = ascii_uppercase + digits if latin else "1234"
    found: list[tuple[str, list[str]]] = []
    for start in range(0, len(symbols), len(SQUARE)):
        rows = [[symbols[start + value] for value in row] for row in SQUARE]
        text = "\n".join(("," if latin else "").join(row) for row in rows)
        found.append((text, [cell for row in rows for cell in row]))
    return found

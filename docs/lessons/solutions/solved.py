"""A solved exercise, and the digests that the lessons check answers against.

``python docs/lessons/solutions/solved.py`` writes ``docs/lessons/exercises.json`` from the solutions beside this file.
"""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from classroom import EXERCISES, digest


@dataclass(frozen=True, kw_only=True)
class Solved:
    """A solved exercise.

    Attributes:
        answer: What is right.
        why: How one gets there.
        hint: What is said of a wrong answer.
        mistakes: Wrong answers that have a hint of their own, each with that hint.
    """

    answer: Any
    why: str
    hint: str
    mistakes: tuple[tuple[Any, str], ...] = ()


def solutions() -> dict[int, list[Solved]]:
    """Return the solutions of all lessons."""
    files = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
    return {int(path.name[:2]): runpy.run_path(str(path))["solutions"] for path in files}


def stored(solved: dict[int, list[Solved]]) -> str:
    """Return the text of ``exercises.json``."""
    found = {
        str(lesson): [
            {
                "answer": digest(lesson, n, one.answer),
                "hint": one.hint,
                "mistakes": {digest(lesson, n, value): hint for value, hint in one.mistakes},
            }
            for n, one in enumerate(exercises, start=1)
        ]
        for lesson, exercises in solved.items()
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def show(exercises: list[Solved]) -> None:
    """Print the solutions of a lesson."""
    for n, one in enumerate(exercises, start=1):
        print(f"{n}. {one.answer}: {one.why}")


if __name__ == "__main__":
    EXERCISES.write_text(stored(solutions()), encoding="utf-8")

"""What the lessons share: the check of an exercise, and figures of the size of a slide."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from hashlib import sha256
from math import log
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from figures.drawing.style import STYLE

__all__ = ["checker", "digest", "slide"]

EXERCISES = Path(__file__).with_name("exercises.json")


def checker(lesson: int, exercises: Mapping[str, Any] | None = None) -> Callable[[int, Any], None]:
    """Return ``check(n, answer)`` of a lesson: it says right, or gives a hint.

    Numbers are compared to three significant digits, so exact numbers and ``0.415`` are both fine. Answers are kept as
    digests (``exercises.json``): neither this file nor that one can be read for them.
    """
    known = json.loads(EXERCISES.read_text(encoding="utf-8")) if exercises is None else exercises
    asked = known[str(lesson)]

    def check(n: int, answer: Any) -> None:
        """Say whether an answer is right, or give a hint."""
        if n not in range(1, len(asked) + 1):
            print(f"This lesson has exercises 1 to {len(asked)}, not {n}.")
        elif answer is ...:
            print(f"Exercise {n}: write your answer in place of the three dots.")
        else:
            print(f"Exercise {n}: {_said(lesson, n, answer, asked[n - 1])}")

    return check


def _said(lesson: int, n: int, answer: Any, exercise: Mapping[str, Any]) -> str:
    right = exercise["answer"]
    if digest(lesson, n, answer) == right:
        return "right."
    if hint := exercise["mistakes"].get(digest(lesson, n, answer)):
        return f"not yet. {hint}"
    number = _number(answer)
    if number is not None:
        if digest(lesson, n, float(number) / 100) == right:
            return "not yet. A probability is asked for, not percent."
        if digest(lesson, n, float(number) / log(2)) == right:
            return "not yet. This is in nats; one bit is log(2) nats."
        if digest(lesson, n, -float(number)) == right:
            return "not yet. Look at the sign."
    return f"not yet. {exercise['hint']}"


def digest(lesson: int, n: int, answer: Any) -> str:
    """Return the digest of an answer; numbers are taken to three significant digits, texts without case."""
    return sha256(f"{lesson}.{n}: {_text(answer)}".encode()).hexdigest()[:16]


def _text(answer: Any) -> str:
    if isinstance(answer, (list, tuple)):
        return "[" + ", ".join(map(_text, answer)) + "]"
    number = _number(answer)
    if number is not None:
        return f"{float(number) + 0.0:.3g}"
    return " ".join(str(answer).casefold().split())


def _number(answer: Any) -> Any:
    """Return a number, also from a text such as ``"3/8"``; nothing for other answers."""
    try:
        return Fraction(answer) if isinstance(answer, str) else float(answer)
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def slide(rows: int = 1, columns: int = 1, **subplots: Any) -> tuple[Any, Any]:
    """Return a figure of the shape of a slide and its axes, with letters that the last row can read."""
    larger = {"axes.labelsize": 12, "axes.titlesize": 13, "font.size": 12, "legend.fontsize": 11}
    plt.rcParams.update({**STYLE, **larger, "xtick.labelsize": 11, "ytick.labelsize": 11})
    return plt.subplots(rows, columns, figsize=(9.6, 5.4), layout="constrained", **subplots)

"""Texts of a stream of events, cumulative or incremental.

An autoregressive endpoint sends the next piece of text with each event. A diffusing one (Mercury) sends the whole text
as it is now: the last event is the answer, and the number of events is the number of steps. Nothing in the events says
which of the two it is, so their texts decide: whole texts resemble the ones before them, pieces do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from theory.validation import choice

__all__ = ["STREAMS", "answer_of"]

STREAMS = ("no", "auto", "incremental", "cumulative")
ALIKE = 0.5  # share of equal characters of two texts that are versions of one
COMPARED = 300  # characters that are compared
WHOLE = 12  # characters of the shortest text that is no piece, where a diffusing stream was asked for


def answer_of(texts: Sequence[str], kind: str = "auto", *, diffusing: bool = False) -> tuple[str, bool]:
    """Return the answer of a stream, and whether the stream is cumulative.

    With ``auto`` it is if consecutive texts share half of their characters on average (one that only adds to the text
    before counts as equal); or, where a diffusing stream was asked for, if even the shortest text is too long for
    a piece. A single event is not.

    Args:
        texts: The texts of its events, without empty ones.
        kind: ``auto``, ``incremental`` or ``cumulative``.
        diffusing: Whether a diffusing stream was asked for.

    Example:
        >>> answer_of(['["Ada', ' Klein', '"]'])
        ('["Ada Klein"]', False)
        >>> answer_of(['["?? ??"]', '["Ada ??"]', '["Ada Klein"]'])
        ('["Ada Klein"]', True)
    """
    whole = choice(kind, "stream", STREAMS[1:]) == "cumulative"
    if kind == "auto" and len(texts) > 1:
        shares = [_alike(*pair) for pair in pairwise(texts)]
        whole = sum(shares) / len(shares) >= ALIKE or (diffusing and min(map(len, texts)) >= WHOLE)
    return (texts[-1] if whole and texts else "".join(texts)), whole


def _alike(one: str, other: str) -> float:
    if other.startswith(one) and len(other) > len(one):
        return 1.0
    return SequenceMatcher(None, one[:COMPARED], other[:COMPARED], autojunk=False).ratio()

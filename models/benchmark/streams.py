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
KEPT = 0.85  # share of its characters that a version keeps of the one before; lines of a grid share up to 0.8
MASKS = 2  # the blank and another
COMPARED = 300  # characters that are compared
WHOLE = 12  # characters of the shortest text that is no piece, where a diffusing stream was asked for


def answer_of(texts: Sequence[str], kind: str = "auto", *, diffusing: bool = False) -> tuple[str, bool]:
    """Return the answer of a stream, and whether the stream is cumulative.

    With ``auto`` it is if the last text is no rest, and each text keeps most of the one before, in order, on average;
    blanks, and one character that the last text does not have, are masks and do not count. Or, where a diffusing stream
    was asked for, if even the shortest text is too long for a piece. A single event is not.

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
        shares = [_kept(*pair, last=texts[-1]) for pair in pairwise(texts)]
        lengths = [*map(len, texts)]
        whole = 2 * lengths[-1] >= max(lengths) and sum(shares) / len(shares) >= KEPT
        whole = whole or (diffusing and min(lengths) >= WHOLE)
    return (texts[-1] if whole and texts else "".join(texts)), whole


def _kept(one: str, other: str, *, last: str) -> float:
    """The share of the characters of a text that another has, too, in the same order; 0 if it has masks alone."""
    masks = {" "} | ({*one} - {*last, "\n"})
    known = "".join(c for c in one if len(masks) > MASKS or c not in masks)[:COMPARED]
    if not known:
        return 0.0
    rest = iter(other)
    if all(c in rest for c in known):
        return 1.0
    blocks = SequenceMatcher(None, known, other[:COMPARED], autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(known)

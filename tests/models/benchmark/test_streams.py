"""Cumulative streams told from incremental ones."""

import random
import re

import pytest

from models.benchmark.streams import answer_of
from synthetic.parallelbench.lists import list_text
from synthetic.parallelbench.people import draw_people
from theory.validation import InputError


def pieces(text: str, rng: random.Random) -> list[str]:
    """A text in pieces of one to seven characters."""
    found, place = [], 0
    while place < len(text):
        size = rng.randint(1, 7)
        found.append(text[place : place + size])
        place += size
    return found


def versions(text: str, rng: random.Random, mask: str = "▒") -> list[str]:
    """A text whose characters are revealed in random order, a few at a time."""
    hidden = rng.sample(range(len(text)), len(text))
    found = []
    while hidden:
        hidden = hidden[rng.randint(3, 12) :]
        found.append("".join(mask if i in hidden else c for i, c in enumerate(text)))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_lists_in_pieces_and_in_versions(seed):
    rng = random.Random(seed)
    text = list_text(draw_people(rng, 3 + seed % 4))
    assert answer_of(pieces(text, rng)) == (text, False)
    assert answer_of(pieces(text, rng), diffusing=True) == (text, False)  # a server that ignores the wish
    assert answer_of(versions(text, rng), diffusing=True) == (text, True)
    growing = [text[: 3 * j] for j in range(1, len(text) // 3)] + [text]
    assert answer_of(growing) == (text, True)


GRIDS = [
    "1234\n3412\n2143\n4321",
    "1234\n4321\n2143\n3412",
    "A,B,C,D\nB,A,D,C\nC,D,A,B\nD,C,B,A",
    "A,B,C,D\nB,C,D,A\nC,D,A,B\nD,A,B,C",
]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("mask", ["▒", "?", "", " "])
def test_grids_in_lines_and_in_versions(grid, mask):
    """Lines of a grid are alike, but do not keep what was before them."""
    lines = grid.splitlines(keepends=True)
    assert answer_of(lines) == (grid, False)
    rng = random.Random(0)
    found = [text for text in versions(grid, rng, mask) if text.strip()]
    assert answer_of(found) == (grid, True)


@pytest.mark.parametrize("size", range(1, 9))
def test_lists_in_pieces_of_several_tokens(size):
    text = list_text(draw_people(random.Random(size), 6))
    tokens = re.findall(r'\["|", "|"\]| ?\w+', text)
    parts = ["".join(tokens[i : i + size]) for i in range(0, len(tokens), size)]
    assert answer_of(parts) == (text, False)
    assert answer_of([text[: len(text) // 2], text.replace("a", "e"), text]) == (text, True)  # one is revised


@pytest.mark.parametrize("grid", ["1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1", "A,B,C,D\nB,A,D,C\nC,D,A,B\nD,C,B,A"])
def test_grids_in_single_characters(grid):
    assert answer_of([*grid]) == (grid, False)


def test_two_versions_that_share_nothing_are_told_by_the_wish():
    noise, text = "zzzzzzzzzzzzzzzz", '["Ada Klein", "Otto Frost"]'
    assert answer_of([noise, text], diffusing=True) == (text, True)
    assert answer_of([noise, text]) == (noise + text, False)


def test_what_was_said_wins():
    assert answer_of(["ab", "abc"], "incremental") == ("ababc", False)
    assert answer_of(["ab", "x"], "cumulative") == ("x", True)
    assert answer_of(["one"]) == ("one", False)
    with pytest.raises(InputError, match="unknown stream 'both'"):
        answer_of(["a"], "both")

"""Layouts of one's own: files that mark positions, and what is said of those that do not fit."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from parabounds.command import main
from synthetic.parallelbench import bench_task
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.written_layouts import Written, layout_of_answers, read_layout
from theory.decoding.structured.layout import Layout
from theory.policies import parse_policy
from theory.validation import InputError


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["bench", "ceiling", *map(str, arguments), "--policy", "topk:k=2,by=random,block=4"])
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_file_of_positions_is_the_layout_that_it_marks(tmp_path, capsys) -> None:
    released = list_layout("released", 4)
    path = tmp_path / "layout.json"
    path.write_text(json.dumps({"length": 32, "places": released.places}))
    assert read_layout(path) == released
    status, out, _ = asked(capsys, "shuffle", "--sizes", "3,4", "--layout", path, "--json")
    (row,) = json.loads(out)["ceilings"]
    same = ceiling(bench_task("shuffle"), parse_policy("topk:k=2,by=random,block=4"), sizes=(3, 4))
    assert (status, row["accuracy"]) == (0, float(same.accuracy))
    assert row["places"] == [list(place) for place in released.places]


def test_a_person_of_three_tokens_that_are_drawn_at_once() -> None:
    three = Layout(places=((0, 1, 2), (3, 4, 5)), length=6)
    rule = parse_policy("topk:k=3,by=random,block=3")
    found = ceiling(bench_task("remove_random"), rule, layout=three, sizes=(3,), temperature=1)
    # the first of two people is one of two, with 2/3 and 1/3; all three tokens agree in (2/3)^3 and (1/3)^3;
    # the second is then certain after the less probable one, else one of two
    assert found.by_size[3] == Fraction(8 * 2 + 8, 27 * 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[1]", "places must be a list of lists"),
        ('{"length": 9}', "places must be a list of lists of positions"),
        ('{"length": 9, "places": [[true]]}', "must be whole numbers, got True"),
        ('{"places": [[0]]}', "must be whole numbers, got None"),
        ('{"length": 9, "places": [[9]]}', "different positions of 0..8"),
        ('{"length": 9, "places": [[0], [2]]}', "has places for 2 people, an answer has 3"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(text: str, message: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "layout.json"
    path.write_text(text)
    status, out, err = asked(capsys, "copy", "--sizes", "3", "--layout", path)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_other_layouts_are_refused(capsys, tmp_path) -> None:
    assert "a file or folder that exists; got 'none'" in asked(capsys, "copy", "--layout", "none")[2]
    puzzle = tmp_path / "layout.json"
    puzzle.write_text('{"length": 9, "places": [[0]]}')
    assert "has 16 cells, got 1 places" in asked(capsys, "latin_square", "--layout", puzzle)[2]


def written(*tokens: str, items: tuple[str, ...]) -> Written:
    ends = [sum(map(len, tokens[: j + 1])) for j in range(len(tokens))]
    spans = [(end - len(token), end) for token, end in zip(tokens, ends, strict=True)]
    return Written(text="".join(tokens), items=items, ids=[hash(t) for t in tokens], spans=spans)


def test_a_name_that_is_split_otherwise_is_named() -> None:
    one = written("[", "Ada", " Klein", ",", "Bo", " Frost", "]", items=("Ada Klein", "Bo Frost"))
    assert layout_of_answers([one], 8, "it") == Layout(places=((1, 2), (4, 5)), length=8)
    other = written("[", "Al", "ma", " Klein", ",", "Bo", " Frost", "]", items=("Alma Klein", "Bo Frost"))
    with pytest.raises(InputError, match="it splits 'Alma Klein' into 3 tokens, while 'Ada Klein' is 2"):
        layout_of_answers([one, other], 8, "it")
    same = written("[", "Al", "ma", ",", "Al", "bert", "]", items=("Alma", "Albert"))
    with pytest.raises(InputError, match="a token of 'Alma' and 'Albert' alike"):
        layout_of_answers([same], 8, "it")
    joined = written("[", "A", "da,B", "o", "]", items=("Ada", "Bo"))
    with pytest.raises(InputError, match="in one token"):
        layout_of_answers([joined], 8, "it")


def test_the_command_shows_ends_over_ties(capsys) -> None:
    status, out, _ = asked(capsys, "shuffle", "--sizes", "3", "--layout", "items", "--ties", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["exact"][0]["ties"] == ["2/3", "1"]
    assert asked(capsys, "latin_square", "--ties")[0] == 2

"""Task files: every form that is read, and one clear line for every form that is not."""

import json
from fractions import Fraction

import pytest

from theory.distributions.files.task_file import read_task
from theory.information.measures import total_correlation
from theory.validation import InputError

CITY = [["New", "York"], ["New", "Orleans"], ["Mexico", "City"], ["Panama", "City"]]


def _write(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_outcomes_alone_are_uniform(tmp_path):
    task = read_task(_write(tmp_path, "city.json", {"outcomes": CITY}))
    assert task.n == 2
    assert str(total_correlation(task.contexts()[0].distribution.pmf())) == "log2(2)"


def test_probabilities_are_taken_as_written(tmp_path):
    text = '{"outcomes": [["a"], ["b"], ["c"]], "probabilities": ["1/3", 0.1, "17/30"]}'
    pmf = read_task(_write(tmp_path, "t.json", text)).contexts()[0].distribution.pmf()
    assert pmf.probability(("b",)) == Fraction(1, 10)


def test_weights_are_normalised(tmp_path):
    task = read_task(_write(tmp_path, "t.json", {"outcomes": [["a"], ["b"]], "weights": [1, 3]}))
    assert task.contexts()[0].distribution.pmf().probability(("b",)) == Fraction(3, 4)


def test_contexts_of_different_length(tmp_path):
    contexts = [{"weight": "1/4", "outcomes": [["a", "b"]]}, {"weight": "3/4", "outcomes": [["a"], ["b"]]}]
    task = read_task(_write(tmp_path, "t.json", {"contexts": contexts}))
    assert [c.weight for c in task.contexts()] == [Fraction(1, 4), Fraction(3, 4)]
    assert task.n == 2


def test_csv_with_probabilities_and_contexts(tmp_path):
    text = "y0,y1,p,x\na,b,1/2,one\nb,a,0.5,one\na,a,1,two\n"
    task = read_task(_write(tmp_path, "t.csv", text))
    assert [c.label for c in task.contexts()] == ["x=one", "x=two"]
    assert len(task.contexts()[0].distribution.pmf()) == 2


BAD = [
    ("t.txt", "", r"must end in .json, .csv, .npy or .npz"),
    ("t.json", "{", r"not valid JSON"),
    ("t.json", "[1]", r"must hold an object"),
    ("t.json", {"outcome": []}, r"unknown key 'outcome'"),
    ("t.json", {"outcomes": []}, r"empty support"),
    ("t.json", {"outcomes": ["ab"]}, r"list of lists"),
    ("t.json", {"outcomes": [[None]]}, r"tokens must be texts or numbers"),
    ("t.json", {"outcomes": [["a"], ["a"]]}, r"is a duplicate"),
    ("t.json", {"outcomes": [["a"], ["a", "b"]]}, r"one length"),
    ("t.json", {"outcomes": [["a"], ["b"]], "probabilities": ["1/2", "1/3"]}, r"must sum to 1, got 5/6"),
    ("t.json", {"outcomes": [["a"], ["b"]], "probabilities": ["3/2", "-1/2"]}, r"negative"),
    ("t.json", {"outcomes": [["a"]], "probabilities": ["one"]}, r"finite number or a ratio"),
    ("t.json", {"outcomes": [["a"]], "probabilities": [1, 0]}, r"one number for each of 1 outcomes"),
    ("t.json", {"outcomes": [["a"]], "probabilities": [1], "weights": [1]}, r"not both"),
    ("t.json", {"contexts": []}, r"non-empty list"),
    (
        "t.json",
        {"contexts": [{"weight": "1/2", "outcomes": [["a"]]}]},
        r"weights of the contexts must sum to 1, got 1/2",
    ),
    ("t.csv", "", r"the file is empty"),
    ("t.csv", "a,b\n1,2\n", r"header must be y0,y1"),
    ("t.csv", "y0,y1\n", r"no outcomes below the header"),
    ("t.csv", "y0,y1\na\n", r"line 2 has 1 fields"),
    ("t.csv", "y0,p\na,nan\n", r"finite number or a ratio"),
    ("t.csv", "y0,p\na,1/2\na,1/2\n", r"is a duplicate; add its probabilities up"),
    ("t.csv", "y0\na\na\n", r"observed samples belong to: parabounds estimate"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_bad_files(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_task(_write(tmp_path, name, content))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_task(tmp_path / "none.json")


def test_normalise_divides_by_the_sum(tmp_path):
    path = _write(tmp_path, "t.json", {"outcomes": [["a"], ["b"]], "probabilities": ["1/2", "1/3"]})
    assert read_task(path, normalise=True).contexts()[0].distribution.pmf().probability(("a",)) == Fraction(
        3, 5
    )
    parts = [{"weight": 1, "outcomes": [["a"]]}, {"weight": 3, "outcomes": [["b"]]}]
    weighted = read_task(_write(tmp_path, "w.json", {"contexts": parts}), normalise=True)
    assert [context.weight for context in weighted.contexts()] == [Fraction(1, 4), Fraction(3, 4)]
    table = read_task(_write(tmp_path, "t.csv", "y0,p\na,3\nb,1\n"), normalise=True)
    assert table.contexts()[0].distribution.pmf().probability(("a",)) == Fraction(3, 4)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            ["1/2", "1/3"],
            r"got 5/6 \(= 0.833333333333\), 1/6 \(= 0.166666666667\) too little; .* --normalise",
        ),
        ([1, "1/3"], r"got 4/3 .*, 1/3 .* too much"),
    ],
)
def test_the_error_says_by_how_much(tmp_path, numbers, message):
    with pytest.raises(InputError, match=message):
        read_task(_write(tmp_path, "t.json", {"outcomes": [["a"], ["b"]], "probabilities": numbers}))


def test_nothing_can_be_normalised_from_zero(tmp_path):
    with pytest.raises(InputError, match="cannot be normalised"):
        read_task(_write(tmp_path, "t.json", {"outcomes": [["a"]], "probabilities": [0]}), normalise=True)
    parts = [{"weight": 0, "outcomes": [["a"]]}]
    with pytest.raises(InputError, match="cannot be normalised"):
        read_task(_write(tmp_path, "w.json", {"contexts": parts}), normalise=True)


def test_a_listed_task_has_its_own_length(tmp_path):
    path = _write(tmp_path, "t.json", {"outcomes": [["a", "b"]]})
    assert read_task(path, n=2).n == 2
    with pytest.raises(InputError, match="have length 2, got -n 3"):
        read_task(path, n=3)

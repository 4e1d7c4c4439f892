"""Files of other kinds: JSONL samples, numpy arrays, packed files, names of contexts, suffixes in capitals."""

import gzip
import io
import json
import pickle
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.inputs.prompts import read_prompts
from models.predictors.huggingface_tokenizer import read_tokenizer
from tests.helpers.strategies import CHARACTERS
from theory.__main__ import main
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.files.task_file import is_task_file, read_task
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.sampling.observed import Observed, read_samples
from theory.validation import InputError

ROWS = [[5, 3], [3, 5], [5, 5]]


def lines(*values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def saved(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def array_bytes(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


# -- samples ------------------------------------------------------------------------------------------------------


def test_lists_of_tokens_a_line_are_samples(tmp_path):
    text = lines([" New", "York"], ["New", "York"], [" New", "York"]) + "\n \r\n"
    seen = read_samples(saved(tmp_path, "s.jsonl", text))
    assert (seen.codes.tolist(), seen.counts.tolist()) == ([[0, 0, 0], [0, 1, 0]], [2, 1])
    mixed = read_samples(saved(tmp_path, "s.jsonl", lines([1, "1"], ["1", 1], [0.5, "1"])))
    assert len(mixed.counts) == 3


@given(
    st.lists(
        st.lists(st.text(CHARACTERS, max_size=3), min_size=2, max_size=2),
        min_size=2,
        max_size=6,
        unique_by=tuple,
    )
)
def test_samples_of_json_lines_come_back_distinct(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("lines")
    seen = read_samples(saved(folder, "s.jsonl", lines(*rows)))
    assert seen.counts.tolist() == [1] * len(rows)
    alphabets = [sorted({row[i] for row in rows}) for i in range(2)]
    assert [[alphabets[i][code] for i, code in enumerate(row[1:])] for row in seen.codes.tolist()] == rows


def test_the_same_samples_of_every_kind_are_the_same(tmp_path):
    rows = [*ROWS, ROWS[0]]
    table = "y0,y1\n" + "".join(f"{a},{b}\n" for a, b in rows)
    np.save(tmp_path / "s.npy", np.array(rows, dtype=np.uint16))
    found = [
        read_samples(path)
        for path in (
            saved(tmp_path, "s.csv", table),
            saved(tmp_path, "s.CSV", table),
            saved(tmp_path, "s.csv.gz", gzip.compress(table.encode())),
            saved(tmp_path, "s.jsonl", lines(*rows)),
            saved(tmp_path, "s.JSONL.GZ", gzip.compress(lines(*rows).encode())),
            tmp_path / "s.npy",
            saved(tmp_path, "s.npz", array_bytes(samples=np.array(rows))),
            saved(tmp_path, "t.npz", array_bytes(arr_0=np.array(rows))),
        )
    ]
    assert all(seen.codes.tolist() == found[0].codes.tolist() for seen in found)
    assert [seen.counts.tolist() for seen in found] == [[2, 1, 1]] * len(found)


BAD_SAMPLES = [
    ("s.jsonl", lines([1, 2], [1]), "line 2 has 1 tokens, the first sample 2; samples must have one length"),
    ("s.jsonl", lines([1, 2], "ab"), "line 2 is a text; give --tokenizer DIR, or lists of tokens"),
    ("s.jsonl", lines([1, 2], {"y": 1}), "line 2 must be a list of tokens or a text"),
    ("s.jsonl", "[1, 2]\n[1, NaN]\n", "line 2: tokens must be texts or numbers, got nan"),
    ("s.jsonl", lines([1, 2], [1, True]), "line 2: tokens must be texts or numbers, got True"),
    ("s.jsonl", lines([1, 2], [1, [2]]), r"line 2: tokens must be texts or numbers, got \[2\]"),
    ("s.jsonl", "[1, 2]\n[1, 2\n", "line 2 is not JSON"),
    ("s.jsonl", lines([], []), "at least one token"),
    ("s.jsonl", lines([1]), "at least 2 samples, got 1"),
    ("s.jsonl", "", "at least 2 samples, got 0"),
    ("s.npz", array_bytes(), "needs an array 'samples', got none"),
    ("s.npz", array_bytes(a=np.eye(2)), "needs an array 'samples', got 'a'"),
    (
        "s.npz",
        array_bytes(samples=np.eye(2)),
        "2-D array of whole numbers, one row per sequence; got 2 x 2 of float64",
    ),
    ("s.npz", array_bytes(samples=np.arange(3)), "got 3 of int64"),
    ("s.npz", array_bytes(samples=np.int64(3)), "got one number of int64"),
    ("s.npz", array_bytes(samples=np.array([["a"], ["b"]])), "got 2 x 1 of <U1"),
    ("s.npy", b"x", "it holds no plain arrays"),
    ("s.npz", b"PK\x03\x04 torn", "it holds no plain arrays"),
    ("s.npy", pickle.dumps([1]), "it holds no plain arrays"),
    ("s.csv.gz", b"y0\na\nb\n", "cannot unpack samples"),
    ("s.csv.gz", gzip.compress(b"y0\na\nb\n" * 50, mtime=0)[:-12], "cannot unpack samples"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_SAMPLES)
def test_samples_that_cannot_be_read_are_one_line(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_samples(saved(tmp_path, name, content))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    out = io.BytesIO()
    np.save(out, np.array([Trap(), Trap()], dtype=object), allow_pickle=True)
    for read in (read_samples, read_task):
        with pytest.raises(InputError, match="no plain arrays"):
            read(saved(tmp_path, "t.npy", out.getvalue()))


# -- texts --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    pytest.importorskip("transformers")
    from tests.helpers import hf_models

    folder = tmp_path_factory.mktemp("tokenizer")
    hf_models.tokenizer().save_pretrained(folder)
    return folder


def test_texts_are_samples_with_a_tokenizer(tmp_path, tokenizer, capsys):
    ids = read_tokenizer(tokenizer)("the apple")
    assert len(ids) == 2
    texts = saved(tmp_path, "s.jsonl", lines("the apple", "apple the", "the apple"))
    listed = saved(tmp_path, "l.jsonl", lines(ids, ids[::-1], ids))
    seen = read_samples(texts, read_tokenizer(tokenizer))
    assert seen.codes.tolist() == read_samples(listed).codes.tolist()
    assert main(["estimate", str(texts), "--tokenizer", str(tokenizer), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 3


@pytest.mark.extras("transformers")
def test_a_tokenizer_that_is_not_there_is_one_line(tmp_path, capsys):
    path = str(saved(tmp_path, "s.jsonl", lines("a", "b")))
    assert main(["estimate", path, "--tokenizer", str(tmp_path / "none")]) == 2
    assert "none is no directory" in capsys.readouterr().err
    assert main(["estimate", path, "--tokenizer", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "has no tokenizer" in error
    assert error.count("\n") == 1


def test_a_missing_package_is_named_with_its_install_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    path = str(saved(tmp_path, "s.jsonl", lines("a", "b")))
    saved(tmp_path, "tokenizer.json", "{}")
    assert main(["estimate", path, "--tokenizer", str(tmp_path)]) == 2
    assert "transformers is not installed; python -m pip install 'parabounds[hf]'" in capsys.readouterr().err


# -- tasks --------------------------------------------------------------------------------------------------------


def test_arrays_are_tasks(tmp_path):
    np.save(tmp_path / "t.npy", np.array(ROWS))
    (context,) = read_task(tmp_path / "t.npy").contexts()
    assert dict(context.distribution.pmf()) == {
        (5, 3): Fraction(1, 3),
        (3, 5): Fraction(1, 3),
        (5, 5): Fraction(1, 3),
    }
    outcomes = np.array(ROWS, dtype=np.int8)
    counted = read_task(saved(tmp_path, "w.npz", array_bytes(outcomes=outcomes, weights=np.array([1, 1, 2]))))
    assert counted.contexts()[0].distribution.pmf().probability((5, 5)) == Fraction(1, 2)
    short = array_bytes(outcomes=outcomes, probabilities=np.array([0.1, 0.2, 0.7]))
    assert read_task(saved(tmp_path, "p.npz", short)).contexts()[0].distribution.pmf().probability(
        (5, 5)
    ) == Fraction(7, 10)
    thirds = read_task(
        saved(tmp_path, "f.npz", array_bytes(outcomes=outcomes, probabilities=np.full(3, 1 / 3)))
    )
    assert thirds.floats
    assert thirds.contexts()[0].distribution.pmf().probability((5, 5)) == 1 / 3


BAD_TASKS = [
    ("t.npz", array_bytes(outcomes=np.array(ROWS), p=np.ones(3)), "unknown key 'p'"),
    ("t.npz", array_bytes(outcomes=np.array(ROWS), weights=np.ones((3, 1))), "weights must be a 1-D array"),
    ("t.npz", array_bytes(outcomes=np.array(ROWS), weights=np.ones(2)), "one number for each of 3 outcomes"),
    ("t.npz", array_bytes(outcomes=np.array(ROWS), probabilities=np.full(3, np.nan)), "finite number"),
    ("t.npz", array_bytes(outcomes=np.array(ROWS), probabilities=np.full(3, 0.3)), "must sum to 1, got 9/10"),
    ("t.npz", array_bytes(outcomes=np.array([[1], [1]])), "belong to: parabounds estimate"),
    ("t.jsonl", "[1]\n", "belong to: parabounds estimate"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_TASKS)
def test_arrays_that_are_no_task_are_one_line(tmp_path, capsys, name, content, message):
    assert main(["bounds", str(saved(tmp_path, name, content))]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_suffix_in_capitals_or_packed_is_the_same(tmp_path, capsys):
    data = json.dumps({"outcomes": [["a", "b"], ["b", "a"]]}).encode()
    for name, content in (
        ("t.JSON", data),
        ("t.json.gz", gzip.compress(data)),
        ("t.Json.GZ", gzip.compress(data)),
    ):
        assert is_task_file(name)
        assert main(["bounds", str(saved(tmp_path, name, content)), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["total_correlation"] == 1
    for name, content in (("p.TXT", b" a\n"), ("p.txt.gz", gzip.compress(b" a\n"))):
        assert [p.text for p in read_prompts(saved(tmp_path, name, content))] == [" a"]
    path = str(saved(tmp_path, "t.json", data))
    assert main(["frontier", path, "--plot", str(tmp_path / "F.PNG")]) == 0
    assert (tmp_path / "F.PNG").read_bytes().startswith(b"\x89PNG")


def test_contexts_have_names_and_weights(tmp_path, capsys):
    parts = [
        {"name": " summer", "weight": "1/4", "outcomes": [["a", "b"], ["b", "a"]], "weights": [1, 3]},
        {"weight": 0.75, "outcomes": [["a", "b"]]},
    ]
    path = saved(tmp_path, "t.json", json.dumps({"contexts": parts}))
    task = read_task(path)
    assert [(c.label, c.weight) for c in task.contexts()] == [
        (" summer", Fraction(1, 4)),
        ("contexts[1]", Fraction(3, 4)),
    ]
    assert task.contexts()[0].distribution.pmf().probability(("b", "a")) == Fraction(3, 4)
    assert main(["policy", str(path)]) == 0
    assert "' summer'\nreveal" in capsys.readouterr().out
    parts[0]["name"] = 5
    with pytest.raises(InputError, match=r"contexts\[0\]: name must be a text, got 5"):
        read_task(saved(tmp_path, "t.json", json.dumps({"contexts": parts})))


def test_tokens_of_other_kinds_are_printed(capsys):
    assert main(["policy", "tests.distributions.files.test_file_kinds:SETS", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["policies"][0]["decisions"][0]["block"] == [0]
    found = [decision["revealed"] for decision in answer["policies"][0]["decisions"]]
    assert {"0": "frozenset({1})"} in found


class Sets:
    """Tokens that JSON has no form for."""

    name, n = "sets", 2

    def contexts(self):
        rows = [(frozenset({i}), frozenset({i})) for i in range(2)]
        return (Context(weight=Fraction(1), distribution=ListedDistribution(JointPMF.uniform(rows))),)

    def chain(self):
        return None


SETS = Sets()


def test_samples_from_python_are_checked():
    for token in (float("nan"), []):
        with pytest.raises(InputError, match=r"does not equal itself|cannot be hashed"):
            Observed.from_rows([("", token), ("", "a")])
    with pytest.raises(InputError, match="of type list cannot be hashed"):
        MarkovDistribution(n=2, initial=[1], transition=[[1]], tokens=([],))

"""Text is read verbatim: every reader returns the tokens that Python's csv and json wrote, equal and distinct."""

import csv
import io
import json
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.inputs.prompts import read_prompts
from models.inputs.text_model import read_words
from models.runs.records import Records
from tests.helpers.strategies import CHARACTERS
from theory.__main__ import main
from theory.distributions.files.task_file import read_task
from theory.files import csv_rows, text_lines
from theory.information.measures import total_correlation
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.policy_table import AdaptivePolicy, Decision
from theory.sampling.observed import read_samples
from theory.validation import InputError

HARD = [
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\n\r",
    '"',
    '""',
    ",",
    "\u2028",
    "\u2029",
    "\x85",
    "\x0b",
    "\x0c",
    "\x1c",
]
HARD += ["New", " New", "New ", "New\n", "\ufeff", "\x00", "\ue000", "'", "1", "1.0", "01", "nan"]
TOKEN = st.one_of(
    st.sampled_from(HARD), st.text(st.sampled_from(" \n\r\t\",\u2028\x0ca'"), max_size=4), st.text(CHARACTERS)
)
TOKENS = st.lists(TOKEN, min_size=2, max_size=8, unique=True)


def written(header, rows, **dialect):
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows([header, *rows])
    return out.getvalue()


def saved(folder, name, text):
    path = Path(folder) / name
    path.write_bytes(text.encode("utf-8"))
    return path


def outcomes(path):
    return [c.distribution.pmf().outcomes for c in read_task(path).contexts()]


@settings(deadline=None)
@given(TOKENS, st.sampled_from(["\r\n", "\n"]))
@example(HARD, "\r\n")
@example(HARD, "\n")
def test_tokens_come_back_equal_and_distinct(tokens, end):
    rows = [(token, "end") for token in tokens]
    with TemporaryDirectory() as folder:
        text = written(["y0", "y1"], rows, lineterminator=end)
        path = saved(folder, "t.csv", text)
        assert [cells for _, cells in csv_rows(text)][1:] == [list(row) for row in rows]
        assert outcomes(path) == [tuple(rows)]
        assert read_samples(saved(folder, "s.csv", text)).codes[:, 1].tolist() == ranks(tokens)
        listed = saved(folder, "t.json", json.dumps({"outcomes": rows}, ensure_ascii=False))
        assert outcomes(listed) == [tuple(rows)]


def ranks(tokens):
    return [sorted(tokens).index(token) for token in tokens]


@settings(deadline=None)
@given(TOKENS)
@example(HARD)
def test_contexts_come_back_equal_and_distinct(tokens):
    with TemporaryDirectory() as folder:
        text = written(["y0", "x"], [(token, token) for token in tokens])
        parts = read_task(saved(folder, "t.csv", text)).contexts()
        assert [c.label for c in parts] == [f"x={token}" if token else "" for token in tokens]
        assert [c.distribution.pmf().outcomes for c in parts] == [((token,),) for token in tokens]
        assert {c.weight for c in parts} == {Fraction(1, len(tokens))}
        seen = read_samples(saved(folder, "s.csv", text))
        assert seen.contexts == len(tokens)
        assert seen.codes.tolist() == [[rank, rank] for rank in ranks(tokens)]


@settings(deadline=None)
@given(TOKENS)
@example(HARD)
def test_prompts_and_words_come_back_equal_and_distinct(tokens):
    with TemporaryDirectory() as folder:
        lines = "".join(json.dumps({"prompt": token}, ensure_ascii=False) + "\n" for token in tokens)
        assert [p.text for p in read_prompts(saved(folder, "p.jsonl", lines))] == tokens
        table = written(["prompt", "length"], [(token, 2) for token in tokens])
        assert [p.text for p in read_prompts(saved(folder, "p.csv", table))] == tokens
        # a line holds no line end, an empty one is no prompt, and a file may begin with a byte order mark
        plain = [t for t in tokens if t and "\n" not in t and not t.endswith("\r") and t[0] != "\ufeff"]
        if len(plain) > 1:
            for end in ("\n", "\r\n"):
                path = saved(folder, "p.txt", end.join(plain) + end)
                assert [p.text for p in read_prompts(path)] == plain
                assert read_words(path) == plain


def test_a_space_makes_another_token(tmp_path, capsys):
    """ " New" goes with York or Delhi like "New" with Rome or Paris: one bit, which trimming merged to none."""
    text = 'y0,y1,p\n" New",York,1/2\n"New",Delhi,1/2\n'
    (context,) = read_task(saved(tmp_path, "t.csv", text)).contexts()
    assert total_correlation(context.distribution.pmf()) == 1
    assert main(["bounds", str(tmp_path / "t.csv")]) == 0
    assert "one step loses 1 bit" in capsys.readouterr().out


def test_a_space_makes_another_sample_and_another_context(tmp_path):
    seen = read_samples(saved(tmp_path, "s.csv", "y0,y1,x\n" + " the,a,c\nthe,b, c\n" * 4))
    assert (len(seen.counts), seen.contexts, seen.codes.max(axis=0).tolist()) == (2, 2, [1, 1, 1])


def test_only_headers_and_numbers_are_trimmed(tmp_path):
    (context,) = read_task(
        saved(tmp_path, "t.csv", "\ufeff y0 , y1,p \r\na , b, 1/4 \r\na,b,3/4\r\n")
    ).contexts()
    assert dict(context.distribution.pmf()) == {("a ", " b"): Fraction(1, 4), ("a", "b"): Fraction(3, 4)}


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    with pytest.raises(InputError, match=r"t\.csv: line 5 has 1 fields, the header has 2"):
        read_task(saved(tmp_path, "t.csv", 'y0,y1\n"a\n\n",b\na\n'))


@pytest.mark.parametrize("quoted", ['"a"b,c', '"a,c', 'a,"c'])
def test_quotes_that_do_not_match_are_refused(tmp_path, quoted):
    for read, header in ((read_task, "y0,y1"), (read_samples, "y0,y1")):
        with pytest.raises(InputError, match=r"t\.csv: line 2 is not CSV: "):
            read(saved(tmp_path, "t.csv", f"{header}\n{quoted}\n"))


def test_messages_stay_on_one_line(tmp_path):
    with pytest.raises(InputError) as caught:
        read_task(saved(tmp_path, "t.csv", 'y0,x\na,"b\nc"\na,"b\nc"\n'))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"got 'y0,y\\n1'") as caught:
        read_task(saved(tmp_path, "t.csv", 'y0,"y\n1"\n'))
    assert "\n" not in str(caught.value)


def test_tokens_that_could_be_misread_are_quoted_in_the_tree():
    half, zero = Fraction(1, 2), LogNumber()
    made = [((-1, -1, -1), (0,), 1, None), ((0, -1, -1), (1, 2), 2, 0), ((1, -1, -1), (1,), 2, 0)]
    decisions = tuple(
        Decision(revealed=revealed, block=block, step=step, probability=half, cost=zero, before=before)
        for revealed, block, step, before in made
    )
    policy = AdaptivePolicy(alphabets=(("\ud800\n", "b"), ("c",), ("d",)), decisions=decisions, steps=half)
    tree = "reveal {0}\n  if y0='\\ud800\\n': reveal {1, 2}\n  if y0=b: reveal {1}"
    assert str(policy) == tree


def test_records_end_with_a_newline_alone(tmp_path):
    with Records(tmp_path / "r.jsonl", {}) as records:
        records.append([{"row": 0, "text": "a\u2028b\x85c\x1cd"}])
    assert Records(tmp_path / "r.jsonl", {}).rows[0]["text"] == "a\u2028b\x85c\x1cd"


def test_text_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"y0\n\xff\n")
    for read in (read_task, read_samples):
        with pytest.raises(InputError, match=r"t\.csv: it is not UTF-8 text, byte 4 is wrong"):
            read(tmp_path / "t.csv")


def test_lines_end_with_newlines_alone():
    text = "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\rj\r\n\n\r\nk"
    assert list(text_lines(text)) == [(1, text[: text.index("\r\n")]), (4, "k")]


def test_words_of_a_grammar_are_read_as_they_are(tmp_path):
    rules = {"S": {"A A": 1}, "A": {" the": "1/2", "the": "1/4", "the\u2003": "1/4"}}
    (context,) = read_task(
        saved(tmp_path, "g.json", json.dumps({"grammar": {"length": 2, "start": "S", "rules": rules}}))
    ).contexts()
    pmf = context.distribution.pmf()
    assert len(pmf) == 9
    assert pmf.probability((" the", "the")) == Fraction(1, 8)

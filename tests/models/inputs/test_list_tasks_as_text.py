"""List tasks as text: every item at its place, named if that is impossible; verified like any other model."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

import transformers
from tokenizers import Tokenizer

from models.__main__ import main
from models.evaluation import verify_run
from models.evaluation.exact_reference import exact_decode
from models.evaluation.gap import gap_records, gap_rules
from models.evaluation.text_model_distance import subject_tv
from models.evaluation.verify import verify
from models.evaluation.verify_run import VerifySpec, run_verify
from models.inputs.list_tasks_as_text import INSTRUCTIONS, TextFormat, make_sheet
from models.inputs.task_models import TokenSubject, load_subject
from models.inputs.text_model import TextSubject, read_words
from models.predictors.distance_to_ideal import ideal_marginals, marginal_tv
from models.predictors.huggingface_predictor import HFPredictor
from models.runs.binomial import verdict
from models.runs.records import Records
from synthetic.encoding import WORDS, list_task_names
from synthetic.grading import distribution_ids, grade, to_roles
from synthetic.task import list_task
from tests.helpers import hf_models
from tests.helpers.gap_tables import log_ratio
from tests.helpers.hf_models import byte_level
from tests.helpers.intervals import assert_frequencies
from theory.policies import parse_policy
from theory.validation import InputError

MASK = 4


pytestmark = pytest.mark.extras("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return hf_models.bert(tmp_path_factory.mktemp("models") / "bert")


# -- text and places -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_task_names())
def test_every_task_is_written_and_read_back(name):
    made = hf_models.tokenizer()
    subject = TextSubject(
        predictor=predictor_of(made), facts={}, tokenizer=made, words=WORDS[:9], written=TextFormat()
    )
    task = list_task(name, 4)
    batch = subject.encoding(task).sample_batch(task, 30, np.random.default_rng(0))
    length = batch.tokens[:, batch.answer].shape[1]
    masked = np.random.default_rng(1).random((30, length)) < 0.5
    seen = []
    for padded in subject.write(batch, masked):
        # the masks are where they should be, and nowhere else
        columns = padded.sheet.answer[:, 0]
        expected = np.zeros(padded.tokens.shape, dtype=bool)
        expected[:, columns] = masked[padded.rows]
        assert ((padded.tokens == MASK).numpy() == expected).all()
        # the tokens are those of the text, tokenized as a whole
        (full,) = [
            p for p in subject.write(batch, np.zeros_like(masked)) if np.array_equal(p.rows, padded.rows)
        ]
        for row, tokens in zip(full.rows, full.tokens.tolist(), strict=True):
            text = written(batch, int(row))
            assert made(text)["input_ids"] == tokens, text
        # and the answers are read back
        answers = subject.read(batch, full, full.tokens)
        assert (answers == batch.tokens[full.rows][:, batch.answer]).all()
        seen += padded.rows.tolist()
    assert sorted(seen) == list(range(30))
    assert name in INSTRUCTIONS


def written(batch, row: int) -> str:
    """The text of an instance, written by hand."""
    task, ids = batch.task, batch.tokens[row]
    index = list(task.indices())[batch.context[row]]
    text = INSTRUCTIONS[task.name].replace("{index}", str(index)).replace("{new}", WORDS[ids[2] % len(WORDS)])
    listed, answer = ids[3 : 3 + task.n], ids[batch.answer]
    quoted = ["[" + ", ".join(f'"{WORDS[token]}"' for token in part) + "]" for part in (listed, answer)]
    return f"{text} List: {quoted[0]}. Answer: {quoted[1]}"


def predictor_of(made, seed: int = 0) -> HFPredictor:
    """A random model of the right vocabulary: what it predicts does not matter here."""
    config = hf_models.small_config(len(made), 128)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.BertForMaskedLM(config).requires_grad_(False).eval()
    return HFPredictor(model, mask_id=made.mask_token_id, vocab_size=len(made), longest=128)


def test_words_that_no_item_was_read_as_are_no_answer():
    made = hf_models.tokenizer()
    sheet = make_sheet(list_task("copy", 3), None, 3, WORDS[:5], made, TextFormat())
    tokens = sheet.fill(np.array([[0, 1, 2]]), None, np.array([[0, 1, 2]]))
    tokens[0, sheet.answer[1]] = made.unk_token_id
    assert sheet.read(tokens).tolist() == [[0, -1, 2]]


WHOLE = ("apple", "bell", "cat", "dog")


def test_items_that_are_split_are_named_or_blocks():
    made, task = byte_level(whole=WHOLE), list_task("shuffle", 2)
    sheet = make_sheet(task, None, 2, WHOLE, made, TextFormat())
    assert sheet.words.shape == (4, 1)
    with pytest.raises(InputError, match="item 'cow' takes 3 tokens, not one; give other words"):
        make_sheet(task, None, 2, (*WHOLE, "cow"), made, TextFormat())
    with pytest.raises(InputError, match="item 'cow' takes 3 tokens, 'apple' takes 1; all must take as many"):
        make_sheet(task, None, 2, (*WHOLE, "cow"), made, TextFormat(blocks=True))
    blocks = make_sheet(task, None, 2, ("cow", "hen", "pig"), made, TextFormat(blocks=True))
    assert (blocks.words.shape, blocks.answer.shape) == ((3, 3), (2, 3))
    filled = blocks.fill(np.array([[0, 1]]), None, np.array([[1, 2]]))
    assert made.decode(filled[0]).endswith('["hen", "pig"]')
    assert blocks.read(filled).tolist() == [[1, 2]]
    filled[0, blocks.answer[0, 1]] = filled[0, blocks.answer[1, 1]]
    assert blocks.read(filled).tolist() == [[-1, 2]]  # part of a word is no word


def test_items_that_merge_with_the_text_are_named():
    made = byte_level(whole=WHOLE)
    merged = '"apple'
    inner = json.loads(made.backend_tokenizer.to_str())
    inner["model"]["vocab"][merged] = len(inner["model"]["vocab"])
    inner["model"]["merges"].append(['"', "apple"])
    inner["pre_tokenizer"] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    greedy = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(inner)), mask_token="[MASK]", unk_token="[UNK]"
    )
    task = list_task("shuffle", 2)
    with pytest.raises(
        InputError, match="item 'apple' shares a token with its surroundings; use --format plain"
    ):
        make_sheet(task, None, 2, WHOLE, greedy, TextFormat())
    plain = make_sheet(task, None, 2, WHOLE, made, TextFormat(name="plain"))
    tokens = plain.fill(np.array([[0, 1]]), None, np.array([[2, 3]]))
    assert made.decode(tokens[0]) == "Shuffle the list. List: [ apple , bell ]. Answer: [ cat , dog ]"


def test_unknown_and_equal_words_are_named():
    made, task = hf_models.tokenizer(), list_task("copy", 2)
    with pytest.raises(InputError, match="item 'zebra' is not in the tokenizer"):
        make_sheet(task, None, 2, ("apple", "zebra"), made, TextFormat())
    with pytest.raises(InputError, match="must be distinct"):
        make_sheet(task, None, 2, ("apple", "apple"), made, TextFormat())
    with pytest.raises(InputError, match="no chat template"):
        make_sheet(task, None, 2, WORDS[:4], made, TextFormat(chat=True))


def test_the_chat_template_surrounds_the_prompt():
    made = hf_models.tokenizer(special=False)
    made.chat_template = "a {{ messages[0]['content'] }} b"
    sheet = make_sheet(list_task("copy", 2), None, 2, WORDS[:4], made, TextFormat(chat=True))
    tokens = made.convert_ids_to_tokens(sheet.tokens.tolist())
    assert tokens[0] == "a"
    assert tokens[-9 - 1 :] == ["b", "[UNK]", "acorn", "[UNK]", "anchor", "[UNK]"] or "b" in tokens
    assert [tokens[c] for c in sheet.answer[:, 0]] == [tokens[c] for c in sheet.items[:, 0]]


# -- a subject that is the ideal model: everything measured must be exact --------------------------------------


class IdealText(TextSubject):
    """A text model whose words follow the ideal conditionals; ``foreign`` of the mass is on no word."""

    foreign = 0.0

    def marginals(self, batch, padded):
        roles = np.array([padded.sheet.read(row[None])[0] for row in padded.tokens.numpy()])
        encoded = batch.tokens[padded.rows].copy()
        encoded[:, batch.answer] = np.where(roles < 0, batch.encoding.mask, roles)
        part = replace(
            batch, tokens=encoded, roles=batch.roles[padded.rows], context=batch.context[padded.rows]
        )
        return (1 - self.foreign) * ideal_marginals(part, encoded)


class IdealLanguageModel:
    """The ideal model of a task behind the interface of a language model: text in, logits of the vocabulary out."""

    longest, device = 128, torch.device("cpu")

    def __init__(self, made, task, words):
        self.mask_id, self.vocab_size = made.mask_token_id, len(made)
        self.distribution = task.contexts()[0].distribution
        self.sheet = make_sheet(task, None, self.distribution.n, words, made, TextFormat())
        self.uses_new = task.uses_new

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        rows = tokens.numpy()
        columns = [*self.sheet.items[:, 0], *(self.sheet.new[:, 0] if self.uses_new else [])]
        names = rows[:, columns]  # the token of every role
        equal = rows[:, self.sheet.answer[:, 0]][:, :, None] == names[:, None, :]
        assert (equal.any(axis=2) | (rows[:, self.sheet.answer[:, 0]] == self.mask_id)).all()
        roles = np.where(equal.any(axis=2), equal.argmax(axis=2), -1)
        probs = self.distribution.conditional(roles)
        logits = np.full((*rows.shape, self.vocab_size), -1e9)
        with np.errstate(divide="ignore"):
            for b, named in enumerate(names):
                logits[b][np.ix_(self.sheet.answer[:, 0], named)] = np.log(probs[b])
        return torch.from_numpy(logits)


ITEM_POLICIES = ["topk:k=2,by=random", "topk:k=2,by=left_to_right", "topk:k=2,block=3", "threshold:gamma=0.4"]


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("spec", ITEM_POLICIES)
@pytest.mark.parametrize("name", ["shuffle", "replace_random"])
def test_an_ideal_language_model_has_the_exact_accuracy_and_gap(name, spec):
    """Positions of the task, blocks included, are positions of the text: formatting does not count."""
    made, task = hf_models.tokenizer(), list_task(name, 4)
    ideal = IdealLanguageModel(made, task, tuple(sorted(WORDS[:7])))
    subject = TextSubject(predictor=ideal, facts={}, tokenizer=made, words=WORDS[:7], written=TextFormat())
    rules = {"policy": parse_policy(spec), "temperature": 1, "samples": 1500, "seed": 0, "states": 50}
    (row,) = verify(subject, [(name, 4)], **rules)["rows"]
    exact = exact_decode(task, parse_policy(spec), 1)
    assert_frequencies([row["successes"]], [float(exact.accuracy)], 1500, (name, spec))
    if exact.steps.denominator == 1:
        assert row["steps"] == exact.steps
    assert row["mean_tv"] == pytest.approx(0, abs=1e-12)
    batch = subject.encoding(task).sample_batch(task, 200, np.random.default_rng(0))
    (padded,) = subject.write(batch, np.ones((200, 4), dtype=bool))
    records = gap_records(padded.predictor, padded.arranged(), range(200), gap_rules(spec))
    drawn = np.array([record["tokens"] for record in records])
    answers = (drawn[:, :, None] == padded.sheet.words[:, 0]).argmax(axis=2)
    outcomes = distribution_ids(ideal.distribution, to_roles(batch, answers)).tolist()
    ids = {token: j for j, token in enumerate(ideal.distribution.tokens)}
    distribution = {tuple(ids[token] for token in y): Fraction(p) for y, p in ideal.distribution.pmf()}
    for record, x in zip(records, outcomes, strict=True):
        expected = log_ratio(distribution, tuple(x), record["step"])
        assert record["chain"] - record["parallel"] == pytest.approx(expected, abs=1e-9)
        assert record["chain"] == pytest.approx(record["one_by_one"], abs=1e-9)


def test_shares_of_several_processes_make_the_whole(folder, tmp_path):
    spec = VerifySpec(model=str(folder), task="copy", n=2, samples=11, out=tmp_path)
    work = verify_run._Work(spec)
    assert work(1, 2) is None
    assert work(0, 2) is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["verify.jsonl", "verify.rank1.jsonl"]
    (row,) = run_verify(spec)["rows"]
    assert row["successes"] <= 11
    assert len((tmp_path / "verify.jsonl").read_text().splitlines()) == 1 + 6 + 1  # nothing was done again


@pytest.mark.parametrize("name", ["shuffle", "replace_random", "replace_index"])
def test_the_total_variation_of_the_ideal_model_is_zero(name):
    made = hf_models.tokenizer()
    subject = IdealText(
        predictor=predictor_of(made), facts={}, tokenizer=made, words=WORDS[:9], written=TextFormat()
    )
    task = list_task(name, 4)
    assert subject_tv(subject, task, states=60) == pytest.approx(0, abs=1e-12)
    IdealText.foreign = 0.25
    assert subject_tv(subject, task, states=60, batch=7) == pytest.approx(0.25, abs=1e-12)
    IdealText.foreign = 0.0


def test_the_two_routes_to_the_total_variation_agree():
    subject = load_subject("shipped")
    assert isinstance(subject, TokenSubject)
    task = list_task("replace_random", 5)
    old = marginal_tv(subject.predictor, subject.predictor.encoding, task, states=300, seed=3)
    assert subject_tv(subject, task, states=300, seed=3) == pytest.approx(old, abs=1e-6)


def test_a_random_model_decodes_no_better_than_chance():
    made = hf_models.tokenizer()
    subject = TextSubject(
        predictor=predictor_of(made), facts={}, tokenizer=made, words=WORDS[:6], written=TextFormat()
    )
    rules = {"policy": parse_policy("topk:k=1"), "temperature": 1, "samples": 300, "seed": 0, "states": 20}
    said = verify(subject, [("copy", 2)], **rules)
    (row,) = said["rows"]
    assert row["successes"] < 10
    assert (row["verdict"], row["agrees"], row["exact_accuracy"]) == ("below", False, 1)
    assert row["p_value"] == 0
    assert row["mean_tv"] > 0.5
    assert row["samples_per_second"] > 0


# -- the verdict and the command --------------------------------------------------------------------------------


def test_the_verdict_is_two_sided():
    assert verdict(50, 100, 0.5)[0] == "consistent"
    assert verdict(30, 100, 0.5)[0] == "below"
    assert verdict(70, 100, 0.5)[0] == "above"
    assert verdict(30, 100, 0.5)[1] == pytest.approx(verdict(70, 100, 0.5)[1])
    # the interval misses the truth on either side at most as often as stated: all counts, by their probability
    chance = {"below": 0.0, "consistent": 0.0, "above": 0.0}
    for k in range(41):
        chance[verdict(k, 40, 0.3)[0]] += comb(40, k) * 0.3**k * 0.7 ** (40 - k)
    assert 0 < chance["below"] <= 0.025
    assert 0 < chance["above"] <= 0.025


def test_the_command_writes_what_it_says(folder, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["verify", "--model", str(folder), "--task", "shuffle", "-n", "3", "--samples", "40"]
    assert main([*arguments, "--out", str(out), "--json"]) == 1  # random weights
    said = json.loads(capsys.readouterr().out)
    assert said["rows"][0]["verdict"] == "below"
    assert said["rows"][0]["exact_accuracy"] == pytest.approx(
        float(exact_decode(list_task("shuffle", 3), parse_policy("topk:k=2,by=random"), 1).accuracy)
    )
    assert said["model"]["sha256"]
    assert sorted(path.name for path in out.iterdir()) == [
        f"verify.{e}" for e in ("csv", "json", "jsonl", "png", "svg")
    ]
    assert json.loads((out / "verify.json").read_text()) == said
    (row,) = csv.DictReader((out / "verify.csv").read_text().splitlines())
    assert (row["task"], row["n"], float(row["accuracy"])) == ("shuffle", "3", said["rows"][0]["accuracy"])
    assert (out / "verify.png").read_bytes().startswith(b"\x89PNG")
    # again: from the records, to the same bytes
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main([*arguments, "--out", str(out), "--json"]) == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_killed_verification_continues(tmp_path):
    made = hf_models.tokenizer()
    subject = TextSubject(
        predictor=predictor_of(made), facts={}, tokenizer=made, words=WORDS[:6], written=TextFormat()
    )
    rules = {
        "policy": parse_policy("topk:k=1"),
        "temperature": 1,
        "samples": 24,
        "seed": 0,
        "states": 20,
        "batch": 8,
    }
    whole = verify(subject, [("copy", 2), ("shuffle", 2)], records=Records(tmp_path / "a.jsonl", {}), **rules)
    data = (tmp_path / "a.jsonl").read_bytes()
    lines = data.splitlines(keepends=True)
    cut = tmp_path / "b.jsonl"
    cut.write_bytes(b"".join(lines[:9]) + lines[9][:5])  # the header and one batch
    again = verify(subject, [("copy", 2), ("shuffle", 2)], records=Records(cut, {}), **rules)
    for row, other in zip(whole["rows"], again["rows"], strict=True):
        del row["samples_per_second"], other["samples_per_second"]
        assert row == other


def test_blocks_have_an_accuracy_and_the_exact_value_of_their_tokens():
    made = byte_level(whole=())
    subject = TextSubject(
        predictor=predictor_of(made),
        facts={},
        tokenizer=made,
        words=("cow", "hen", "pig"),
        written=TextFormat(blocks=True),
    )
    rules = {"policy": parse_policy("topk:k=3"), "temperature": 1, "samples": 10, "seed": 0, "states": 5}
    (row,) = verify(subject, [("copy", 2)], **rules)["rows"]
    assert row["steps"] == row["exact_steps"] == 2  # six tokens
    assert (row["mean_tv"], row["exact_accuracy"], row["verdict"]) == (None, 1, "below")


def test_graded_answers_are_roles():
    made = hf_models.tokenizer()
    subject = TextSubject(
        predictor=predictor_of(made), facts={}, tokenizer=made, words=WORDS[:6], written=TextFormat()
    )
    task = list_task("shuffle", 3)
    batch = subject.encoding(task).sample_batch(task, 5, np.random.default_rng(0))
    (padded,) = subject.write(batch, np.zeros((5, 3), dtype=bool))
    answers = subject.read(batch, padded, padded.tokens)
    assert grade(batch, answers).all()
    answers[0, 0] = -1
    assert grade(batch, answers).tolist() == [False, True, True, True, True]
    assert to_roles(batch, answers)[0, 0] < 0


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ([], "needs --task NAME and -n N"),
        (["--task", "shuffle"], "needs --task NAME and -n N"),
        (["--task", "sudoku", "-n", "4"], "sudoku"),
        (["--task", "shuffle", "-n", "40"], "context length"),
        (["--task", "shuffle", "-n", "3", "--words", "missing.txt"], "cannot read the words missing.txt"),
        (["--task", "shuffle", "-n", "3", "--mask-id", "x"], "--mask-id must be a whole number"),
    ],
)
def test_bad_input_is_one_line(folder, tmp_path, capsys, extra, message):
    assert main(["verify", "--model", str(folder), "--out", str(tmp_path / "out"), *extra]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_words_of_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("pear\n\napple\n")
    assert read_words(path) == ["pear", "apple"]
    for text, message in (("pear\n", "at least two words"), ("pear\npear\n", "hold 'pear' twice")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_words(path)


def test_the_gap_of_a_text_model_on_a_task(folder, tmp_path, capsys):
    arguments = ["gap", "--model", str(folder), "--task", "shuffle", "-n", "3", "--samples", "30", "--json"]
    assert main([*arguments, "--orders", "2", "--out", str(tmp_path / "gap.jsonl")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["tokens"], said["sequences"]) == (3, 30)
    assert said["exact_path_kl"] > 0
    assert said["order_spread"] > 0  # random weights do not satisfy the chain rule
    (tmp_path / "p.txt").write_text("the apple is [MASK] [MASK] .\n[MASK] bell\n")
    prompts = ["gap", "--model", str(folder), "--prompts", str(tmp_path / "p.txt"), "--samples", "5"]
    assert main([*prompts, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["prompts"], said["sequences"], said["tokens"], said["exact_path_kl"]) == (2, 10, 1.5, None)
    assert main(prompts) == 0
    assert "bits per sequence" in capsys.readouterr().out

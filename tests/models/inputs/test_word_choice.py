"""The words of the lists on a byte-level tokenizer, as real language models have it."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

import transformers
from tokenizers import Tokenizer

from models.__main__ import main
from models.inputs.list_tasks_as_text import TextFormat, make_sheet
from models.inputs.word_choice import choose_words
from models.predictors.huggingface_tokenizer import token_places
from synthetic.encoding import WORDS
from synthetic.task import list_task
from tests.helpers import hf_models
from tests.helpers.hf_models import byte_level
from theory.validation import InputError

pytestmark = pytest.mark.extras("transformers")

AUTO = TextFormat(name="auto")
OTHERS = (
    "cat",
    "dog",
    "horse",
    "cow",
    "mouse",
    "hen",
    "bird",
    "fish",
    "seal",
    "lion",
    "bear",
    "wolf",
    "deer",
    "hare",
)


def one_token(made, word: str) -> bool:
    """Whether a word is one token in quotes and, with its space, in a sentence; by the strings of the tokens."""
    quoted = made.tokenize(f'["{word}", "{word}"].')
    return quoted.count(word) == 2 and f"Ġ{word}" in made.tokenize(f"item with {word}.")


def test_default_words_stay_and_the_tokenizer_fills_up():
    short = tuple(f"{a}{b}{c}" for c in "zq" for a in "bcdfgk" for b in "aeiou")
    made = byte_level(whole=(*WORDS[:52], *OTHERS, *short))
    chosen = choose_words(made, None, AUTO)
    kept = [word for word in WORDS if one_token(made, word)]
    assert 8 < len(kept) < 64
    by_id = sorted(made.get_vocab(), key=made.get_vocab().get)
    others = [token[1:] for token in by_id if re.fullmatch("Ġ[a-z]{3,9}", token)]
    expected = [word for word in others if word not in WORDS and one_token(made, word)][: 64 - len(kept)]
    assert list(chosen.own) == expected
    assert list(chosen.words) == sorted(kept + expected)
    assert len(chosen.words) == 64
    assert chosen.written.name == "quoted"
    assert choose_words(made, None, AUTO) == chosen


def test_words_that_all_do_are_left_alone():
    assert choose_words(hf_models.tokenizer(), None, AUTO).words == WORDS
    given = ("pear", "apple")
    assert choose_words(hf_models.tokenizer(given), given, AUTO).words == ("apple", "pear")


def test_all_words_that_cannot_be_used_are_named_at_once():
    made = byte_level(whole=OTHERS)
    with pytest.raises(InputError) as caught:
        choose_words(made, ("cat", "zebra", "yak", "dog"), AUTO)
    said = str(caught.value)
    assert said.startswith("2 of 4 words cannot be used")
    assert (
        "'zebra' takes 5 tokens, not one, 'yak' takes 3 tokens, not one; give other words with --words"
        in said
    )
    many = [f"zz{a}{b}" for a in "abc" for b in "abcd"]
    with pytest.raises(InputError, match=r"12 of 13 words cannot be used.* and 4 more; give"):
        choose_words(made, ["cat", *many], AUTO)


def test_plain_lists_are_tried_next():
    made = byte_level(whole=OTHERS)
    inner = json.loads(made.backend_tokenizer.to_str())
    inner["model"]["vocab"]['"cat'] = len(inner["model"]["vocab"])
    inner["model"]["merges"].append(['"', "cat"])
    inner["pre_tokenizer"] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    greedy = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(inner)), mask_token="[MASK]", unk_token="[UNK]"
    )
    assert choose_words(greedy, ("cat", "dog"), AUTO).written.name == "plain"
    with pytest.raises(InputError, match="'cat' shares a token with its surroundings; give"):
        choose_words(greedy, ("cat", "dog"), TextFormat(name="quoted"))


def test_a_mention_may_take_other_tokens_than_the_items():
    made = byte_level(whole=OTHERS)
    words = ("cat", "dog", "hen", "seal")
    sheet = make_sheet(list_task("replace_random", 2), None, 2, words, made, TextFormat())
    assert made.convert_ids_to_tokens(sheet.mentions[:, 0].tolist()) == [f"Ġ{word}" for word in words]
    assert made.convert_ids_to_tokens(sheet.words[:, 0].tolist()) == list(words)
    tokens = sheet.fill(np.array([[0, 1]]), np.array([3]), np.array([[0, 3]]))
    text = 'Replace one random item with seal. List: ["cat", "dog"]. Answer: ["cat", "seal"]'
    assert made.decode(tokens[0]) == text
    assert made(text)["input_ids"] == tokens[0].tolist()
    assert sheet.read(tokens).tolist() == [[0, 3]]


def test_words_are_chosen_before_the_weights_are_read(tmp_path, capsys, monkeypatch):
    folder = hf_models.bert(tmp_path / "bert")
    monkeypatch.setattr("models.predictors.huggingface.OpenedHF.load", lambda _: pytest.fail("read"))
    (tmp_path / "words.txt").write_text("apple\nzebra\nyak\n")
    given = ["--task", "copy", "-n", "2", "--words", str(tmp_path / "words.txt")]
    capsys.readouterr()
    assert main(["verify", "--model", str(folder), *given]) == 2
    error = capsys.readouterr().err
    assert "2 of 3 words cannot be used" in error
    assert "'zebra' is not in the tokenizer, 'yak' is not in the tokenizer; give other words" in error
    assert error.count("\n") == 1


def test_the_output_names_the_words_of_the_tokenizer(tmp_path, capsys):
    few = (*WORDS[:60], *OTHERS[:6])
    folder = hf_models.bert(tmp_path / "bert", words=few)
    arguments = ["verify", "--model", str(folder), "--task", "copy", "-n", "2", "--samples", "2"]
    assert main([*arguments, "--json"]) in (0, 1)
    facts = json.loads(capsys.readouterr().out)["model"]
    assert (facts["format"], facts["words_of_tokenizer"]) == ("quoted", list(OTHERS[:4]))
    assert main(arguments) in (0, 1)
    assert "4 of 64 words are of the tokenizer: cat, dog, horse, cow." in " ".join(
        capsys.readouterr().out.split()
    )


class Slow:
    """A tokenizer that gives no places, as Dream's."""

    is_fast = False

    def __init__(self, made):
        self.made = made

    def __call__(self, text, *, add_special_tokens, verbose):
        return {
            "input_ids": self.made(text, add_special_tokens=add_special_tokens, verbose=verbose)["input_ids"]
        }

    def decode(self, ids, **options):
        return self.made.decode(ids, **options)


def test_a_slow_tokenizer_has_the_places_of_the_fast_one():
    made, text = byte_level(whole=OTHERS), 'Copy the list. List: ["cat", "dog"]. Answer: ["hen", "yak"]'
    ids, places = token_places(Slow(made), text, special=True)
    assert (ids, places) == token_places(made, text, special=True)
    assert [text[a:b] for a, b in places if text[a:b] in OTHERS] == ["cat", "dog", "hen"]
    with pytest.raises(InputError, match=r"is slow .* does not decode to the text it read"):
        token_places(Slow(hf_models.tokenizer()), text, special=True)

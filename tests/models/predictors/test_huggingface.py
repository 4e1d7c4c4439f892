"""Hugging Face models as predictors: built from configurations, saved, and loaded through the real path."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

import transformers

from models.__main__ import main
from models.inputs.prompts import Prompt, encode_prompt, read_prompts
from models.predictors.huggingface import load_hf
from models.predictors.huggingface_options import HFOptions
from models.predictors.huggingface_predictor import HFPredictor
from models.sampling.decode import decode
from tests.helpers import hf_models
from theory.policies import parse_policy
from theory.validation import InputError

MASK = 4
MODERN = hasattr(transformers, "ModernBertForMaskedLM")  # since 4.48
KINDS = ("bert", "llada", "dream", *(("modern",) if MODERN else ()))


pytestmark = [pytest.mark.extras("transformers"), pytest.mark.usefixtures("own_module_cache")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {
        "bert": hf_models.bert(root / "bert"),
        "llada": hf_models.with_own_code(root / "llada"),
        "dream": hf_models.with_own_code(root / "dream", name="Dream"),
    }
    if MODERN:
        made["modern"] = hf_models.modern_bert(root / "modern")
    return made


TRUSTED = HFOptions(trust_remote_code=True)


@pytest.mark.parametrize("name", KINDS)
def test_logits_are_those_of_the_model(saved, name):
    shift = name == "dream"
    loaded = load_hf(saved[name], TRUSTED)
    assert (loaded.predictor.mask_id, loaded.predictor.shift) == (MASK, shift)
    tokens = torch.tensor([[2, 9, MASK, MASK, 30, 3], [2, 11, 12, MASK, 13, 3]])
    logits = loaded.predictor(tokens)
    assert logits.dtype == torch.float32
    assert logits.shape == (2, 6, loaded.predictor.vocab_size)
    assert (logits[..., MASK] == -torch.inf).all()
    with torch.no_grad():
        raw = loaded.predictor.model(tokens).logits
    rest = [v for v in range(loaded.predictor.vocab_size) if v != MASK]
    assert torch.isfinite(logits[..., rest]).all()
    if shift:  # the logits of position i - 1 predict position i, those of position 0 also itself
        assert torch.equal(logits[:, 1:, rest], raw[:, :-1, rest])
        assert torch.equal(logits[:, 0, rest], raw[:, 0, rest])
    else:
        assert torch.equal(logits[..., rest], raw[..., rest])


@pytest.mark.parametrize("name", KINDS)
def test_the_decode_loop_fills_every_mask(saved, name):
    predictor = load_hf(saved[name], TRUSTED).predictor
    tokens = torch.tensor([[2, 9, MASK, MASK, MASK, 3]]).repeat(50, 1)
    done = decode(predictor, tokens, parse_policy("topk:k=2"), generator=torch.Generator().manual_seed(0))
    assert (done.tokens != MASK).all()
    assert torch.equal(done.tokens[:, [0, 1, 5]], tokens[:, [0, 1, 5]])
    assert (done.steps == 2).all()


def test_the_facts_pin_the_model(saved, tmp_path):
    facts = load_hf(saved["bert"]).facts
    assert (facts["architecture"], facts["dtype"], facts["context"]) == ("BertForMaskedLM", "float32", 64)
    other = hf_models.bert(tmp_path / "bert", seed=1)
    assert load_hf(other).facts["sha256"] != facts["sha256"]
    again = shutil.copytree(saved["bert"], tmp_path / "copy")
    assert load_hf(again).facts["sha256"] == facts["sha256"]


def test_parameters_override_the_defaults(saved):
    options = HFOptions(mask_id=0, suppressed=(1, 2), shift=True, dtype="bfloat16")
    predictor = load_hf(saved["bert"], options).predictor
    logits = predictor(torch.tensor([[2, 0, 3]]))
    assert predictor.suppressed == (0, 1, 2)
    assert (logits[..., :3] == -torch.inf).all()
    assert torch.isfinite(logits[..., 3:]).all()
    assert next(predictor.model.parameters()).dtype == torch.bfloat16
    assert logits.dtype == torch.float32


def test_the_mask_of_the_configuration_is_found(saved, tmp_path):
    # these tokenizers have the token, but do not declare it as the mask
    assert load_hf(saved["llada"], TRUSTED).tokenizer.mask_token is None
    without = hf_models.with_own_code(tmp_path / "llada", mask_token_id=None)
    with pytest.raises(InputError, match="names a mask token; give --mask-id"):
        load_hf(without, TRUSTED)
    bert = hf_models.bert(tmp_path / "bert", mask=False)
    with pytest.raises(InputError, match="names a mask token; give --mask-id"):
        load_hf(bert)


def test_code_that_comes_along_needs_the_flag(saved):
    with pytest.raises(InputError, match="read the code, then allow it with --trust-remote-code"):
        load_hf(saved["llada"])


# -- files that are wrong -------------------------------------------------------------------------------------


def broken(saved, tmp_path, change):
    folder = shutil.copytree(saved["bert"], tmp_path / "broken")
    change(folder)
    return folder


def pickled(folder):
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def rewrite(folder, **values):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def headless(folder):
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    kept = {k: v for k, v in load_file(file).items() if not k.startswith("cls.predictions.transform")}
    save_file(kept, file, metadata={"format": "pt"})


def pointer(folder):
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )


def without_tokenizer(folder):
    for pattern in ("token*", "special*", "vocab*"):
        for file in folder.glob(pattern):
            file.unlink()


def adapters(folder):
    (folder / "config.json").rename(folder / "adapter_config.json")


def cached(folder):
    inner = folder / "snapshots" / "0123"
    inner.mkdir(parents=True)
    (folder / "config.json").rename(inner / "config.json")


BROKEN = [
    (pointer, "is a pointer of Git LFS, not the weights; run git lfs pull"),
    (without_tokenizer, "has no tokenizer: copy"),
    (adapters, "holds adapters alone; merge them"),
    (cached, r"name a snapshot in it: .*snapshots/0123"),
    (pickled, "pickled weights only"),
    (cut, "no sound safetensors file"),
    (lambda folder: (folder / "config.json").unlink(), "cannot read"),
    (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
    (lambda folder: (folder / "model.safetensors").unlink(), r"no \*.safetensors weights"),
    (lambda folder: rewrite(folder, hidden_size=32), "must have the shape"),
    (lambda folder: rewrite(folder, model_type="unheard_of"), "does not know the model type 'unheard_of'"),
    (
        lambda folder: rewrite(folder, vocab_size=20),
        r"must have the shape \(20, 16\) of the configuration, got \(1",
    ),
    (headless, "lacks cls.predictions.transform"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot load the tokenizer"),
    # no other version of transformers helps
    (lambda folder: (folder / "tokenizer_config.json").write_text("{"), r"Expecting property name[^;]*$"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_broken_directory_is_one_line(saved, tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        load_hf(broken(saved, tmp_path, change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["gap", "verify", "finetune"])
@pytest.mark.parametrize("change", [pickled, cut, headless])
def test_the_commands_say_it_in_one_line(saved, tmp_path, capsys, command, change):
    folder, out = broken(saved, tmp_path, change), tmp_path / ("out.jsonl" if command == "gap" else "out")
    capsys.readouterr()
    assert (
        main(
            [
                command,
                "--model",
                str(folder),
                "--task" + "s" * (command == "finetune"),
                "copy",
                "-n",
                "2",
                "--out",
                str(out),
            ]
        )
        == 2
    )
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("python -m models: ")
    assert not out.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
@pytest.mark.parametrize("model", ["ideal", "shipped", "bert"])
def test_a_gpu_that_is_not_there_is_one_line(saved, capsys, model):
    name = str(saved[model]) if model in saved else model
    assert main(["gap", "--model", name, "--task", "copy", "-n", "4", "--device", "cuda"]) == 2
    assert "torch finds no device 'cuda' here; use cpu" in capsys.readouterr().err


def test_without_transformers_the_extra_is_named(saved, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert main(["verify", "--model", str(saved["bert"]), "--task", "copy", "-n", "2"]) == 2
    assert "pip install 'parabounds[hf]'" in capsys.readouterr().err


def test_prompts_over_the_context_are_one_line(saved, tmp_path, capsys):
    (tmp_path / "p.txt").write_text("apple [MASK]\n" + "apple " * 70 + "[MASK]\n")
    out = tmp_path / "out.jsonl"
    assert (
        main(["gap", "--model", str(saved["bert"]), "--prompts", str(tmp_path / "p.txt"), "--out", str(out)])
        == 2
    )
    error = capsys.readouterr().err
    assert "p.txt:2 has 73 tokens, over the context length of 64" in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_what_is_no_directory_is_named(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="needs its commit as --revision"):
        load_hf("org/model")
    with pytest.raises(InputError, match="cannot load the configuration of org/model"):
        load_hf("org/model", HFOptions(revision="0" * 40))  # offline


def test_options_are_checked(saved):
    with pytest.raises(InputError, match="unknown dtype 'float8'"):
        HFOptions(dtype="float8")
    with pytest.raises(InputError, match="token id must lie in"):
        load_hf(saved["bert"], HFOptions(suppressed=(10**6,)))
    with pytest.raises(InputError, match="mask id 1000000 is outside the vocabulary"):
        load_hf(saved["bert"], HFOptions(mask_id=10**6))
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="torch finds no device 'cuda'"):
            load_hf(saved["bert"], HFOptions(device="cuda"))


def test_sequences_over_the_context_are_refused(saved):
    predictor = load_hf(saved["bert"]).predictor
    with pytest.raises(InputError, match="65 tokens is over the context length of 64"):
        predictor(torch.zeros(1, 65, dtype=torch.int64))


def test_another_number_of_logits_is_refused(saved):
    model = load_hf(saved["bert"]).predictor.model
    with pytest.raises(InputError, match="its configuration says 7"):
        HFPredictor(model, mask_id=4, vocab_size=7)(torch.tensor([[4]]))


# -- prompts --------------------------------------------------------------------------------------------------


def encoded(text: str, **options):
    length = options.pop("length", None)
    made = hf_models.tokenizer(special=options.pop("special", True))
    prompt = Prompt(text=text, length=None, where="here")
    return made, encode_prompt(prompt, made, MASK, length=length, **options)


def test_placeholders_and_lengths_become_masks():
    made, ids = encoded("apple [MASK] . [MASK]")
    assert made.convert_ids_to_tokens(ids) == ["[CLS]", "apple", "[MASK]", ".", "[MASK]", "[SEP]"]
    made, ids = encoded("apple", length=3)
    assert made.convert_ids_to_tokens(ids) == ["[CLS]", "apple", *["[MASK]"] * 3, "[SEP]"]
    with pytest.raises(InputError, match=r"has no \[MASK\] and no length"):
        encoded("apple")
    with pytest.raises(InputError, match="no chat template"):
        encoded("apple", length=2, chat=True)


def test_the_chat_template_is_used():
    made = hf_models.tokenizer(special=False)
    made.chat_template = "a : {{ messages[0]['content'] }} b :"
    prompt = Prompt(text="apple", length=2, where="here")
    ids = encode_prompt(prompt, made, MASK, length=None, chat=True)
    assert made.convert_ids_to_tokens(ids) == ["a", ":", "apple", "b", ":", "[MASK]", "[MASK]"]


FILES = [
    ("p.txt", "one\n\ntwo\n", [("one", None), ("two", None)]),
    ("p.jsonl", '{"prompt": "one", "length": 2}\n', [("one", 2)]),
    ("p.csv", 'prompt,length\n"one, two",3\nthree,\n', [("one, two", 3), ("three", None)]),
]


@pytest.mark.parametrize(("name", "text", "expected"), FILES)
def test_prompts_are_read(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert [(p.text, p.length) for p in read_prompts(tmp_path / name)] == expected


BAD_FILES = [
    ("p.csv", "text\none\n", "must have the header 'prompt'"),
    ("p.csv", "prompt,length\none,x\n", "p.csv:2: length must be"),
    ("p.jsonl", "{\n", "p.jsonl:1 is not JSON"),
    ("p.jsonl", "[1]\n", "must be a JSON object"),
    ("p.jsonl", '{"text": "one"}\n', "no text under 'prompt'"),
    ("p.jsonl", '{"prompt": "one", "n": 1}\n', "unknown key 'n'"),
    ("p.txt", "\n", "hold no prompt"),
    ("p.md", "one", "must end with"),
]


@pytest.mark.parametrize(("name", "text", "message"), BAD_FILES)
def test_bad_prompts_are_one_line(tmp_path, capsys, saved, name, text, message):
    (tmp_path / name).write_text(text)
    out = tmp_path / "out.jsonl"
    given = ["--prompts", str(tmp_path / name), "--out", str(out)]
    assert main(["gap", "--model", str(saved["bert"]), *given]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()

"""Directories in the shapes of published models: the logits of the model written, through every command.

Run with the oldest and the newest transformers that the extra allows (see ``.ci/run``).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")

import transformers

from models.__main__ import main
from models.inputs.prompts import Prompt, encode_prompt
from models.predictors.huggingface import load_hf, open_hf
from models.predictors.huggingface_attention import Attention, attention_of
from models.predictors.huggingface_options import HFOptions, with_defaults
from models.predictors.huggingface_predictor import call
from models.predictors.huggingface_versions import put_back, version_advice
from tests.helpers import hf_models
from tests.helpers.published_shapes import MASK, SHAPES, VOCABULARY, publish, roberta
from theory.validation import InputError

pytestmark = [pytest.mark.extras("transformers"), pytest.mark.usefixtures("own_module_cache")]

TRUSTED = HFOptions(trust_remote_code=True)
TOKENS = torch.tensor([[5, MASK, 9, MASK, MASK, 11, 6], [7, 8, MASK, 9, 10, 11, MASK]])
NEW = int(transformers.__version__.split(".")[0]) >= 5


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    return {kind: publish(root / kind, kind) for kind in SHAPES}


def expected(kind: str, model, tokens: torch.Tensor) -> torch.Tensor:
    """The logits of the model as it was written, called by hand."""
    mask = None
    if kind == "blocks":  # blocks of four: the first sees itself, the second everything
        mask = torch.zeros(len(tokens), 1, 7, 7)
        mask[:, :, :4, 4:] = torch.finfo(torch.float32).min
    with torch.no_grad():
        found = model(input_ids=tokens) if mask is None else model(input_ids=tokens, attention_mask=mask)
    return found[0] if isinstance(found, tuple) else found.logits


@pytest.mark.parametrize("kind", SHAPES)
def test_the_logits_are_those_of_the_model_that_was_written(made, kind):
    loaded = load_hf(made[kind].folder, TRUSTED)
    predictor = loaded.predictor
    assert (predictor.mask_id, predictor.vocab_size, predictor.shift) == (MASK, VOCABULARY, kind == "shifted")
    with torch.no_grad():
        found = call(predictor.model, TOKENS, predictor.attention)
    assert torch.equal(found, expected(kind, made[kind].model, TOKENS))
    logits = predictor(TOKENS)
    rest = [v for v in range(VOCABULARY) if v != MASK]
    if kind == "shifted":
        assert torch.equal(logits[:, 1:, rest], found[:, :-1, rest])
    else:
        assert torch.equal(logits[..., rest], found[..., rest])
    facts = loaded.facts
    assert facts["loaded_with"] == ("AutoModel" if kind == "shifted" else "AutoModelForCausalLM")
    assert (facts["dtype"], facts["transformers"]) == ("float32", transformers.__version__)
    assert (facts["written_for"], facts["context"]) == ("4.46.2", 64)
    needed = {"shifted": ["rope default", "tied keys"], "blocks": ["tied keys"]}
    assert facts["shims"] == (needed.get(kind, []) if NEW else [])
    assert facts["attention"] == ("block:4" if kind == "blocks" else None)


@pytest.mark.parametrize("kind", SHAPES)
def test_bfloat16_is_that_of_the_files(made, kind):
    predictor = load_hf(made[kind].folder, HFOptions(trust_remote_code=True, dtype="bfloat16")).predictor
    kept = dict(predictor.model.named_parameters())
    for name, values in made[kind].model.named_parameters():
        assert kept[name].dtype == torch.bfloat16
        assert torch.equal(kept[name].float(), values), name


COMMANDS = {
    "verify": ["--task", "copy", "-n", "3", "--samples", "4"],
    "gap": ["--task", "replace_random", "-n", "3", "--samples", "4"],
    "prompts": ["--prompts", "prompts.txt", "--samples", "2"],
    "finetune": [
        "--tasks",
        "copy",
        "-n",
        "2",
        "--examples",
        "4",
        "--epochs",
        "1",
        "--batch",
        "4",
        "--rank",
        "2",
    ],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", [*SHAPES, "roberta"])
def test_every_command_runs(made, tmp_path, monkeypatch, capsys, kind, command):
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("list : [MASK] , [MASK]\n")
    folder = roberta(tmp_path / "roberta").folder if kind == "roberta" else made[kind].folder
    name = "gap" if command == "prompts" else command
    arguments = [name, "--model", str(folder), "--trust-remote-code", *COMMANDS[command]]
    if command == "finetune":
        pytest.importorskip("peft")
        assert main([*arguments, "--out", "tuned", "--alpha", "4", "--rate", "1e-2"]) == 0
        assert capsys.readouterr().out.strip() == str(Path("tuned/merged"))
        before, after = (load_hf(place, TRUSTED).predictor.model for place in (folder, "tuned/merged"))
        adapter = load_file("tuned/adapter/adapter_model.safetensors")
        moved = 0
        for (key, old), (_, new) in zip(before.named_parameters(), after.named_parameters(), strict=True):
            sides = [
                adapter.get(f"base_model.model.{key.removesuffix('.weight')}.lora_{c}.weight") for c in "AB"
            ]
            if sides[0] is None:
                assert torch.equal(new, old), key
            else:
                assert torch.allclose(new, old + 2 * sides[1] @ sides[0], atol=1e-6), key
                moved += not torch.equal(new, old)
        assert moved
        return
    assert main([*arguments, "--json"]) in (0, 1)
    said = json.loads(capsys.readouterr().out)
    if command == "verify":
        assert said["rows"][0]["exact_accuracy"] == 1
        assert said["rows"][0]["steps"] == 2
    else:
        assert said["tokens"] == (2 if command == "prompts" else 3)
        assert said["total"]["mean"] == pytest.approx(said["gap"]["mean"] + said["inconsistency"]["mean"])


def test_a_backbone_without_a_head_is_named(made, tmp_path):
    with pytest.raises(InputError, match=r"lacks word_embeddings.weight; .* another --auto-class"):
        load_hf(made["blocks"].folder, HFOptions(trust_remote_code=True, auto_class="AutoModel"))
    config = transformers.DistilBertConfig(
        vocab_size=VOCABULARY, dim=16, n_layers=1, n_heads=2, hidden_dim=16
    )
    transformers.DistilBertForMaskedLM(config).save_pretrained(tmp_path)
    hf_models.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(
        InputError, match=r"no logits but BaseModelOutput; .* another class with --auto-class"
    ):
        load_hf(tmp_path, HFOptions(auto_class="AutoModel"))
    assert load_hf(tmp_path).facts["loaded_with"] == "AutoModelForMaskedLM"
    with pytest.raises(
        InputError, match="has no AutoModelForMaskedLM in its auto_map; it has: AutoModelForCausalLM"
    ):
        load_hf(made["full"].folder, HFOptions(trust_remote_code=True, auto_class="AutoModelForMaskedLM"))


def test_full_attention_is_an_option_and_never_silent(made):
    predictor = load_hf(made["blocks"].folder, HFOptions(trust_remote_code=True, attention="full")).predictor
    with torch.no_grad():
        found = call(predictor.model, TOKENS, predictor.attention)
        everything = made["blocks"].model(input_ids=TOKENS, attention_mask=torch.zeros(2, 1, 7, 7)).logits
    assert torch.equal(found, everything)
    assert not torch.equal(found, expected("blocks", made["blocks"].model, TOKENS))
    with pytest.raises(InputError, match="--attention must be full or block:SIZE, got 'causal'"):
        open_hf(
            made["blocks"].folder, HFOptions(trust_remote_code=True, attention="causal")
        )  # no weights yet


def test_a_mask_shows_blocks_from_the_first_token():
    added = Attention(block=3, told="added").mask(2, 5, torch.float32, torch.device("cpu"))
    for q in range(5):
        for k in range(5):
            allowed = k // 3 <= q // 3
            assert added[1, 0, q, k] == (0 if allowed else torch.finfo(torch.float32).min)


class OwnBlocks(torch.nn.Module):
    """As Fast-dLLM v2: it makes the mask of its blocks itself, and reads no other."""

    def __init__(self):
        super().__init__()
        self.one, self.sizes = torch.nn.Parameter(torch.ones(())), []

    def forward(self, input_ids, attention_mask=None, block_size=32):
        assert attention_mask is None
        self.sizes.append(block_size)
        return (torch.zeros(*input_ids.shape, 5) * self.one,)


def test_code_that_makes_its_own_blocks_is_told_their_size():
    model, config = OwnBlocks(), SimpleNamespace(model_type="Fast_dLLM_Qwen", bd_size=8, vocab_size=160_000)
    for given, shown in ((None, "block:8"), ("block:2", "block:2"), ("full", "full")):
        found = attention_of(config, given)
        assert str(found) == shown
        call(model, TOKENS, found)
    assert model.sizes == [8, 2, TOKENS.shape[1]]
    words = SimpleNamespace(mask_token_id=None, get_added_vocab=dict)
    read = with_defaults("there", HFOptions(), config, words)
    assert (read.mask_id, read.shift) == (151_665, True)


def test_the_mask_is_a_token_that_released_tokenizers_have():
    """LLaDA-MoE has the model type of LLaDA and another mask."""
    config = SimpleNamespace(model_type="llada", vocab_size=200_000)
    for named, place in (("<|mask|>", 156_895), ("<|mdm_mask|>", 126_336), ("<|MASK|>", 151_669)):
        words = SimpleNamespace(mask_token_id=None, get_added_vocab=lambda n=named, p=place: {"a": 1, n: p})
        assert with_defaults("there", HFOptions(), config, words).mask_id == place


def lacking(folder: Path, name: str) -> None:
    for file in folder.glob("*.safetensors"):
        kept = {n: t for n, t in load_file(file).items() if n != name}
        save_file(kept, file, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("kind", "name"), [("full", "model.transformer.wpe.weight"), ("blocks", "model.bias")]
)
def test_every_weight_must_be_in_the_files(tmp_path, kind, name):
    folder = publish(tmp_path / kind, kind).folder
    lacking(folder, name)
    with pytest.raises(InputError, match=f"the checkpoint lacks {name}; it is of another model"):
        load_hf(folder, TRUSTED)


def test_a_weight_of_another_shape_is_named(tmp_path):
    folder = publish(tmp_path / "full", "full").folder
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"max_sequence_length": 32}))
    with pytest.raises(
        InputError, match=r"wpe.weight must have the shape \(32, 16\) of the configuration, got \(64, 16\)"
    ):
        load_hf(folder, TRUSTED)


def test_tied_weights_are_one_tensor(made):
    model = load_hf(made["blocks"].folder, TRUSTED).predictor.model
    assert model.lm_head.weight is model.model.word_embeddings.weight


def test_tied_weights_may_have_the_name_of_the_head(made, tmp_path):
    """Files keep one of the two names; where they hold both, the embeddings win, as in transformers."""
    folder = publish(tmp_path / "blocks", "blocks").folder
    found, before = "model.word_embeddings.weight", load_hf(made["blocks"].folder, TRUSTED).predictor(TOKENS)
    for both in (True, False):
        for file in folder.glob("*.safetensors"):
            kept = load_file(file)
            if found in kept:
                kept["lm_head.weight"] = kept[found] * (2 if both else 1)
                kept = kept if both else {name: values for name, values in kept.items() if name != found}
                save_file(kept, file, metadata={"format": "pt"})
        assert torch.equal(load_hf(folder, TRUSTED).predictor(TOKENS), before)


def test_positions_after_the_padding_count(tmp_path):
    kept = roberta(tmp_path / "roberta")
    predictor = load_hf(kept.folder).predictor
    assert predictor.longest == 66 - 1 - 1  # the table, without those up to the padding token
    longest = torch.full((1, 64), 9)
    with torch.no_grad():
        assert torch.equal(predictor(longest)[..., 5:], kept.model(input_ids=longest).logits[..., 5:])
    with pytest.raises(InputError, match="65 tokens is over the context length of 64"):
        predictor(torch.full((1, 65), 9))


def test_code_that_registers_itself_is_its_own_in_every_directory(made, tmp_path):
    """The second directory has the model type of the first, and code of its own."""
    assert load_hf(made["full"].folder, TRUSTED).facts["architecture"] == "FullModelLM"
    other = publish(tmp_path / "blocks", "blocks").folder
    for file in (other / "config.json", other / "modeling_blocks.py"):
        file.write_text(file.read_text().replace("llada2_moe", "llada"))
    loaded = load_hf(other, replace(TRUSTED, attention="block:4"))
    assert type(loaded.predictor.model.config).__name__ == "BlocksConfig"
    assert loaded.facts["architecture"] == "BlocksModelLM"
    with pytest.raises(InputError, match="comes with its own Python code"):
        load_hf(other)


# -- versions -------------------------------------------------------------------------------------------------


def test_code_that_does_not_run_names_the_versions_and_the_line_of_pip(tmp_path):
    folder = publish(tmp_path / "full", "full", written_for="3.9.1").folder
    file = folder / "modeling_full.py"
    file.write_text("from transformers.modeling_dropped import anything\n" + file.read_text())
    installed = transformers.__version__
    with pytest.raises(InputError) as caught:
        load_hf(folder, TRUSTED)
    line = str(caught.value)
    assert "\n" not in line
    assert "No module named 'transformers.modeling_dropped'" in line
    assert (
        f"written with transformers 3.9.1, installed is {installed}; python -m pip install 'transformers"
        in line
    )


def test_a_package_that_is_missing_is_named_alone(tmp_path):
    folder = publish(tmp_path / "full", "full", written_for="3.9.1").folder
    file = folder / "modeling_full.py"
    file.write_text("import not_there_at_all\n" + file.read_text())
    with pytest.raises(InputError, match=r"pip install not_there_at_all`.$") as caught:
        load_hf(folder, TRUSTED)
    assert "3.9.1" not in str(caught.value)


VERSIONS = [
    ("4.52.3", "5.24.0", "transformers>=4.52.3,<5"),
    ("4.38.2", "5.24.0", "transformers>=4.46,<5"),
    ("5.2.0", "5.24.0", "transformers==5.2.0"),
    ("4.52.4", "4.57.6", "transformers==4.52.4"),
    ("4.52.3", "4.46.3", "transformers>=4.52.3,<5"),
    ("5.1.0", "4.57.6", "transformers>=5.1.0,<6"),
    ("4.57.0.dev0", "5.24.0", "transformers>=4.57,<5"),
]


@pytest.mark.parametrize(("written", "installed", "line"), VERSIONS)
def test_the_line_of_pip_stays_within_the_extra(written, installed, line):
    said = version_advice(written, installed)
    assert said.endswith(f" python -m pip install '{line}'.")
    assert f"written with transformers {written}, installed is {installed};" in said


def test_there_is_nothing_to_advise_within_a_minor_version():
    assert version_advice("5.24.1", "5.24.0") == version_advice(None, "5.24.0") == ""


def test_what_is_put_back_goes_again():
    functions = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS
    before = dict(functions)
    config = type("C", (), {"rope_theta": 10000.0, "hidden_size": 8, "num_attention_heads": 2})()
    with put_back() as used:
        frequencies, scale = functions["default"](config, None)
        assert used == (["rope default"] if NEW else [])
    assert frequencies.tolist() == pytest.approx([1.0, 0.01])  # 10000 ** (-2 j / 4)
    assert scale == 1
    assert functions == before


def test_an_architecture_that_nobody_knows_names_the_way_out(tmp_path, capsys):
    folder = hf_models.bert(tmp_path / "bert")
    file = folder / "config.json"
    file.write_text(
        json.dumps(
            json.loads(file.read_text()) | {"model_type": "tomorrow", "transformers_version": "99.1.0"}
        )
    )
    assert main(["verify", "--model", str(folder), "--task", "copy", "-n", "2"]) == 2
    line = capsys.readouterr().err
    assert (
        "does not know the model type 'tomorrow'; a package that registers it is named with --import." in line
    )
    assert "python -m pip install 'transformers>=99.1.0,<100'" in line
    assert main(["verify", "--model", str(folder), "--task", "copy", "-n", "2", "--import", "nowhere_"]) == 2
    assert (
        "cannot load the module nowhere_ of --import: No module named 'nowhere_'." in capsys.readouterr().err
    )


REGISTERED = """
from transformers import AutoConfig, AutoModelForMaskedLM, BertConfig, BertForMaskedLM


class OtherConfig(BertConfig):
    model_type = "other_bert"


class OtherForMaskedLM(BertForMaskedLM):
    config_class = OtherConfig


AutoConfig.register("other_bert", OtherConfig)
AutoModelForMaskedLM.register(OtherConfig, OtherForMaskedLM)
"""


def test_a_package_that_registers_an_architecture(tmp_path, monkeypatch):
    folder = hf_models.bert(tmp_path / "bert")
    (tmp_path / "registers_other.py").write_text(REGISTERED)
    monkeypatch.syspath_prepend(str(tmp_path))
    with torch.no_grad():
        plain = load_hf(folder).predictor(TOKENS % 60)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "other_bert"}))
    loaded = load_hf(folder, HFOptions(imports=("registers_other",)))
    assert loaded.facts["architecture"] == "OtherForMaskedLM"
    assert torch.equal(loaded.predictor(TOKENS % 60), plain)
    sys.modules.pop("registers_other")


def test_a_mask_beyond_the_tokenizer_is_written():
    made_tokenizer = hf_models.tokenizer(special=False, mask=False)
    prompt = Prompt(text="apple [MASK] bell", length=None, where="here")
    ids = encode_prompt(prompt, made_tokenizer, MASK, length=None)
    assert ids == [
        made_tokenizer.convert_tokens_to_ids("apple"),
        MASK,
        made_tokenizer.convert_tokens_to_ids("bell"),
    ]
    assert len(made_tokenizer) < MASK

"""Mistakes of a new user with a model: one clear line, status 2, and no incomplete file."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")

from models.__main__ import main
from models.inputs.prompts import read_prompts
from models.predictors.huggingface_predictor import HFPredictor
from models.runs.output_folder import check_folder
from models.runs.records import Records
from models.sampling.decode import decode
from tests.helpers import hf_models
from theory.policies import parse_policy
from theory.validation import InputError

FINETUNE = ["--tasks", "copy", "-n", "3", "--examples", "4", "--epochs", "1", "--batch", "4", "--rank", "2"]

pytestmark = pytest.mark.extras("transformers")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return hf_models.bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("list : [MASK] , [MASK]\n")
    return tmp_path


def said(capsys, *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def without_a_number(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors["cls.predictions.bias"][3] = float("nan")
    save_file(tensors, file, metadata={"format": "pt"})


def without_tokenizer(folder: Path) -> None:
    for file in folder.glob("tokenizer*"):
        file.unlink()


def without_words(folder: Path) -> None:
    without_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")


def with_text_for_a_number(folder: Path) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"hidden_size": "x"}))


DAMAGED = [
    (without_a_number, "cls.predictions.bias holds values that are not finite"),
    (without_tokenizer, "broken has no tokenizer: copy"),
    (without_words, "the tokenizer has no words; its files are missing"),
    (with_text_for_a_number, "'hidden_size'"),
]


@pytest.mark.parametrize("command", ["gap", "verify", "finetune"])
@pytest.mark.parametrize(("change", "message"), DAMAGED)
def test_a_damaged_model_is_refused(saved, here, capsys, command, change, message):
    folder = shutil.copytree(saved, here / "broken")
    change(folder)
    rest = {
        "gap": ["--prompts", "prompts.txt", "--out", "out.jsonl"],
        "verify": ["--task", "copy", "-n", "3", "--out", "out"],
        "finetune": [*FINETUNE, "--out", "out"],
    }[command]
    assert message in said(capsys, command, "--model", folder, *rest)
    assert {path.name for path in here.iterdir()} == {"broken", "prompts.txt"}


def test_logits_that_are_no_numbers_are_refused():
    class Overflown(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, input_ids):
            logits = torch.zeros(*input_ids.shape, 5)
            logits[0, 0, 0] = torch.inf - torch.inf
            return type("Output", (), {"logits": logits})

    predictor = HFPredictor(Overflown(), mask_id=4, vocab_size=5)
    masked, rule = torch.full((1, 2), 4), parse_policy("topk:k=1")
    with pytest.raises(InputError, match=r"the logit nan for token 0 at position 0 .* \(try a wider dtype\)"):
        decode(predictor, masked, rule, generator=torch.Generator())


PROMPTS = {
    "wide.csv": ("prompt,length\nhi,2,3\n", "wide.csv:2 has more cells than the header"),
    "long.csv": ("prompt\n" + "a" * 200_000 + "\n", "is not CSV: field larger than field limit"),
    "deep.jsonl": ("[" * 100_000 + "\n", "deep.jsonl:1 is not JSON"),
    "true.jsonl": (
        '{"prompt": "a", "length": true}\n',
        "length must be a whole number of at least 1, got true",
    ),
    "huge.jsonl": (
        '{"prompt": "a", "length": 1000000000}\n',
        "has 1000000000 tokens, over the context length of 64",
    ),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_that_cannot_be_read_are_named(saved, here, capsys, name):
    text, message = PROMPTS[name]
    (here / name).write_text(text)
    assert message in said(capsys, "gap", "--model", saved, "--prompts", name, "--out", "out.jsonl")
    assert not (here / "out.jsonl").exists()


def test_a_length_of_the_command_is_checked_too(saved, here, capsys):
    (here / "p.txt").write_text("the apple\n")
    assert "over the context length" in said(
        capsys, "gap", "--model", saved, "--prompts", "p.txt", "--length", 10**9
    )


def test_a_table_saved_by_a_spreadsheet_is_read(here):
    (here / "p.csv").write_bytes(b"\xef\xbb\xbfprompt,length\nhi,2\n")
    (prompt,) = read_prompts(Path("p.csv"))
    assert (prompt.text, prompt.length) == ("hi", 2)


# -- places that cannot be written ------------------------------------------------------------------------------


def test_a_file_in_the_way_is_seen_before_the_work(saved, here, capsys):
    (here / "taken").write_text("mine")
    for command in (
        ["gap", "--model", saved, "--prompts", "prompts.txt", "--out", "taken/a.jsonl"],
        ["verify", "--model", saved, "--task", "copy", "-n", "3", "--out", "taken"],
        ["finetune", "--model", saved, *FINETUNE, "--out", "taken/deep"],
    ):
        assert "taken is no folder" in said(capsys, *command)
    assert (here / "taken").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_seen_before_the_work(here):
    (here / "closed").mkdir(mode=0o555)
    with pytest.raises(InputError, match="no permission to write into"):
        check_folder(Path("closed/deep"))


def test_a_missing_permission_is_one_line(here, monkeypatch):
    monkeypatch.setattr("models.runs.output_folder.os.access", lambda *_: False)
    with pytest.raises(InputError, match="cannot write into deep/er: no permission to write into"):
        check_folder(Path("deep/er"))
    assert not (here / "deep").exists()


def test_a_device_is_no_file_of_records(here):
    if not Path("/dev/full").exists():
        pytest.skip("no such device")
    (here / "a.jsonl").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"a\.jsonl is no regular file"):
        Records(Path("a.jsonl"), {})


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("models.runs.records.write_atomically", ["gap", "--prompts", "prompts.txt", "--out", "out/a.jsonl"]),
        (
            "models.evaluation.verify_files.write_atomically",
            ["verify", "--task", "copy", "-n", "3", "--out", "out"],
        ),
    ],
)
def test_a_full_disk_is_one_line(saved, here, capsys, monkeypatch, place, command):
    monkeypatch.setattr(place, full)
    more = ["--samples", "3"]
    error = said(capsys, command[0], "--model", saved, *command[1:], *more)
    assert "cannot write" in error
    assert "No space left on device" in error
    assert not list(here.rglob("*.tmp"))


@pytest.mark.extras("peft")
def test_adapters_that_do_not_fit_leave_the_old_ones(saved, here, capsys, monkeypatch):
    assert main(["finetune", "--model", str(saved), *FINETUNE, "--out", "out"]) == 0
    before = {path: path.read_bytes() for path in (here / "out").rglob("*") if path.is_file()}

    def torn(self, folder, **_):  # noqa: ARG001
        Path(folder).mkdir(parents=True)
        (Path(folder) / "half").write_text("x")
        full()

    monkeypatch.setattr("peft.PeftModel.save_pretrained", torn)
    capsys.readouterr()
    assert main(["finetune", "--model", str(saved), *FINETUNE, "--out", "out"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "cannot write out/adapter" in last
    assert "No space left on device" in last
    kept = {path: path.read_bytes() for path in (here / "out").rglob("*") if path.is_file()}
    state = here / "out" / "finetune.state.safetensors"
    assert kept.pop(state)  # the run goes on from here with --resume
    assert kept == before


def test_nothing_is_shown_of_a_run_that_is_refused(saved, here, capsys):
    error = said(capsys, "finetune", "--model", saved, *FINETUNE, "--out", "out", "--targets", "nope")
    assert "no linear layer 'nope'" in error
    assert not (here / "out").exists()

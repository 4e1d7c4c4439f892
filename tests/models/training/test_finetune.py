"""Fine-tuning with LoRA: data, loss, two steps on a tiny random model, continuing, and the model that comes out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import log

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from models.__main__ import main
from models.inputs.task_models import load_subject
from models.inputs.text_model import TextSubject
from models.predictors.huggingface import load_hf
from models.predictors.huggingface_options import HFOptions
from models.predictors.kv_cache import layers_of
from models.predictors.lora import find_projections
from models.training import finetune as module
from models.training.finetune import FinetuneRecipe, finetune
from models.training.finetune_data import make_examples
from synthetic.encoding import WORDS
from tests.helpers import hf_models
from theory.validation import InputError

MASK = 4
SMALL = FinetuneRecipe(
    tasks=("copy", "shuffle"), sizes=(2, 3), examples=10, epochs=1, rank=2, alpha=4, batch=4
)
ROUNDING = 1e-6  # float32 sums in another order


pytestmark = [
    pytest.mark.extras("transformers", "peft"),
    pytest.mark.usefixtures("own_module_cache"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return hf_models.bert(tmp_path_factory.mktemp("models") / "bert", sharp=0.5)


def subject_of(folder, **options) -> TextSubject:
    made = load_subject(str(folder), HFOptions(**options), words=WORDS[:6])
    assert isinstance(made, TextSubject)
    return made


# -- data -------------------------------------------------------------------------------------------------------


def test_every_example_comes_once_an_epoch(folder):
    subject = subject_of(folder)
    examples = make_examples(subject, ("copy", "replace_index"), (2, 3), examples=50, batch=4, seed=0)
    everything = sorted(tuple(row) for padded in examples.row_sets for row in padded.tokens.tolist())
    assert len(everything) == 50
    for epoch in (0, 1):
        steps = [examples.step(epoch * examples.steps + j) for j in range(examples.steps)]
        assert sorted(tuple(row) for step in steps for row in step.targets.tolist()) == everything
    assert all(len(step.tokens) <= 4 for step in steps)
    first = [examples.step(j).tokens.tolist() for j in range(examples.steps)]
    assert first == [examples.step(j).tokens.tolist() for j in range(examples.steps)]
    assert first != [examples.step(examples.steps + j).tokens.tolist() for j in range(examples.steps)]


def test_items_alone_are_masked_and_weighted(folder):
    examples = make_examples(subject_of(folder), ("shuffle",), (3,), examples=40, batch=40, seed=0)
    data, sheet = examples.step(0), examples.row_sets[0].sheet
    hidden = data.tokens == MASK
    outside = [c for c in range(hidden.shape[1]) if c not in sheet.answer]
    assert not hidden[:, outside].any()
    assert (data.tokens[~hidden] == data.targets[~hidden]).all()
    assert not (data.targets == MASK).any()
    assert ((data.weights > 0) == hidden).all()
    assert data.weights.sum(dim=1).numpy() == pytest.approx(1 / 40)
    assert set(hidden.sum(dim=1).tolist()) == {1, 2, 3}
    assert data.floor == pytest.approx(log(6) / 3)


def test_processes_share_a_batch(folder):
    examples = make_examples(subject_of(folder), ("copy",), (2,), examples=11, batch=4, seed=0)
    for number in range(examples.steps):
        whole = examples.step(number)
        parts = [examples.step(number, rank=rank, world=2) for rank in (0, 1)]
        assert len(parts[0].tokens) == len(parts[1].tokens)
        together = sorted(row for part in parts for row in part.targets.tolist())
        alone = whole.targets.tolist()
        assert together == sorted([*alone, *alone[: len(together) - len(alone)]])


def test_examples_are_checked(folder):
    with pytest.raises(InputError, match="examples must be at least 2"):
        make_examples(subject_of(folder), ("copy",), (2, 3), examples=1, batch=4, seed=0)
    for wrong, message in (({"epochs": 0}, "epochs must be"), ({"rate": 0.0}, "rate must be above 0")):
        with pytest.raises(InputError, match=message):
            replace(SMALL, **wrong)


def noted(sizes: list[int], kept: torch.Tensor) -> torch.Tensor:
    sizes.append(kept.numel())
    return kept


def test_layers_computed_again_give_the_same_gradient_and_keep_less(folder):
    from models.predictors.lora import add_adapters
    from models.training.recomputed_layers import recomputed_layers

    found, kept = {}, {}
    for again in (False, True):
        subject = subject_of(folder)
        data = make_examples(subject, ("shuffle",), (3,), examples=8, batch=8, seed=0).step(0)
        predictor = subject.predictor
        predictor.model = add_adapters(predictor.model, rank=2, alpha=4, targets=None, seed=0)
        adapters = {n: p for n, p in predictor.model.named_parameters() if p.requires_grad}
        for name, p in adapters.items():
            p.data += 0.1 * ("lora_B" in name)  # at the start half of the gradients are zero
        sizes: list[int] = []
        with recomputed_layers(predictor.model) if again else nullcontext():
            with torch.autograd.graph.saved_tensors_hooks(partial(noted, sizes), lambda t: t):
                loss = module._loss(predictor, data, range(8))
            found[again] = torch.autograd.grad(loss, list(adapters.values()))
        kept[again] = sum(sizes)
        assert all("forward" not in vars(layer) for layer in layers_of(predictor))
    for plain, recomputed in zip(found[False], found[True], strict=True):
        assert torch.equal(plain, recomputed)
        assert bool((plain != 0).any())
    assert kept[True] < kept[False] / 2


# -- the loss and its gradient -----------------------------------------------------------------------------------


def test_the_loss_is_its_definition_and_batches_do_not_matter(folder):
    subject = subject_of(folder)
    data = make_examples(subject, ("shuffle",), (3,), examples=8, batch=8, seed=0).step(0)
    model = subject.predictor.model
    weight = model.get_parameter("bert.embeddings.word_embeddings.weight").requires_grad_(True)
    with torch.no_grad():
        logits = model(input_ids=data.tokens).logits.double()
    logits[..., MASK] = -torch.inf
    logs, expected = torch.log_softmax(logits, dim=-1), 0.0
    for b in range(8):
        hidden = [c for c in range(data.tokens.shape[1]) if data.tokens[b, c] == MASK]
        expected -= sum(float(logs[b, c, data.targets[b, c]]) for c in hidden) / len(hidden) / 8
    gradients = []
    for size in (8, 3, 1):
        loss, largest = module._backward(subject.predictor, [weight], data, size)
        assert loss == pytest.approx(expected, abs=1e-5)
        assert largest == size
        gradients.append(weight.grad.clone())
    assert torch.allclose(gradients[0], gradients[1], atol=ROUNDING)
    assert torch.allclose(gradients[0], gradients[2], atol=ROUNDING)


def test_memory_that_runs_out_leaves_no_gradient_behind(folder, monkeypatch):
    subject = subject_of(folder)
    data = make_examples(subject, ("shuffle",), (3,), examples=8, batch=8, seed=0).step(0)
    weight = subject.predictor.model.get_parameter("bert.embeddings.word_embeddings.weight").requires_grad_(
        True
    )
    module._backward(subject.predictor, [weight], data, 8)
    expected, real = weight.grad.clone(), torch.autograd.grad

    def small(loss, parameters):
        if tried[-1] > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return real(loss, parameters)

    tried: list[int] = []

    class Noted:
        """The predictor, with the number of rows of each call."""

        device, vocab_size = subject.predictor.device, subject.predictor.vocab_size

        def __call__(self, tokens):
            tried.append(len(tokens))
            return subject.predictor(tokens)

    monkeypatch.setattr(torch.autograd, "grad", small)
    _, largest = module._backward(Noted(), [weight], data, 8)
    assert tried == [8, 4, 2, 2, 2, 2]
    assert largest == 2
    assert torch.allclose(weight.grad, expected, atol=ROUNDING)


def test_the_rate_rises_and_falls():
    shares = [module._schedule(step, 100, 0.05) for step in range(100)]
    assert shares[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert shares[5] == 1
    assert all(a > b for a, b in pairwise(shares[5:]))
    assert shares[-1] < 0.001


def test_the_defaults_are_the_recipe_of_the_paper():
    recipe = FinetuneRecipe()
    assert (recipe.rank, recipe.alpha, recipe.rate) == (128, 256, 1e-5)
    assert (recipe.examples, recipe.epochs, recipe.warmup) == (20_000, 10, 0.05)


# -- runs ---------------------------------------------------------------------------------------------------------


def test_two_steps_change_the_adapters_alone(folder, tmp_path):
    subject = subject_of(folder)
    before = {k: v.clone() for k, v in subject.predictor.model.state_dict().items()}
    recipe, told = replace(SMALL, rate=1e-2, examples=8, tasks=("copy",), sizes=(2,)), []
    merged = finetune(subject, recipe, folder, tmp_path, report=lambda *given: told.append(given))
    assert [step for step, _, _ in told] == [1, 2]
    assert merged == tmp_path / "merged"
    # the frozen weights are what they were
    wrapped = dict(load_file(folder / "model.safetensors"))
    assert all(torch.equal(wrapped[k], before[k]) for k in wrapped)
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    names = {name.split(".lora_")[0].rpartition(".")[2] for name in adapter}
    assert names == {"query", "key", "value"}
    assert any(tensor.abs().max() > 0 for name, tensor in adapter.items() if "lora_B" in name)
    # the merged model is base + scale * B A, and nothing else
    after = load_file(merged / "model.safetensors")
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, wrapped[name])}
    layers = {
        f"bert.encoder.layer.{j}.attention.self.{k}.weight" for j in (0, 1) for k in ("query", "key", "value")
    }
    assert changed
    assert changed <= layers
    for name in changed:
        a, b = (adapter[f"base_model.model.{name.removesuffix('.weight')}.lora_{c}.weight"] for c in "AB")
        assert torch.allclose(after[name], wrapped[name] + 2 * b @ a, atol=ROUNDING)
    card = json.loads((tmp_path / "finetune.json").read_text())
    assert card["recipe"]["rank"] == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adapter", "finetune.json", "merged"]


def test_a_run_that_continues_gives_the_same_weights(folder, tmp_path):
    recipe = replace(SMALL, rate=1e-2)
    whole = finetune(subject_of(folder), recipe, folder, tmp_path / "whole")
    out = tmp_path / "parts"
    for resume in (False, True):
        assert finetune(subject_of(folder), recipe, folder, out, limit=1, resume=resume) is None
        assert [p.name for p in out.iterdir()] == ["finetune.state.safetensors"]
    with pytest.raises(InputError, match="continue it with --resume"):
        finetune(subject_of(folder), recipe, folder, out)
    with pytest.raises(InputError, match="run with other settings"):
        finetune(subject_of(folder), replace(recipe, rate=1e-3), folder, out, resume=True)
    parts = finetune(subject_of(folder), recipe, folder, out, resume=True)
    assert files(parts.parent) == files(whole.parent)


def files(folder) -> dict[str, bytes]:
    """All files of a folder: weights, adapters and the card."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_signal_saves_and_stops(folder, tmp_path):
    recipe = replace(SMALL, rate=1e-2, epochs=2)
    whole = finetune(subject_of(folder), recipe, folder, tmp_path / "whole")
    seen: list[int] = []

    def told(step, *_):
        seen.append(step)
        if step == 2:
            signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    out = tmp_path / "parts"
    assert finetune(subject_of(folder), recipe, folder, out, report=told) is None
    assert seen == [1, 2, 3]
    assert signal.getsignal(signal.SIGTERM) is before
    assert [p.name for p in out.iterdir()] == ["finetune.state.safetensors"]
    parts = finetune(subject_of(folder), recipe, folder, out, resume=True)
    assert files(parts.parent) == files(whole.parent)


def test_a_crash_costs_what_was_not_saved_yet(folder, tmp_path):
    recipe = replace(SMALL, rate=1e-2, epochs=2)
    whole = finetune(subject_of(folder), recipe, folder, tmp_path / "whole")
    seen: list[int] = []

    def crash(step, *_):
        seen.append(step)
        if step == 3:
            raise RuntimeError

    out = tmp_path / "parts"
    with pytest.raises(RuntimeError):
        finetune(subject_of(folder), recipe, folder, out, save_every=0, report=crash)
    parts = finetune(
        subject_of(folder), recipe, folder, out, resume=True, report=lambda step, *_: seen.append(step)
    )
    assert seen[:4] == [1, 2, 3, 3]
    assert files(parts.parent) == files(whole.parent)


def test_a_finished_run_is_said_to_be_one(folder, tmp_path, capsys):
    words = tmp_path / "words.txt"
    words.write_text("\n".join(WORDS[:6]))
    arguments = [
        "finetune",
        "--model",
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--tasks",
        "copy",
        "-n",
        "2",
    ]
    arguments += ["--examples", "4", "--epochs", "1", "--rank", "2", "--batch", "4", "--words", str(words)]
    assert main(arguments) == 0
    before = files(tmp_path / "out")
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == 0
    assert capsys.readouterr().out == f"finished already; the model is in {tmp_path / 'out' / 'merged'}\n"
    assert main([*arguments, "--resume", "--seed", "1"]) == 2
    assert "holds a finished run with other settings" in capsys.readouterr().err
    assert main([*arguments, "--save-every", "-1"]) == 2
    assert files(tmp_path / "out") == before


def test_training_lowers_the_loss(folder, tmp_path):
    losses = []
    recipe = FinetuneRecipe(
        tasks=("copy",), sizes=(2,), examples=64, epochs=12, rank=8, alpha=32, rate=2e-2, batch=16
    )
    finetune(subject_of(folder), recipe, folder, tmp_path, report=lambda _, loss, __: losses.append(loss))
    assert len(losses) == 48
    # random layers and a frozen head: attention alone cannot copy, but it must get better
    assert np.mean(losses[-8:]) < np.mean(losses[:4]) - 0.1


def test_a_model_with_code_of_its_own_stays_loadable(tmp_path):
    source = hf_models.with_own_code(tmp_path / "llada")
    subject = subject_of(source, trust_remote_code=True)
    assert find_projections(subject.predictor.model) == ["q_proj", "k_proj", "v_proj"]
    merged = finetune(subject, replace(SMALL, rate=1e-2), source, tmp_path / "out")
    again = load_hf(merged, HFOptions(trust_remote_code=True))
    tokens = torch.tensor([[5, MASK, 6, MASK]])
    assert torch.allclose(again.predictor(tokens), subject.predictor(tokens), atol=1e-5)
    assert (merged / "modeling_llada.py").is_file()
    with pytest.raises(InputError, match="allow it with --trust-remote-code"):
        load_hf(merged)


def test_the_command_then_verify(folder, tmp_path, capsys):
    words = tmp_path / "words.txt"
    words.write_text("\n".join(WORDS[:6]))
    arguments = [
        "finetune",
        "--model",
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--tasks",
        "copy",
        "-n",
        "2",
    ]
    arguments += ["--examples", "8", "--epochs", "1", "--rank", "2", "--batch", "4", "--words", str(words)]
    assert main([*arguments, "--limit", "1"]) == 0
    assert "--resume continues" in capsys.readouterr().out
    assert main([*arguments, "--resume"]) == 0
    merged = capsys.readouterr().out.strip()
    assert merged == str(tmp_path / "out" / "merged")
    check = [
        "verify",
        "--model",
        merged,
        "--task",
        "copy",
        "-n",
        "2",
        "--samples",
        "10",
        "--words",
        str(words),
    ]
    assert main([*check, "--json"]) == 1  # two steps train nothing
    assert json.loads(capsys.readouterr().out)["rows"][0]["verdict"] == "below"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--model", "shipped"], "--model must be a Hugging Face directory"),
        (["--model", "nowhere"], "--model must be a Hugging Face directory, got 'nowhere'"),
        (["-n", "5-4"], "-n must be a length or a range"),
        (["--rate", "0"], "rate must be above 0"),
        (["--tasks", "sing"], "unknown task 'sing'"),
        (["--targets", "nothing"], "no linear layer 'nothing'"),
        (["--words", "missing.txt"], "cannot read the words"),
    ],
)
def test_bad_input_is_one_line(folder, tmp_path, capsys, extra, message):
    base = ["finetune", "--model", str(folder), "--out", str(tmp_path / "out"), "-n", "2", "--tasks", "copy"]
    assert main([*base, *extra]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.rstrip().rpartition("\n")[2].startswith("python -m models: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_processes_train_the_same_model(folder, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("\n".join(WORDS[:6]))
    shared = [
        "-m",
        "models",
        "finetune",
        "--model",
        str(folder),
        "--tasks",
        "copy",
        "-n",
        "2",
        "--examples",
        "8",
    ]
    shared += ["--epochs", "1", "--rank", "2", "--batch", "4", "--rate", "1e-3", "--words", str(words)]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, how in (("one", []), ("two", launch)):
        command = [sys.executable, *how, *shared, "--out", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / name / "merged" / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.allclose(one[name], two[name], atol=1e-5), name

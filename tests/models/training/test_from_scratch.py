"""Training and weights on disk: the same bits after a break, several processes, damaged files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.predictors.checkpoint import load_model, read_card, save_model
from models.predictors.recipes import Recipe, recipe
from models.runs.distributed import Workers
from models.training.from_scratch import build_model, sample, state_path, train
from theory.files import write_atomically
from theory.validation import InputError

TINY = replace(recipe("smoke"), steps=12, batch=8, shortest=3, longest=4, items=6)


# --- training ------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """In place of the end of the process."""


def train_until(step: int, out: Path, **options) -> None:
    def kill(done: int, *_: float) -> None:
        if done == step:
            raise Killed

    with pytest.raises(Killed):
        train(TINY, out, report=kill, save_seconds=-1, **options)


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(weight, other[name]) for name, weight in a.state_dict().items())


@pytest.mark.deep
def test_a_resumed_run_gives_the_same_weights_to_the_last_bit(tmp_path):
    whole = train(TINY, tmp_path / "whole")
    train_until(5, tmp_path / "cut")
    train_until(9, tmp_path / "cut", resume=True)
    assert equal(train(TINY, tmp_path / "cut", resume=True), whole)
    assert not state_path(TINY, tmp_path / "cut").exists()


def test_tasks_with_answers_of_other_lengths_take_turns():
    mixed = replace(TINY, tasks={"copy": 1, "shuffle": 1, "insert_random": 1, "remove_index": 2})
    names, lengths = mixed.encoding.names, set()
    for step in range(40):
        data = sample(mixed, step)
        n = data.first - 4
        tasks = {names[token - mixed.encoding.none - 1] for token in data.tokens[:, 0].tolist()}
        longer = data.tokens.shape[1] - data.first - n
        assert tasks <= {0: {"copy", "shuffle"}, 1: {"insert_random"}, -1: {"remove_index"}}[longer]
        lengths.add(longer)
    assert lengths == {-1, 0, 1}


def test_training_needs_no_more_than_the_seed(tmp_path):
    first, again = (train(TINY, tmp_path) for _ in range(2))
    assert equal(first, again)
    assert not equal(first, train(replace(TINY, seed=1), tmp_path))


def test_training_learns(tmp_path):
    losses: list[float] = []
    longer = replace(TINY, steps=60, batch=32, tasks={"copy": 1.0})
    train(longer, tmp_path, report=lambda _, loss, floor: losses.append(loss - floor))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


@pytest.mark.deep
def test_training_restores_the_number_of_threads(tmp_path):
    seen: set[int] = set()
    before = torch.get_num_threads()
    short = replace(TINY, steps=2)  # more threads than cores wait for each other
    train(short, tmp_path, threads=before + 1, report=lambda *_: seen.add(torch.get_num_threads()))
    assert seen == {before + 1}
    assert torch.get_num_threads() == before


def test_an_unfinished_run_is_neither_overwritten_nor_mixed_up(tmp_path):
    train_until(5, tmp_path)
    with pytest.raises(InputError, match="is of an unfinished run; continue it with --resume"):
        train(TINY, tmp_path)
    with pytest.raises(InputError, match="is of a run with other settings"):
        train(replace(TINY, seed=7), tmp_path, resume=True)
    save_file({"x": torch.zeros(1)}, state_path(TINY, tmp_path))
    with pytest.raises(InputError, match="is no training state"):
        train(TINY, tmp_path, resume=True)
    state_path(TINY, tmp_path).write_bytes(b"cut off")
    with pytest.raises(InputError, match="is no sound safetensors file"):
        train(TINY, tmp_path, resume=True)


def test_processes_share_a_batch_and_agree_on_n():
    halves = [sample(TINY, 3, rank=rank, world=2) for rank in (0, 1)]
    assert [len(half.tokens) for half in halves] == [4, 4]
    assert halves[0].tokens.shape == halves[1].tokens.shape
    assert not torch.equal(halves[0].tokens, halves[1].tokens)
    with pytest.raises(InputError, match="batch must be a multiple of the 3 workers, got 8"):
        sample(TINY, 0, world=3)


def test_the_environment_of_torchrun_is_read(monkeypatch):
    assert Workers.from_environment("cuda").device == torch.device("cuda")
    for name, value in (("WORLD_SIZE", "4"), ("RANK", "3"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    chosen = Workers.from_environment("cuda")
    assert (chosen.rank, chosen.world, chosen.device) == (3, 4, torch.device("cuda:1"))
    assert Workers.from_environment("cpu").device == torch.device("cpu")


def run_python(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, **options
    )


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path):
    train_command = ("-m", "models", "train", "--preset", "smoke", "--steps", "20", "--out", str(tmp_path))
    done = run_python("-m", "torch.distributed.run", "--nproc-per-node", "2", *train_command)
    assert done.returncode == 0, done.stderr
    assert load_model(tmp_path / "smoke.safetensors").parameter_count > 0


# --- weights on disk -----------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_model(build_model(TINY), path, TINY, {})
    return path


def rewrite(path: Path, **changes) -> None:
    """Change the card, and keep its digest right unless that is changed."""
    card = read_card(path) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card | changes))


def test_saved_weights_load_unchanged(saved):
    model = load_model(saved)
    assert equal(model, build_model(TINY))
    assert model.encoding == TINY.encoding
    assert not model.training
    assert Recipe.from_json(read_card(saved)["recipe"]) == TINY


def test_a_missing_file_is_named(saved):
    with pytest.raises(InputError, match=r"cannot read the weights .*none.safetensors: No such file"):
        load_model(saved.with_name("none.safetensors"))
    saved.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"cannot read the card .*tiny.json: No such file"):
        load_model(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not of the format"),
        ('{"format": "other"}', "is not of the format 'parabounds model 1'"),
        ('{"format": "parabounds model 1", "sha256": 3}', "has no valid 'sha256'"),
    ],
)
def test_a_foreign_card_is_refused(saved, text, message):
    saved.with_suffix(".json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_model(saved)


@pytest.mark.parametrize("change", [{"model": {}}, {"model": {"depth": 2}}, {"hidden": 3}, {"tasks": 4}])
def test_a_foreign_recipe_is_refused(saved, change):
    values = read_card(saved)["recipe"]
    rewrite(saved, recipe={"model": values["model"]} | change if change == {"model": {}} else values | change)
    with pytest.raises(InputError):
        load_model(saved)


def test_damaged_weights_are_refused(saved):
    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(data)
    with pytest.raises(InputError, match="do not match their card"):
        load_model(saved)
    saved.write_bytes(data[:100])
    rewrite(saved)
    with pytest.raises(InputError, match="is no sound safetensors file"):
        load_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {k: v for k, v in t.items() if k != "bias"}, "lack the tensor 'bias'"),
        (lambda t: t | {"extra": torch.zeros(1)}, "hold an unknown tensor 'extra'"),
        (
            lambda t: t | {"bias": torch.zeros(3)},
            r"'bias' must be torch.float32 of shape \(18,\), got .*\(3,\)",
        ),
        (lambda t: t | {"bias": t["bias"].double()}, "got torch.float64"),
        (lambda t: t | {"bias": t["bias"] * float("nan")}, "'bias' holds values that are not finite"),
    ],
)
def test_other_tensors_than_the_card_says_are_refused(saved, change, message):
    save_file(change(dict(build_model(TINY).state_dict())), saved)
    rewrite(saved)
    with pytest.raises(InputError, match=message):
        load_model(saved)


def test_a_pickle_is_not_read(saved):
    torch.save(build_model(TINY).state_dict(), saved)
    rewrite(saved)
    with pytest.raises(InputError, match="is no sound safetensors file"):
        load_model(saved)


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(_: int) -> None:
        raise OSError("full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        write_atomically(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"

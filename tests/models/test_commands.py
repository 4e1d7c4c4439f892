"""The shipped model against the ideal one, and the commands of ``models``."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from models.__main__ import PRESET_NAMES, main
from models.evaluation.trials import model_trials
from models.evaluation.verify import MARGIN
from models.predictors.checkpoint import SHIPPED, read_card
from models.predictors.distance_to_ideal import marginal_tv
from models.predictors.recipes import PRESETS, Recipe, recipe
from models.predictors.transformer import MaskedTransformer
from models.runs.binomial import binomial_interval
from models.runs.distributed import Workers
from models.sampling.decode import decode
from models.training.shipped_weights import MEASURE_SEED, MEASURE_STATES, make_weights
from synthetic.task import list_task
from theory.policies import parse_policy

TINY = replace(recipe("smoke"), steps=12, batch=8, shortest=3, longest=4, items=6)
TARGET = 0.02  # mean total variation of the shipped model, for every task and n


# --- the shipped model ---------------------------------------------------------------------------------------


def test_the_shipped_card_meets_the_target():
    card = read_card(SHIPPED)
    table = card["measured"]["mean_tv"]
    assert Recipe.from_json(card["recipe"]) == recipe("small")
    assert set(table) == {"copy", "replace_index", "replace_random", "shuffle"}
    assert all(list(row) == [str(n) for n in range(4, 17)] for row in table.values())
    assert max(max(row.values()) for row in table.values()) == card["measured"]["worst_tv"] <= TARGET
    assert (card["measured"]["states"], card["measured"]["seed"]) == (MEASURE_STATES, MEASURE_SEED)


@pytest.mark.grid(1)
@pytest.mark.parametrize(("name", "n"), [("replace_random", 4), ("shuffle", 10), ("replace_index", 16)])
def test_the_shipped_card_says_what_is_measured(name, n):
    model = models.load()
    said = read_card(SHIPPED)["measured"]["mean_tv"][name][str(n)]
    task = list_task(name, n)
    same_states = marginal_tv(model, model.encoding, task, states=MEASURE_STATES, seed=MEASURE_SEED)
    assert same_states == pytest.approx(said, abs=2e-5)  # other processors round float32 otherwise
    assert marginal_tv(model, model.encoding, task, states=500, seed=5) < TARGET


@pytest.mark.grid(1)
@pytest.mark.parametrize(("name", "accuracy"), [("shuffle", 3 / 8), ("replace_random", 21 / 32)])
def test_the_shipped_model_decodes_as_the_ideal_one_at_temperature_one(name, accuracy):
    trials = model_trials(models.load(), name, 4, "topk:k=2,by=random", samples=2000, seed=0)
    low, high = binomial_interval(trials.successes, trials.samples, level=1 - 1e-7)
    assert low - MARGIN < accuracy < high + MARGIN
    assert trials.steps == 2


def test_the_shipped_model_leaves_the_prompt_alone():
    model = models.load()
    batch = model.encoding.sample_batch(list_task("shuffle", 5), 20, np.random.default_rng(0))
    tokens = batch.tokens.copy()
    tokens[:, batch.answer] = model.mask_id
    done = decode(
        model, torch.from_numpy(tokens), parse_policy("topk:k=5"), generator=torch.Generator().manual_seed(0)
    )
    assert (done.tokens[:, :9].numpy() == batch.tokens[:, :9]).all()


# --- the command ---------------------------------------------------------------------------------------------


def test_the_presets_of_the_command_are_all():
    assert set(PRESET_NAMES) == set(PRESETS)


@pytest.mark.deep
def test_train_then_verify(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("models.training.shipped_weights.MEASURE_STATES", 20)
    assert main(["train", "--preset", "smoke", "--steps", "3", "--seed", "2", "--out", str(tmp_path)]) == 0
    path = tmp_path / "smoke.safetensors"
    assert capsys.readouterr().out.strip() == str(path)
    assert read_card(path)["recipe"]["seed"] == 2
    arguments = ["verify", "--weights", str(path), "-n", "4", "--samples", "20"]
    assert main([*arguments, "--json"]) == 1  # three steps train nothing
    answer = json.loads(capsys.readouterr().out)
    assert [row["task"] for row in answer["rows"]] == ["copy", "replace_index", "replace_random", "shuffle"]
    assert answer["rows"][3]["exact_accuracy"] == 0.375
    assert answer["rows"][0]["agrees"] is False
    assert main([*arguments, "--task", "copy", "--temperature", "0"]) == 0  # greedy numbers are not judged
    assert "copy" in capsys.readouterr().out


def test_verify_finds_the_shipped_model_in_agreement(capsys):
    assert main(["verify", "--task", "shuffle", "-n", "6", "--samples", "400", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["agrees"] is True
    assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    assert row["steps"] == row["exact_steps"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--task", "sort"], "unknown task of this model 'sort'"),
        (["verify", "-n", "3"], "n must be in 4..16"),
        (["verify", "-n", "x"], "-n must be a whole number"),
        (["verify", "--policy", "best"], "unknown policy 'best'"),
        (["verify", "--temperature", "-1"], "temperature must be at least 0"),
        (["verify", "--samples", "0"], "--samples must be a whole number of at least 1"),
        (["verify", "--seed", "-1"], "--seed must be at least 0"),
        (["verify", "--weights", "no.safetensors"], "cannot read the weights no.safetensors"),
        (["train", "--steps", "0"], "--steps must be a whole number of at least 1"),
        (["train", "--seed", "-3"], "seed must be at least 0"),
        (["train", "--threads", "many"], "--threads must be a whole number"),
    ],
)
def test_wrong_arguments_give_one_line_and_status_two(arguments, message, capsys, tmp_path):
    extra = ["--out", str(tmp_path)] if arguments[0] == "train" else []
    assert main([*arguments, *extra]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["train", "--preset", "huge"], ["verify", "--seed", "x"]])
def test_wrong_usage_gives_one_line_and_status_two(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_device_that_is_not_there_is_named(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert main(["verify", "--device", "cuda"]) == 2
    assert "torch finds no device 'cuda' here" in capsys.readouterr().err


@pytest.mark.deep
def test_retraining_writes_weights_that_load(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("models.training.shipped_weights.MEASURE_STATES", 20)
    path = models.retrain(tmp_path, steps=2)
    assert path == tmp_path / "small.safetensors"
    assert isinstance(models.load(path), MaskedTransformer)
    assert "train small" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["train", "--out", str(tmp_path / "file")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err


def test_an_interrupt_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.training.shipped_weights.train", interrupt)
    assert main(["train", "--preset", "smoke", "--out", str(tmp_path)]) == 130
    assert "--resume continues" in capsys.readouterr().err


def test_other_processes_write_nothing(tmp_path, monkeypatch):
    def second(_: type[Workers], device: str) -> Workers:
        return Workers(rank=1, world=1, device=torch.device(device))

    monkeypatch.setattr(Workers, "from_environment", classmethod(second))
    make_weights(TINY, tmp_path)
    assert list(tmp_path.iterdir()) == []

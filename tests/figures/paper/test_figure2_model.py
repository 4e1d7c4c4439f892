"""Figure 2 with a checkpoint: its points beside the exact lines, or one line that says why not."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")

import transformers

from figures.command import main
from figures.engine.figure import RunSettings
from figures.engine.run import run_figures
from figures.paper.figure2_model import Checkpoint, model_figure
from models.evaluation.trials import subject_trials
from models.inputs.list_tasks_as_text import TextFormat
from models.inputs.task_models import load_subject
from models.predictors.huggingface_options import HFOptions
from tests.helpers import hf_models

pytestmark = [pytest.mark.extras("transformers"), pytest.mark.usefixtures("own_module_cache")]


def bert(folder, longest):
    made = hf_models.tokenizer()
    made.model_max_length = longest
    config = hf_models.small_config(len(made), longest)
    transformers.BertForMaskedLM(config).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def checkpoint(folder) -> Checkpoint:
    return Checkpoint(
        path=str(folder), options=HFOptions(suppressed=(1,)), words=None, written=TextFormat(name="auto")
    )


def test_a_model_of_ones_own_stands_beside_the_exact_lines(tmp_path):
    folder = bert(tmp_path / "My model", 256)
    figure = model_figure(checkpoint(folder))
    assert (figure.name, figure.title) == (
        "figure2_my_model",
        "Accuracy of parallel decoding on list tasks, with My model",
    )
    small = {"n": [4], "gamma": ["0.5"], "gamma_steps": 2, "ideal_samples": 20, "model_samples": 6}
    figure = replace(figure, settings={**figure.settings, **small}, fast={})
    (result,) = run_figures([figure], run=RunSettings(), out=tmp_path)
    assert result.passed
    assert {check.kind for check in result.checks} == {
        "exact",
        "ideal",
        "published",
    }  # the model is not judged
    rows = [row for row in result.rows if row["source"] == "model"]
    assert len(rows) == 4 * 3 + 2
    assert all(row["trials"] == 6 and row["low"] <= row["accuracy"] <= row["high"] for row in rows)
    assert "My model, 6 samples" in (text := drawn_text(figure, result.rows))
    assert "trained model" not in text
    with (tmp_path / "figure2_my_model.csv").open() as file:
        assert sum(row["source"] == "model" for row in csv.DictReader(file)) == len(rows)
    stored = [json.loads(file.read_text()) for file in (tmp_path / ".cache" / figure.name).iterdir()]
    (one,) = [
        entry
        for entry in stored
        if entry["function"].endswith("checkpoint_samples")
        and (entry["kwargs"]["policy"], entry["kwargs"]["task"]) == ("threshold:gamma=0.5", "shuffle")
    ]
    again = subject_trials(
        load_subject(str(folder), HFOptions(suppressed=(1,))),
        "shuffle",
        4,
        "threshold:gamma=0.5",
        samples=6,
        seed=one["kwargs"]["seed"],
        temperature=0,
    )
    assert one["result"] == {"successes": again.successes, "trials": 6}


def drawn_text(figure, rows) -> str:
    drawing = figure.draw(rows, figure.resolve(RunSettings()))
    return " ".join(
        text.get_text() for ax in drawing.axes if (made := ax.get_legend()) for text in made.texts
    )


def test_what_cannot_be_loaded_is_one_line(tmp_path, capsys):
    short = bert(tmp_path / "short", 40)
    broken = bert(tmp_path / "broken", 40)
    (broken / "model.safetensors").write_bytes(b"nothing")
    capsys.readouterr()  # transformers says that it writes
    for folder, message in (
        (tmp_path / "absent", "no directory"),
        (broken, "is no sound safetensors file"),
        (short, "over the context length of 40"),
    ):
        arguments = ["figure2", "--model", str(folder), "--out", str(tmp_path / "out")]
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err
        assert err.startswith("paper_repro.py: error: ")
        assert err.count("\n") == 1
        assert not (tmp_path / "out").exists()

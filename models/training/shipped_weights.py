"""Trained weights with a card of their recipe and their distance from the ideal model."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch

from models.predictors.checkpoint import Network, save_model
from models.predictors.device import check_device
from models.predictors.distance_to_ideal import marginal_tv
from models.predictors.recipes import Recipe
from models.predictors.uniform import posterior_tv
from models.predictors.uniform_transformer import UniformTransformer
from models.runs.distributed import Workers
from models.runs.output_lock import locked
from models.runs.progress import training_progress
from models.training.from_scratch import state_path, train
from synthetic.task import ListTask, list_task
from theory.validation import InputError

__all__ = ["MEASURE_SEED", "MEASURE_STATES", "make_weights", "measure"]

MEASURE_STATES = 2000  # per task and n: standard error below 0.001 at the distances reached
MEASURE_SEED = 1_000_003  # training draws from [seed, step, rank], measurement from [this, n]
DATA = (
    "Fresh random instances every step: n distinct words out of `items`, n uniform in shortest..longest, one true "
    "answer drawn from the task's exact distribution; a uniform number of answer tokens is "
    "masked at random places. Loss: "
    "cross-entropy of the masked tokens. No instance is stored, none is held out: they do not repeat in practice."
)
UNIFORM_DATA = (
    "Fresh random instances every step: n distinct words out of `items`, n uniform in shortest..longest, one true "
    "answer drawn from the task's exact distribution; a signal uniform in [0, 1) for each sequence, every answer token "
    "replaced with one minus that probability by a uniform word. Loss: cross-entropy of all answer tokens."
)


def make_weights(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    compiled: bool = False,
    resume: bool = False,
) -> Path:
    """Train, measure, and write ``NAME.safetensors`` and ``NAME.json`` into ``out``; returns the former."""
    check_device(device)
    _make_folder(out)
    path = out / f"{recipe.name}.safetensors"
    began, resumed = time.process_time(), state_path(recipe, out).exists()
    chief = Workers.from_environment(device).rank == 0
    with locked(out), training_progress(recipe.name, recipe.steps, visible=chief) as report:
        model = train(
            recipe, out, device=device, threads=threads, compiled=compiled, resume=resume, report=report
        )
    if chief:
        facts: dict[str, Any] = {
            "data": UNIFORM_DATA if recipe.model.noise == "uniform" else DATA,
            "torch": torch.__version__,
            "device": device,
            "process_seconds": None if resumed else round(time.process_time() - began, 1),
            "measured": measure(model, recipe),
        }
        save_model(model, path, recipe, facts)
    return path


def measure(model: Network, recipe: Recipe) -> dict[str, Any]:
    """Return the mean total variation to the ideal marginals or posteriors, per task and n, and the worst of them."""

    def distance(task: ListTask) -> float:
        given: dict[str, Any] = {"states": MEASURE_STATES, "seed": MEASURE_SEED}
        if isinstance(model, UniformTransformer):
            return posterior_tv(model, recipe.encoding, task, **given)
        return marginal_tv(model, recipe.encoding, task, **given)

    lengths = range(recipe.shortest, recipe.longest + 1)
    table = {name: {str(n): round(distance(list_task(name, n)), 5) for n in lengths} for name in recipe.tasks}
    return {
        "mean_tv": table,
        "worst_tv": max(max(row.values()) for row in table.values()),
        "states": MEASURE_STATES,
        "seed": MEASURE_SEED,
    }


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}.") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError(f"cannot write into the folder {out}.")

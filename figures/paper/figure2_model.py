"""Figure 2 with a checkpoint of the user's own beside the exact lines.

The lists are written as text with the tokenizer of the model, as in ``parabounds model verify``. The lines, the ideal
model and the published points are those of Figure 2; the squares are the checkpoint, with 95 % intervals. It is shown
and not judged: only what is exact or ideal is checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.engine.check import Check
from figures.engine.data import canonical_json
from figures.engine.figure import Cell, Figure, Row, Settings
from figures.paper import figure2
from figures.paper.cells import model_samples
from figures.paper.figure2_checks import checks as all_checks

if TYPE_CHECKING:
    from models.inputs.list_tasks_as_text import TextFormat
    from models.inputs.text_model import TextSubject
    from models.predictors.huggingface_options import HFOptions

__all__ = ["Checkpoint", "checkpoint_samples", "model_figure"]

SAMPLES = {"full": 200, "fast": 50}  # a large model takes seconds for each


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model directory, as given on the command line.

    Attributes:
        path: The directory.
        options: How it is read.
        words: Items of the lists; ``None`` for those chosen from the tokenizer.
        written: How lists are written.
    """

    path: str
    options: HFOptions
    words: tuple[str, ...] | None
    written: TextFormat

    def described(self) -> dict[str, Any]:
        """Return JSON values that say how it is read."""
        return asdict(self)


def model_figure(checkpoint: Checkpoint) -> Figure:
    """Return Figure 2 with a checkpoint, which is loaded first.

    Raises:
        InputError: If the model cannot be loaded, or cannot write the lists.
    """
    described = canonical_json(checkpoint.described())
    subject = _loaded(described)
    _check_lengths(subject, figure2.FIGURE.settings)
    name = Path(checkpoint.path).resolve().name
    settings = {"model": described, "sha256": subject.facts["sha256"], "model_label": name}
    return replace(
        figure2.FIGURE,
        name=f"figure2_{re.sub(r'[^a-z0-9_-]', '_', name.lower())}",
        title=f"Accuracy of parallel decoding on list tasks, with {name}",
        paper="none (Figure 2 with a model of your own)",
        about=__doc__,
        settings=figure2.FIGURE.settings | settings | {"model_samples": SAMPLES["full"]},
        fast=figure2.FIGURE.fast | {"model_samples": SAMPLES["fast"]},
        cells=_cells,
        checks=_checks,
        for_task=None,
    )


def _cells(settings: Settings) -> list[Cell]:
    """Return the cells of Figure 2, with the checkpoint for the trained model."""
    of_model = {"model": settings["model"], "sha256": settings["sha256"]}

    def changed(cell: Cell) -> Cell:
        if cell.function is not model_samples:
            return cell
        kept = {name: value for name, value in cell.kwargs.items() if name not in ("weights", "device")}
        return Cell(function=checkpoint_samples, kwargs={**kept, **of_model})

    return [changed(cell) for cell in figure2.FIGURE.cells(settings)]


def _checks(rows: list[Row], settings: Settings) -> Sequence[Check]:
    return [check for check in all_checks(rows, settings) if check.kind != "model"]


def checkpoint_samples(
    *, model: str, sha256: str, task: str, n: int, policy: str, temperature: int, samples: int, seed: int
) -> dict[str, Any]:
    """Return how many decodes of a checkpoint are valid.

    Args:
        model: A :class:`Checkpoint` as JSON.
        sha256: That of its files, so that kept results are those of these files.
        task: A list task.
        n: Its size.
        policy: A policy specification.
        temperature: 0 or 1.
        samples: Number of decodes.
        seed: Seed of all randomness.
    """
    from models.evaluation.trials import subject_trials
    from theory.validation import InputError

    subject = _loaded(model)
    if subject.facts["sha256"] != sha256:
        raise InputError(f"the files of {subject.facts['model']} have changed; run the command again.")
    trials = subject_trials(subject, task, n, policy, samples=samples, seed=seed, temperature=temperature)
    return {"successes": trials.successes, "trials": trials.samples}


@lru_cache(maxsize=1)
def _loaded(described: str) -> TextSubject:
    """Return the model; it is loaded once a worker."""
    import json

    from models.inputs.list_tasks_as_text import TextFormat
    from models.inputs.task_models import load_subject
    from models.inputs.text_model import TextSubject
    from models.predictors.huggingface_options import HFOptions

    given = json.loads(described)
    lists = ("suppressed", "imports")
    options: dict[str, Any] = {n: tuple(v) if n in lists else v for n, v in given["options"].items()}
    subject = load_subject(
        given["path"],
        HFOptions(**options),
        words=given["words"],
        written=TextFormat(**given["written"]),
        tasks=("shuffle", "replace_random"),
    )
    assert isinstance(subject, TextSubject)
    return subject


def _check_lengths(subject: TextSubject, settings: Settings) -> None:
    """Raise if the longest list of the figure cannot be written."""
    from synthetic.task import list_task

    for name in ("shuffle", "replace_random"):
        task = list_task(name, max(settings["n"]))
        subject.sheet(task, next(iter(task.indices()), None), task.n)

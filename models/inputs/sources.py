"""Sources of the rows that a run decodes, with the model that fills them.

A model is named by ``ideal`` (the true conditionals of a task), ``shipped``, a ``.safetensors`` file of this
project, or a Hugging Face directory.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.inputs.list_tasks_as_text import TextFormat
from models.inputs.prompts import encode_prompt, read_prompts
from models.inputs.task_models import load_subject
from models.inputs.text_model import read_words
from models.predictors.device import check_device
from models.predictors.huggingface import open_hf
from models.predictors.huggingface_options import HFOptions
from models.predictors.ideal import IdealPredictor
from models.predictors.predictor import MaskedPredictor
from synthetic import make_task
from synthetic.task import list_task
from theory.distributions.distribution import HasContexts
from theory.validation import InputError

__all__ = ["Source", "SourceSpec", "build_source", "is_directory_model"]


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """The model and the work of a run, as given on the command line.

    Attributes:
        model: ``ideal``, ``shipped``, a file, or a directory.
        prompts: A file of prompts, for a directory.
        task: A registered task, instead.
        n: Its size.
        samples: Sequences per prompt, or instances of the task.
        length: Masks after prompts without a length.
        words: A file with the items of the lists, for a task with a directory.
        written: How lists, or chats, are written.
        seed: The seed of the instances.
        options: How a Hugging Face model is read; ``device`` applies to all models.
    """

    model: str
    prompts: Path | None = None
    task: str | None = None
    n: int | None = None
    samples: int = 1
    length: int | None = None
    words: Path | None = None
    written: TextFormat = field(default_factory=lambda: TextFormat(name="auto"))
    seed: int = 0
    options: HFOptions = field(default_factory=HFOptions)

    def settings(self) -> dict[str, Any]:
        """Return JSON values that identify the work, not the machine."""
        options = asdict(self.options)
        del options["device"]
        if not options["compile"]:  # records written before there was such an option
            del options["compile"]
        files = {"prompts": self.prompts, "words": self.words}
        digests = {name: path and hashlib.sha256(_bytes(path)).hexdigest() for name, path in files.items()}
        return {**asdict(self), "options": options, **digests}


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Rows with their model.

    Attributes:
        rows: Pairs of a predictor and its masked tokens, shape (L,).
        per_prompt: How many consecutive rows share a prompt.
        facts: Facts about the model, JSON values.
        exact: The tasks that the ideal model decodes, with their shares; none for prompts.
    """

    rows: list[tuple[MaskedPredictor, torch.Tensor]]
    per_prompt: int
    facts: dict[str, Any]
    exact: list[tuple[Fraction, HasContexts]] = field(default_factory=list)


def is_directory_model(model: str) -> bool:
    """Return whether a model is a Hugging Face directory, neither a model nor a file of this project.

    Example:
        >>> is_directory_model("ideal"), is_directory_model("org/llada")
        (False, True)
    """
    return model not in ("ideal", "shipped") and not model.lower().endswith(".safetensors")


def build_source(spec: SourceSpec) -> Source:
    """Load the model and make the rows.

    Raises:
        InputError: If the model does not fit the work, or something is missing.
    """
    if (spec.prompts is None) == (spec.task is None):
        raise InputError("give either --prompts FILE or --task NAME.")
    check_device(spec.options.device)
    if spec.task is None and is_directory_model(spec.model):
        return _of_prompts(spec)
    if spec.task is None:
        raise InputError(
            f"model {spec.model!r} knows list tasks only; give --task, or a Hugging Face directory."
        )
    return _of_ideal(spec, spec.task) if spec.model == "ideal" else _of_subject(spec, spec.task)


def _of_ideal(spec: SourceSpec, task: str) -> Source:
    contexts = make_task(task, spec.n).contexts()
    shares = np.random.default_rng(spec.seed).multinomial(spec.samples, [float(c.weight) for c in contexts])
    rows: list[tuple[MaskedPredictor, torch.Tensor]] = []
    for context, share in zip(contexts, shares.tolist(), strict=True):
        ideal = IdealPredictor(context.distribution, spec.options.device)
        rows += [(ideal, ideal.masked(1)[0])] * share
    exact: list[tuple[Fraction, HasContexts]] = [(Fraction(1), make_task(task, spec.n))]
    return Source(rows=rows, per_prompt=1, facts={"model": "ideal"}, exact=exact)


def _of_subject(spec: SourceSpec, name: str) -> Source:
    if spec.n is None:
        raise InputError(f"task {name!r} needs a size; give -n.")
    task = list_task(name, spec.n)
    words = None if spec.words is None else read_words(spec.words)
    subject = load_subject(spec.model, spec.options, words=words, written=spec.written, tasks=(name,))
    batch = subject.encoding(task).sample_batch(task, spec.samples, np.random.default_rng(spec.seed))
    everything = np.ones((spec.samples, batch.tokens[:, batch.answer].shape[1]), dtype=bool)
    rows: dict[int, tuple[MaskedPredictor, torch.Tensor]] = {}
    for padded in subject.write(batch, everything):
        tokens = padded.arranged()
        rows |= {row: (padded.predictor, tokens[j]) for j, row in enumerate(padded.rows.tolist())}
    return Source(
        rows=[rows[i] for i in range(spec.samples)],
        per_prompt=1,
        facts=subject.facts,
        exact=subject.exact_tasks(batch),
    )


def _of_prompts(spec: SourceSpec) -> Source:
    assert spec.prompts is not None
    prompts = read_prompts(spec.prompts)  # before loading the model, which may take minutes
    opened = open_hf(spec.model, spec.options)
    encoded = [
        encode_prompt(
            prompt,
            opened.tokenizer,
            opened.mask_id,
            length=spec.length,
            chat=spec.written.chat,
            longest=opened.longest,
        )
        for prompt in prompts
    ]
    loaded = opened.load()
    rows: list[tuple[MaskedPredictor, torch.Tensor]] = []
    for ids in encoded:
        rows += [(loaded.predictor, torch.tensor(ids))] * spec.samples
    return Source(rows=rows, per_prompt=spec.samples, facts=loaded.facts)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None

"""Models that answer list tasks, by token ids or by text.

Both turn instances (:class:`synthetic.encoding.Batch`) into rows of masked tokens, and tokens back into answers, so
that grading and measuring are the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs.list_tasks_as_text import TextFormat
from models.inputs.padded_rows import PaddedRows
from models.inputs.text_model import TextSubject
from models.inputs.word_choice import choose_words
from models.predictors.checkpoint import SHIPPED, load_model, read_card
from models.predictors.device import check_device
from models.predictors.huggingface import open_hf
from models.predictors.huggingface_options import HFOptions
from models.predictors.predictor import MaskedPredictor, probabilities
from models.predictors.recipes import Recipe
from models.predictors.transformer import MaskedTransformer
from synthetic import ListTask
from synthetic.encoding import Batch, Encoding
from theory.distributions.distribution import HasContexts
from theory.validation import InputError, choice

__all__ = ["Subject", "TokenSubject", "load_subject"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Subject(Protocol):
    """A model that knows some list tasks."""

    @property
    def predictor(self) -> MaskedPredictor:
        """The model."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """Facts about it, JSON values."""
        ...

    def encoding(self, task: ListTask) -> Encoding:
        """Return the ids of instances of a task; raises ``InputError`` for one that it does not know."""
        ...

    def write(self, batch: Batch, masked: Bools) -> list[PaddedRows]:
        """Return the instances with the places ``masked`` (B, m) of the true answer masked."""
        ...

    def read(self, batch: Batch, padded: PaddedRows, tokens: torch.Tensor) -> Ints:
        """Return the answers in finished rows as ids of the encoding, -1 where there is no word; (B', m)."""
        ...

    def exact_tasks(self, batch: Batch) -> list[tuple[Fraction, HasContexts]]:
        """Return the tasks that the ideal model decodes, with the share of the instances that each stands for."""
        ...

    def marginals(self, batch: Batch, padded: PaddedRows) -> NDArray[np.float64] | None:
        """Return the model's marginals over the ids of the encoding, shape (B', m, V); the rest is not on words.

        ``None`` if a place has no single marginal.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenSubject:
    """A model of this project."""

    predictor: MaskedTransformer
    facts: dict[str, Any]
    recipe: Recipe

    def encoding(self, task: ListTask) -> Encoding:
        """Return the encoding of the model."""
        choice(task.name, "task of this model", self.recipe.tasks)
        if not self.recipe.shortest <= task.n <= self.recipe.longest:
            raise InputError(
                f"n must be in {self.recipe.shortest}..{self.recipe.longest}, the lengths trained; got {task.n}."
            )
        return self.predictor.encoding

    def write(self, batch: Batch, masked: Bools) -> list[PaddedRows]:
        """Return a single set of rows."""
        tokens = batch.tokens.copy()
        tokens[:, batch.answer] = np.where(masked, batch.encoding.mask, tokens[:, batch.answer])
        return [
            PaddedRows(rows=np.arange(len(batch)), tokens=torch.from_numpy(tokens), predictor=self.predictor)
        ]

    def read(self, batch: Batch, padded: PaddedRows, tokens: torch.Tensor) -> Ints:  # noqa: ARG002
        """Return the columns of the answer."""
        return tokens.cpu().numpy()[:, batch.answer]

    def exact_tasks(self, batch: Batch) -> list[tuple[Fraction, HasContexts]]:
        """Return the task itself."""
        return [(Fraction(1), batch.task)]

    def marginals(self, batch: Batch, padded: PaddedRows) -> NDArray[np.float64]:
        """Return the softmax of the logits."""
        masked = padded.tokens[:, batch.answer] == self.predictor.mask_id
        logits = self.predictor(padded.tokens.to(self.predictor.device))[:, batch.answer]
        return probabilities(logits.cpu(), masked).numpy()


def load_subject(
    model: str,
    options: HFOptions | None = None,
    *,
    words: Sequence[str] | None = None,
    written: TextFormat | None = None,
    tasks: Sequence[str] | None = None,
) -> TokenSubject | TextSubject:
    """Return a model by name: ``shipped``, a ``.safetensors`` file of this project, or a Hugging Face directory.

    Args:
        model: Its name.
        options: How a Hugging Face model is read; ``device`` applies to all models.
        words: Items of the lists; by default those of this project that the tokenizer can write, and its own.
        written: How lists are written.
        tasks: The tasks that are asked, which decide where words must be written; any by default.

    Raises:
        InputError: For anything wrong with the files, and for words that the tokenizer cannot write.
    """
    options = options or HFOptions()
    check_device(options.device)
    if model == "ideal":
        raise InputError("the values of the ideal model are exact; see parabounds decode.")
    if model == "shipped" or model.lower().endswith(".safetensors"):
        file = SHIPPED if model == "shipped" else Path(model)
        predictor = load_model(file, options.device)
        card = read_card(file)
        return TokenSubject(
            predictor=predictor,
            facts={"model": model, "sha256": card["sha256"]},
            recipe=Recipe.from_json(card["recipe"]),
        )
    opened = open_hf(model, options)
    chosen = choose_words(opened.tokenizer, words, written or TextFormat(name="auto"), tasks)
    loaded = opened.load()
    return TextSubject(
        predictor=loaded.predictor,
        facts=loaded.facts | {"format": chosen.written.name, "words_of_tokenizer": list(chosen.own)},
        tokenizer=loaded.tokenizer,
        words=chosen.words,
        written=chosen.written,
    )

"""Language models on list tasks as text, written with the model's tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs.list_tasks_as_text import Sheet, TextFormat, make_sheet
from models.inputs.padded_rows import PaddedRows, Reordered
from models.inputs.token_blocks import block_tasks
from models.predictors.chosen_logits import logits_at
from models.predictors.huggingface_predictor import HFPredictor
from models.predictors.ideal import float_dtype
from models.predictors.predictor import probabilities
from synthetic import ListTask
from synthetic.encoding import Batch, Encoding
from theory.distributions.distribution import HasContexts
from theory.files import read_text, text_lines
from theory.validation import InputError

__all__ = ["TextSubject", "read_words"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class TextSubject:
    """A language model; lists are written with its tokenizer.

    Attributes:
        predictor: The model.
        facts: Facts about it.
        tokenizer: Its tokenizer.
        words: Items of the lists, in alphabetical order.
        written: How lists are written.
    """

    predictor: HFPredictor
    facts: dict[str, Any]
    tokenizer: Any
    words: tuple[str, ...]
    written: TextFormat
    _sheets: dict[Any, Sheet] = field(default_factory=dict)

    def encoding(self, task: ListTask) -> Encoding:
        """Return ids of the words."""
        return Encoding(items=len(self.words), longest=task.n, names=(task.name,))

    def sheet(self, task: ListTask, index: int | None, length: int) -> Sheet:
        """Return the text of a task; cached."""
        key = (task, index, length)
        if key not in self._sheets:
            sheet = make_sheet(task, index, length, self.words, self.tokenizer, self.written)
            if len(sheet.tokens) > self.predictor.longest:
                raise InputError(
                    f"{task.name} with n = {task.n} takes {len(sheet.tokens)} tokens, "
                    f"over the context length of {self.predictor.longest}."
                )
            if self.predictor.mask_id in sheet.words:
                raise InputError(f"a word is the mask token {self.predictor.mask_id}; check --mask-id.")
            self._sheets[key] = sheet
        return self._sheets[key]

    def write(self, batch: Batch, masked: Bools) -> list[PaddedRows]:
        """Return rows for each context, since the length of the text may depend on the context."""
        task, n = batch.task, batch.task.n
        indices, row_sets = tuple(task.indices()), []
        for c in np.unique(batch.context).tolist():
            rows = np.flatnonzero(batch.context == c)
            ids = batch.tokens[rows]
            answer = ids[:, batch.answer]
            sheet = self.sheet(task, indices[c], answer.shape[1])
            new = ids[:, 2] if task.uses_new else None
            tokens = sheet.fill(ids[:, 3 : 3 + n], new, answer)
            places = np.zeros(tokens.shape, dtype=bool)
            places[:, sheet.answer] = masked[rows][:, :, None]
            tokens[places] = self.predictor.mask_id
            fixed = np.setdiff1d(np.arange(tokens.shape[1]), sheet.answer)
            order = torch.from_numpy(np.concatenate([fixed, sheet.answer.ravel()]))
            row_sets.append(
                PaddedRows(
                    rows=rows,
                    tokens=torch.from_numpy(tokens),
                    predictor=Reordered(self.predictor, order),
                    sheet=sheet,
                    order=order,
                )
            )
        return row_sets

    def read(self, batch: Batch, padded: PaddedRows, tokens: torch.Tensor) -> Ints:  # noqa: ARG002
        """Return the words in the places of the answer."""
        assert padded.sheet is not None
        return padded.sheet.read(tokens.cpu().numpy())

    def exact_tasks(self, batch: Batch) -> list[tuple[Fraction, HasContexts]]:
        """Return the task itself, or for items of several tokens its distributions of tokens."""
        sheet = self.sheet(batch.task, next(iter(batch.task.indices()), None), self._length(batch))
        return block_tasks(batch, sheet.words)

    def _length(self, batch: Batch) -> int:
        return batch.tokens[:, batch.answer].shape[1]

    def marginals(self, batch: Batch, padded: PaddedRows) -> NDArray[np.float64] | None:
        """Return the probabilities of the words."""
        assert padded.sheet is not None
        if padded.sheet.words.shape[1] > 1:
            return None
        places = torch.from_numpy(padded.sheet.answer[:, 0])
        masked = padded.tokens[:, places] == self.predictor.mask_id
        rows = torch.arange(len(masked)).repeat_interleave(len(places))
        device = self.predictor.device
        tokens, columns = padded.tokens.to(device), places.repeat(len(masked)).to(device)
        logits = logits_at(self.predictor, tokens, rows.to(device), columns).view(*masked.shape, -1)
        probs = probabilities(logits, masked.to(device), dtype=float_dtype(device))
        out = np.zeros((*probs.shape[:2], batch.encoding.vocab_size))
        out[:, :, : len(self.words)] = probs[:, :, torch.from_numpy(padded.sheet.words[:, 0])].cpu().numpy()
        return out


def read_words(path: Path) -> list[str]:
    """Return the words of a file, one per line, verbatim; empty lines are skipped.

    Raises:
        InputError: If it cannot be read, has fewer than two words, or a duplicate.
    """
    words = [line for _, line in text_lines(read_text(path, "the words"))]
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise InputError(f"words {path} hold {twice[0]!r} twice.")
    if len(words) < 2:
        raise InputError(f"words {path} must hold at least two words, one per line.")
    return words

"""Instances of a list task as rows of masked tokens, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs.list_tasks_as_text import Sheet
from models.predictors.answer_columns import AnswerAware, Wrap
from models.predictors.chosen_logits import logits_at
from models.predictors.predictor import MaskedPredictor
from models.runs.halving_batches import batch_size

__all__ = ["PaddedRows", "Reordered"]


class Reordered:
    """A predictor of rows with reordered columns, the fixed ones first, then the answer.

    Policies see the columns from the first mask to the last. In this order these are the positions of the answer alone,
    without the formatting between the items, so that ``block`` and ``left_to_right`` have their meaning in the task.
    """

    def __init__(self, predictor: MaskedPredictor, order: torch.Tensor) -> None:
        self._predictor, self._order = predictor, order
        self._inverse = order.argsort()

    @property
    def mask_id(self) -> int:
        """That of the predictor."""
        return self._predictor.mask_id

    @property
    def vocab_size(self) -> int:
        """That of the predictor."""
        return self._predictor.vocab_size

    @property
    def device(self) -> torch.device:
        """That of the predictor."""
        return self._predictor.device

    def over(self, wrap: Wrap) -> Reordered:
        """Return the same order over ``wrap`` of the predictor, see :mod:`models.predictors.answer_columns`."""
        return Reordered(wrap(self._predictor), self._order)

    def started(self, free: torch.Tensor, position: torch.Tensor) -> MaskedPredictor:
        """Return the predictor of a decode, whose columns are told in the order of the text."""
        inner = self._predictor
        if not isinstance(inner, AnswerAware):
            return self
        back = self._inverse.to(free.device)
        return Reordered(inner.started(free[back], position[back]), self._order)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits in the order of its columns."""
        return self._predictor(tokens[:, self._inverse])[:, self._order]

    def at(self, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Return the logits of some places, see :class:`models.predictors.chosen_logits.ChoosesPlaces`."""
        back = self._order.to(columns.device)[columns]
        return logits_at(self._predictor, tokens[:, self._inverse], rows, back)


@dataclass(frozen=True, kw_only=True, eq=False)
class PaddedRows:
    """Instances of a batch as rows of one length.

    Attributes:
        rows: Their numbers in the batch, shape (B',).
        tokens: Token ids with masks, as the model reads them, shape (B', L).
        predictor: The predictor of :meth:`arranged` tokens.
        sheet: The places of the words, for text.
        order: The order of the columns in arranged tokens; ``None`` if unchanged.
    """

    rows: NDArray[np.int64]
    tokens: torch.Tensor
    predictor: MaskedPredictor
    sheet: Sheet | None = None
    order: torch.Tensor | None = None

    def part(self, rows: Any) -> PaddedRows:
        """Return some of the instances."""
        return replace(self, rows=self.rows[rows], tokens=self.tokens[rows])

    def arranged(self) -> torch.Tensor:
        """Return the tokens with the columns of the answer together."""
        return self.tokens if self.order is None else self.tokens[:, self.order]

    def restored(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return arranged tokens as the model reads them."""
        return tokens if self.order is None else tokens[:, self.order.argsort()]

    def batch_size(self) -> int:
        """Return the first batch size."""
        return batch_size(self.predictor.device, self.tokens.shape[1] * self.predictor.vocab_size)

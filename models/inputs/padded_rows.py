"""Pages: instances of a list task written as rows of masked tokens of one length."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs.list_tasks_as_text import Sheet
from models.predictors.predictor import MaskedPredictor
from models.runs.halving_batches import batch_size

__all__ = ["Page", "Reordered"]


class Reordered:
    """A predictor of rows whose columns stand in another order: the fixed ones first, then the answer.

    Policies see the columns from the first mask to the last. With the answer together they see its positions alone,
    not the formatting between the items, so that ``block`` and ``left_to_right`` mean what they mean in the task.
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

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits in the order of the columns."""
        return self._predictor(tokens[:, self._inverse])[:, self._order]


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """Some instances of a batch, of one length.

    Attributes:
        rows: Their numbers in the batch, shape (B',).
        tokens: With masks, as the model reads them, shape (B', L).
        predictor: Takes the tokens as they are :meth:`arranged`.
        sheet: Where the words stand, if it is text.
        order: Columns as they are arranged; ``None`` as they stand.
    """

    rows: NDArray[np.int64]
    tokens: torch.Tensor
    predictor: MaskedPredictor
    sheet: Sheet | None = None
    order: torch.Tensor | None = None

    def part(self, rows: Any) -> Page:
        """Return some of the instances."""
        return replace(self, rows=self.rows[rows], tokens=self.tokens[rows])

    def arranged(self) -> torch.Tensor:
        """Return the tokens with the answer together."""
        return self.tokens if self.order is None else self.tokens[:, self.order]

    def restored(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return arranged tokens as the model reads them."""
        return tokens if self.order is None else tokens[:, self.order.argsort()]

    def batch_size(self) -> int:
        """Return how many rows to try at once."""
        return batch_size(self.predictor.device, self.tokens.shape[1] * self.predictor.vocab_size)

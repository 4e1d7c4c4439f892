"""The ideal model asked once per state, and counts of outcomes, for many runs with few states."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

from models.predictors.ideal import IdealPredictor
from theory.distributions.distribution import Distribution

FEW_STATES = 10_000  # marginals of all states at once


class Asked(IdealPredictor):
    """The ideal model asked once for each state: 20,000 runs visit few of them."""

    def __init__(self, distribution: Distribution) -> None:
        super().__init__(distribution)
        assert (self.vocab_size + 1) ** distribution.n < 2**63
        self._places = (self.vocab_size + 1) ** torch.arange(distribution.n)
        self._table = None
        if (self.vocab_size + 1) ** distribution.n <= FEW_STATES:
            states = torch.tensor([*product(range(self.vocab_size + 1), repeat=distribution.n)]).flip(1)
            self._table = super().marginals(states)

    def marginals(self, tokens: torch.Tensor) -> torch.Tensor:
        keys = (tokens * self._places).sum(dim=1)
        if self._table is not None:
            return self._table[keys]
        distinct, index = keys.unique(return_inverse=True)
        states = distinct[:, None] // self._places % (self.vocab_size + 1)
        return super().marginals(states)[index]


def counted(rows: np.ndarray, base: int) -> dict[tuple[int, ...], int]:
    """How often each row of digits occurs."""
    assert base ** rows.shape[1] < 2**63
    _, first, counts = np.unique(
        rows @ base ** np.arange(rows.shape[1]), return_index=True, return_counts=True
    )
    return dict(zip(map(tuple, rows[first].tolist()), counts.tolist(), strict=True))

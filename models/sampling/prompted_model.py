"""A predictor with its prompts, as the model that rules ask."""

from __future__ import annotations

from collections.abc import Callable

import array_api_compat.torch as xp
import torch

from theory.distributions.distribution import MASK
from theory.numbers.distinct import distinct_rows

__all__ = ["PromptedModel"]


class PromptedModel:
    """A predictor asked about other answers to the same prompts.

    Args:
        marginals: From answers (K, m) with -1 where masked, and the prompt of each (K,), to (K, m, V).
        rows: The prompt of each batch row as a number, shape (B,); rows of one prompt share it, so that each
            question is asked once.
        width: m, the number of answer positions.
    """

    def __init__(
        self, marginals: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], rows: torch.Tensor, width: int
    ) -> None:
        self._marginals, self._rows, self._width = marginals, rows, width

    def ask(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the marginals of K answers of every row: (B, K, m) to (B, K, m, V)."""
        size, states, m = tokens.shape
        rows = self._rows.repeat_interleave(states)[:, None]
        asked = torch.cat([rows, tokens.reshape(-1, m)], dim=1)
        first, index = distinct_rows(asked, xp)  # many runs ask the same
        answers = self._marginals(asked[first, 1:], asked[first, 0])[index]
        return answers.reshape(size, states, m, -1)

    def background(self) -> torch.Tensor:
        """Return the mean over positions of the fully masked marginals of each row's prompt, shape (B, m, V)."""
        prompts, index = self._rows.unique(return_inverse=True)
        empty = torch.full((len(prompts), self._width), MASK, device=prompts.device)
        probs = self._marginals(empty, prompts)
        return probs.mean(dim=1, keepdim=True).expand_as(probs)[index]

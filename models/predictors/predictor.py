"""What a decoder needs of a model."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

__all__ = ["MarginalPredictor", "MaskedPredictor"]


class MaskedPredictor(Protocol):
    """A model of masked sequences: a trained network, or the ideal one."""

    @property
    def mask_id(self) -> int:
        """The token of a masked position; it may lie beyond the tokens that can be proposed."""
        ...

    @property
    def vocab_size(self) -> int:
        """V: the tokens that can be proposed are ``0 .. V-1``."""
        ...

    @property
    def device(self) -> torch.device:
        """Where batches must lie."""
        ...

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return a prediction for every position.

        Args:
            tokens: Token ids with ``mask_id`` at masked positions, int64, shape (B, L).

        Returns:
            Logits or log-probabilities, shape (B, L, V), each defined up to a constant per position; minus
            infinity for what is impossible.
        """
        ...


@runtime_checkable
class MarginalPredictor(MaskedPredictor, Protocol):
    """A predictor that knows the probabilities themselves: the decoder then takes no logarithm back."""

    def marginals(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return probabilities of every position, shape (B, L, V)."""
        ...

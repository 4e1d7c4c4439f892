"""The ideal model as a predictor."""

from __future__ import annotations

import torch

from theory.distributions.distribution import Distribution
from theory.distributions.outcomes import MASK

__all__ = ["IdealPredictor", "float_dtype"]


class IdealPredictor:
    """Predict ``log P(y_i | revealed)`` of a distribution, in float64 (float32 on devices without it).

    Sequences have no prompt: token ids are those of ``distribution.tokens``, the mask is
    ``len(distribution.tokens)``. Revealed tokens that are impossible together give the one-position marginals.

    Args:
        distribution: The distribution.
        device: Where to compute.

    Example:
        >>> from synthetic import Arrangements
        >>> ideal = IdealPredictor(Arrangements(3))
        >>> ideal(torch.tensor([[1, 3, 3]])).exp()[0, 2].tolist()
        [0.5, 0.0, 0.5]
    """

    def __init__(self, distribution: Distribution, device: torch.device | str = "cpu") -> None:
        self.distribution = distribution
        self._device = torch.device(device)

    @property
    def mask_id(self) -> int:
        """The number of tokens of the distribution."""
        return len(self.distribution.tokens)

    @property
    def vocab_size(self) -> int:
        """The number of tokens of the distribution."""
        return len(self.distribution.tokens)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    def masked(self, size: int) -> torch.Tensor:
        """Return ``size`` fully masked sequences, shape (size, n)."""
        return torch.full((size, self.distribution.n), self.mask_id, dtype=torch.int64, device=self._device)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return log-probabilities, shape (B, n, V)."""
        return self.marginals(tokens).log()

    def marginals(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return probabilities, shape (B, n, V); one at the token of a revealed position."""
        return self.distribution.conditional(torch.where(tokens == self.mask_id, MASK, tokens))


def float_dtype(device: torch.device) -> torch.dtype:
    """Return the widest float of a device: float64, or float32 on mps, which has no other."""
    return torch.float32 if device.type == "mps" else torch.float64

"""A small bidirectional transformer that predicts clean tokens from noisy ones.

The body is that of :mod:`models.predictors.transformer`. The signal enters as a vector that is added to every position.
The body's logits stand for the leave-one-out posterior; the known factor ``1 + S a / (1 - a)`` of the noisy token is
added in logarithms, which gives the posterior. Training by cross-entropy on the posterior thus teaches both.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.predictors.transformer import MaskedTransformer, ModelConfig
from models.predictors.uniform import log_ratio
from synthetic.encoding import Encoding

__all__ = ["UniformTransformer"]

RATIO_SCALE = 4.0  # nats; brings the logarithm of the ratio to the size of the signal


class UniformTransformer(nn.Module):
    """A predictor of the clean tokens of list-task sequences whose answers have uniform noise.

    Args:
        config: Its shape.
        encoding: The token ids it reads; noise is uniform over its items.

    Example:
        >>> model = UniformTransformer(ModelConfig(noise="uniform"), Encoding(items=8, names=("copy",)))
        >>> model(torch.zeros(2, 9, dtype=torch.int64), torch.tensor([0.1, 0.9])).shape
        torch.Size([2, 9, 8])
    """

    def __init__(self, config: ModelConfig, encoding: Encoding) -> None:
        super().__init__()
        self.config, self.encoding = config, encoding
        self.body = MaskedTransformer(config, encoding)
        self.level = nn.Sequential(
            nn.Linear(2, config.width), nn.GELU(), nn.Linear(config.width, config.width)
        )

    @property
    def vocabulary(self) -> int:
        """S, the number of items."""
        return self.encoding.items

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.body.device

    @property
    def parameter_count(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, tokens: torch.Tensor, signal: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Return logits of the posterior.

        Args:
            tokens: Token ids, int64, shape (B, L).
            signal: Of each row, in [0, 1), shape (B,).
            first: Column to start from; training needs only the answer.

        Returns:
            Shape (B, L - first, S), float32.
        """
        size = self.vocabulary
        ratio = log_ratio(signal.to(self.body.scale), size)
        features = torch.stack([ratio / RATIO_SCALE, signal.to(ratio)], dim=1)
        left_out = self.body(tokens, first, self.level(features))[..., :size]
        shown = functional.one_hot(tokens[:, first:], self.encoding.vocab_size)[..., :size]
        return left_out + shown * ratio[:, None, None]

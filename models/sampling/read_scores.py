"""The probabilities that a rule reads, where they are not those that tokens are drawn from.

Released decoders take the softmax for the scores in the dtype of the model, or in float64. In bfloat16 only 129 values
lie between 1/2 and 1, and everything above 0.998 is 1: positions tie that differ in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.predictors.device import rows_at_once
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import Array, Numbers

__all__ = ["ReadScores"]


@dataclass(frozen=True, kw_only=True)
class ReadScores(Transform):
    """A transform whose scores are rounded, or moved to the end for some tokens.

    Attributes:
        confidence_dtype: The dtype that the scores are rounded to; ``None`` for that of the decode.
        last: Tokens, by index. The rule reads the distribution without them; where one is the most probable, a uniform
            distribution, which has the lowest confidence and margin and the largest entropy.
        best: Whether the rule reads the largest score of a position alone, which is then all that it is given: rounding
            keeps the order, so the largest of the rounded scores is the rounded largest.

    Example:
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> rounded = ReadScores(confidence_dtype=torch.bfloat16)
        >>> rounded.scores_read(torch.tensor([[0.999, 0.001]], dtype=torch.float64), FLOAT64).tolist()
        [[1.0, 0.00099945068359375]]
    """

    confidence_dtype: torch.dtype | None = None
    last: tuple[int, ...] = ()
    best: bool = False

    def scores_read(self, probs: Array, numbers: Numbers, balls: Array | None = None) -> Array:
        """Return the distributions that the policy sees, or their largest probabilities, shape (..., 1)."""
        read = super().scores_read(probs, numbers, balls)
        if self.last:
            last = torch.tensor(self.last, device=read.device)
            ends = torch.isin(read.argmax(dim=-1), last)[..., None]
            without = read.index_fill(-1, last, 0)
            read = torch.where(ends, 1 / read.shape[-1], without / without.sum(dim=-1, keepdim=True))
        if self.best:
            read = read.amax(dim=-1, keepdim=True)
        return read if self.confidence_dtype is None else _rounded(read, self.confidence_dtype)


def _rounded(probs: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the probabilities, shape (..., V), rounded to a dtype."""
    table, out = probs.reshape(-1, probs.shape[-1]), torch.empty_like(probs)
    size = min(rows_at_once(probs.device, probs.shape[-1]), max(1, len(table)))
    for a, b in zip(table.split(size), out.view(table.shape).split(size), strict=True):
        b.copy_(a.to(dtype))
    return out

"""The attention masks of models, full or block-causal.

A block-diffusion model (SDAR, LLaDA2, Fast-dLLM v2) sees its own block of positions and the blocks before it. Blocks
are counted from the first token of the sequence, prompt included, as in the released decoders. Called without a mask
such code attends causally or fails, so a mask is always passed for it; that of Fast-dLLM v2 makes its own, and is told
the size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from theory.validation import InputError, positive_int

__all__ = ["Attention", "attention_of"]

# model type: the block size where the configuration names none, and how it is told: by a boolean mask, by a mask that
# is added to the scores, or by the size alone
KNOWN = {
    "sdar": (4, "bool"),
    "sdar_moe": (4, "bool"),
    "llada2_moe": (32, "added"),
    "fast_dllm_qwen": (32, "size"),
}


@dataclass(frozen=True, kw_only=True)
class Attention:
    """An attention mask that is passed to a model.

    Attributes:
        block: The block size; ``None`` for attention to all positions.
        told: How: by a mask that is true where attention is allowed (``bool``), by one that is ``added`` to the scores,
            or by the ``size`` of the blocks alone.
    """

    block: int | None
    told: str

    def __str__(self) -> str:
        return "full" if self.block is None else f"block:{self.block}"

    def given(self, tokens: torch.Tensor, dtype: torch.dtype) -> dict[str, Any]:
        """Return what a model is called with beside tokens of shape (B, L).

        Example:
            >>> Attention(block=None, told="size").given(torch.zeros(2, 7), torch.float32)
            {'block_size': 7}
        """
        if self.told == "size":
            return {"block_size": self.block or tokens.shape[1]}
        return {"attention_mask": self.mask(*tokens.shape, dtype=dtype, device=tokens.device)}

    def mask(self, rows: int, length: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """Return the mask of a batch, shape (rows, 1, length, length).

        Example:
            >>> two = Attention(block=2, told="bool")
            >>> two.mask(1, 3, torch.float32, torch.device("cpu"))[0, 0].int().tolist()
            [[1, 1, 0], [1, 1, 0], [1, 1, 1]]
        """
        blocks = torch.arange(length, device=device) // (self.block or length)
        seen = blocks[:, None] >= blocks[None, :]
        if self.told == "added":
            seen = torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill(
                ~seen, torch.finfo(dtype).min
            )
        return seen.expand(rows, 1, length, length)


def attention_of(config: Any, given: str | None) -> Attention | None:
    """Return the attention mask of a model; ``None`` for none, where its code attends to everything by itself.

    Args:
        config: Its configuration.
        given: ``full``, ``block:SIZE``, or ``None`` for that of the model.

    Raises:
        InputError: If ``given`` is something else.
    """
    kind = str(getattr(config, "model_type", "")).lower()
    known = KNOWN.get(kind)
    if given is None and known is None:
        return None
    size, told = known or (None, "added")
    if given is None:
        named = getattr(config, "block_size", None) or getattr(config, "bd_size", None)
        return Attention(block=int(named or size or 1), told=told)
    name, colon, value = given.partition(":")
    if name == "full" and not colon:
        return Attention(block=None, told=told) if known else None
    if name != "block" or not colon:
        raise InputError(f"--attention must be full or block:SIZE, got {given!r}.")
    return Attention(block=positive_int(value, "--attention block"), told=told)

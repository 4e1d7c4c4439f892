"""A tiny network with key-value caches, and the released cached loops in a few slow lines.

The loops restate ``generate``, ``generate_with_prefix_cache`` and ``generate_with_dual_cache`` of NVlabs/Fast-dLLM
24cc59e at temperature 0, and nothing of the product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

VOCABULARY, MASK, WIDTH = 12, 11, 16


class CachedNetwork(nn.Module):
    """Two layers of attention to everything, with keys and values that may come from an earlier call."""

    mask_id, vocab_size, device = MASK, VOCABULARY, torch.device("cpu")

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed, self.place = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(32, WIDTH)
            self.layers = nn.ModuleList(Layer() for _ in range(2))
            self.head = nn.Linear(WIDTH, VOCABULARY)
            with torch.no_grad():
                self.head.weight.mul_(4)  # far from uniform
        self.requires_grad_(False).to(dtype)

    def call(self, tokens: torch.Tensor, columns: torch.Tensor, past: Any = None) -> tuple[torch.Tensor, Any]:
        """Return logits, and keys and values of all layers; ``past`` has those of all columns or of the first."""
        h, cache = self.embed(tokens) + self.place(columns), []
        for j, layer in enumerate(self.layers):
            h, kept = layer(h, columns, None if past is None else past[j])
            cache.append(kept)
        return self.head(h), cache

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits, _ = self.call(tokens, torch.arange(tokens.shape[1]))
        logits = logits.float()
        logits[..., MASK] = -torch.inf
        return logits


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, h: torch.Tensor, columns: torch.Tensor, past: Any = None) -> tuple[torch.Tensor, Any]:
        k, v = self.k(h), self.v(h)
        if past is not None:
            wide = max(past[0].shape[1], int(columns[-1]) + 1)
            fresh, (k, v) = (k, v), (h.new_zeros(len(h), wide, WIDTH) for _ in range(2))
            for whole, old, new in zip((k, v), past, fresh, strict=True):
                whole[:, : old.shape[1]] = old
                whole[:, columns] = new
        h = h + self.o(torch.softmax(self.q(h) @ k.transpose(1, 2) / 4, dim=-1) @ v)
        return h + self.down(torch.tanh(self.up(h))), (k, v)


def released(
    network: CachedNetwork,
    x: torch.Tensor,
    *,
    prompt: int,
    block: int,
    cache: str,
    take: Any,
    shift: bool = False,
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return every state, shape (L,), with its logits in the window (the rest NaN): one row, temperature 0.

    ``take(step, confidence)`` returns the places of a block that are revealed; the confidence is -1 elsewhere.
    """
    x, seen = x.clone(), []
    columns = torch.arange(len(x))
    for start in range(prompt, len(x), block):
        step, past = 0, None
        while bool((x[start : start + block] == MASK).any()):
            first, stop = 0, len(x)
            if step and cache != "none":
                first, stop = start, start + block if cache == "dual" else len(x)
            kept = None if not step or cache == "none" else past
            logits, fresh = network.call(x[None, first:stop], columns[first:stop], kept)
            if not step:
                past = fresh if cache == "dual" else [(k[:, :start], v[:, :start]) for k, v in fresh]
            logits = logits[0]
            logits[:, MASK] = -torch.inf
            if shift:
                logits = torch.cat([logits[:1], logits[:-1]])
            whole = torch.full((len(x), VOCABULARY), torch.nan)
            whole[first:stop] = logits.float()
            seen.append((x.clone(), whole))
            inside = slice(start - first, start - first + block)
            tokens = logits[inside].argmax(dim=-1)
            confidence = torch.softmax(logits[inside].double(), dim=-1).amax(dim=-1)
            masked = x[start : start + block] == MASK
            places = take(step, torch.where(masked, confidence, -1.0))
            x[start : start + block][places] = tokens[places]
            step += 1
    return [*seen, (x.clone(), torch.empty(0))]

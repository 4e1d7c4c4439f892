"""Gradient checkpointing of any network.

The inside of a layer is computed again in the backward pass, and only what it reads is kept, which costs one more
forward pass. The gradients are the same numbers. The layers themselves are wrapped, because code that comes with a
checkpoint often has no checkpointing of its own, and that of transformers works in training mode alone, which would
switch dropout on.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from models.predictors.kv_cache import layers_of

__all__ = ["recomputed_layers"]


@contextmanager
def recomputed_layers(model: nn.Module) -> Generator[None]:
    """Keep only the inputs of the layers of a network.

    Raises:
        InputError: If it has no list of layers.
    """
    layers = layers_of(model)
    for layer in layers:
        forward: Any = partial(checkpoint, layer.forward, use_reentrant=False)
        layer.forward = forward
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # that of the class again

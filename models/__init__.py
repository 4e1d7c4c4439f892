"""Ideal and trained predictors of masked tokens, and the loop that decodes with them.

Importing this package does not import torch; its functions and modules do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.predictors.transformer import MaskedTransformer

__all__ = ["load", "retrain"]


def load(path: Path | str | None = None, device: str = "cpu") -> MaskedTransformer:
    """Return a trained model, a predictor with its ``encoding``.

    Args:
        path: A ``.safetensors`` file with its card beside it; the shipped weights by default.
        device: cpu, cuda or mps.

    Raises:
        InputError: If the files are missing, damaged, or hold something else.
    """
    from models.predictors.checkpoint import load_model

    return load_model(path, device)


def retrain(out_dir: Path | str, device: str = "cpu", *, threads: int = 1, steps: int | None = None) -> Path:
    """Train the shipped model again, with progress on stderr, and return its weights file.

    Started again after an interruption it continues where it stopped. On the same machine the result is the same.

    Args:
        out_dir: Folder of weights, card and checkpoint; made if missing.
        device: cpu, cuda or mps.
        threads: Threads of a CPU.
        steps: Optimiser steps; those of the shipped model by default.
    """
    from models.predictors.recipes import recipe
    from models.training.shipped_weights import make_weights

    return make_weights(
        recipe("small", steps=steps), Path(out_dir), device=device, threads=threads, resume=True
    )

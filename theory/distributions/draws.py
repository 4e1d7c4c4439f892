"""Random draws of one index from each row of probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw"]


def draw(rng: np.random.Generator, probs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return one index for each row of ``probs``, shape (size, K), never one of probability zero."""
    edges = np.cumsum(probs, axis=1)
    u = rng.random(len(probs)) * edges[:, -1]
    # the first cumulative sum above u; it exists, since u is below the last, and is never a step of height zero
    return np.minimum((u[:, None] >= edges).sum(axis=1), _last_positive(probs))


def _last_positive(probs: NDArray[np.float64]) -> NDArray[np.int64]:
    return probs.shape[1] - 1 - np.argmax(probs[:, ::-1] > 0, axis=1)

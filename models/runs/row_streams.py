"""Random numbers tied to a row, whatever batch it is in.

Row r of a run draws from Philox seeded by (seed, r, purpose). Its numbers do not depend on batches, workers or
interruptions, so neither do the results (up to the rounding of the model).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

__all__ = ["Streams"]


class Streams:
    """One source of uniform numbers per row.

    Args:
        seed: The seed of the run, at least 0.
        rows: Numbers of the rows.
        purpose: Sources of different purposes are independent.
        device: The device of the numbers.
        dtype: Their float type.

    Example:
        >>> both = Streams(0, [3, 8], purpose=1).uniforms([0, 1], 2)
        >>> bool((both[1:] == Streams(0, [8], purpose=1).uniforms([0], 2)).all())
        True
    """

    def __init__(
        self,
        seed: int,
        rows: Sequence[int],
        *,
        purpose: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self._sources = [np.random.Generator(np.random.Philox([seed, row, purpose])) for row in rows]
        self._device, self._dtype = device, dtype

    def uniforms(self, rows: Sequence[int], count: int) -> torch.Tensor:
        """Return the next ``count`` numbers in [0, 1) of some rows, by their place; shape (len(rows), count)."""
        kind = np.float32 if self._dtype == torch.float32 else np.float64  # float32 must stay below 1
        drawn = [self._sources[row].random(count, dtype=kind) for row in rows]
        values = np.stack(drawn) if drawn else np.zeros((0, count), dtype=kind)
        return torch.from_numpy(values).to(self._device, self._dtype)

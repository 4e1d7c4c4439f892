"""Batches that are halved when memory runs out.

The first size follows from the free memory of the device and the size of a row; half of the memory is left for the
model's activations. Rows have their own random numbers (:mod:`models.runs.row_streams`), so the sizes do not change the
results.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import torch

from theory.validation import InputError

__all__ = ["batch_size", "halving_batches", "out_of_memory"]

CPU_BYTES = 1 << 28  # larger batches than the cache gain nothing
ROW_BYTES = 4 + 3 * 8  # a float32 logit, and three float64 tables of the same shape
LARGEST = 4096

Item = TypeVar("Item")
Result = TypeVar("Result")


def batch_size(device: torch.device, entries: int) -> int:
    """Return the first batch size for rows of ``entries`` probabilities, a power of two.

    Example:
        >>> batch_size(torch.device("cpu"), entries=64 * 126_464)
        1
    """
    free = CPU_BYTES
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0] // 2
    fitting = max(1, min(LARGEST, free // (ROW_BYTES * max(1, entries))))
    return 1 << (fitting.bit_length() - 1)


def halving_batches(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Result], size: int
) -> Generator[Result]:
    """Yield the results of batch after batch; if memory runs out, halve the batch and try again.

    Args:
        items: The items.
        work: The function of a batch, which must have no lasting effect when it fails.
        size: First size.

    Raises:
        InputError: If a single item does not fit.

    Example:
        >>> list(halving_batches([1, 2, 3], sum, 2))
        [3, 3]
    """
    start = 0
    while start < len(items):
        batch = items[start : start + size]
        try:
            result = work(batch)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise InputError(
                    "one sequence alone does not fit into the memory of the device; use shorter sequences or dtype."
                ) from None
        else:
            start += len(batch)
            yield result
            continue
        # outside the handler, so that the tensors of the failed attempt are freed
        size = max(1, len(batch) // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, on a GPU or a CPU."""
    texts = ("out of memory", "can't allocate memory", "not enough memory")
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in texts)

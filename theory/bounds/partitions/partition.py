"""Ordered partitions of the positions."""

from __future__ import annotations

from collections.abc import Sequence

from theory.validation import InputError, shown

__all__ = ["Blocks", "Partition", "check_partition", "common_blocks", "equal_blocks"]

Blocks = Sequence[Sequence[int]] | None
Partition = tuple[tuple[int, ...], ...]


def check_partition(partition: Sequence[Sequence[int]], n: int) -> Partition:
    """Return the ordered partition as tuples; raise unless it splits ``0..n-1`` into non-empty blocks."""
    blocks = tuple(tuple(sorted(block)) for block in partition)
    flat = sorted(i for block in blocks for i in block)
    if any(not block for block in blocks):
        raise InputError("a partition must not contain an empty block.")
    if flat != list(range(n)):
        raise InputError(
            f"a partition must contain every position 0..{n - 1} once, got {shown(blocks, 400)}."
        )
    return blocks


def equal_blocks(n: int, size: int) -> Partition:
    """Return blocks of ``size`` positions from left to right, the last of them perhaps smaller.

    Example:
        >>> equal_blocks(5, 2)
        ((0, 1), (2, 3), (4,))
    """
    return tuple(tuple(range(i, min(i + size, n))) for i in range(0, n, size))


def common_blocks(lengths: Sequence[int], partition: Blocks) -> bool:
    """Return whether contexts have one length; raise if a partition is given that does not fit them."""
    common = len(set(lengths)) == 1
    if partition is not None:
        if not common:
            raise InputError("one partition does not fit contexts of different lengths.")
        check_partition(partition, lengths[0])
    return common

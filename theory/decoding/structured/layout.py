"""Places of the items of an answer among its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from theory.validation import InputError, positive_int

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the items of an answer are written.

    Attributes:
        places: The positions of each item's tokens, shape (m,) of tuples; all others hold certain tokens.
        length: L, the number of positions.

    Example:
        >>> Layout(places=((1, 2), (5, 6)), length=8).blocks(4)
        (((2, 0), 4), ((0, 2), 4))
    """

    places: tuple[tuple[int, ...], ...]
    length: int

    def __post_init__(self) -> None:
        positive_int(self.length, "length")
        used = [position for item in self.places for position in item]
        if not all(self.places) or len(set(used)) < len(used) or not set(used) <= set(range(self.length)):
            raise InputError(
                f"the tokens of the items must be different positions of 0..{self.length - 1}, at least one an item."
            )

    def blocks(self, size: int | None) -> tuple[tuple[tuple[int, ...], int], ...]:
        """Return for each block how many tokens of each item it has, and its length."""
        size = min(size or self.length, self.length)
        ranges = [range(start, min(start + size, self.length)) for start in range(0, self.length, size)]
        return tuple(
            (tuple(sum(p in block for p in item) for item in self.places), len(block)) for block in ranges
        )

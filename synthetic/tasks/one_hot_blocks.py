"""One-hot blocks, independent blocks of equal length with a single one each.

Serial depth grows like the root of n (arXiv 2608.25505, Theorem 12).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, product
from math import isqrt

from synthetic import structures
from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.distributions.pmf import JointPMF
from theory.information.curves.structures import Copies
from theory.validation import InputError, positive_int

__all__ = ["OneHotBlocks"]


@register("one_hot_blocks")
@dataclass(frozen=True, kw_only=True)
class OneHotBlocks(PlainTask):
    """The uniform distribution on n bits in blocks with a single one each.

    Attributes:
        n: The number of bits.
        block: The length of a block, a divisor of n; ``None`` for the root of n.
    """

    smallest = 4
    block: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block is None and isqrt(self.n) ** 2 != self.n:
            raise InputError(
                f"one_hot_blocks needs a square n such as 4, 9 or 16, or the length of a block that divides n, "
                f"one_hot_blocks:block=2, got {self.n}."
            )
        block = isqrt(self.n) if self.block is None else positive_int(self.block, "block")
        if self.n % block:
            raise InputError(f"block must divide n = {self.n}, got {block}.")
        object.__setattr__(self, "block", block)

    @property
    def length(self) -> int:
        """The length of a block."""
        assert self.block is not None
        return self.block

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the products of one-hot blocks."""
        b, copies = self.length, self.n // self.length
        require_listable(b**copies, self.n)
        rows = [tuple(int(i == j) for i in range(b)) for j in range(b)]
        return JointPMF.uniform(tuple(chain.from_iterable(blocks)) for blocks in product(rows, repeat=copies))

    def structure(self) -> Copies:
        """Return the subset entropies: those of Replace Random in each block."""
        return structures.one_hot(self.length, self.n // self.length)

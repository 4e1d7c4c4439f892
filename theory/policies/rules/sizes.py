"""Explicit block sizes, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import like
from theory.numbers.arithmetic import Array
from theory.policies.policy import RankedPolicy, register
from theory.policies.view import View
from theory.validation import InputError, positive_int

__all__ = ["Sizes"]


@register("sizes")
@dataclass(frozen=True, kw_only=True)
class Sizes(RankedPolicy):
    """Take the given numbers of positions, one after the other; the last one repeats until nothing is left.

    Source: the schedules of arXiv 2511.04647; the sizes of ``parabounds schedule`` can be pasted here.

    Attributes:
        sizes: Numbers joined by ``+``, as in ``3+2+1``; with ``block`` for each block.

    Example:
        >>> Sizes(sizes="3+2+1").numbers
        (3, 2, 1)
    """

    example: ClassVar[str] = "sizes:sizes=2+1"
    source: ClassVar[str] = "arXiv 2511.04647"
    release: ClassVar[str] = "none: any schedule"
    formula: ClassVar[str] = "s_1, then s_2, ...; the last one repeats"
    lumps: ClassVar[bool] = True
    by: str = "random"
    sizes: str

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            _ = self.numbers
        except InputError:
            raise InputError(f"sizes must look like 3+2+1, got {self.sizes!r}.") from None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The sizes as numbers."""
        return tuple(positive_int(part, "size") for part in str(self.sizes).split("+"))

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return the size of the step whose start is the number of positions already taken."""
        due = like(_due(self, view.masked.shape[1]), view.left)[view.group_size - view.left]
        return view.numbers.xp.where(due < view.left, due, view.left)


@lru_cache(maxsize=64)
def _due(policy: Sizes, n: int) -> NDArray[np.int64]:
    """Return the size of the next step with 0..n positions taken, cached.

    In a state between two starts (after another rule) the step takes what is left up to the next start.
    """
    most = 2 * n + 1  # larger ends make no difference
    ends = np.array([min(end, most) for end in accumulate(policy.numbers)])
    taken = np.arange(n + 1)
    place = np.searchsorted(ends, taken, side="right")
    last = min(policy.numbers[-1], most)
    return np.where(place < len(ends), ends[np.minimum(place, len(ends) - 1)] - taken, last)

"""Laws of the chosen set, read position by position and set by set."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.policies.ranked import SetLaw

__all__ = ["by_set", "inclusion"]


def inclusion(laws: list[SetLaw], n: int) -> NDArray[Any]:
    """Return the probability under every law that the set holds position i, shape (len(laws), n)."""
    return np.array(
        [[sum((p for s, p in law if s >> i & 1), fmpq(0)) for i in range(n)] for law in laws], dtype=object
    )


def by_set(laws: list[SetLaw]) -> dict[int, list[Any]]:
    """Return for each set its probability under every law, in ascending order of the sets."""
    out: dict[int, list[Any]] = {}
    for j, law in enumerate(laws):
        for chosen, p in law:
            out.setdefault(chosen, [fmpq(0)] * len(laws))[j] = p
    return dict(sorted(out.items()))

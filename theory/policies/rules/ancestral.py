"""Ancestral sampling, each masked position revealed with its own probability."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.numbers.arithmetic import Array
from theory.numbers.rationals import to_fmpq
from theory.policies.plan import SetDistribution
from theory.policies.policy import Rule, register
from theory.policies.ranked import require_sets
from theory.policies.rules.scheduled import checked_eps
from theory.policies.view import View
from theory.validation import positive_int

__all__ = ["Ancestral", "Independent"]


@dataclass(frozen=True, eq=False)
class Independent:
    """Take every competing position with the same probability, independently.

    Attributes:
        view: The batch.
        probability: Of each position.
        waiting: Rows that take no position, bool, shape (B,).
    """

    view: View
    probability: Fraction
    waiting: Array

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the distribution of the set: ``p^|S| (1-p)^(m-|S|)`` for every subset S of m positions."""
        rows = np.asarray(self.view.candidates & ~self.waiting[:, None])
        keys, index = np.unique(rows, axis=0, return_inverse=True)
        return index.reshape(-1), [self._distribution(np.flatnonzero(row).tolist()) for row in keys]

    def _distribution(self, positions: list[int]) -> SetDistribution:
        require_sets(1 << len(positions), "all sets of a step")
        p = to_fmpq(self.probability)
        distribution: list[tuple[int, Any]] = [(0, fmpq(1))]
        for i in positions:
            distribution = [
                (s | chosen, q * w)
                for s, q in distribution
                for chosen, w in ((0, 1 - p), (1 << i, p))
                if w != 0
            ]
        return tuple(distribution)

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of positions per row where it is certain.

        Raises:
            TypeError: Where it is random.
        """
        if self.probability != 1 or bool(np.any(self.waiting)):
            raise TypeError("the number of positions is random.")
        return np.asarray(self.view.left)

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row, bool, shape (B, n)."""
        return (uniforms < float(self.probability)) & self.view.candidates & ~self.waiting[:, None]


@register("ancestral")
@dataclass(frozen=True, kw_only=True)
class Ancestral(Rule):
    """In step j of T every masked position is revealed with probability ``1 - s/t``; in the last step all.

    ``t`` and ``s`` are neighbours in ``linspace(1, eps, T + 1)``. The numbers per step are multinomial; for eps = 0
    every position picks its step uniformly.

    Source: ancestral sampling of MDLM (arXiv 2406.07524) and ``alg=origin`` of Dream, where eps = 1e-3. The released
    MDLM code instead fills the positions that are left after the last step by one more call, with the most probable
    tokens: that is ``remdm`` with eta = 0.

    Attributes:
        steps: T.
        eps: End of the time grid, taken as written: probabilities are rational.
        block: Block length; every block has its own T steps.

    Example:
        >>> Ancestral(steps=4, eps=0).probability(1)
        Fraction(1, 3)
    """

    example: ClassVar[str] = "ancestral:steps=2"
    source: ClassVar[str] = "MDLM, arXiv 2406.07524; Dream alg=origin"
    release: ClassVar[str] = (
        "default: DreamLM/Dream fac0a7f, `alg=origin`; kuleshov-group/mdlm c112c52 has `eps=1e-5` and "
        "one more call (`remdm:eta=0`)"
    )
    formula: ClassVar[str] = "each masked position with probability 1 - s/t"
    cost: ClassVar[str] = "n"
    clocked: ClassVar[bool] = True
    steps: int
    eps: Fraction = Fraction(1, 1000)
    block: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=4096))
        object.__setattr__(self, "eps", checked_eps(self.eps))
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def probability(self, step: int) -> Fraction:
        """Return ``1 - s/t`` of step 0 .. T-1; 1 in the last one."""
        if step >= self.steps - 1:
            return Fraction(1)
        # t = 1 - j (1 - eps)/T, s one later: 1 - s/t = (1 - eps) / (T - j (1 - eps))
        slope = 1 - self.eps
        return slope / (self.steps - step * slope)

    def plan(self, view: View) -> Independent:
        """Return the choices of this step; a block finished early waits until its T steps are over."""
        block, step = (0, view.step) if self.block is None else divmod(view.step, self.steps)
        view = view.within_blocks(self.block)
        return Independent(view, self.probability(step), view.group_index > block)

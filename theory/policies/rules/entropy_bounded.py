"""The EB-Sampler, entropy-bounded unmasking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from theory.numbers.arithmetic import Array, order_codes
from theory.numbers.lognumber import LogNumber
from theory.policies.policy import register
from theory.policies.prefix import EntropyPrefix, longest_within, ranks, total
from theory.policies.ranked import Ranked
from theory.policies.spaced import check_spaced, spaced
from theory.policies.view import View
from theory.validation import InputError, exact_fraction

__all__ = ["EntropyBounded"]


@register("eb")
@dataclass(frozen=True, kw_only=True)
class EntropyBounded(EntropyPrefix):
    """Take the largest prefix U of the ranking with ``sum_U H - max_U H <= gamma``; at least one.

    The left side bounds the total correlation of U given what is revealed, so that every step of the ideal model
    costs at most gamma bits. With gamma = 0 all positions of entropy zero are taken, and one more.

    Source: EB-Sampler, arXiv 2505.24857, Algorithm 1. ``by`` is its error proxy: the entropy in every release
    (NEUIR/Uncode f2e2602, SGLang, omerlux/DUS abd7723f); ``by=confidence`` and ``by=margin`` are variants.
    ParallelBench's ``eb_sampler_gamma`` is none of these: it takes the *number* from the entropies of all positions in
    their order, the prompt and decoded ones included, and then the most confident positions. Usual values: 0.001 to 1
    *nats*, the unit of Uncode and SGLang; gamma is in bits here, as in omerlux/DUS. 0.1 nats are 0.1443 bits.
    ``spaced=8`` is ``generate_eb_sampler_spaced`` of omerlux/DUS (abd7723f), see :mod:`theory.policies.spaced`;
    usual values there: gamma = 0.01 to 4.

    Attributes:
        by: The score that ranks the positions.
        gamma: The budget of a step in bits (nats times 1.4427), at least 0.
        spaced: The least distance in a step while everything is masked (:mod:`theory.policies.spaced`); 0 for none.

    Example:
        >>> EntropyBounded(gamma="0.1443").gamma, str(EntropyBounded(gamma=1, spaced=8))
        (Fraction(1443, 10000), 'eb:gamma=1,spaced=8')
    """

    example: ClassVar[str] = "eb:gamma=0.1"
    source: ClassVar[str] = "EB-Sampler, arXiv 2505.24857"
    release: ClassVar[str] = (
        "default: NEUIR/Uncode f2e2602 (gamma in nats there), omerlux/DUS abd7723f; ParallelBench's "
        "differs from all switches; `spaced=8`: omerlux/DUS abd7723f, eb_sampler_spaced"
    )
    formula: ClassVar[str] = "largest prefix with sum H - max H <= gamma"
    cost: ClassVar[str] = "n V + n^2"
    lumps: ClassVar[bool] = True
    by: str = "entropy"
    gamma: Fraction
    spaced: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "gamma", exact_fraction(self.gamma, "gamma"))
        if self.gamma < 0:
            raise InputError(f"gamma must be at least 0, got {self.gamma}.")
        object.__setattr__(self, "spaced", check_spaced(self, self.spaced))

    @property
    def budget(self) -> Fraction:
        """Gamma."""
        return self.gamma

    @property
    def reads_places(self) -> bool:
        """Whether positions of a step keep a distance."""
        return bool(self.spaced)

    def rank(self, view: View, scores: Array) -> Ranked:
        """Return the ranking, its number and, if it is ``spaced``, the least distance."""
        plan = super().rank(view, scores)
        return spaced(plan, self.spaced, self.block) if self.spaced else plan

    def number(self, view: View, entropies: Array) -> Array:
        """Return the length of the largest prefix within the budget."""
        xp, numbers, rank = view.numbers.xp, view.numbers, ranks(view)
        if entropies.dtype == np.dtype(object):
            number = longest_within(view, entropies, _beyond_largest, self.gamma)
            return np.maximum(number, 1)
        if isinstance(entropies, np.ndarray):
            largest = np.maximum.accumulate(entropies, axis=1)
        else:
            within = rank[:, None, :] <= rank[:, :, None]  # (B, prefix, position)
            largest = xp.max(xp.where(within, entropies[:, None, :], entropies[:, :1, None]), axis=2)
        cost = xp.cumulative_sum(entropies, axis=1) - largest
        fits = (cost <= numbers.const(self.gamma) + numbers.tolerance) & (rank <= view.left[:, None])
        return xp.max(xp.where(fits, rank, xp.ones_like(rank)), axis=1)


def _beyond_largest(entropies: Sequence[LogNumber]) -> LogNumber:
    """Return ``sum H - max H``."""
    codes, ascending = order_codes(np.array(entropies, dtype=object))
    return total(entropies) - ascending[-1] if len(codes) else LogNumber()

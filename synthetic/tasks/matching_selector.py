"""Matching selector, a token that picks which pairs of four bits are equal.

Twelve outcomes, C = 2 bits. The best order depends on the selector's value, so that adaptive decoding beats every
fixed partition: Theorem 2 of arXiv 2510.04767 does not bound policies that look at the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.plain import PlainTask
from synthetic.task import register
from theory.distributions.pmf import JointPMF

__all__ = ["MatchingSelector"]


@register("matching_selector")
@dataclass(frozen=True, kw_only=True)
class MatchingSelector(PlainTask):
    """The selector and the four bits."""

    sizes = False
    n: int = 5

    def pmf(self) -> JointPMF:
        """Return the uniform distribution: the selector first, then the four bits."""
        matchings = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
        outcomes: list[tuple[int, ...]] = []
        for s, pairs in enumerate(matchings):
            for values in product((0, 1), repeat=2):
                bits = {i: value for pair, value in zip(pairs, values, strict=True) for i in pair}
                outcomes.append((s, *(bits[i] for i in range(4))))
        return JointPMF.uniform(outcomes)

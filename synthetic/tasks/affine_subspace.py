"""Affine subspace over F_2: n // 2 free bits; each further bit is the opposite of the sum of two of them.

Two adaptive steps suffice for any affine subspace: an independent set of coordinates, then the rest
(arXiv 2608.25505).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.pmf import JointPMF

__all__ = ["AffineSubspace"]


@register("affine_subspace")
@dataclass(frozen=True, kw_only=True)
class AffineSubspace(PlainTask):
    """The uniform law on an affine subspace of bit strings."""

    def pmf(self) -> JointPMF:
        """Return the uniform law on the subspace."""
        k = max(1, self.n // 2)
        require_listable(2**k, self.n)
        checks = range(self.n - k)
        return JointPMF.uniform(
            (*free, *((free[j % k] + free[(j + 1) % k] + 1) % 2 for j in checks))
            for free in product((0, 1), repeat=k)
        )

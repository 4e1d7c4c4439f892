"""Reed-Solomon code: values of a random polynomial of degree below k at n points of F_q; an MDS code.

Any k symbols are independent and uniform and determine the rest: C = (n - k) log2 q, D = k log2 q for 0 < k < n.
q is the least prime of at least n, and k = n // 2, at least 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.chains import CodeChain
from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.lumped import Chain
from theory.pmf import JointPMF

__all__ = ["ReedSolomon"]


@register("reed_solomon")
@dataclass(frozen=True, kw_only=True)
class ReedSolomon(PlainTask):
    """The uniform law on the words of a Reed-Solomon code."""

    @property
    def order(self) -> int:
        """The field size q: the least prime of at least n."""
        return next(q for q in range(max(2, self.n), 2 * self.n + 2) if all(q % d for d in range(2, q)))

    @property
    def dimension(self) -> int:
        """The code dimension k."""
        return max(1, self.n // 2)

    def pmf(self) -> JointPMF:
        """Return the uniform law on the code words."""
        q, k = self.order, self.dimension
        require_listable(q**k, self.n)
        return JointPMF.uniform(
            tuple(sum(c * x**j for j, c in enumerate(coefficients)) % q for x in range(self.n))
            for coefficients in product(range(q), repeat=k)
        )

    def chain(self) -> Chain:
        """Return the lumped chain: uniform symbols until k are known."""
        return CodeChain(self.n, dimension=self.dimension, order=self.order)

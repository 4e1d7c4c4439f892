"""Reed-Solomon code, values of a random polynomial of degree below k at n points of F_q.

Any k symbols are independent and uniform and determine the rest: C = (n - k) log2 q, D = k log2 q for 0 < k < n.
By default q is the least prime of at least n, and k = n // 2, at least 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.lumped_chains import CodeChain
from synthetic.plain import PlainTask, is_prime, require_listable
from synthetic.task import register
from theory.distributions.closed.reed_solomon import ReedSolomonDistribution
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF
from theory.validation import InputError, positive_int

__all__ = ["ReedSolomon"]


@register("reed_solomon")
@dataclass(frozen=True, kw_only=True)
class ReedSolomon(PlainTask):
    """The uniform distribution on the words of a Reed-Solomon code.

    Attributes:
        n: The number of symbols.
        dimension: k, the number of free symbols, from 1 to n; ``None`` for n // 2.
        order: q, a prime of at least n; ``None`` for the least.
    """

    dimension: int | None = None
    order: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        k = max(1, self.n // 2) if self.dimension is None else positive_int(self.dimension, "dimension")
        if k > self.n:
            raise InputError(f"dimension must be at most n = {self.n}, got {k}.")
        least = next(q for q in range(max(2, self.n), 2 * self.n + 2) if is_prime(q))
        q = least if self.order is None else positive_int(self.order, "order")
        if q < self.n or not is_prime(q):
            raise InputError(f"order must be a prime of at least n = {self.n}, such as {least}, got {q}.")
        object.__setattr__(self, "dimension", k)
        object.__setattr__(self, "order", q)

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the code words."""
        q, k = self.order, self.dimension
        assert q is not None
        assert k is not None
        require_listable(q**k, self.n)
        return JointPMF.uniform(
            tuple(sum(c * x**j for j, c in enumerate(coefficients)) % q for x in range(self.n))
            for coefficients in product(range(q), repeat=k)
        )

    def closed_distribution(self) -> ReedSolomonDistribution:
        """Return the distribution by interpolation."""
        assert self.dimension is not None
        assert self.order is not None
        return ReedSolomonDistribution(self.n, self.dimension, self.order)

    def chain(self) -> LumpedChain:
        """Return the lumped chain: uniform symbols until k are known."""
        assert self.dimension is not None
        assert self.order is not None
        return CodeChain(self.n, dimension=self.dimension, order=self.order)

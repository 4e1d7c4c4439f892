"""Affine subspace over F_q, k free symbols and each further one a fixed sum of two.

Each symbol after the first k is 1 minus the sum of two of them. Two adaptive steps suffice for any affine subspace: an
independent set of coordinates, then the rest (arXiv 2608.25505). By default q = 2 and k = n // 2, at least 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from synthetic.plain import PlainTask, require_listable
from synthetic.task import register
from theory.distributions.pmf import JointPMF
from theory.validation import InputError, positive_int

__all__ = ["AffineSubspace"]


@register("affine_subspace")
@dataclass(frozen=True, kw_only=True)
class AffineSubspace(PlainTask):
    """The uniform distribution on an affine subspace of F_q^n.

    With q a power of p, symbol ``s_0 + s_1 p + s_2 p^2 + ...`` is the element with these coordinates over F_p.

    Attributes:
        n: The number of symbols.
        dimension: k, the number of free symbols, from 1 to n; ``None`` for n // 2.
        order: q, a prime power.
    """

    dimension: int | None = None
    order: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        k = max(1, self.n // 2) if self.dimension is None else positive_int(self.dimension, "dimension")
        if k > self.n:
            raise InputError(f"dimension must be at most n = {self.n}, got {k}.")
        q = positive_int(self.order, "order")
        _characteristic(q)
        object.__setattr__(self, "dimension", k)
        object.__setattr__(self, "order", q)

    def pmf(self) -> JointPMF:
        """Return the uniform distribution on the subspace."""
        assert self.dimension is not None
        q, k = self.order, self.dimension
        p = _characteristic(q)
        require_listable(q**k, self.n)
        third = [[_one_minus(a, b, p, q) for b in range(q)] for a in range(q)]
        checks = range(self.n - k)
        return JointPMF.uniform(
            (*free, *(third[free[j % k]][free[(j + 1) % k]] for j in checks))
            for free in product(range(q), repeat=k)
        )


def _characteristic(q: int) -> int:
    """Return the prime of which q is a power."""
    from flint import fmpz

    factors = fmpz(q).factor()
    if len(factors) != 1:
        raise InputError(f"order must be a prime power such as 2, 3, 4 or 5, got {q}.")
    return int(factors[0][0])


def _one_minus(a: int, b: int, p: int, q: int) -> int:
    """Return 1 - a - b in F_q, coordinate by coordinate."""
    total, place = 0, 1
    while place < q:
        one = 1 if place == 1 else 0
        total += (one - a // place - b // place) % p * place
        place *= p
    return total

"""Listed distributions of many outcomes or tokens, as sampled runs read them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import (
    Context,
    ListedDistribution,
    SampledDistribution,
    normalised,
)
from theory.distributions.outcomes import MASK

__all__ = ["SampledContexts", "SampledList", "sampled_contexts"]

SampledContexts = Sequence[tuple[Fraction, SampledDistribution]]  # contexts of positive weight

_ROWS = 1 << 24  # booleans of one batch of rows: 16 MB


class SampledList(ListedDistribution):
    """The same distribution, with conditionals by sparse sums and the largest surprise.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> distribution = SampledList(JointPMF.uniform([("a", "b"), ("b", "a")]))
        >>> distribution.conditional(np.array([[0, MASK]])).tolist(), distribution.largest_surprise()
        ([[[1.0, 0.0], [0.0, 1.0]]], 1.0)
    """

    def conditional(self, revealed: Any) -> Any:
        """Return the ideal marginals, shape (B, n, V): sums over the outcomes that agree with the row."""
        rows, places = np.unique(np.asarray(revealed), axis=0, return_inverse=True)  # many start alike
        most = max(1, _ROWS // len(self.ids))
        sums = [self._sums(rows[begin : begin + most]) for begin in range(0, len(rows), most)]
        found = np.concatenate(sums)[places.reshape(-1)]
        return normalised(found.reshape(-1, self.n, len(self.tokens)), self._singles)

    def _sums(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sums of the outcomes that agree with each row, shape (B, n V)."""
        from scipy.sparse import csr_array

        agree = np.ones((len(rows), len(self.ids)), dtype=bool)
        for i in np.flatnonzero((rows != MASK).any(axis=0)).tolist():
            agree &= (rows[:, i, None] == MASK) | (rows[:, i, None] == self.ids[None, :, i])
        return np.asarray((csr_array(agree.astype(np.float64)) @ self._weighted).toarray())

    @property
    def row_cost(self) -> int:
        """Nanoseconds of a row, measured: 2 for each token of each outcome."""
        return self.ids.size * 2

    @cached_property
    def _weighted(self) -> Any:
        """The probability of each outcome at each of its tokens, shape (N, n V), sparse."""
        from scipy.sparse import csr_array

        count, n = self.ids.shape
        places = (self.ids + len(self.tokens) * np.arange(n)).reshape(-1)
        values = np.repeat(self.source.floats(), n)
        return csr_array(
            (values, places, np.arange(0, count * n + 1, n)), shape=(count, n * len(self.tokens))
        )

    @cached_property
    def _singles(self) -> NDArray[np.float64]:
        return np.asarray(self._weighted.sum(axis=0)).reshape(self.n, -1)

    def largest_surprise(self) -> float:
        """Return the greatest ``-log2 P(y)``."""
        return -log2(min(self.source.probabilities))


def sampled_contexts(contexts: Sequence[Context]) -> SampledContexts | None:
    """Return the weight and the distribution of each context as sampled runs read them; ``None`` if one has no way.

    Example:
        >>> from theory.distributions.pmf import JointPMF
        >>> one = Context(weight=Fraction(1), distribution=ListedDistribution(JointPMF.uniform(["ab", "ba"])))
        >>> [(weight, found.n) for weight, found in sampled_contexts([one])]
        [(Fraction(1, 1), 2)]
    """
    found: list[tuple[Fraction, SampledDistribution]] = []
    for context in contexts:
        distribution: Any = context.distribution
        if isinstance(distribution, ListedDistribution):
            distribution = SampledList(distribution.source)
        elif not hasattr(distribution, "largest_surprise"):
            return None
        found.append((context.weight, distribution))
    return found

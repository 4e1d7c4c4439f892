"""Listed distributions of many outcomes or tokens, as sampled runs read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import Context, ListedDistribution, normalised
from theory.distributions.outcomes import MASK

__all__ = ["SampledList", "sampled_list"]


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
        from scipy.sparse import csr_array

        rows = np.asarray(revealed)
        agree = np.ones((len(rows), len(self.ids)), dtype=bool)
        for i in np.flatnonzero((rows != MASK).any(axis=0)).tolist():
            agree &= (rows[:, i, None] == MASK) | (rows[:, i, None] == self.ids[None, :, i])
        sums = (csr_array(agree.astype(np.float64)) @ self._weighted).toarray()
        return normalised(sums.reshape(-1, self.n, len(self.tokens)), self._singles)

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


def sampled_list(contexts: Sequence[Context]) -> SampledList | None:
    """Return the distribution of the only context if it is a list, else ``None``."""
    if len(contexts) != 1 or not isinstance(contexts[0].distribution, ListedDistribution):
        return None
    return SampledList(contexts[0].distribution.source)

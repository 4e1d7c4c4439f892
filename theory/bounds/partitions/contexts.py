"""The least loss when the partition may depend on the context (Theorem 3)."""

from __future__ import annotations

from collections.abc import Sequence

from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.distributions.contexts import expectation
from theory.distributions.distribution import Context, occurring
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import Bits

__all__ = ["bounds_by_context"]


def bounds_by_context(contexts: Sequence[Context]) -> tuple[Bits, ...]:
    """Return ``L*_T`` with the partition chosen for each context (Theorem 3): the mean of the minima.

    T runs to the greatest length. A context of fewer than T positions is decoded one by one and loses nothing.

    Example:
        >>> from fractions import Fraction
        >>> from theory.distributions.distribution import ListedDistribution
        >>> from theory.distributions.pmf import JointPMF
        >>> distributions = [JointPMF.uniform([(0, 0), (1, 1)]), JointPMF.uniform([(0, 0, 0), (1, 1, 1)])]
        >>> half = Fraction(1, 2)
        >>> contexts = [Context(weight=half, distribution=ListedDistribution(pmf)) for pmf in distributions]
        >>> [str(value) for value in bounds_by_context(contexts)]
        ['3/2 log2(2)', '0', '0']
    """
    bounds = [
        (c.weight, optimal_bounds(subset_entropies(c.distribution.pmf())).values) for c in occurring(contexts)
    ]
    longest = max(len(values) for _, values in bounds)
    return tuple(
        expectation([(w, values[t] if t < len(values) else values[-1] * 0) for w, values in bounds])
        for t in range(longest)
    )

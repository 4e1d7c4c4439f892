"""The distributions and partitions that the claims are tested on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random

from synthetic import make_task
from theory.bounds.partitions.partition import Partition
from theory.distributions.pmf import JointPMF

__all__ = ["listed", "partitions", "random_distributions"]


def listed(task: str, n: int | None = None) -> JointPMF:
    """Return the distribution of a task with one context."""
    return make_task(task, n).contexts()[0].distribution.pmf()


def partitions(n: int) -> Iterator[Partition]:
    """Yield every ordered partition of n positions, of any number of blocks."""
    for labels in product(range(n), repeat=n):
        count = max(labels) + 1
        if len(set(labels)) == count:
            yield tuple(tuple(i for i in range(n) if labels[i] == t) for t in range(count))


def random_distributions(count: int, positions: int, tokens: int, seed: int) -> list[JointPMF]:
    """Return distributions with small integer weights, so that zeros and ties occur."""
    rng, words = Random(seed), list(product(range(tokens), repeat=positions))
    distributions: list[JointPMF] = []
    while len(distributions) < count:
        weights = {word: rng.randint(0, 4) for word in words}
        support = [word for word, weight in weights.items() if weight]
        if len(support) > 1:
            distributions.append(JointPMF.from_weights(support, [weights[word] for word in support]))
    return distributions

"""The exact order of the costs of partitions, by rows over primes and on demand."""

from itertools import product

import pytest

from tests.reference import definitions as ref
from theory.bounds.partitions.exact_ties import partition_costs
from theory.bounds.partitions.step_bounds import step_bound
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies

EVEN = [3, 5, 5, 7, 5, 7, 7, 2]  # by the number of ones: many partitions tie
SKEW = [3, 5, 6, 7, 5, 8, 7, 2]
LARGE = [w * 2**200 + (w == 2) for w in EVEN]  # too large to factor


@pytest.mark.parametrize("weights", [EVEN, SKEW, LARGE])
def test_costs_are_ordered_as_their_exact_numbers(weights):
    table = subset_entropies(JointPMF.from_weights(list(product((0, 1), repeat=3)), weights))
    costs, found = partition_costs(table), []
    for partition in (p for steps in (1, 2, 3) for p in ref.ordered_partitions(3, steps)):
        key, source = costs.nothing(), 0
        for block in partition:
            target = source | sum(1 << i for i in block)
            key, source = costs.extend(key, source, target), target
        found.append((key, step_bound(table, partition)))
        assert costs.excess(key) == found[-1][1]
    for (one, cost), (other, less) in product(found, repeat=2):
        assert costs.compare(one, other) == (cost - less).sign()
        assert costs.equal(one, other) == (cost == less)

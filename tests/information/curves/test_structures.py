"""Subset entropies by structure equal those of the listed distribution, and answer at a thousand positions."""

from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.large_tasks import NINE
from tests.reference import definitions as reference
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.partition import equal_blocks
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.bounds.schedules.random_order import expected_kl
from theory.decoding.tasks.route import structure_of
from theory.information.curves.curve import information_curve
from theory.information.curves.structures import expected_kl_of, interval_curve
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber

SMALL = (
    *(("shuffle", n) for n in (2, 3, 5)),
    *(("replace_random", n) for n in (2, 5, 7)),
    *(("insert_random", n) for n in (1, 2, 5, 7)),
    *(("remove_random", n) for n in (2, 3, 6, 8)),
    *(("bernoulli_walk", n) for n in (2, 3, 6)),
    *(("one_hot_blocks", n) for n in (4, 9)),
    *(("parity", n) for n in (2, 5)),
    *(("repeated_bit", n) for n in (2, 4)),
    *(("reed_solomon", n) for n in (2, 3, 4)),
    ("copy", 4),
)


@cache
def _table(name, n):
    return subset_entropies(make_task(name, n).contexts()[0].distribution.pmf())


def _structure(name, n):
    structure = structure_of(make_task(name, n))
    assert structure is not None
    return structure


@pytest.mark.parametrize(("name", "n"), SMALL)
def test_mean_entropies_are_those_of_the_table(name, n):
    structure, curve = _structure(name, n), information_curve(_table(name, n))
    assert structure.n == curve.n
    balls = structure.balls()
    for j, mean in enumerate(curve.means):
        assert structure.mean({j: Fraction(1)}) == mean
        assert balls[j].overlaps(mean.interval(128))


@pytest.mark.parametrize(("name", "n"), SMALL)
@given(data=st.data())
def test_bound_of_any_partition(name, n, data):
    structure, table = _structure(name, n), _table(name, n)
    labels = data.draw(st.lists(st.integers(0, 3), min_size=structure.n, max_size=structure.n))
    order = data.draw(st.permutations(sorted(set(labels))))
    partition = [[i for i in range(structure.n) if labels[i] == label] for label in order]
    assert structure.bound(partition) == step_bound(table, partition)
    sizes = [len(block) for block in partition]
    assert expected_kl_of(structure, sizes) == expected_kl(table, sizes)


def test_bound_of_the_definition():
    """Against the slow reference, which shares no code."""
    for name, n, partition in (
        ("insert_random", 3, [(1, 3), (0,), (2,)]),
        ("remove_random", 4, [(1,), (0, 2)]),
        ("bernoulli_walk", 3, [(2,), (0, 1)]),
        ("one_hot_blocks", 4, [(0, 2), (1, 3)]),
    ):
        pmf = make_task(name, n).contexts()[0].distribution.pmf()
        expected = reference.step_bound(
            dict(zip(pmf.outcomes, map(Fraction, pmf.probabilities), strict=True)), partition
        )
        assert float(_structure(name, n).bound(partition)) == pytest.approx(
            reference.to_float(expected), abs=1e-14
        )


@pytest.mark.parametrize(("name", "n"), SMALL)
def test_best_sizes(name, n):
    exact, found = optimal_sizes(_table(name, n)), optimal_sizes(interval_curve(_structure(name, n)))
    assert [float(v) for v in exact.values] == pytest.approx(list(found.values), abs=1e-14)
    assert found.error < 1e-13


@pytest.mark.parametrize("name", ["shuffle", "replace_random", "parity", "reed_solomon"])
def test_fixed_partitions_of_symmetric_distributions(name):
    """Where H(y_S) depends on |S| alone, the best fixed partition is the best schedule."""
    structure = _structure(name, 4)
    assert structure.symmetric
    optimum = [float(v) for v in optimal_bounds(_table(name, 4)).values]
    assert optimum == pytest.approx(list(optimal_sizes(interval_curve(structure)).values), abs=1e-14)


@pytest.mark.grid(every=8)
@pytest.mark.parametrize("name", NINE)
def test_a_thousand_positions(name):
    """In seconds: L_T of pairs and its mean over random orders; an exact number each."""
    structure = _structure(name, NINE[name])
    pairs = equal_blocks(structure.n, 2)
    left, mixed = structure.bound(pairs), expected_kl_of(structure, [len(block) for block in pairs])
    assert isinstance(left, LogNumber)
    assert left >= 0
    assert mixed >= 0
    if structure.symmetric:
        assert left == mixed
    assert expected_kl_of(structure, [structure.n]) == structure.bound([range(structure.n)])

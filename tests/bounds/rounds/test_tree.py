"""Centroid blocks: no loss on any distribution that is Markov on the forest, and at most floor(log2 n) + 1 of them."""

from fractions import Fraction
from itertools import product
from math import floor, log2
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.bounds.rounds.tree import centroid_blocks, tree_rounds
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.validation import InputError


def random_forest(n: int, seed: int, roots: float = 0.1) -> list[tuple[int, int]]:
    rng = Random(seed)
    names = rng.sample(range(n), n)
    return [(names[i], names[rng.randrange(i)]) for i in range(1, n) if rng.random() >= roots]


def distribution_on(n: int, edges, seed: int) -> ref.PMF:
    """A distribution with a positive factor on every edge and position: Markov on the forest."""
    rng = Random(seed)
    factors = [{pair: rng.randint(1, 5) for pair in product((0, 1), repeat=2)} for _ in edges]
    own = [{bit: rng.randint(1, 5) for bit in (0, 1)} for _ in range(n)]
    weights = {}
    for y in product((0, 1), repeat=n):
        weight = 1
        for (a, b), factor in zip(edges, factors, strict=True):
            weight *= factor[y[a], y[b]]
        for bit, factor in zip(y, own, strict=True):
            weight *= factor[bit]
        weights[y] = weight
    total = sum(weights.values())
    return {y: Fraction(w, total) for y, w in weights.items()}


@given(n=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_centroids_lose_nothing(n, seed):
    edges = random_forest(n, seed)
    distribution, blocks = distribution_on(n, edges, seed), centroid_blocks(n, edges)
    assert ref.step_bound(distribution, blocks) == {}
    assert step_bound(subset_entropies(JointPMF.from_mapping(distribution)), blocks) == 0
    assert len(blocks) <= tree_rounds(n)


@given(n=st.integers(1, 60), seed=st.integers(0, 10**6), roots=st.sampled_from([0, 0.2, 0.9]))
def test_each_block_has_one_position_of_every_part(n, seed, roots):
    edges = random_forest(n, seed, roots)
    blocks = centroid_blocks(n, edges)
    assert sorted(sum(blocks, ())) == list(range(n))
    assert len(blocks) <= tree_rounds(n) == floor(log2(n)) + 1
    left = set(range(n))
    for block in blocks:
        part = {i: i for i in left}
        for _ in left:  # the least reachable name, spread over the remaining edges
            for a, b in edges:
                if a in left and b in left:
                    part[a] = part[b] = min(part[a], part[b])
        assert sorted(part[i] for i in block) == sorted(set(part.values()))
        left -= set(block)


def test_the_tree_task_and_a_path():
    table = subset_entropies(make_task("tree", 7).contexts()[0].distribution.pmf())
    edges = [((i - 1) // 2, i) for i in range(1, 7)]
    blocks = centroid_blocks(7, edges)
    assert len(blocks) == tree_rounds(7) == 3
    assert step_bound(table, blocks) == 0
    best = optimal_bounds(table).values
    assert best[1] > 0  # two rounds lose something: three are needed
    assert best[2] == 0
    assert centroid_blocks(7, [(i, i + 1) for i in range(6)]) == ((3,), (1, 5), (0, 2, 4, 6))
    assert centroid_blocks(3, []) == ((0, 1, 2),)


def test_wrong_input():
    with pytest.raises(InputError, match="closes a cycle"):
        centroid_blocks(3, [(0, 1), (1, 2), (2, 0)])
    with pytest.raises(InputError, match=r"an edge must join positions of 0..1, got \(0, 2\)"):
        centroid_blocks(2, [(0, 2)])
    with pytest.raises(InputError, match="n must be"):
        tree_rounds(0)

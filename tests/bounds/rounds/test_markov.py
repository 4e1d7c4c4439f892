"""Markov chains of any order: the blocks of Theorem 2 lose nothing, and are as few as stated."""

from fractions import Fraction
from itertools import product
from math import ceil, log2
from random import Random

import pytest

from theory.bounds.partitions.step_bounds import step_bound
from theory.bounds.rounds.markov import markov_rounds, separator_blocks
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.optima.adaptive.serial_depth import serial_depth
from theory.validation import InputError


def chain(n: int, order: int, seed: int) -> JointPMF:
    """A random binary chain: a distribution of each bit for every value of ``order`` bits before; some sure."""
    rng, distribution = Random(seed), {}
    chance = {
        past: Fraction(rng.choice([0, 1, 2, 3, 5, 6]), 6)
        for length in range(order + 1)
        for past in product((0, 1), repeat=length)
    }
    for word in product((0, 1), repeat=n):
        p = Fraction(1)
        for t, bit in enumerate(word):
            one = chance[word[max(0, t - order) : t]]
            p *= one if bit else 1 - one
        if p:
            distribution[word] = p
    return JointPMF.from_mapping(distribution)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 5, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_blocks_lose_nothing(n, order, seed):
    pmf = chain(n, order, seed)
    blocks = separator_blocks(n, order)
    assert step_bound(subset_entropies(pmf), blocks) == 0
    assert len(blocks) <= markov_rounds(n, order)


@pytest.mark.grid(2)
@pytest.mark.parametrize(("n", "order"), [(4, 1), (5, 2), (6, 2)])
def test_serial_depth_is_no_larger(n, order):
    for seed in range(2):
        assert serial_depth(chain(n, order, seed)).worst_case <= markov_rounds(n, order)


def test_numbers_and_places():
    for order in range(1, 6):
        for n in range(1, 150):
            blocks = separator_blocks(n, order)
            assert sorted(i for block in blocks for i in block) == list(range(n))
            assert len(blocks) <= markov_rounds(n, order)
            if n > order:
                assert markov_rounds(n, order) == order * (ceil(log2(n / order)) + 1)
            else:
                assert len(blocks) == markov_rounds(n, order) == n


def test_a_shorter_separator_would_lose():
    pmf = chain(7, 2, 3)
    assert step_bound(subset_entropies(pmf), separator_blocks(7, 1)) > 0


def test_wrong_input():
    with pytest.raises(InputError, match="order must be"):
        separator_blocks(4, 0)
    with pytest.raises(InputError, match="n must be"):
        markov_rounds(0, 1)

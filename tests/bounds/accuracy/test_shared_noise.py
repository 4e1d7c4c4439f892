"""Shared noise: bounds on the nonnegative rank, against ranks that are known and mixtures that attain them."""

from fractions import Fraction
from itertools import permutations, product

import pytest
from hypothesis import given

from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.bounds.accuracy.shared_noise import noise_values
from theory.distributions.pmf import JointPMF


def rank(rows) -> int:
    """The rank of a matrix of Fractions, by elimination."""
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0])):
        pivot = next((r for r in rows[found:] if r[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        found += 1
        rows[found:] = [
            [a - b * row[column] / pivot[column] for a, b in zip(row, pivot, strict=True)]
            for row in rows[found:]
        ]
    return found


@given(target=targets([(2, 2), (2, 3), (3, 2), (1, 3), (3, 3)]))
def test_rank_of_two_positions(target):
    """A nonnegative matrix of rank at most 2 has that nonnegative rank (Cohen and Rothblum 1993)."""
    alphabets = target.exact.alphabets
    real = rank([[target.distribution.get((a, b), Fraction(0)) for b in alphabets[1]] for a in alphabets[0]])
    found = noise_values(target.exact)
    assert found.least <= found.enough
    assert found.enough >= real
    if real <= 2:
        assert found.least <= real
    assert (found.least == 1) == (real == 1)


@given(target=targets([(1,), (2, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "sparse")))
def test_enough_values_give_the_distribution(target):
    distribution, n = target.distribution, target.n
    found = noise_values(target.exact)
    distributions = []
    for i in range(n):  # W names all positions but i
        rest = [j for j in range(n) if j != i]
        distributions.append([(p, part) for p, part in ref.contexts(distribution, rest)])
    if n > 1 and ref.total_correlation(distribution) != {}:
        assert found.enough == min(map(len, distributions))
        for noise in distributions:
            mixed = {}
            for p, part in noise:
                singles = [ref.marginal(part, (i,)) for i in range(n)]
                for y in product(*(sorted(s, key=repr) for s in singles)):
                    q = p
                    for token, single in zip(y, singles, strict=True):
                        q *= single[token]
                    y = tuple(token for (token,) in y)
                    mixed[y] = mixed.get(y, Fraction(0)) + q
            assert mixed == distribution
    else:
        assert (found.least, found.enough) == (1, 1)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_tasks_whose_rectangles_are_points(n):
    orders = list(permutations(range(n)))
    replaced = [tuple(int(i == j) for i in range(n)) for j in range(n)]
    parity = [y for y in product((0, 1), repeat=n) if sum(y) % 2 == 0]
    equal = [(0,) * n, (1,) * n]
    for rows in (orders, replaced, parity, equal):
        found = noise_values(JointPMF.uniform(rows))
        assert found.least == found.enough == len(rows)


def test_floats_are_not_taken_for_products():
    pairs = list(product((0, 1), repeat=2))
    found = noise_values(JointPMF.from_mapping({y: 0.25 for y in pairs}))
    assert (found.least, found.enough) == (1, 2)
    assert noise_values(JointPMF.uniform(pairs)).enough == 1

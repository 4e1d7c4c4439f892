"""Total correlation of a walk: the certified integral against exact entropies and a bound of another kind."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.decoding.structured.floats.catalogue import large_total_correlation
from theory.decoding.structured.floats.walk_correlation import walk_total_correlation
from theory.information.curves.gap_structures import Gaps
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError


def by_definition(n):
    terms = []
    for j in range(1, n + 1):
        for k in range(j + 1):
            p = Fraction(math.comb(j, k), 2**j)
            terms.append((-p, p))
    return LogNumber.weighted_sum(terms) - n * LogNumber.log2(2)


@given(st.integers(1, 40))
def test_short_walks_within_the_error(n):
    found, wanted = walk_total_correlation(n), by_definition(n)
    assert abs(Fraction(found.value) - Fraction(float(wanted))) <= Fraction(found.error) + Fraction(
        math.ulp(float(wanted))
    )
    assert found.error < 1e-13


@pytest.mark.parametrize("n", [200, 1000])
def test_long_walks_agree_with_the_structure(n):
    found, wanted = walk_total_correlation(n), Gaps(n, "walk").bound([range(n)])
    if n < 300:
        assert wanted == by_definition(n)
    assert abs(found.value - float(wanted)) <= found.error + math.ulp(found.value)


def test_a_million_places_lie_just_below_the_gaussian_bound():
    """``H(K) < log2(2 pi e (var + 1/12)) / 2`` for integers; for binomials the slack is of order 1/j."""
    n = 10**6
    j = np.arange(1, n + 1, dtype=np.float64)
    upper = float(np.sum(np.log2(2 * np.pi * np.e * (j / 4 + 1 / 12)))) / 2 - n
    found = large_total_correlation("bernoulli_walk", n)
    assert 0 < upper - found.value < 10
    assert found.error < 1e-8


def test_the_length_is_limited():
    with pytest.raises(InputError, match="n must be at most 100000000"):
        large_total_correlation("bernoulli_walk", 10**9)

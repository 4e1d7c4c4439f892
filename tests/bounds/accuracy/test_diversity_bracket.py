"""The bracket of the diversity frontier holds the exact bounds."""

from fractions import Fraction

import numpy as np
import pytest

from theory.bounds.accuracy.diversity import most_accurate
from theory.bounds.accuracy.diversity_bracket import bracket_accuracy
from theory.distributions.pmf import JointPMF
from theory.validation import InputError


@pytest.mark.grid(every=4)
@pytest.mark.parametrize("share", ["0", "1/4", "1/2", "9/10", "1"])
def test_it_holds_what_the_search_finds(share):
    pmf = JointPMF.uniform([(0, 1, 0), (1, 0, 0), (1, 1, 1)])
    h = Fraction(share) * 3
    low, high = bracket_accuracy(pmf, h)
    point = most_accurate(pmf, h, boxes=4000)
    assert low <= point.ceiling
    assert float(point.accuracy) <= high


def test_the_lower_end_is_attained_by_a_product_of_that_entropy():
    # two bits, y = 01 or 10: Q = (q, 1 - q) twice with H = 1, so each bit has half a bit
    low, _ = bracket_accuracy([(0, 1), (1, 0)], 1)
    grid = np.linspace(0.5, 1 - 1e-9, 10**6)
    entropy = -(grid * np.log2(grid) + (1 - grid) * np.log2(1 - grid))
    q = grid[np.searchsorted(-entropy, -0.5)]
    assert low == pytest.approx(q**2 + (1 - q) ** 2, abs=1e-5)


def test_long_lists_take_no_time():
    rows = np.unique(np.random.default_rng(0).integers(0, 5, (4000, 30)), axis=0)
    low, high = bracket_accuracy(JointPMF.uniform(map(tuple, rows.tolist())), 20)
    assert 0 < low < high <= 1


def test_wrong_entropies():
    with pytest.raises(InputError, match="the entropy must lie from 0 to 2 bits, got 3"):
        bracket_accuracy([(0, 1), (1, 0)], 3)

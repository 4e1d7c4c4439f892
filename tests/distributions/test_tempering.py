"""Tokens of greedy decoding where only one may be drawn."""

from fractions import Fraction

import array_api_compat.torch as xp
import numpy as np
import pytest
import torch
from flint import fmpq

from theory.distributions.draws import draw, lowest_best
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT, FLOAT64, TIE_TOLERANCE, FloatNumbers

GREEDY = Transform(temperature=Fraction(0), greedy_ties="lowest")


def tied(rows: int = 200) -> np.ndarray:
    """Rows of up to seven numbers of which several are often the largest, some by less than the tolerance."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 4, size=(rows, 7)).astype(float)
    return counts / 30 + rng.choice([0, TIE_TOLERANCE / 4], size=counts.shape)


def first_of_largest(row: list[float]) -> int:
    return next(i for i, p in enumerate(row) if max(row) - p <= TIE_TOLERANCE)


def test_the_token_is_the_first_of_the_largest_probabilities():
    probs = tied()
    found = lowest_best(probs, FLOAT64)
    assert found.tolist() == [first_of_largest(row) for row in probs.tolist()]
    assert torch.equal(
        lowest_best(torch.tensor(probs), FloatNumbers(xp=xp, tolerance=TIE_TOLERANCE)), torch.tensor(found)
    )


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2**-53])
def test_it_is_what_would_be_drawn(u):
    probs = tied()
    drawn = draw(GREEDY.draw(probs, FLOAT64), np.full(len(probs), u))
    assert drawn.tolist() == lowest_best(probs, FLOAT64).tolist()


def test_rationals_have_no_tolerance():
    close = np.array([[fmpq(1, 3), fmpq(1, 3) + fmpq(1, 10**30), fmpq(1, 3)]], dtype=object)
    assert lowest_best(close, EXACT).tolist() == [1]


def test_only_the_lowest_of_greedy_ties_is_one_token():
    assert GREEDY.one_token
    assert not Transform(temperature=Fraction(0)).one_token
    assert not Transform(greedy_ties="lowest").one_token
